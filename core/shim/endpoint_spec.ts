/** The texts in which a user names what to forward and what to serve. */
import { IpAddress } from "../sctp/base/address.ts";

/** An explicit front: TCP connections to `listen` are carried to the server. */
export interface ForwardSpec {
  readonly listen: ListenSpec;
  /** Names or addresses of one server, the first one preferred. */
  readonly hosts: readonly string[];
  /** SCTP port of the peer, and TCP port of the fallback. */
  readonly port: number;
}

/** A place to listen. */
export interface ListenSpec {
  readonly address: IpAddress;
  /** 0 lets the kernel choose. */
  readonly port: number;
}

/** A local TCP server that associations to an SCTP port are handed to. */
export interface ServeSpec {
  /** SCTP port to listen on. */
  readonly port: number;
  /** Where the TCP server is. */
  readonly host: string;
  readonly hostPort: number;
}

const LOOPBACK = "127.0.0.1";

/**
 * Reads `[address:]port=host[,host...]:port`; IPv6 addresses stand in brackets and the address to
 * listen on is 127.0.0.1 where it is left out.
 * @throws TypeError with what is wrong and an example.
 */
export function parseForward(text: string): ForwardSpec {
  const [front, back, ...more] = text.split("=");
  if (back === undefined || more.length > 0) throw forwardError(text, "it needs one =");
  const listen = splitPort(front) ?? { host: LOOPBACK, port: front };
  const address = IpAddress.tryParse(listen.host);
  if (!address) throw forwardError(text, `"${listen.host}" is no IP address to listen on`);
  const server = splitPort(back);
  if (!server) throw forwardError(text, "the server needs a port");
  const hosts = splitHosts(server.host);
  if (hosts.some((host) => host === "")) throw forwardError(text, "the server needs a host");
  return {
    listen: { address, port: portNumber(listen.port, text, 0) },
    hosts,
    port: portNumber(server.port, text, 1),
  };
}

/**
 * Reads `[address:]port`: 127.0.0.1 where the address is left out.
 * @throws TypeError with what is wrong.
 */
export function parseListen(text: string): ListenSpec {
  const parts = splitPort(text) ?? { host: LOOPBACK, port: text };
  const address = IpAddress.tryParse(parts.host);
  if (!address) throw new TypeError(`"${parts.host}" is no IP address to listen on`);
  return { address, port: portNumber(parts.port, text, 0) };
}

/** The text that {@link parseListen} reads as the same. */
export function formatListen({ address, port }: ListenSpec): string {
  return formatHostPort(address.text, port);
}

/**
 * Reads `port[=[host:]port]`: the SCTP port, and where its TCP server is (127.0.0.1 and the same
 * port where that is left out).
 * @throws TypeError with what is wrong and an example.
 */
export function parseServe(text: string): ServeSpec {
  const [front, back, ...more] = text.split("=");
  if (more.length > 0) throw new TypeError(`"${text}" is no port to serve: it has more than one =`);
  const port = portNumber(front, text, 1);
  if (back === undefined) return { port, host: LOOPBACK, hostPort: port };
  const server = splitPort(back) ?? { host: LOOPBACK, port: back };
  return { port, host: unbracket(server.host), hostPort: portNumber(server.port, text, 1) };
}

/** `host:port`, with IPv6 addresses in brackets. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function forwardError(text: string, why: string): TypeError {
  return new TypeError(
    `"${text}" is no forward: ${why}; write for example 127.0.0.1:2222=server:22 or ` +
      "[::1]:8080=10.0.0.2,10.0.1.2:80",
  );
}

/** Parts of `host:port` at the last colon outside brackets, or `undefined` if there is none. */
function splitPort(text: string): { host: string; port: string } | undefined {
  const colon = text.lastIndexOf(":");
  if (colon < 0 || colon < text.lastIndexOf("]")) return undefined;
  const host = text.slice(0, colon);
  return { host: host.includes(",") ? host : unbracket(host), port: text.slice(colon + 1) };
}

function splitHosts(text: string): string[] {
  return text.split(",").map((host) => unbracket(host.trim()));
}

function unbracket(host: string): string {
  return host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
}

function portNumber(text: string, whole: string, minimum: number): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (!(port >= minimum && port <= 65_535)) {
    const where = text === whole ? "" : ` in "${whole}"`;
    throw new TypeError(`"${text}"${where} is no port from ${minimum} to 65535`);
  }
  return port;
}
