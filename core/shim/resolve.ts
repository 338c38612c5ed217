/** Names of hosts, resolved as every other program of the host resolves them (getaddrinfo). */
import { lookup } from "node:dns/promises";
import { IpAddress } from "../sctp/base/address.ts";
import { formatHostPort, type ForwardSpec, type ServeSpec } from "./endpoint_spec.ts";
import type { ForwardConfig, ServeConfig } from "./protocol.ts";

/** A forward with the addresses of its server. @throws Error that names the host. */
export async function resolveForward(spec: ForwardSpec): Promise<ForwardConfig> {
  const { listen, hosts, port } = spec;
  const addresses = await Promise.all(hosts.map(addressesOf));
  return {
    listen: { address: listen.address.text, port: listen.port },
    name: formatHostPort(hosts[0], port),
    addresses: [...new Set(addresses.flat())],
    port,
  };
}

/** A served port with the addresses of its TCP server. @throws Error that names the host. */
export async function resolveServe(spec: ServeSpec): Promise<ServeConfig> {
  const { port, host, hostPort } = spec;
  const addresses = await addressesOf(host);
  return { port, name: formatHostPort(host, hostPort), addresses, hostPort };
}

/** The addresses of a host, or the one that the text is. @throws Error that names the host. */
export async function addressesOf(host: string): Promise<string[]> {
  if (IpAddress.tryParse(host)) return [host];
  try {
    const found = await lookup(host, { all: true });
    return found.map(({ address }) => address);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`cannot find an address of "${host}": ${why}`);
  }
}
