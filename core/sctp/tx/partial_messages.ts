/**
 * The partially reliable messages that are queued or not acknowledged, one record each: facts in
 * columns, and of those that are queued, which expires first and which gives way first. Record 0 means
 * "none".
 */
import { KeyedHeap } from "../base/keyed_heap.ts";
import { type Tsn, tsn } from "../base/serial.ts";
import { type Columns, copyColumns, SpareColumns } from "../base/spare_columns.ts";
import { after, type Instant, instant, NEVER } from "../base/time.ts";
import {
  ABANDON_POLICIES,
  type AbandonPolicy,
  type PartialReliability,
} from "./partial_reliability.ts";

/** Records that fit at first. */
const SMALLEST_CAPACITY = 64;

/** What is known of messages, one column per fact. */
class MessageColumns implements Columns {
  /** Index in {@link ABANDON_POLICIES}. */
  readonly policy: Uint8Array;
  /** Instant at which it expires, retransmissions of a chunk that are allowed, or priority. */
  readonly limit: Float64Array;
  readonly stream: Uint16Array;
  /** First segment that is not all in chunks; 0 if there is none. Next record of one not in use. */
  readonly segment: Uint32Array;
  /** 1 once a part of it has a TSN. */
  readonly begun: Uint8Array;
  readonly firstTsn: Uint32Array;
  readonly lastTsn: Uint32Array;

  constructor(readonly capacity: number) {
    this.policy = new Uint8Array(capacity);
    this.limit = new Float64Array(capacity);
    this.stream = new Uint16Array(capacity);
    this.segment = new Uint32Array(capacity);
    this.begun = new Uint8Array(capacity);
    this.firstTsn = new Uint32Array(capacity);
    this.lastTsn = new Uint32Array(capacity);
  }
}

const NONE = new MessageColumns(0);
const spares = new SpareColumns((capacity) => new MessageColumns(capacity), SMALLEST_CAPACITY);

export class PartialMessages {
  #columns = NONE;
  #live = 0;
  #fresh = 1;
  #free = 0;
  /** Queued messages with a lifetime, by the instant at which they expire. */
  readonly #expiring = new KeyedHeap();
  /** Queued messages with a priority, the one that gives way first first. */
  readonly #yielding = new KeyedHeap();

  /** Messages with a record. */
  get count(): number {
    return this.#live;
  }

  /** A record for a message that is about to be queued. */
  add(now: Instant, { policy, value }: PartialReliability, stream: number): number {
    const record = this.#takeRecord();
    const columns = this.#columns;
    columns.policy[record] = ABANDON_POLICIES.indexOf(policy);
    columns.stream[record] = stream;
    columns.begun[record] = 0;
    columns.limit[record] = policy === "ttl" ? after(now, value) : value;
    if (policy === "ttl") this.#expiring.set(record, columns.limit[record]);
    if (policy === "prio") this.#yielding.set(record, -value);
    return record;
  }

  policyOf(record: number): AbandonPolicy {
    return ABANDON_POLICIES[this.#columns.policy[record]];
  }

  streamOf(record: number): number {
    return this.#columns.stream[record];
  }

  /** First segment of the message that is not all in chunks, or 0. */
  segmentOf(record: number): number {
    return this.#columns.segment[record];
  }

  /** True once a part of the message has a TSN. */
  hasBegun(record: number): boolean {
    return this.#columns.begun[record] === 1;
  }

  /** TSN of its first chunk, once it has begun. */
  firstTsnOf(record: number): Tsn {
    return tsn(this.#columns.firstTsn[record]);
  }

  /** TSN of its last chunk so far, once it has begun. */
  lastTsnOf(record: number): Tsn {
    return tsn(this.#columns.lastTsn[record]);
  }

  /** The message is in the queue from this segment on. */
  setQueued(record: number, segment: number): void {
    this.#columns.segment[record] = segment;
  }

  /** A part of the message is in a chunk; `segment` as for {@link segmentOf}. */
  noteChunk(record: number, value: Tsn, segment: number): void {
    const columns = this.#columns;
    if (columns.begun[record] === 0) columns.firstTsn[record] = value;
    columns.begun[record] = 1;
    columns.lastTsn[record] = value;
    columns.segment[record] = segment;
    if (segment === 0) this.#leaveQueue(record);
  }

  /** When the next of the queued messages expires. */
  get nextExpiry(): Instant {
    return this.#expiring.count === 0 ? NEVER : instant(this.#expiring.firstKey);
  }

  /** The queued message that expires next; there is one. */
  get expiringFirst(): number {
    return this.#expiring.first;
  }

  /** True if a message whose chunk was sent again `resent` times must not be sent again now. */
  isGivenUp(record: number, resent: number, now: Instant): boolean {
    const limit = this.#columns.limit[record];
    switch (this.policyOf(record)) {
      case "ttl":
        return limit <= now;
      case "rtx":
        return resent >= limit;
      case "prio":
        return false;
    }
  }

  /** Takes the queued message that gives way first out of their order, if it does so to `priority`. */
  takeYielding(priority: number): number {
    if (this.#yielding.count === 0 || -this.#yielding.firstKey <= priority) return 0;
    const record = this.#yielding.first;
    this.#yielding.remove(record);
    return record;
  }

  /** A message that was taken need not give way after all. */
  putBack(record: number): void {
    this.#yielding.set(record, -this.#columns.limit[record]);
  }

  /** A message is over: acknowledged, or given up. */
  release(record: number): void {
    this.#leaveQueue(record);
    this.#columns.segment[record] = this.#free;
    this.#free = record;
    if (--this.#live === 0) this.#giveBack();
  }

  #leaveQueue(record: number): void {
    this.#expiring.remove(record);
    this.#yielding.remove(record);
  }

  /** Forgets all messages. */
  clear(): void {
    this.#expiring.clear();
    this.#yielding.clear();
    this.#live = 0;
    this.#giveBack();
  }

  #takeRecord(): number {
    this.#live++;
    const record = this.#free;
    if (record !== 0) {
      this.#free = this.#columns.segment[record];
      return record;
    }
    if (this.#fresh >= this.#columns.capacity) this.#grow();
    return this.#fresh++;
  }

  #giveBack(): void {
    spares.give(this.#columns);
    this.#columns = NONE;
    this.#fresh = 1;
    this.#free = 0;
  }

  #grow(): void {
    const columns = spares.larger(this.#columns);
    copyColumns(columns, this.#columns);
    spares.give(this.#columns);
    this.#columns = columns;
  }
}
