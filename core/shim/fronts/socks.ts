/**
 * SOCKS version 5 (RFC 1928): the messages, bytes to values and back. Pure and total.
 *
 * Deviation: section 3 demands GSSAPI; as nearly everywhere, there is no authentication here, and so
 * the port belongs on the loopback.
 */
import { IpAddress } from "../../sctp/base/address.ts";
import { readU16 } from "../../sctp/base/bytes.ts";

/** Section 6: what a reply says. */
export const SocksReply = {
  Succeeded: 0,
  GeneralFailure: 1,
  HostUnreachable: 4,
  ConnectionRefused: 5,
  CommandNotSupported: 7,
  AddressTypeNotSupported: 8,
} as const;
export type SocksReply = typeof SocksReply[keyof typeof SocksReply];

/** Section 4: where a client wants to connect to. */
export interface SocksRequest {
  /** An address, or the name of a host. */
  readonly host: IpAddress | string;
  readonly port: number;
}

/** What the bytes so far are. */
export type SocksProgress =
  /** The message is not whole: at least so many bytes follow. */
  | { readonly kind: "more"; readonly bytes: number }
  /** Section 3: the client can do without authentication. */
  | { readonly kind: "greeting" }
  | { readonly kind: "request"; readonly request: SocksRequest }
  /** It is nothing that can be served: answer this, if anything, and close. */
  | { readonly kind: "fault"; readonly what: string; readonly answer: Uint8Array };

const VERSION = 5;
const NO_AUTHENTICATION = 0;
const NO_ACCEPTABLE_METHOD = 0xff;
const CONNECT = 1;
const IPV4 = 1;
const DOMAIN = 3;
const IPV6 = 4;
const NOTHING = new Uint8Array(0);

/** Section 3: no authentication is required. */
export const METHOD_SELECTION = Uint8Array.of(VERSION, NO_AUTHENTICATION);

/** The longest message: a request with the longest name. */
export const MAX_SOCKS_MESSAGE = 5 + 255 + 2;

/** Section 6, with the unspecified address as the one that was bound: nobody reads it. */
export function socksReply(reply: SocksReply): Uint8Array {
  return Uint8Array.of(VERSION, reply, 0, IPV4, 0, 0, 0, 0, 0, 0);
}

/** Reads the first `length` bytes of a greeting. */
export function readGreeting(bytes: Uint8Array, length: number): SocksProgress {
  if (length < 1) return more(2);
  if (bytes[0] !== VERSION) return fault(`version ${bytes[0]} instead of 5`, NOTHING);
  if (length < 2) return more(1);
  const missing = 2 + bytes[1] - length;
  if (missing > 0) return more(missing);
  for (let i = 2; i < 2 + bytes[1]; i++) {
    if (bytes[i] === NO_AUTHENTICATION) return { kind: "greeting" };
  }
  const answer = Uint8Array.of(VERSION, NO_ACCEPTABLE_METHOD);
  return fault("the client insists on authentication", answer);
}

/** Reads the first `length` bytes of a request. */
export function readRequest(bytes: Uint8Array, length: number): SocksProgress {
  if (length < 5) return more(5 - length);
  const [version, command, , type] = bytes;
  if (version !== VERSION) return fault(`version ${version} in a request`, NOTHING);
  const size = addressSize(type, bytes[4]);
  if (size === undefined) {
    return fault(`address type ${type}`, socksReply(SocksReply.AddressTypeNotSupported));
  }
  const end = 4 + size + 2;
  if (length < end) return more(end - length);
  if (command !== CONNECT) {
    return fault(`command ${command}`, socksReply(SocksReply.CommandNotSupported));
  }
  const port = readU16(bytes, end - 2);
  const host = readHost(bytes, type, size);
  if (port === 0 || host === "") {
    return fault("no host or no port", socksReply(SocksReply.GeneralFailure));
  }
  return { kind: "request", request: { host, port } };
}

/** Bytes of the address, which start at the fifth byte. */
function addressSize(type: number, first: number): number | undefined {
  if (type === IPV4) return 4;
  if (type === IPV6) return 16;
  return type === DOMAIN ? 1 + first : undefined;
}

/** A name that is an address is taken for that address, as clients have no type for scopes. */
function readHost(bytes: Uint8Array, type: number, size: number): IpAddress | string {
  if (type === IPV4) return IpAddress.fromBytes(4, bytes, 4);
  if (type === IPV6) return IpAddress.fromBytes(6, bytes, 4);
  const name = new TextDecoder().decode(bytes.subarray(5, 4 + size));
  return IpAddress.tryParse(name) ?? name;
}

function more(bytes: number): SocksProgress {
  return { kind: "more", bytes };
}

function fault(what: string, answer: Uint8Array): SocksProgress {
  return { kind: "fault", what, answer };
}
