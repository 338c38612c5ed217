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
