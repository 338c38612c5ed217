/**
 * The memory of sendmmsg(2): several messages a call, each with its destination and its control
 * messages, in structures that are laid out once.
 */
import type { IpAddress } from "../sctp/base/address.ts";
import type { Ecn } from "../sctp/packet.ts";
import {
  IP_PKTINFO,
  IP_TOS,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_UDP,
  IPV6_PKTINFO,
  IPV6_TCLASS,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  UDP_SEGMENT,
} from "./constants.ts";
import { type Libc, libc } from "./libc.ts";
import { addressOf, nativeBytes, writeWord64 } from "./native_memory.ts";
import { writeSockaddr } from "./sockaddr.ts";

/** struct mmsghdr: offsets in 32-bit words. */
const HEADER_WORDS = 16;
const [NAME, NAMELEN, IOV, IOVLEN, CONTROL, CONTROLLEN] = [0, 2, 4, 6, 8, 10];
const NAME_BYTES = 32;
const CONTROL_BYTES = 128;

/** Messages that leave by one system call. */
export class MessageSender {
  /** Messages added since the last {@link clear}. */
  count = 0;

  readonly #libc: Libc = libc();
  readonly #headers: Uint32Array;
  readonly #headersFrom: readonly Uint8Array<ArrayBuffer>[];
  readonly #iovecs: Uint32Array<ArrayBuffer>;
  readonly #names: Uint8Array<ArrayBuffer>;
  readonly #control: Uint8Array<ArrayBuffer>;
  readonly #controlWords: Uint32Array;
  #memory: Uint8Array | undefined;
  #memoryAddress = 0;
  #controlStart = 0;
  #controlEnd = 0;

  /** @param capacity the most messages that one call sends. */
  constructor(readonly capacity: number) {
    const headers = nativeBytes(capacity * HEADER_WORDS * 4);
    this.#headers = new Uint32Array(headers.buffer);
    this.#headersFrom = Array.from(
      { length: capacity },
      (_, slot) => headers.subarray(slot * HEADER_WORDS * 4),
    );
    this.#iovecs = new Uint32Array(new ArrayBuffer(capacity * 16));
    this.#names = nativeBytes(capacity * NAME_BYTES);
    this.#control = nativeBytes(capacity * CONTROL_BYTES);
    this.#controlWords = new Uint32Array(this.#control.buffer);
    this.#layOut();
  }

  /** Begins a call whose messages lie in `memory`. */
  clear(memory: Uint8Array): void {
    this.count = 0;
    if (this.#memory === memory) return;
    this.#memory = memory;
    this.#memoryAddress = addressOf(memory);
  }

  /** Adds `length` bytes from `offset` of the memory, to go to an address and a port. */
  add(offset: number, length: number, remote: IpAddress, port: number): void {
    const slot = this.count++;
    const header = slot * HEADER_WORDS;
    this.#headers[header + NAMELEN] = writeSockaddr(this.#names, slot * NAME_BYTES, remote, port);
    writeWord64(this.#iovecs, slot * 4, this.#memoryAddress + offset);
    this.#iovecs[slot * 4 + 2] = length;
    this.#controlStart = this.#controlEnd = slot * CONTROL_BYTES >> 2;
    this.#headers[header + CONTROLLEN] = 0;
  }

  /** The message just added is to be cut into datagrams of `size` bytes, the last one perhaps shorter. */
  segment(size: number): void {
    const data = this.#addControl(IPPROTO_UDP, UDP_SEGMENT, 2);
    this.#controlWords[data] = size;
  }

  /** The message just added leaves with this ECN codepoint. */
  mark(ecn: Ecn, family: 4 | 6): void {
    const data = family === 4
      ? this.#addControl(IPPROTO_IP, IP_TOS, 4)
      : this.#addControl(IPPROTO_IPV6, IPV6_TCLASS, 4);
    this.#controlWords[data] = ecn;
  }

  /** The message just added leaves from this address, by this interface if it is not 0. */
  leaveFrom(local: IpAddress, interfaceIndex: number): void {
    const { bytes, family } = local;
    const v4 = family === 4;
    const data = v4
      ? this.#addControl(IPPROTO_IP, IP_PKTINFO, 12)
      : this.#addControl(IPPROTO_IPV6, IPV6_PKTINFO, 20);
    const address = (v4 ? data + 1 : data) * 4;
    for (let i = 0; i < bytes.length; i++) this.#control[address + i] = bytes[i];
    this.#controlWords[v4 ? data : data + 4] = interfaceIndex;
    if (v4) this.#controlWords[data + 2] = 0;
  }

  /**
   * Sends the messages added, from the one with the index `first` on; returns how many went, or -1: errno
   * says why that one did not.
   */
  send(descriptor: number, first = 0): number {
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    const headers = this.#headersFrom[first];
    return this.#libc.sendmmsg(descriptor, headers, this.count - first, flags);
  }

  #layOut(): void {
    const iovecs = addressOf(new Uint8Array(this.#iovecs.buffer));
    for (let slot = 0; slot < this.capacity; slot++) {
      const header = slot * HEADER_WORDS;
      writeWord64(this.#headers, header + NAME, addressOf(this.#names) + slot * NAME_BYTES);
      writeWord64(this.#headers, header + IOV, iovecs + slot * 16);
      writeWord64(this.#headers, header + IOVLEN, 1);
      writeWord64(this.#headers, header + CONTROL, addressOf(this.#control) + slot * CONTROL_BYTES);
    }
  }

  /** Appends the head of a control message and returns where its data goes, in words. */
  #addControl(level: number, type: number, bytes: number): number {
    const at = this.#controlEnd;
    writeWord64(this.#controlWords, at, 16 + bytes);
    this.#controlWords[at + 2] = level;
    this.#controlWords[at + 3] = type;
    this.#controlEnd = at + 4 + (((bytes + 7) & ~7) >> 2);
    const header = (this.count - 1) * HEADER_WORDS;
    this.#headers[header + CONTROLLEN] = (this.#controlEnd - this.#controlStart) * 4;
    return at + 4;
  }
}
