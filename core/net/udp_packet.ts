/** A UDP datagram as a packet that leaves this host (RFC 768). Pure and total. */
import type { IpAddress } from "../sctp/base/address.ts";
import { IpAddress as Address } from "../sctp/base/address.ts";
import { readU16 } from "../sctp/base/bytes.ts";
import { IPPROTO_UDP } from "./constants.ts";
import { AddressCache } from "./sockaddr.ts";

export const UDP_HEADER_BYTES = 8;

const ANY = Address.parse("0.0.0.0");

/** MF and the fragment offset (RFC 791, section 3.1): a datagram in one piece has neither. */
const FRAGMENT = 0x3fff;

/** One datagram, whole. Reused: {@link read} overwrites it, and makes nothing in the steady state. */
export class UdpPacket {
  source: IpAddress = ANY;
  sourcePort = 0;
  destination: IpAddress = ANY;
  destinationPort = 0;
  /** Where the payload starts, and its bytes. */
  offset = 0;
  length = 0;
  readonly #addresses = new AddressCache(4096);

  /**
   * Reads a packet that starts with its IP header.
   * @param length bytes of it that are there.
   * @returns false if it is no whole UDP datagram, or has IPv6 extension headers: then nothing is said
   * about it.
   */
  read(bytes: Uint8Array, offset: number, length: number): boolean {
    const end = Math.min(offset + length, bytes.length);
    if (offset >= end) return false;
    const version = bytes[offset] >> 4;
    if (version === 4) return this.#readV4(bytes, offset, end);
    return version === 6 && this.#readV6(bytes, offset, end);
  }

  /** RFC 791, section 3.1. */
  #readV4(bytes: Uint8Array, offset: number, end: number): boolean {
    const headerLength = (bytes[offset] & 15) * 4;
    if (headerLength < 20 || offset + 20 > end || bytes[offset + 9] !== IPPROTO_UDP) return false;
    if (readU16(bytes, offset + 6) & FRAGMENT) return false;
    const packetEnd = offset + readU16(bytes, offset + 2);
    if (!this.#readUdp(bytes, offset + headerLength, packetEnd, end)) return false;
    this.source = this.#addresses.at(4, bytes, offset + 12, 0);
    this.destination = this.#addresses.at(4, bytes, offset + 16, 0);
    return true;
  }

  /** RFC 8200, section 3. */
  #readV6(bytes: Uint8Array, offset: number, end: number): boolean {
    if (offset + 40 > end || bytes[offset + 6] !== IPPROTO_UDP) return false;
    const packetEnd = offset + 40 + readU16(bytes, offset + 4);
    if (!this.#readUdp(bytes, offset + 40, packetEnd, end)) return false;
    this.source = this.#addresses.at(6, bytes, offset + 8, 0);
    this.destination = this.#addresses.at(6, bytes, offset + 24, 0);
    return true;
  }

  #readUdp(bytes: Uint8Array, at: number, packetEnd: number, end: number): boolean {
    const length = at + UDP_HEADER_BYTES <= end ? readU16(bytes, at + 4) : 0;
    if (length < UDP_HEADER_BYTES || at + length > packetEnd || packetEnd > end) return false;
    this.sourcePort = readU16(bytes, at);
    this.destinationPort = readU16(bytes, at + 2);
    this.offset = at + UDP_HEADER_BYTES;
    this.length = length - UDP_HEADER_BYTES;
    return true;
  }
}
