/**
 * The memory of recvmmsg(2): several datagrams a call, each with its source address and its control
 * messages, in structures that are laid out once.
 */
import type { IpAddress } from "../sctp/base/address.ts";
import { Ecn } from "../sctp/packet.ts";
import {
  IP_PKTINFO,
  IP_TOS,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_UDP,
  IPV6_PKTINFO,
  IPV6_TCLASS,
  MSG_DONTWAIT,
  MSG_TRUNC,
  UDP_GRO,
} from "./constants.ts";
import { type Libc, libc } from "./libc.ts";
import { addressOf, nativeBytes, writeWord64 } from "./native_memory.ts";
import { type AddressCache, readSockaddrPort, scopeOf } from "./sockaddr.ts";

/** The longest datagram, and the most that UDP_GRO joins. */
const DATAGRAM_BYTES = 65536;
/** Slots start at different places of a cache's sets, so that their headers do not evict each other. */
const STRIDE = DATAGRAM_BYTES + 1088;

/** The most that a slot takes. */
export const SLOT_BYTES = STRIDE;
/** struct mmsghdr: offsets in 32-bit words. */
const HEADER_WORDS = 16;
const [NAME, NAMELEN, IOV, IOVLEN, CONTROL, CONTROLLEN, FLAGS, LENGTH] = [
  0,
  2,
  4,
  6,
  8,
  10,
  12,
  14,
];
const NAME_BYTES = 32;
const CONTROL_BYTES = 128;

/** Receives datagrams into a fixed number of slots. */
export class MessageReceiver {
  /** Where the datagrams lie. */
  readonly memory: Uint8Array;
  /** ECN codepoint of the slot that {@link readControl} was called for last. */
  ecn: Ecn = Ecn.NotEct;
  /** Segment size of that slot if UDP_GRO joined datagrams, else 0. */
  segmentSize = 0;
  /** Destination address of that slot, if its socket tells: one of this host's unicast addresses. */
  destination: IpAddress | undefined = undefined;

  readonly #libc: Libc = libc();
  readonly #headers: Uint32Array;
  readonly #headersFrom: readonly Uint8Array<ArrayBuffer>[];
  /** The kernel follows pointers into it: referenced so that it stays. */
  readonly #iovecs: Uint8Array<ArrayBuffer>;
  readonly #names: Uint8Array<ArrayBuffer>;
  readonly #control: Uint8Array<ArrayBuffer>;
  readonly #controlWords: Uint32Array;

