/**
 * Whose turn it is in each stream (RFC 9260, section 6.6): the Stream Sequence Number that is to be
 * delivered next, and the complete messages that wait for those before them.
 */
import { HashIndex } from "../base/hash_index.ts";
import { PagedCounters } from "../base/paged_counters.ts";
import { LookBudget } from "./look_budget.ts";

export class StreamOrder {
  readonly #expected = new PagedCounters();
  /** First records of waiting messages, by stream and Stream Sequence Number. */
  readonly #waiting: HashIndex;
  readonly #looks = new LookBudget();

  /** @param salt random: the peer chooses the keys of the index. */
  constructor(salt: number) {
    this.#waiting = new HashIndex(salt);
  }

  /** How many messages of a stream come before the one with this number. */
  distanceTo(stream: number, ssn: number): number {
    return (ssn - this.#expected.get(stream)) & 0xffff;
  }

  /** True if a message with this number waits. */
  isWaiting(stream: number, ssn: number): boolean {
    return this.#waiting.find(keyOf(stream, ssn)) >= 0;
  }

  /** Lets a complete message wait, known by its first record. */
  wait(stream: number, ssn: number, record: number): void {
    this.#looks.earn();
    this.#waiting.add(keyOf(stream, ssn), record);
  }

  /** The message that is expected, `ssn`, has its turn; returns the one behind it if it waits, or 0. */
  pass(stream: number, ssn: number): number {
    this.#expected.set(stream, ssn + 1);
    return this.#waiting.count === 0 ? 0 : this.#take(keyOf(stream, ssn + 1));
  }

  /** Stream Sequence Numbers of these streams, or of all for an empty list, start again from 0. */
  restart(streams: readonly number[]): void {
    if (streams.length === 0) this.#expected.clear();
    for (const stream of streams) this.#expected.set(stream, 0);
  }

  /** Asks for the looks that {@link skip} takes for messages of `streams` streams; false if it is too soon. */
  maySkip(messages: number, streams: number): boolean {
    if (this.#waiting.count === 0) return true;
    return this.#looks.spend(Math.min(messages, streams * this.#waiting.capacity));
  }

  /**
   * Gives up the next `count` messages of a stream: of those, the ones that wait are returned in their
   * order, and so is the one that then has its turn, with all that directly follow it.
   */
  skip(stream: number, count: number): number[] {
    const records = this.#takeWaiting(stream, count);
    // The last one that is given up passes its turn on.
    let passed = this.#expected.get(stream) + count - 1;
    let next = this.pass(stream, passed);
    while (next !== 0) {
      records.push(next);
      next = this.pass(stream, ++passed);
    }
    return records;
  }

  /** Looks up each number, or looks at each that waits: whichever is less work. */
  #takeWaiting(stream: number, count: number): number[] {
    const waiting = this.#waiting;
    if (waiting.count === 0) return [];
    const first = this.#expected.get(stream);
    const distances = count < waiting.capacity
      ? Array.from({ length: count }, (_, i) => i)
      : this.#distances(stream, count);
    return distances.map((distance) => this.#take(keyOf(stream, first + distance)))
      .filter((record) => record !== 0);
  }

  /** Of the messages of a stream that wait: their distances below `count`, in order. */
  #distances(stream: number, count: number): number[] {
    const distances: number[] = [];
    for (let position = 0; position < this.#waiting.capacity; position++) {
      const key = this.#waiting.keyAt(position);
      if (key < 0 || key >>> 16 !== stream) continue;
      const distance = this.distanceTo(stream, key & 0xffff);
      if (distance < count) distances.push(distance);
    }
    return distances.sort((a, b) => a - b);
  }

  /** Takes a waiting message out; returns its first record, or 0. */
  #take(key: number): number {
    const position = this.#waiting.find(key);
    if (position < 0) return 0;
    const record = this.#waiting.valueAt(position);
    this.#waiting.removeAt(position);
    return record;
  }

  /** Forgets everything that waits. */
  clear(): void {
    this.#waiting.clear();
  }
}

function keyOf(stream: number, ssn: number): number {
  return ((stream << 16) | (ssn & 0xffff)) >>> 0;
}
