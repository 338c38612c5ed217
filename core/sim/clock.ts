/** Virtual time: it moves only from one scheduled occurrence to the next. */
import { type Instant, instant } from "../sctp/base/time.ts";
import { EventHeap, type Occurrence } from "./event_heap.ts";

/** A clock that stands still until it is told to go on. It starts at 0 ms. */
export class VirtualClock {
  readonly #heap = new EventHeap();
  #now = instant(0);
  #steps = 0;

  /** The virtual time. */
  get now(): Instant {
    return this.#now;
  }

  /** Occurrences that have happened so far. */
  get steps(): number {
    return this.#steps;
  }

  /** Occurrences that are yet to come. */
  get pending(): number {
    return this.#heap.size;
  }

  /** When the next occurrence is due; `NEVER` if nothing is scheduled. */
  get next(): Instant {
    return this.#heap.earliest;
  }

  /**
   * Schedules an occurrence. A time in the past means now; time never goes back.
   * @throws RangeError if the time is not finite: what never happens is not scheduled.
   */
  schedule(at: Instant, event: Occurrence): void {
    if (!Number.isFinite(at)) throw new RangeError(`cannot schedule an event at ${at} ms`);
    this.#heap.push(at < this.#now ? this.#now : at, event);
  }

  /** Schedules a function, for scripts and tests. */
  at(at: Instant, action: (now: Instant) => void): void {
    this.schedule(at, { occur: action });
  }

  /** Lets the next occurrence happen. False if there is none. */
  step(): boolean {
    const due = this.#heap.earliest;
    const event = this.#heap.pop();
    if (event === undefined) return false;
    this.#now = due;
    this.#steps++;
    event.occur(due);
    return true;
  }

  /** Lets everything happen that is due by `end`, and sets the clock to `end`. */
  advanceTo(end: Instant): void {
    while (this.#heap.earliest <= end) this.step();
    if (end > this.#now) this.#now = end;
  }
}