  /**
   * @param slots the most datagrams that a call takes.
   * @param allocate where the datagrams' memory comes from.
   * @param addresses gives the address objects.
   * @param longest bytes of the longest datagram that is taken, up to {@link SLOT_BYTES}.
   */
  constructor(
    readonly slots: number,
    allocate: (length: number) => Uint8Array,
    readonly addresses: AddressCache,
    readonly longest = DATAGRAM_BYTES,
  ) {
    this.memory = allocate(slots * STRIDE);
    this.#names = nativeBytes(slots * NAME_BYTES);
    this.#control = nativeBytes(slots * CONTROL_BYTES);
    this.#controlWords = new Uint32Array(this.#control.buffer);
    const headers = nativeBytes(slots * HEADER_WORDS * 4);
    this.#headers = new Uint32Array(headers.buffer);
    this.#headersFrom = Array.from(
      { length: slots },
      (_, slot) => headers.subarray(slot * HEADER_WORDS * 4),
    );
    this.#iovecs = nativeBytes(slots * 16);
    this.#layOut();
  }

  /** Bytes from the start of {@link memory} to the datagram of a slot. */
  offset(slot: number): number {
    return slot * STRIDE;
  }

  /** Bytes in a slot, or 0 if the datagram was longer than the slot. */
  length(slot: number): number {
    const header = slot * HEADER_WORDS;
    return this.#headers[header + FLAGS] & MSG_TRUNC ? 0 : this.#headers[header + LENGTH];
  }

  /** The address that the datagram of a slot came from; `undefined` for one of no IP family. */
  source(slot: number): IpAddress | undefined {
    return this.addresses.fromSockaddr(this.#names, slot * NAME_BYTES);
  }

  /** The port that the datagram of a slot came from. */
  sourcePort(slot: number): number {
    return readSockaddrPort(this.#names, slot * NAME_BYTES);
  }

  /**
   * Receives into the slots from `first` on, without blocking.
   * @returns how many it filled, or -1: errno says why.
   */
  receive(descriptor: number, first: number): number {
    const count = this.slots - first;
    return this.#libc.recvmmsg(descriptor, this.#headersFrom[first], count, MSG_DONTWAIT, null);
  }

  /** Reads the control messages of a slot into {@link ecn}, {@link segmentSize}, {@link destination}. */
  readControl(slot: number): void {
    this.ecn = Ecn.NotEct;
    this.segmentSize = 0;
    this.destination = undefined;
    const words = this.#controlWords;
    let at = slot * CONTROL_BYTES >> 2;
    const end = at + (this.#headers[slot * HEADER_WORDS + CONTROLLEN] >> 2);
    while (at + 4 <= end) {
      const length = words[at];
      if (length < 16) break;
      this.#readControlMessage(words[at + 2], words[at + 3], at + 4);
      at += ((length + 7) & ~7) >> 2;
    }
  }

  /** Makes a slot ready again: the kernel overwrites the lengths of what it fills in. */
  release(slot: number): void {
    const header = slot * HEADER_WORDS;
    this.#headers[header + NAMELEN] = NAME_BYTES;
    this.#headers[header + CONTROLLEN] = CONTROL_BYTES;
    this.#headers[header + FLAGS] = 0;
  }

  #layOut(): void {
    const iovecs = new Uint32Array(this.#iovecs.buffer);
    const memory = addressOf(this.memory);
    for (let slot = 0; slot < this.slots; slot++) {
      const header = slot * HEADER_WORDS;
      writeWord64(this.#headers, header + NAME, addressOf(this.#names) + slot * NAME_BYTES);
      writeWord64(this.#headers, header + IOV, addressOf(this.#iovecs) + slot * 16);
      writeWord64(this.#headers, header + IOVLEN, 1);
      writeWord64(this.#headers, header + CONTROL, addressOf(this.#control) + slot * CONTROL_BYTES);
      writeWord64(iovecs, slot * 4, memory + slot * STRIDE);
      writeWord64(iovecs, slot * 4 + 2, this.longest);
      this.release(slot);
    }
  }

  #readControlMessage(level: number, type: number, data: number): void {
    const words = this.#controlWords;
    if (level === IPPROTO_UDP) {
      if (type === UDP_GRO) this.segmentSize = words[data];
    } else if (level === IPPROTO_IP) {
      if (type === IP_TOS) this.ecn = (words[data] & 3) as Ecn;
      else if (type === IP_PKTINFO) this.#readPacketInfoV4(data);
    } else if (level === IPPROTO_IPV6) {
      if (type === IPV6_TCLASS) this.ecn = (words[data] & 3) as Ecn;
      else if (type === IPV6_PKTINFO) this.#readPacketInfoV6(data);
    }
  }

  /** struct in_pktinfo: index, own address, destination. They differ for broadcast and multicast. */
  #readPacketInfoV4(data: number): void {
    if (this.#controlWords[data + 1] !== this.#controlWords[data + 2]) return;
    this.destination = this.addresses.at(4, this.#control, (data + 2) * 4, 0);
  }

  /** struct in6_pktinfo: destination, index. */
  #readPacketInfoV6(data: number): void {
    const start = data * 4;
    if (this.#control[start] === 0xff) return;
    const scope = scopeOf(this.#control, start, this.#controlWords[data + 4]);
    this.destination = this.addresses.at(6, this.#control, start, scope);
  }
}
