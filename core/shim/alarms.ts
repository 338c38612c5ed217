/** Who wants to be called when. */
import { earlier, type Instant, isDue, NEVER } from "../sctp/base/time.ts";

/**
 * One alarm for each owner. Meant for the few that are being set up: the search for those that are
 * due goes through all, but only when one is.
 */
export class Alarms<Owner> {
  readonly #times = new Map<Owner, Instant>();
  #next: Instant = NEVER;

  /** When to call {@link ring}: never too late, at times too early. */
  get next(): Instant {
    return this.#next;
  }

  /** Sets the owner's alarm, in place of the one it had; NEVER takes it off. */
  set(owner: Owner, at: Instant): void {
    if (at === NEVER) this.#times.delete(owner);
    else this.#times.set(owner, at);
    this.#next = this.#times.size === 0 ? NEVER : earlier(this.#next, at);
  }

  /** Takes off every alarm that is due and tells its owner, who may set a new one. */
  ring(now: Instant, tell: (owner: Owner) => void): void {
    if (!isDue(this.#next, now)) return;
    const due = [...this.#times].filter(([, at]) => isDue(at, now)).map(([owner]) => owner);
    for (const owner of due) this.#times.delete(owner);
    this.#next = NEVER;
    for (const at of this.#times.values()) this.#next = earlier(this.#next, at);
    for (const owner of due) tell(owner);
  }
}
