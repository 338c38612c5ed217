/**
 * What passes between the engine and whoever moves packets: one reusable object for a packet that
 * arrived, one reusable batch for the packets that leave. Neither is allocated per packet.
 */
import type { IpAddress } from "./base/address.ts";

/** ECN codepoint of an IP header (RFC 3168, section 5). */
export const Ecn = { NotEct: 0, Ect1: 1, Ect0: 2, Ce: 3 } as const;
export type Ecn = (typeof Ecn)[keyof typeof Ecn];

/**
 * A received SCTP packet, lying in a buffer of the receiver's. The engine reads it in place during
 * the call and keeps no reference to it, so one object serves every packet.
 */
export interface InboundPacket {
  /** The memory in which the packet lies. */
  buffer: Uint8Array;
  /** Where the SCTP common header starts. */
  offset: number;
  /** Bytes of the SCTP packet. */
  length: number;
  /** Source address of the IP packet. */
  source: IpAddress;
  /** Destination address of the IP packet: one of ours. */
  destination: IpAddress;
  /** UDP source port of the encapsulation (RFC 6951), or 0 for SCTP directly over IP. */
  encapsulationPort: number;
  /** ECN codepoint of the IP header; `Ecn.NotEct` where it is not known. */
  ecn: Ecn;
}

/** Where a packet leaves from and goes to. One object per path, changed in place when a path changes. */
export interface Route {
  /** Source address: packets of a path never leave from another one. */
  local: IpAddress;
  /** Destination address. */
  remote: IpAddress;
  /** UDP destination port of the encapsulation (RFC 6951), or 0 for SCTP directly over IP. */
  encapsulationPort: number;
  /** ECN codepoint to send with. */
  ecn: Ecn;
  /**
   * Bytes of the longest SCTP packet that IP must not cut up: a longer one leaves in fragments that are
   * no larger (RFC 9260, section 6.9). Infinity cuts nothing up, whatever is known of the path; where
   * nothing is said, what is too long for what the kernel knows is cut up.
   */
  unfragmented?: number;
}

/** Computes the CRC32c of `length` bytes from `offset` (RFC 9260, section 6.8 and appendix A). */
export type Crc32c = (bytes: Uint8Array, offset: number, length: number) => number;

/**
 * Packets that wait to leave, built back to back in one stretch of memory.
 *
 * Successive packets of one route lie directly behind each other, so that a run of equal-sized ones
 * can leave as one segmented send. SCTP packets are multiples of four bytes, which keeps the
 * memory aligned. Whoever sends the batch calls {@link clear} afterwards.
 */
export class PacketBatch {
  /** Packets in the batch. */
  count = 0;
  /** Bytes in use. */
  used = 0;
  /** Start of each packet in {@link memory}. */
  readonly offsets: Int32Array;
  /** Length of each packet in bytes. */
  readonly lengths: Int32Array;
  /** Where each packet goes. */
  readonly routes: (Route | undefined)[];

  /**
   * @param memory the bytes to build in; may be the memory of a checksum module. An endpoint needs
   *   65,548 bytes: a common header and the longest chunk.
   * @param capacity the most packets that the batch takes.
   */
  constructor(readonly memory: Uint8Array, readonly capacity: number) {
    this.offsets = new Int32Array(capacity);
    this.lengths = new Int32Array(capacity);
    this.routes = new Array(capacity).fill(undefined);
  }

  /** True if one more packet of up to `length` bytes fits. */
  hasRoom(length: number): boolean {
    return this.count < this.capacity && this.used + length <= this.memory.length;
  }

  /**
   * How many packets of `length` bytes fit one after the other, if there has to be room for one of
   * `largest` bytes before each.
   */
  roomFor(length: number, largest: number): number {
    const byBytes = Math.floor((this.memory.length - this.used - largest) / length) + 1;
    return Math.max(0, Math.min(this.capacity - this.count, byBytes));
  }

  /** Adds the packet that was built at {@link used}. */
  commit(length: number, route: Route): void {
    this.offsets[this.count] = this.used;
    this.lengths[this.count] = length;
    this.routes[this.count] = route;
    this.count++;
    this.used += length;
  }

  /** Empties the batch. */
  clear(): void {
    this.count = 0;
    this.used = 0;
  }
}
