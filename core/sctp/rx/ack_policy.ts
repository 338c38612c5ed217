/** When to acknowledge (RFC 9260, section 6.2). */
import { after, type Instant } from "../base/time.ts";
import type { Parameters } from "../parameters.ts";
import { AssociationTimer, type TimerTable } from "../timer/timer_table.ts";

export class AckPolicy {
  #parameters: Parameters;
  readonly #timers: TimerTable;
  #packetsSinceSack = 0;
  #due = false;
  #firstDataSeen = false;

  constructor(parameters: Parameters, timers: TimerTable) {
    this.#parameters = parameters;
    this.#timers = timers;
  }

  /** Delays otherwise from the next packet on. */
  retune(parameters: Parameters): void {
    this.#parameters = parameters;
  }

  /** True if a SACK must leave with the next transmission. */
  get isDue(): boolean {
    return this.#due;
  }

  /** True if there is received data that no SACK has reported: worth bundling with outgoing DATA. */
  get isPending(): boolean {
    return this.#due || this.#packetsSinceSack > 0;
  }

  /** A SACK is wanted at once: duplicates, gaps, the I bit, a dropped chunk or an opened window. */
  demand(): void {
    this.#due = true;
  }

  /** A packet with new DATA was processed. */
  onDataPacket(now: Instant): void {
    this.#packetsSinceSack++;
    // RFC 9260, section 5.1: the first DATA chunk is acknowledged immediately.
    if (!this.#firstDataSeen || this.#packetsSinceSack >= this.#parameters.sackFrequency) {
      this.#due = true;
    }
    this.#firstDataSeen = true;
    if (this.#due || this.#timers.isRunning(AssociationTimer.SackDelay)) return;
    this.#timers.start(AssociationTimer.SackDelay, after(now, this.#parameters.sackDelay));
  }

  /** A SACK was put into a packet. */
  onSackSent(): void {
    this.#due = false;
    this.#packetsSinceSack = 0;
    this.#timers.stop(AssociationTimer.SackDelay);
  }
}
