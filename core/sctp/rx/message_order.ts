/** Which messages of interleaved streams are over, by Message Identifier (RFC 8260, section 2.1). */
import { PagedCounters } from "../base/paged_counters.ts";
import { DataFlag } from "../wire/data.ts";

/** Messages behind the last one that was skipped after which nothing of it can be on its way. */
const FORGOTTEN = 1 << 30;

export class MessageOrder {
  /** Of ordered messages: the next one to be delivered, by stream. */
  readonly #expected = new PagedCounters(32);
  /** Of unordered messages: the last one that was skipped, by stream. */
  readonly #skipped = new Map<number, number>();

  /** Message Identifier of the ordered message that is to be delivered next. */
  expected(stream: number): number {
    return this.#expected.get(stream) >>> 0;
  }

  /** How many ordered messages come before one; negative if it is over. */
  distanceTo(stream: number, mid: number): number {
    return (mid - this.#expected.get(stream)) | 0;
  }

  /** True if a message was delivered or skipped; `flags` are those of one of its chunks. */
  isOver(stream: number, flags: number, mid: number): boolean {
    if ((flags & DataFlag.Unordered) === 0) return this.distanceTo(stream, mid) < 0;
    return this.#skipped.size > 0 && this.#isSkipped(stream, mid);
  }

  #isSkipped(stream: number, mid: number): boolean {
    const last = this.#skipped.get(stream);
    if (last === undefined) return false;
    const behind = (mid - last) | 0;
    if (behind > FORGOTTEN) this.#skipped.delete(stream);
    return behind <= 0;
  }

  /** The ordered message that is expected has its turn. */
  pass(stream: number): void {
    this.#expected.set(stream, this.#expected.get(stream) + 1);
  }

  /** Ordered messages up to this one are over. */
  skipTo(stream: number, last: number): void {
    this.#expected.set(stream, last + 1);
  }

  /** Unordered messages up to this one are over. */
  skipUnordered(stream: number, last: number): void {
    const before = this.#skipped.get(stream);
    if (before === undefined || ((last - before) | 0) > 0) this.#skipped.set(stream, last);
  }

  /** Message Identifiers of these streams, or of all for an empty list, start again from 0. */
  restart(streams: readonly number[]): void {
    if (streams.length === 0) {
      this.#expected.clear();
      this.#skipped.clear();
    }
    for (const stream of streams) {
      this.#expected.set(stream, 0);
      this.#skipped.delete(stream);
    }
  }
}
