/**
 * From chunks to messages (RFC 9260, sections 6.5, 6.6 and 6.9): adjacent fragments form runs, a run
 * from its B bit to its E bit is a message, messages wait for their turn in the stream, and lie ready
 * until they are read.
 *
 * Every step is constant time per chunk: a run is known by its two ends, and a waiting message is
 * found by its stream and Stream Sequence Number.
 */
import { type Tsn, tsn, tsnAdd, tsnDistance } from "../base/serial.ts";
import { DataFlag } from "../wire/data.ts";
import type { ChunkStore } from "./chunk_store.ts";
import { type NextMessage, nextMessage } from "./next_message.ts";
import { ReadyQueue } from "./ready_queue.ts";
import { RunEnds } from "./run_ends.ts";
import { StreamOrder } from "./stream_order.ts";

/** What reading reports about a message; one object can be used for many reads. */
export interface ReceiveInfo {
  stream: number;
  /**
   * Stream Sequence Number, or the lower half of the Message Identifier (RFC 8260, section 4.1); means
   * nothing for an unordered message.
   */
  ssn: number;
  ppid: number;
  unordered: boolean;
  /** False if more of the same message follows: with the next read or, with interleaving, of its stream. */
  endOfMessage: boolean;
}

/** A message that was delivered in parts, and whose rest will never come. */
export type AbortedMessage = Pick<ReceiveInfo, "stream" | "ssn" | "ppid" | "unordered">;

/** What became of a chunk. */
export const ChunkFate = {
  Kept: 0,
  /**
   * No reader would ever see it: its Stream Sequence Number was delivered or is waiting already, or the
   * beginning of its message was skipped.
   */
  Useless: 1,
  /** It contradicts its neighbours: a fragment without a beginning, or two messages in one. */
  Contradiction: 2,
} as const;
export type ChunkFate = (typeof ChunkFate)[keyof typeof ChunkFate];

const WHOLE = DataFlag.Begin | DataFlag.End;

/** Beside the flags of a chunk: the last one of a message that its sender gave up before its end. */
const CUT_OFF = 0x10;
/** Flags that a chunk comes with. */
export const CHUNK_FLAGS = 0x0f;

export class Reassembly {
  readonly #store: ChunkStore;
  readonly #ends: RunEnds;
  readonly #order: StreamOrder;
  readonly #ready: ReadyQueue;
  #readyBytes = 0;
  /** Bytes that were read already from the first record of the first ready message. */
  #consumed = 0;
  /** First record of the message that is delivered in parts, or 0; it is in the ready queue too. */
  #partial = 0;
  /** Bytes of that message that can be read now. */
  #partialBytes = 0;
  /** Some of that message was read. */
  #partialBegun = false;
  /** Messages were skipped: fragments of them may still come. */
  #haveSkipped = false;
  #aborted: AbortedMessage | undefined;
  /** TSN of the first chunk that was read from last, as a signed number. */
  lastRead = 0;

  /**
   * @param salt random: the peer chooses the keys of the index.
   * @param mayBeCutOff the peer may give messages up (RFC 3758): Linux gives no TSN to what it has not
   *   sent of them, so that the next message begins behind a fragment that ends none.
   */
  constructor(store: ChunkStore, salt: number, private readonly mayBeCutOff = false) {
    this.#store = store;
    this.#ready = new ReadyQueue(store);
    this.#ends = new RunEnds(store);
    this.#order = new StreamOrder(salt);
  }

  /** Bytes that can be read. */
  get readyBytes(): number {
    return this.#readyBytes;
  }

