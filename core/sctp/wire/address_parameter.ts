/**
 * IP addresses as parameters (RFC 9260, sections 3.3.2.1.1 and 3.3.2.1.2), as INIT, INIT ACK and
 * the error cause of section 3.3.10.11 carry them.
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |         Type = 5 or 6         |      Length = 8 or 20         |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \               IPv4 Address or IPv6 Address                    \
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 */
import { IpAddress } from "../base/address.ts";
import { ParameterType } from "./parameter.ts";
import { newTlv, TLV_HEADER_LENGTH, tlvLength, tlvType } from "./tlv.ts";

/** The most addresses of one chunk that are read, so that a peer cannot make its list costly. */
export const MAX_ADDRESSES = 64;

/** True for the two address parameter types. */
export function isAddressType(type: number): boolean {
  return type === ParameterType.Ipv4Address || type === ParameterType.Ipv6Address;
}

/** The address in the whole parameter at `offset`, or `undefined` if its length is wrong. */
export function decodeAddress(bytes: Uint8Array, offset: number): IpAddress | undefined {
  const family = tlvType(bytes, offset) === ParameterType.Ipv4Address ? 4 : 6;
  if (tlvLength(bytes, offset) !== (family === 4 ? 8 : 20)) return undefined;
  return IpAddress.fromBytes(family, bytes, offset + TLV_HEADER_LENGTH);
}

/** An address as a parameter. */
export function encodeAddress(address: IpAddress): Uint8Array {
  const type = address.family === 4 ? ParameterType.Ipv4Address : ParameterType.Ipv6Address;
  return newTlv(type, address.bytes);
}

/**
 * True if a packet could be sent to an address that a peer lists: not the unspecified address, no
 * multicast, and no IPv4-mapped IPv6 address, which a sender MUST NOT use (section 3.3.2.1.2).
 */
export function isUsableAddress(address: IpAddress): boolean {
  return address.isUnicast && !isIpv4Mapped(address);
}

function isIpv4Mapped(address: IpAddress): boolean {
  const { family, bytes } = address;
  if (family === 4 || bytes[10] !== 0xff || bytes[11] !== 0xff) return false;
  return bytes.subarray(0, 10).every((byte) => byte === 0);
}
