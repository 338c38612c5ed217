/**
 * How much of what a peer has left waiting may be looked at when it skips messages (RFC 3758): what
 * comes pays for some looks, so that a peer cannot have all of it looked through for each of its packets.
 */

/** How often each thing that waits may be looked at, on average. */
const LOOKS_FOR_EACH = 8;
/** Looks for any packet. */
const LOOKS_PER_PACKET = 2048;
const MOST_LOOKS = 1 << 20;

export class LookBudget {
  #looks = 0;

  /** Something has come that may be looked at. */
  earn(): void {
    this.#looks = Math.min(this.#looks + LOOKS_FOR_EACH, MOST_LOOKS);
  }

  /** Asks for so many looks. False if there were too many of late: each packet that asks helps. */
  spend(looks: number): boolean {
    this.#looks = Math.min(this.#looks + LOOKS_PER_PACKET, MOST_LOOKS);
    if (looks > this.#looks) return false;
    this.#looks -= looks;
    return true;
  }
}
