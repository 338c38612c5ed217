/**
 * Time inside the engine: the caller owns the clock and passes `now` in.
 *
 * An {@link Instant} counts milliseconds of a monotonic clock of the caller's choice, with
 * fractions; a duration is a plain number of milliseconds.
 */
declare const instantBrand: unique symbol;

/** A point on the caller's monotonic clock, in milliseconds. */
export type Instant = number & { readonly [instantBrand]: true };

/** Later than every other instant: the deadline of a timer that is not running. */
export const NEVER = Infinity as Instant;

/** Names a clock reading as an {@link Instant}. */
export function instant(milliseconds: number): Instant {
  return milliseconds as Instant;
}

/** The instant `milliseconds` after `start`. */
export function after(start: Instant, milliseconds: number): Instant {
  return (start + milliseconds) as Instant;
}

/** Milliseconds from `start` to `end`; negative if `end` is the earlier one. */
export function elapsed(start: Instant, end: Instant): number {
  return end - start;
}

/** True once a deadline has been reached. */
export function isDue(deadline: Instant, now: Instant): boolean {
  return deadline <= now;
}

/** The earlier of two instants. */
export function earlier(a: Instant, b: Instant): Instant {
  return a < b ? a : b;
}
