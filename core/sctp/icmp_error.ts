/** ICMP and ICMPv6 errors as engine input (RFC 9260, section 10). */
import type { IpAddress } from "./base/address.ts";

/** What an ICMP error says, after its type and code have been read by the I/O layer. */
export type IcmpKind =
  /** ICMPv4 3/2, ICMPv6 4/1; behind UDP encapsulation port unreachable means the same (RFC 6951, 5.5). */
  | "protocol-unreachable"
  /** ICMPv4 3/3 or ICMPv6 1/4 on raw IP: ignored (ICMP3). */
  | "port-unreachable"
  /** ICMPv4 3/4, ICMPv6 type 2. */
  | "packet-too-big"
  /** Any other destination unreachable. */
  | "destination-unreachable";

/** One ICMP error about a packet that this host sent. */
export interface IcmpError {
  readonly kind: IcmpKind;
  /** Source address of the packet that met the error. */
  readonly local: IpAddress;
  /** Destination address of the packet that met the error. */
  readonly remote: IpAddress;
  /** Next-hop MTU in bytes of IP packet for "packet-too-big", else 0. */
  readonly mtu: number;
  /** The quoted SCTP packet from its common header on: as much of it as came back, perhaps nothing. */
  readonly quoted: Uint8Array;
}
