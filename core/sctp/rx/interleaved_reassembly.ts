/**
 * From I-DATA chunks to messages (RFC 8260, section 2.2.3): fragments belong together by stream,
 * Message Identifier and Fragment Sequence Number, whatever their TSNs. Messages wait for their turn in
 * the stream, and lie ready until they are read.
 *
 * A long message is delivered in parts, one of each stream at a time; parts of several streams are read
 * in turn (SCTP_FRAGMENT_INTERLEAVE, level 2: RFC 6458, section 8.1.20).
 */
import { DataFlag } from "../wire/data.ts";
import type { ChunkStore } from "./chunk_store.ts";
import { FragmentIndex } from "./fragment_index.ts";
import { LookBudget } from "./look_budget.ts";
import { MessageOrder } from "./message_order.ts";
import { type AbortedMessage, ChunkFate, type ReceiveInfo } from "./reassembly.ts";
import { type NextMessage, nextMessage } from "./next_message.ts";
import { ReadyQueue } from "./ready_queue.ts";

/** A message that is delivered in parts. */
interface OpenMessage {
  /** Its first record; it stays, empty, when everything was read. */
  first: number;
  /** Bytes that can be read. */
  unread: number;
  /** Some of it was read. */
  begun: boolean;
  /** It is in the ready queue: there is something to read. */
  queued: boolean;
  /** First records of the stream's other messages, which wait until it is over. */
  readonly waiting: number[];
}

const WHOLE = DataFlag.Begin | DataFlag.End;

export class InterleavedReassembly {
  readonly #store: ChunkStore;
  /** Fragments of incomplete messages, and first records of those that wait for their turn. */
  readonly #index: FragmentIndex;
  readonly #order = new MessageOrder();
  readonly #ready: ReadyQueue;
  /** By stream. */
  readonly #open = new Map<number, OpenMessage>();
  readonly #aborted: AbortedMessage[] = [];
  #readyBytes = 0;
  readonly #looks = new LookBudget();
  /** Bytes that were read already from the first record of the first ready message. */
  #consumed = 0;
  /** TSN of the first chunk that was read from last, as a signed number. */
  lastRead = 0;

  /**
   * @param salt random: the peer chooses the keys of the index.
   * @param longest bytes from which on an incomplete message is delivered in parts.
   */
  constructor(store: ChunkStore, salt: number, public longest: number) {
    this.#store = store;
    this.#index = new FragmentIndex(store, salt);
    this.#ready = new ReadyQueue(store);
  }

  /** Bytes that can be read. */
  get readyBytes(): number {
    return this.#readyBytes;
  }

  /** True if {@link read} returns something. */
  get isReadable(): boolean {
    return this.#ready.first !== 0;
  }

