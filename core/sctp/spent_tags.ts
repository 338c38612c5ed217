/**
 * Local tags of associations that are over. A COOKIE ECHO that comes late, or again, must not make a
 * second association from them: each one has a tag of its own (RFC 9260, section 5.3.1), and DATA that
 * went along would be delivered twice.
 */
import { elapsed, type Instant } from "./base/time.ts";

/** Tags that are remembered at most, times two: more in a cookie's life are forgotten early. */
const CAPACITY = 1 << 17;

/** Two generations of tags: each tag is kept for one period at least and two at most. */
export class SpentTags {
  #current = new Set<number>();
  #previous = new Set<number>();
  #since: Instant | undefined;
  #period = 0;

  /** Remembers a tag for `period` milliseconds from the next {@link has} on: as long as its cookies last. */
  add(tag: number, period: number): void {
    this.#period = Math.max(this.#period, period);
    if (this.#current.size >= CAPACITY) this.#turn();
    this.#current.add(tag);
  }

  /** True if an association with this tag has ended. */
  has(now: Instant, tag: number): boolean {
    this.#since ??= now;
    if (elapsed(this.#since, now) >= this.#period) {
      this.#turn();
      this.#since = now;
    }
    return this.remembers(tag);
  }

  /** True if {@link has} may say so: the tag of a new association had better be another. */
  remembers(tag: number): boolean {
    return this.#current.has(tag) || this.#previous.has(tag);
  }

  #turn(): void {
    this.#previous = this.#current;
    this.#current = new Set();
  }
}
