/** The monotonic clock that the engine's time comes from outside of simulations. */
import { type Instant, instant } from "../sctp/base/time.ts";

/**
 * Milliseconds, with fractions, since this thread started. Each thread has a zero of its own:
 * never compare instants of two threads.
 */
export function monotonicNow(): Instant {
  return instant(performance.now());
}
