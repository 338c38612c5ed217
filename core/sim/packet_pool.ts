/** Packets on their way through the virtual network, in buffers that are used again and again. */
import { IpAddress } from "../sctp/base/address.ts";
import { copyBytes } from "../sctp/base/copy.ts";
import type { Instant } from "../sctp/base/time.ts";
import { Ecn, type InboundPacket } from "../sctp/packet.ts";
import type { Occurrence } from "./event_heap.ts";

const NOWHERE = IpAddress.parse("0.0.0.0");
const SMALL = 2048;
const LARGE = 65_536;

/** Whoever waits for a packet to arrive: the link that carries it. */
export interface Carrier {
  handleArrival(now: Instant, packet: SimPacket): void;
}

/** One packet on its way. It is its own occurrence: when its time comes, its carrier takes it out. */
export class SimPacket implements InboundPacket, Occurrence {
  readonly buffer: Uint8Array;
  readonly offset = 0;
  length = 0;
  source = NOWHERE;
  destination = NOWHERE;
  encapsulationPort = 0;
  /** UDP destination port of the encapsulation, or 0 for SCTP directly over IP. */
  destinationPort = 0;
  ecn: Ecn = Ecn.NotEct;
  /** IP fragments that it travels in, and the length of the longest with its IP header. */
  fragments = 1;
  longestFragment = 0;
  carrier: Carrier | undefined;
  /** The carrier's count of cuts when it took the packet. */
  epoch = 0;

  constructor(capacity: number) {
    this.buffer = new Uint8Array(capacity);
  }

  occur(now: Instant): void {
    this.carrier?.handleArrival(now, this);
  }

  /** Length of the IP packet: with IP header, and UDP header if it has one; before fragmentation. */
  get ipLength(): number {
    return this.length + this.#ipHeader + (this.destinationPort ? 8 : 0);
  }

  get #ipHeader(): number {
    return this.source.family === 4 ? 20 : 40;
  }

  /**
   * Has the packet travel in fragments where it is longer than `mtu`, or longer as an SCTP packet than
   * `unfragmented` ({@link Route}). They count as one packet, but are lost one by one; the headers of
   * further fragments take no time.
   */
  fragment(mtu: number, unfragmented = mtu): void {
    if (unfragmented === Infinity) return;
    const longest = Math.min(mtu, this.ipLength - this.length + unfragmented);
    if (this.ipLength > longest) this.#cutUp(longest);
  }

  #cutUp(mtu: number): void {
    const header = this.#ipHeader + (this.source.family === 4 ? 0 : 8);
    this.fragments = Math.ceil((this.ipLength - this.#ipHeader) / ((mtu - header) & ~7));
    this.longestFragment = mtu;
  }

  /** Length of the longest IP packet that a link has to carry for this one. */
  get longestOnLink(): number {
    return this.fragments === 1 ? this.ipLength : this.longestFragment;
  }
}

/** Lends packets out. Whoever holds one last gives it back. */
export class PacketPool {
  readonly #small: SimPacket[] = [];
  readonly #large: SimPacket[] = [];
  #lent = 0;

  /** Packets that are lent out: those on the way. */
  get lent(): number {
    return this.#lent;
  }

  /** A packet that holds a copy of `length` bytes from `offset`. Addresses and ports are the caller's to set. */
  take(bytes: Uint8Array, offset: number, length: number): SimPacket {
    const packet = length <= SMALL
      ? this.#small.pop() ?? new SimPacket(SMALL)
      : this.#large.pop() ?? new SimPacket(Math.max(length, LARGE));
    this.#lent++;
    copyBytes(bytes, offset, packet.buffer, 0, length);
    packet.length = length;
    packet.fragments = 1;
    return packet;
  }

  /** A second packet like the first. */
  copy(packet: SimPacket): SimPacket {
    const twin = this.take(packet.buffer, 0, packet.length);
    twin.source = packet.source;
    twin.destination = packet.destination;
    twin.encapsulationPort = packet.encapsulationPort;
    twin.destinationPort = packet.destinationPort;
    twin.ecn = packet.ecn;
    twin.fragments = packet.fragments;
    twin.longestFragment = packet.longestFragment;
    return twin;
  }

  /** Takes a packet back. */
  release(packet: SimPacket): void {
    this.#lent--;
    packet.carrier = undefined;
    (packet.buffer.length === SMALL ? this.#small : this.#large).push(packet);
  }
}