  /** True if {@link read} returns something. */
  get isReadable(): boolean {
    if (this.#ready.first === 0) return false;
    return this.#ready.first !== this.#partial || this.#partialBytes > 0;
  }

  /**
   * Takes over a stored chunk. On any fate but Kept its record has been released.
   * @param reach TSNs from the Cumulative TSN to this one.
   * @param isFollowed the next TSN was received before; means nothing for the last chunk of a message.
   */
  add(record: number, reach: number, isFollowed = false): ChunkFate {
    const store = this.#store;
    const isWhole = (store.flags[record] & WHOLE) === WHOLE;
    if (isWhole && this.#ends.isEmpty) return this.#addWhole(record, reach);
    const own = tsn(store.tsn[record]);
    const begins = (store.flags[record] & DataFlag.Begin) !== 0;
    let left = this.#ends.at(tsnAdd(own, -1));
    const right = this.#ends.at(tsnAdd(own, 1));
    if (this.mayBeCutOff) {
      if (begins && left !== 0) left = this.#cutOff(left, reach - 1);
      // What is not the end of a run any more was a message of its own.
      const meetsAnother = right === 0 ? isFollowed : (store.flags[right] & DataFlag.Begin) !== 0;
      if (meetsAnother) this.#markCutOff(record);
    }
    if (!this.#agree(left, record) || !this.#agree(record, right)) {
      store.release(record);
      return ChunkFate.Contradiction;
    }
    // Nothing is missing in front of it, and yet no message is open there.
    if (!begins && left === 0 && reach === 1) return this.#refuseOrphan(record, right);
    if (isWhole) return this.#addWhole(record, reach);
    store.runFirst[record] = record;
    store.runLast[record] = record;
    store.runBytes[record] = store.length[record];
    this.#ends.reserve(reach);
    this.#ends.add(record);
    if (right !== 0 && (store.flags[record] & DataFlag.End) === 0) this.#join(record, right);
    if (left === 0 || begins) return this.#settle(record, reach);
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
    const last = this.#ends.at(cumulative);
    if (this.#partial !== 0 || last === 0) return;
    const first = store.runFirst[last];
    if ((store.flags[first] & DataFlag.Begin) === 0) return;
    if ((store.flags[last] & DataFlag.End) !== 0) return;
    if (store.runBytes[first] < threshold || !this.#isNext(first)) return;
    this.#partial = first;
    this.#partialBytes = store.runBytes[first];
    this.#partialBegun = false;
    this.#readyBytes += this.#partialBytes;
    this.#ready.append(first);
  }

  /** TSNs are skipped: drops the message whose fragments end, without an end, at this one. */
  dropUnended(last: Tsn): void {
    this.#haveSkipped = true;
    const record = this.#ends.at(last);
    if (record === 0 || (this.#store.flags[record] & DataFlag.End) !== 0) return;
    this.#dropRun(this.#store.runFirst[record]);
  }

  /** TSNs are skipped: drops the message whose fragments start, without a beginning, at this one. */
  dropUnbegun(first: Tsn): void {
    const record = this.#ends.at(first);
    if (record === 0 || (this.#store.flags[record] & DataFlag.Begin) !== 0) return;
    this.#dropRun(record);
  }

  /** Asks for the work of skipping so many messages of so many streams; false if it is too soon. */
  maySkip(messages: number, streams: number): boolean {
    return this.#order.maySkip(messages, streams);
  }

  /** How many messages of a stream come before the one behind Stream Sequence Number `last`. */
  distanceBehind(stream: number, last: number): number {
    return this.#order.distanceTo(stream, last + 1);
  }

  /**
   * Waits no longer for the next `count` messages of a stream: those that are here, and those that
   * waited for them, can be read (RFC 3758, section 3.6).
   */
  skip(stream: number, count: number): void {
    for (const first of this.#order.skip(stream, count)) this.#makeReady(first);
  }

  /** The message of which the reader has a part and will get no more; told once. */
  takeAborted(): AbortedMessage | undefined {
    const aborted = this.#aborted;
    this.#aborted = undefined;
    return aborted;
  }

  /** What {@link read} gives next. */
  get next(): NextMessage | undefined {
    if (!this.isReadable) return undefined;
    const { first } = this.#ready;
    return nextMessage(this.#store, first, this.#consumed, first !== this.#partial);
  }

  /** Copies from the message that is first in line; returns the bytes copied, 0 if nothing is ready. */
  read(target: Uint8Array, info: ReceiveInfo): number {
    if (!this.isReadable || target.length === 0) return 0;
    const store = this.#store;
    const first = this.#ready.first;
    const following = store.nextReady[first];
    let record = first;
    const inParts = record === this.#partial;
    this.lastRead = store.tsn[record] | 0;
    info.stream = store.stream[record];
    info.ssn = store.ssn[record];
    info.ppid = store.ppid[record];
    info.unordered = (store.flags[record] & DataFlag.Unordered) !== 0;
    const last = store.runLast[record];
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
      if (inParts) this.#ends.remove(record);
      store.release(record);
      record = next;
    }
    this.#readyBytes -= copied;
    info.endOfMessage = record === 0;
    this.#ready.replaceFirst(record, following);
    if (record !== 0) this.#restOfMessage(record, last, inParts, copied);
    return copied;
  }

  /** Stream Sequence Numbers of these streams, or of all for an empty list, start again (RFC 6525). */
  resetStreams(streams: readonly number[]): void {
    this.#order.restart(streams);
  }

  /** Forgets what can never be read and, with `everything`, what can. Releases its memory. */
  clear(everything: boolean): void {
    if (everything) this.#forgetReady();
    const kept = new Uint8Array(this.#store.recordCount);
    for (let first = this.#ready.first; first !== 0; first = this.#store.nextReady[first]) {
      this.#store.markChain(first, kept);
    }
    this.#store.releaseUnmarked(kept);
    this.#ends.clear();
    this.#order.clear();
  }

  #forgetReady(): void {
    this.#ready.clear();
    this.#readyBytes = 0;
    this.#consumed = 0;
    this.#partial = 0;
    this.#partialBytes = 0;
    this.#aborted = undefined;
  }

  /** A message in one chunk, of which no neighbour is a part. */
  #addWhole(record: number, reach: number): ChunkFate {
    const { runLast, runBytes, length } = this.#store;
    runLast[record] = record;
    runBytes[record] = length[record];
    return this.#takeTurn(record, reach);
  }

  /** Drops a fragment without a beginning, and what follows it: the beginning may have been skipped. */
  #refuseOrphan(record: number, right: number): ChunkFate {
    this.#store.release(record);
    if (!this.#haveSkipped) return ChunkFate.Contradiction;
    if (right !== 0 && (this.#store.flags[right] & DataFlag.Begin) === 0) this.#dropRun(right);
    return ChunkFate.Useless;
  }

  /**
   * What ends here will not go on: a message begins behind it. Returns the record if it is here still.
   * @param reach that of its last TSN.
   */
  #cutOff(last: number, reach: number): number {
    const store = this.#store;
    if ((store.flags[last] & DataFlag.End) !== 0) return last;
    this.#markCutOff(last);
    const first = store.runFirst[last];
    this.#settle(first, reach - tsnDistance(tsn(store.tsn[first]), tsn(store.tsn[last])));
    return 0;
  }

  #markCutOff(record: number): void {
    const { flags } = this.#store;
    if ((flags[record] & DataFlag.End) === 0) flags[record] |= DataFlag.End | CUT_OFF;
  }

  /** All that was sent of a message that was given up is here: of it nothing but its turn is left. */
  #shrinkCutOff(first: number): void {
    const store = this.#store;
    if (first === this.#partial) this.#abortPartial();
    store.releaseChain(store.next[first]);
    store.dropPayload(first);
    store.next[first] = 0;
    store.flags[first] |= CUT_OFF;
  }

  #dropRun(first: number): void {
    const store = this.#store;
    if (first === this.#partial) this.#abortPartial();
    this.#ends.remove(first);
    this.#ends.remove(store.runLast[first]);
    store.releaseChain(first);
  }

  /** The message that is delivered in parts will never be complete: what is unread of it is lost. */
  #abortPartial(): void {
    const { stream, ssn, ppid, flags } = this.#store;
    const partial = this.#partial;
    if (this.#partialBegun) {
      this.#aborted = {
        stream: stream[partial],
        ssn: ssn[partial],
        ppid: ppid[partial],
        unordered: (flags[partial] & DataFlag.Unordered) !== 0,
      };
      this.#consumed = 0;
    }
    this.#ready.remove(partial);
    this.#readyBytes -= this.#partialBytes;
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
    if (left !== first) this.#ends.remove(left);
    if (right !== last) this.#ends.remove(right);
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
    this.#ends.remove(first);
    this.#ends.remove(last);
    if ((store.flags[last] & CUT_OFF) !== 0) {
      this.#shrinkCutOff(first);
      return this.#takeTurn(first, reach);
    }
    if (first === this.#partial) {
      this.#partial = 0;
      if ((store.flags[first] & DataFlag.Unordered) === 0) {
        this.#passTurn(store.stream[first], store.ssn[first]);
      }
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
    const own = store.ssn[first];
    const ahead = this.#order.distanceTo(stream, own);
    if (ahead === 0) {
      this.#makeReady(first);
      this.#passTurn(stream, own);
      return ChunkFate.Kept;
    }
    // Each message between the expected one and this has a TSN of its own below this one's first: what
    // claims to be further ahead is behind, and was delivered.
    if (ahead >= reach || this.#order.isWaiting(stream, own)) {
      store.releaseChain(first);
      return ChunkFate.Useless;
    }
    this.#order.wait(stream, own, first);
    return ChunkFate.Kept;
  }

  /** The message behind number `ssn` of the stream has its turn, and those behind it that wait already. */
  #passTurn(stream: number, ssn: number): void {
    let passed = ssn;
    let next = this.#order.pass(stream, passed);
    while (next !== 0) {
      this.#makeReady(next);
      next = this.#order.pass(stream, ++passed);
    }
  }

  #makeReady(first: number): void {
    if ((this.#store.flags[first] & CUT_OFF) !== 0) return this.#store.release(first);
    this.#ready.append(first);
    this.#readyBytes += this.#store.runBytes[first];
  }

  #isNext(first: number): boolean {
    const store = this.#store;
    if ((store.flags[first] & DataFlag.Unordered) !== 0) return true;
    return this.#order.distanceTo(store.stream[first], store.ssn[first]) === 0;
  }

  /** The first ready message was read up to somewhere in `record`. */
  #restOfMessage(record: number, last: number, inParts: boolean, copied: number): void {
    const store = this.#store;
    store.runLast[record] = last;
    if (!inParts) return;
    this.#partial = record;
    this.#partialBytes -= copied;
    this.#partialBegun = true;
    store.flags[record] |= DataFlag.Begin;
    store.runFirst[last] = record;
    if (this.#consumed < store.length[record]) return;
    // Everything here was read: the record stays, empty, for the next fragment to join.
    store.dropPayload(record);
    this.#consumed = 0;
  }
}
