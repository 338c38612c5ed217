/**
 * When to collect garbage: once many connections have come or gone, as soon as nothing goes on. Idle
 * connections then cost what they hold, and not what their setup has left. Pure.
 */
import { after, type Instant, isDue, NEVER } from "../sctp/base/time.ts";

/** Connections that come or go before it is worth a collection. */
const ENOUGH = 256;

/** Milliseconds without anything going on. */
const QUIET = 3000;

export class IdleCollector {
  readonly #collect: () => void;
  #changes = 0;
  #deadline: Instant = NEVER;

  constructor(collect: () => void) {
    this.#collect = collect;
  }

  /** When {@link run} wants to be called; NEVER if nothing is to be collected. */
  get deadline(): Instant {
    return this.#deadline;
  }

  /** A connection has come or gone. */
  noteChange(): void {
    this.#changes++;
  }

  /** Something goes on. */
  noteActivity(now: Instant): void {
    if (this.#changes >= ENOUGH) this.#deadline = after(now, QUIET);
  }

  /** Collects if it is time for that. */
  run(now: Instant): void {
    if (!isDue(this.#deadline, now)) return;
    this.#deadline = NEVER;
    this.#changes = 0;
    this.#collect();
  }
}
