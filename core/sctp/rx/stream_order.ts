/**
 * Whose turn it is in each stream (RFC 9260, section 6.6): the Stream Sequence Number that is to be
 * delivered next, and the complete messages that wait for those before them.
 */
import { HashIndex } from "../base/hash_index.ts";
import { PagedCounters } from "../base/paged_counters.ts";

export class StreamOrder {
  readonly #expected = new PagedCounters();
  /** First records of waiting messages, by stream and Stream Sequence Number. */
  readonly #waiting: HashIndex;

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
    this.#waiting.add(keyOf(stream, ssn), record);
  }

  /** The message that is expected has its turn; returns the one behind it if it waits, or 0. */
  pass(stream: number): number {
    const next = (this.#expected.get(stream) + 1) & 0xffff;
    this.#expected.set(stream, next);
    return this.#waiting.count === 0 ? 0 : this.#take(keyOf(stream, next));
  }

  /** Stream Sequence Numbers of these streams, or of all for an empty list, start again from 0. */
  restart(streams: readonly number[]): void {
    if (streams.length === 0) this.#expected.clear();
    for (const stream of streams) this.#expected.set(stream, 0);
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
