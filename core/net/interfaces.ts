/** The addresses of this host, with what is known of the links behind them. */
import { IpAddress } from "../sctp/base/address.ts";
import { ffiAvailable, libc } from "./libc.ts";
import type { BoundAddress } from "./packet_io.ts";

/**
 * Every unicast address of this host, of IPv4 and IPv6, loopback too.
 * @throws Deno.errors.NotCapable without `--allow-sys=networkInterfaces`.
 */
export function hostAddresses(): BoundAddress[] {
  const indexes = new Map<string, number>();
  const found: BoundAddress[] = [];
  for (const { name, address, scopeid, cidr } of Deno.networkInterfaces()) {
    const parsed = IpAddress.tryParse(scopeid ? `${address}%${scopeid}` : address);
    if (!parsed?.isUnicast) continue;
    const interfaceIndex = indexes.get(name) ?? indexOfInterface(name);
    indexes.set(name, interfaceIndex);
    found.push({ address: parsed, prefixLength: Number(cidr.split("/")[1]), interfaceIndex });
  }
  return found;
}

/**
 * What the host knows of these addresses. All of a loopback prefix are this host's, listed or not.
 * Any other address that is not this host's, or not to be found out about, stands alone on its link:
 * prefix of full length, interface 0.
 */
export function resolveBoundAddresses(addresses: readonly IpAddress[]): BoundAddress[] {
  const host = hostAddressesIfAllowed();
  return addresses.map((address) =>
    host.find((each) => each.address.equals(address)) ?? onLoopback(host, address) ??
      { address, prefixLength: address.bytes.length * 8, interfaceIndex: 0 }
  );
}

/**
 * Which of the addresses of before this host still has; with `all`, those that it has got as well.
 * An address that stays is the same object. One that was never known as the host's counts as there.
 */
export function refreshAddressList(before: readonly BoundAddress[], all: boolean): BoundAddress[] {
  const host = hostAddressesIfAllowed();
  // Without the permission to ask nothing is known.
  if (host.length === 0) return [...before];
  const isThere = (each: BoundAddress) =>
    each.interfaceIndex === 0 || host.some((one) => isSame(one, each)) ||
    onLoopback(host, each.address) !== undefined;
  const kept = before.filter(isThere);
  const isNew = (each: BoundAddress) => !kept.some((one) => one.address.equals(each.address));
  return all ? [...kept, ...host.filter(isNew)] : kept;
}

function isSame(one: BoundAddress, other: BoundAddress): boolean {
  return one.address.equals(other.address) && one.interfaceIndex === other.interfaceIndex;
}

function onLoopback(host: readonly BoundAddress[], address: IpAddress): BoundAddress | undefined {
  const around = host.find((each) =>
    each.address.isLoopback && each.address.sharesPrefix(address, each.prefixLength)
  );
  return around && { ...around, address };
}

/** {@link hostAddresses}, or none without the permission to ask. */
export function hostAddressesIfAllowed(): BoundAddress[] {
  try {
    return hostAddresses();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return [];
    throw error;
  }
}

/** The kernel's index of an interface, 0 if it is not known. */
function indexOfInterface(name: string): number {
  if (ffiAvailable()) return libc().if_nametoindex(new TextEncoder().encode(`${name}\0`));
  try {
    return Number(Deno.readTextFileSync(`/sys/class/net/${name}/ifindex`));
  } catch {
    return 0;
  }
}
