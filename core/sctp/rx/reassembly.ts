/**
 * From chunks to messages (RFC 9260, sections 6.5, 6.6 and 6.9): adjacent fragments form runs, a run
 * from its B bit to its E bit is a message, messages wait for their turn in the stream, and lie ready
 * until they are read.
 *
 * Every step is constant time per chunk: a run is known by its two ends, and a waiting message is
 * found by its stream and Stream Sequence Number.
 */
import { HashIndex } from "../base/hash_index.ts";
import { NumberQueue } from "../base/number_queue.ts";
import { PagedCounters } from "../base/paged_counters.ts";
import { ssn, type Tsn, tsn, tsnAdd, tsnDistance } from "../base/serial.ts";
import { DataFlag } from "../wire/data.ts";
import type { ChunkStore } from "./chunk_store.ts";

/** What reading reports about a message; one object can be used for many reads. */
export interface ReceiveInfo {
  stream: number;
  /** Stream Sequence Number; means nothing for an unordered message. */
  ssn: number;
  ppid: number;
  unordered: boolean;
  /** False if more of the same message follows with the next read. */
  endOfMessage: boolean;
}

/** What became of a chunk. */
export const ChunkFate = {
  Kept: 0,
  /** Its Stream Sequence Number was delivered or is waiting already: no reader would ever see it. */
  Useless: 1,
  /** It contradicts its neighbours: a fragment without a beginning, or two messages in one. */
  Contradiction: 2,
} as const;
export type ChunkFate = (typeof ChunkFate)[keyof typeof ChunkFate];

/** Gap Ack Blocks reach 65,535 TSNs beyond the Cumulative TSN: no two live TSNs share a cell. */
const RING_SIZE = 1 << 16;
const INITIAL_RING_SIZE = 1 << 8;

export class Reassembly {
  readonly #store: ChunkStore;
  /** Records at the ends of incomplete runs, in a ring indexed by TSN. */
  #ends = new Uint32Array(INITIAL_RING_SIZE);
  readonly #expectedSsn = new PagedCounters();
  /** First records of complete messages whose turn in the stream has not come. */
  readonly #waiting: HashIndex;
  /** First records of messages that can be read. */
  readonly #ready = new NumberQueue();
  #readyBytes = 0;
  /** Bytes that were read already from the first record of the first ready message. */
  #consumed = 0;
  /** First record of the message that is delivered in parts, or 0; it is in the ready queue too. */
  #partial = 0;
  /** Bytes of that message that can be read now. */
  #partialBytes = 0;

  /** @param salt random: the peer chooses the keys of the index. */
  constructor(store: ChunkStore, salt: number) {
    this.#store = store;
    this.#waiting = new HashIndex(salt);
  }

  /** Bytes that can be read. */
  get readyBytes(): number {
    return this.#readyBytes;
  }