  /** Takes over a stored chunk. On any fate but Kept its record has been released. */
  add(record: number): ChunkFate {
    const store = this.#store;
    const { stream, flags, ssn } = store;
    this.#looks.earn();
    if (this.#order.isOver(stream[record], flags[record], ssn[record])) {
      return this.#refuse(record, ChunkFate.Useless);
    }
    const left = this.#neighbour(record, -1);
    const right = this.#neighbour(record, 1);
    if (!this.#fits(record, left, right)) return this.#refuse(record, ChunkFate.Contradiction);
    store.runFirst[record] = record;
    store.runLast[record] = record;
    store.runBytes[record] = store.length[record];
    if ((flags[record] & WHOLE) === WHOLE) return this.#takeTurn(record);
    this.#index.add(record);
    if (right !== 0) this.#join(record, right);
    if (left === 0) return this.#settle(record);
    const first = store.runFirst[left];
    const added = store.runBytes[record];
    this.#join(left, record);
    const open = this.#openAt(first);
    if (open) this.#extend(open, added);
    return this.#settle(first);
  }

  /** Nothing can be read and there is no room: delivers in parts what can be (RFC 9260, section 6.9). */
  startPartialDelivery(): void {
    if (!this.mayLookThrough()) return;
    for (const record of this.#index.records()) this.#openIfLong(record, 1);
  }

  /** Asks for a look through all that is indexed, which {@link skip} takes; false if it is too soon. */
  mayLookThrough(): boolean {
    return this.#looks.spend(this.#index.count);
  }

  /** How many ordered messages of a stream come before the one behind `last`; negative if it is over. */
  distanceBehind(stream: number, last: number): number {
    return this.#order.distanceTo(stream, last + 1);
  }

  /**
   * Waits no longer for messages (RFC 8260, section 2.3.1): those that are complete can be read, what is
   * here of others is dropped. Only after {@link mayLookThrough}.
   * @param ordered largest Message Identifiers that are skipped, by stream.
   * @param unordered the same of unordered messages.
   */
  skip(ordered: ReadonlyMap<number, number>, unordered: ReadonlyMap<number, number>): void {
    const { stream, flags, ssn } = this.#store;
    const isSkipped = (record: number) => {
      const isUnordered = (flags[record] & DataFlag.Unordered) !== 0;
      const last = (isUnordered ? unordered : ordered).get(stream[record]);
      return last !== undefined && ((ssn[record] - last) | 0) <= 0;
    };
    for (const open of [...this.#open.values()]) {
      if (isSkipped(open.first)) this.#abort(open);
    }
    const records = this.#index.records().filter(isSkipped);
    for (const record of records) this.#index.remove(record);
    const whole = records.filter((record) => this.#isWhole(record));
    const rest = records.filter((record) => !this.#isWhole(record));
    for (const record of rest) this.#store.release(record);
    whole.sort((a, b) => stream[a] - stream[b] || (ssn[a] - ssn[b]) | 0);
    for (const first of whole) this.#makeReady(first);
    for (const [id, last] of unordered) this.#order.skipUnordered(id, last);
    for (const [id, last] of ordered) {
      this.#order.skipTo(id, last);
      this.#passTurn(id);
    }
  }

  /** A message of which the reader has a part and will get no more; told once. */
  takeAborted(): AbortedMessage | undefined {
    return this.#aborted.shift();
  }

  /** What {@link read} gives next. */
  get next(): NextMessage | undefined {
    const { first } = this.#ready;
    if (first === 0) return undefined;
    return nextMessage(this.#store, first, this.#consumed, !this.#openAt(first));
  }

  /** Copies from the message that is first in line; returns the bytes copied, 0 if nothing is ready. */
  read(target: Uint8Array, info: ReceiveInfo): number {
    const first = this.#ready.first;
    if (first === 0 || target.length === 0) return 0;
    const store = this.#store;
    const open = this.#openAt(first);
    const following = store.nextReady[first];
    const last = store.runLast[first];
    this.lastRead = store.tsn[first] | 0;
    this.#describe(first, info);
    let record = first;
    let copied = 0;
    while (record !== 0) {
      const length = Math.min(store.length[record] - this.#consumed, target.length - copied);
      store.copyOut(record, this.#consumed, target, copied, length);
      copied += length;
      this.#consumed += length;
      if (this.#consumed < store.length[record]) break;
      const next = store.next[record];
      if (next === 0 && open) break;
      this.#consumed = 0;
      if (next !== 0) store.ppid[next] = store.ppid[record];
      if (open) this.#index.remove(record);
      store.release(record);
      record = next;
    }
    this.#readyBytes -= copied;
    info.endOfMessage = record === 0;
    if (record !== 0) store.runLast[record] = last;
    if (open) return this.#keepOpen(open, record, following, copied);
    this.#ready.replaceFirst(record, following);
    return copied;
  }

  /** Message Identifiers of these streams, or of all for an empty list, start again (RFC 6525). */
  resetStreams(streams: readonly number[]): void {
    this.#order.restart(streams);
  }

  /** Forgets what can never be read and, with `everything`, what can. Releases its memory. */
  clear(everything: boolean): void {
    if (everything) this.#ready.clear();
    const kept = new Uint8Array(this.#store.recordCount);
    for (let first = this.#ready.first; first !== 0; first = this.#store.nextReady[first]) {
      this.#store.markChain(first, kept);
    }
    for (const [stream, { queued, waiting }] of this.#open) {
      waiting.length = 0;
      if (!queued) this.#open.delete(stream);
    }
    this.#store.releaseUnmarked(kept);
    this.#index.clear();
    if (!everything) return;
    this.#open.clear();
    this.#readyBytes = 0;
    this.#consumed = 0;
    this.#aborted.length = 0;
  }

  #refuse(record: number, fate: ChunkFate): ChunkFate {
    this.#store.release(record);
    return fate;
  }

  /** The fragment so far behind another one in the same message, or 0; none lies beyond its ends. */
  #neighbour(record: number, distance: 1 | -1): number {
    const { stream, flags, ssn, fsn } = this.#store;
    const end = distance < 0 ? DataFlag.Begin : DataFlag.End;
    if ((flags[record] & end) !== 0) return 0;
    const unordered = flags[record] & DataFlag.Unordered;
    const sought = (fsn[record] + distance) >>> 0;
    return this.#index.find(stream[record], unordered, ssn[record], sought);
  }

  /**
   * True if a fragment can be what it claims to be. Deviation: Fragment Sequence Numbers do not wrap
   * within a message, which takes 2^32 fragments.
   */
  #fits(record: number, left: number, right: number): boolean {
    const { stream, flags, ssn, fsn } = this.#store;
    const unordered = flags[record] & DataFlag.Unordered;
    const begins = (flags[record] & DataFlag.Begin) !== 0;
    const ends = (flags[record] & DataFlag.End) !== 0;
    if (!begins && fsn[record] === 0) return false;
    if (left !== 0 && (flags[left] & DataFlag.End) !== 0) return false;
    if (right !== 0 && (flags[right] & DataFlag.Begin) !== 0) return false;
    const id = stream[record];
    const mid = ssn[record];
    const own = fsn[record];
    if (this.#index.find(id, unordered, mid, own) !== 0) return false;
    if (ends && this.#index.find(id, unordered, mid, (own + 1) >>> 0) !== 0) return false;
    const open = this.#openOf(record);
    return !open || own > fsn[open.first];
  }

  /** Makes one run of the run that ends with `left` and the run that starts with `right`. */
  #join(left: number, right: number): void {
    const store = this.#store;
    const first = store.runFirst[left];
    const last = store.runLast[right];
    store.next[left] = right;
    store.runLast[first] = last;
    store.runFirst[last] = first;
    store.runBytes[first] += store.runBytes[right];
  }

  #isWhole(first: number): boolean {
    const { flags, runLast } = this.#store;
    return (flags[first] & DataFlag.Begin) !== 0 && (flags[runLast[first]] & DataFlag.End) !== 0;
  }

  /** Moves a run on if it is a message now, or long enough to be read. */
  #settle(first: number): ChunkFate {
    if (!this.#isWhole(first)) {
      this.#openIfLong(first, this.longest);
      return ChunkFate.Kept;
    }
    for (let one = first; one !== 0; one = this.#store.next[one]) this.#index.remove(one);
    const open = this.#openAt(first);
    if (!open) return this.#takeTurn(first);
    this.#close(open);
    return ChunkFate.Kept;
  }

  /** A complete message becomes ready, or waits for its turn. */
  #takeTurn(first: number): ChunkFate {
    const { stream, flags, ssn } = this.#store;
    if ((flags[first] & DataFlag.Unordered) !== 0) {
      this.#makeReady(first);
      return ChunkFate.Kept;
    }
    if (this.#order.distanceTo(stream[first], ssn[first]) > 0) {
      this.#index.add(first);
      return ChunkFate.Kept;
    }
    this.#makeReady(first);
    this.#order.pass(stream[first]);
    this.#passTurn(stream[first]);
    return ChunkFate.Kept;
  }

  /** The message of the stream that is expected now has its turn, and those behind it that wait. */
  #passTurn(stream: number): void {
    for (;;) {
      const next = this.#index.find(stream, 0, this.#order.expected(stream), 0);
      if (next === 0) return;
      if (!this.#isWhole(next)) return this.#openIfLong(next, this.longest);
      this.#index.remove(next);
      this.#makeReady(next);
      this.#order.pass(stream);
    }
  }

  #makeReady(first: number): void {
    const open = this.#open.get(this.#store.stream[first]);
    if (open) {
      open.waiting.push(first);
      return;
    }
    this.#ready.append(first);
    this.#readyBytes += this.#store.runBytes[first];
  }

  /** Delivers an incomplete message in parts if it is next in its stream and so much of it is here. */
  #openIfLong(first: number, least: number): void {
    const { stream, flags, ssn, runBytes } = this.#store;
    if ((flags[first] & DataFlag.Begin) === 0 || this.#open.has(stream[first])) return;
    if (this.#isWhole(first) || runBytes[first] < least) return;
    const isOrdered = (flags[first] & DataFlag.Unordered) === 0;
    if (isOrdered && this.#order.distanceTo(stream[first], ssn[first]) !== 0) return;
    const open = { first, unread: 0, begun: false, queued: false, waiting: [] };
    this.#open.set(stream[first], open);
    this.#extend(open, runBytes[first]);
  }

  /** The open message with this first record. */
  #openAt(first: number): OpenMessage | undefined {
    if (this.#open.size === 0) return undefined;
    const open = this.#open.get(this.#store.stream[first]);
    return open?.first === first ? open : undefined;
  }

  /** The open message that a record is of. */
  #openOf(record: number): OpenMessage | undefined {
    if (this.#open.size === 0) return undefined;
    const { stream, flags, ssn } = this.#store;
    const open = this.#open.get(stream[record]);
    const isSame = open && ssn[open.first] === ssn[record] &&
      ((flags[open.first] ^ flags[record]) & DataFlag.Unordered) === 0;
    return isSame ? open : undefined;
  }

  /** More of an open message can be read. */
  #extend(open: OpenMessage, bytes: number): void {
    open.unread += bytes;
    this.#readyBytes += bytes;
    if (open.queued) return;
    open.queued = true;
    this.#ready.append(open.first);
  }

  /** An open message was read up to somewhere in `record`. */
  #keepOpen(open: OpenMessage, record: number, following: number, copied: number): number {
    const store = this.#store;
    open.first = record;
    open.begun = true;
    open.unread -= copied;
    store.flags[record] |= DataFlag.Begin;
    store.runFirst[store.runLast[record]] = record;
    open.queued = this.#consumed < store.length[record];
    this.#ready.replaceFirst(open.queued ? record : 0, following);
    if (open.queued) return copied;
    // Everything here was read: the record stays, empty, for the next fragment to join.
    store.dropPayload(record);
    this.#consumed = 0;
    return copied;
  }

  /** An open message is complete: it ends as any other does. */
  #close(open: OpenMessage): void {
    const { stream, flags } = this.#store;
    const id = stream[open.first];
    this.#release(open);
    if ((flags[open.first] & DataFlag.Unordered) !== 0) return;
    this.#order.pass(id);
    this.#passTurn(id);
  }

  /** An open message will never be complete: what is unread of it is lost. */
  #abort(open: OpenMessage): void {
    const store = this.#store;
    const { first } = open;
    if (open.begun) {
      this.#aborted.push({
        stream: store.stream[first],
        ssn: store.ssn[first] & 0xffff,
        ppid: store.ppid[first],
        unordered: (store.flags[first] & DataFlag.Unordered) !== 0,
      });
    }
    if (this.#ready.first === first) this.#consumed = 0;
    if (open.queued) this.#ready.remove(first);
    this.#readyBytes -= open.unread;
    this.#release(open);
    for (let one = first; one !== 0; one = store.next[one]) this.#index.remove(one);
    store.releaseChain(first);
  }

  /** What waited for an open message can be read. */
  #release(open: OpenMessage): void {
    this.#open.delete(this.#store.stream[open.first]);
    for (const first of open.waiting) this.#makeReady(first);
  }

  #describe(record: number, info: ReceiveInfo): void {
    const { stream, ssn, ppid, flags } = this.#store;
    info.stream = stream[record];
    // RFC 8260, section 4.1.
    info.ssn = ssn[record] & 0xffff;
    info.ppid = ppid[record];
    info.unordered = (flags[record] & DataFlag.Unordered) !== 0;
  }
}