  /** True if {@link read} returns something. */
  get isReadable(): boolean {
    if (this.#ready.length === 0) return false;
    return this.#ready.at(0) !== this.#partial || this.#partialBytes > 0;
  }

  /**
   * Takes over a stored chunk. On any fate but Kept its record has been released.
   * @param reach TSNs from the Cumulative TSN to this one.
   */
  add(record: number, reach: number): ChunkFate {
    const store = this.#store;
    const own = tsn(store.tsn[record]);
    while (reach >= this.#ends.length && this.#ends.length < RING_SIZE) this.#growRing();
    const left = this.#endAt(tsnAdd(own, -1));
    const right = this.#endAt(tsnAdd(own, 1));
    if (!this.#agree(left, record) || !this.#agree(record, right)) {
      store.release(record);
      return ChunkFate.Contradiction;
    }
    this.#setEnd(record);
    store.runFirst[record] = record;
    store.runLast[record] = record;
    store.runBytes[record] = store.length[record];
    if (right !== 0 && (store.flags[record] & DataFlag.End) === 0) this.#join(record, right);
    const joinsLeft = left !== 0 && (store.flags[record] & DataFlag.Begin) === 0;
    if (!joinsLeft) return this.#settle(record, reach);
    const first = store.runFirst[left];
    if (first === this.#partial) {
      this.#partialBytes += store.runBytes[record];
      this.#readyBytes += store.runBytes[record];
    }
    this.#join(left, record);
    return this.#settle(first, reach - tsnDistance(tsn(store.tsn[first]), own));
  }

  /**
   * Starts to deliver in parts the message that ends, incomplete, at TSN `cumulative`
   * (RFC 9260, section 6.9), if at least `threshold` bytes of it are here and it is next in its stream.
   */
  startPartialDelivery(cumulative: Tsn, threshold: number): void {
    const store = this.#store;
    const last = this.#endAt(cumulative);
    if (this.#partial !== 0 || last === 0) return;
    const first = store.runFirst[last];
    if ((store.flags[first] & DataFlag.Begin) === 0) return;
    if ((store.flags[last] & DataFlag.End) !== 0) return;
    if (store.runBytes[first] < threshold || !this.#isNext(first)) return;
    this.#partial = first;
    this.#partialBytes = store.runBytes[first];
    this.#readyBytes += this.#partialBytes;
    this.#ready.push(first);
  }

  /** Copies from the message that is first in line; returns the bytes copied, 0 if nothing is ready. */
  read(target: Uint8Array, info: ReceiveInfo): number {
    if (!this.isReadable || target.length === 0) return 0;
    const store = this.#store;
    let record = this.#ready.at(0);
    const inParts = record === this.#partial;
    info.stream = store.stream[record];
    info.ssn = store.ssn[record];
    info.ppid = store.ppid[record];
    info.unordered = (store.flags[record] & DataFlag.Unordered) !== 0;
    let copied = 0;
    while (record !== 0 && copied < target.length) {
      const length = Math.min(store.length[record] - this.#consumed, target.length - copied);
      store.copyOut(record, this.#consumed, target, copied, length);
      copied += length;
      this.#consumed += length;
      if (this.#consumed < store.length[record]) break;
      const next = store.next[record];
      if (next === 0 && inParts) break;
      this.#consumed = 0;
      if (inParts) this.#clearEnd(record);
      store.release(record);
      record = next;
    }
    this.#readyBytes -= copied;
    info.endOfMessage = record === 0;
    if (record === 0) this.#ready.shift();
    else this.#restOfMessage(record, inParts, copied);
    return copied;
  }

  /** Forgets what can never be read and, with `everything`, what can. Releases its memory. */
  clear(everything: boolean): void {
    if (everything) this.#forgetReady();
    const kept = new Uint8Array(this.#store.recordCount);
    for (let i = 0; i < this.#ready.length; i++) this.#store.markChain(this.#ready.at(i), kept);
    this.#store.releaseUnmarked(kept);
    this.#ends.fill(0);
    this.#waiting.clear();
  }

  #forgetReady(): void {
    this.#ready.clear();
    this.#readyBytes = 0;
    this.#consumed = 0;
    this.#partial = 0;
    this.#partialBytes = 0;
  }

  /** True if two adjacent records can be what they claim to be. */
  #agree(left: number, right: number): boolean {
    if (left === 0 || right === 0) return true;
    const store = this.#store;
    const ends = (store.flags[left] & DataFlag.End) !== 0;
    const begins = (store.flags[right] & DataFlag.Begin) !== 0;
    if (ends || begins) return ends && begins;
    const unordered = store.flags[left] & DataFlag.Unordered;
    return store.stream[left] === store.stream[right] &&
      unordered === (store.flags[right] & DataFlag.Unordered) &&
      (unordered !== 0 || store.ssn[left] === store.ssn[right]);
  }

  /** Makes one run of the run that ends with `left` and the run that starts with `right`. */
  #join(left: number, right: number): void {
    const store = this.#store;
    const first = store.runFirst[left];
    const last = store.runLast[right];
    if (left !== first) this.#clearEnd(left);
    if (right !== last) this.#clearEnd(right);
    store.next[left] = right;
    store.runLast[first] = last;
    store.runFirst[last] = first;
    store.runBytes[first] += store.runBytes[right];
  }

  /** Moves a run on if it is a message now; `reach` is that of its first TSN. */
  #settle(first: number, reach: number): ChunkFate {
    const store = this.#store;
    const last = store.runLast[first];
    const whole = (store.flags[first] & DataFlag.Begin) !== 0 &&
      (store.flags[last] & DataFlag.End) !== 0;
    if (!whole) return ChunkFate.Kept;
    this.#clearEnd(first);
    this.#clearEnd(last);
    if (first === this.#partial) {
      this.#partial = 0;
      if ((store.flags[first] & DataFlag.Unordered) === 0) this.#passTurn(store.stream[first]);
      return ChunkFate.Kept;
    }
    return this.#takeTurn(first, reach);
  }

  /** A complete message becomes ready, or waits for its turn (RFC 9260, section 6.6). */
  #takeTurn(first: number, reach: number): ChunkFate {
    const store = this.#store;
    if ((store.flags[first] & DataFlag.Unordered) !== 0) {
      this.#makeReady(first);
      return ChunkFate.Kept;
    }
    const stream = store.stream[first];
    const own = ssn(store.ssn[first]);
    const expected = ssn(this.#expectedSsn.get(stream));
    if (own === expected) {
      this.#makeReady(first);
      this.#passTurn(stream);
      return ChunkFate.Kept;
    }
    const key = ((stream << 16) | own) >>> 0;
    // Each message between the expected one and this has a TSN of its own below this one's first: what
    // claims to be further ahead is behind, and was delivered.
    const ahead = (own - expected) & 0xffff;
    if (ahead >= reach || this.#waiting.find(key) >= 0) {
      store.releaseChain(first);
      return ChunkFate.Useless;
    }
    this.#waiting.add(key, first);
    return ChunkFate.Kept;
  }

  /** The next Stream Sequence Number has its turn, and those behind it that wait already. */
  #passTurn(stream: number): void {
    for (;;) {
      const expected = (this.#expectedSsn.get(stream) + 1) & 0xffff;
      this.#expectedSsn.set(stream, expected);
      if (this.#waiting.count === 0) return;
      const position = this.#waiting.find(((stream << 16) | expected) >>> 0);
      if (position < 0) return;
      const first = this.#waiting.valueAt(position);
      this.#waiting.removeAt(position);
      this.#makeReady(first);
    }
  }

  #makeReady(first: number): void {
    this.#ready.push(first);
    this.#readyBytes += this.#store.runBytes[first];
  }

  #isNext(first: number): boolean {
    const store = this.#store;
    if ((store.flags[first] & DataFlag.Unordered) !== 0) return true;
    return store.ssn[first] === this.#expectedSsn.get(store.stream[first]);
  }

  /** The first ready message was read up to somewhere in `record`. */
  #restOfMessage(record: number, inParts: boolean, copied: number): void {
    const store = this.#store;
    const last = store.runLast[this.#ready.at(0)];
    this.#ready.replaceFirst(record);
    store.runLast[record] = last;
    if (!inParts) return;
    this.#partial = record;
    this.#partialBytes -= copied;
    store.flags[record] |= DataFlag.Begin;
    store.runFirst[last] = record;
    if (this.#consumed < store.length[record]) return;
    // Everything here was read: the record stays, empty, for the next fragment to join.
    store.dropPayload(record);
    this.#consumed = 0;
  }

  /** The record at the end of an incomplete run with this TSN, or 0. */
  #endAt(value: Tsn): number {
    const record = this.#ends[value & (this.#ends.length - 1)];
    return record !== 0 && this.#store.tsn[record] === value ? record : 0;
  }

  #setEnd(record: number): void {
    this.#ends[this.#store.tsn[record] & (this.#ends.length - 1)] = record;
  }

  #clearEnd(record: number): void {
    const cell = this.#store.tsn[record] & (this.#ends.length - 1);
    if (this.#ends[cell] === record) this.#ends[cell] = 0;
  }

  #growRing(): void {
    const old = this.#ends;
    this.#ends = new Uint32Array(old.length * 2);
    for (const record of old) if (record !== 0) this.#setEnd(record);
  }
}
