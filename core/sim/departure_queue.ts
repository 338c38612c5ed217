/** The queue before a line of limited rate, kept as a ring of the instants at which its packets will be gone. */
import { type Instant, instant } from "../sctp/base/time.ts";

export class DepartureQueue {
  #departures = new Float64Array(64);
  #head = 0;
  #length = 0;
  #lastDeparture = instant(0);

  /** @param rate bits per second, `Infinity` for no limit; a change holds for the packets to come. */
  constructor(public rate: number) {}

  /** Packets that are not yet wholly on the line at `now`. `now` never goes back. */
  lengthAt(now: Instant): number {
    const mask = this.#departures.length - 1;
    while (this.#length > 0 && this.#departures[this.#head] <= now) {
      this.#head = (this.#head + 1) & mask;
      this.#length--;
    }
    return this.#length;
  }

  /** Adds a packet of `bytes` and returns the instant at which its last bit is on the line. */
  add(now: Instant, bytes: number): Instant {
    const start = Math.max(now, this.#lastDeparture);
    const departure = instant(start + (bytes * 8000) / this.rate);
    if (departure > now) this.#push(departure);
    this.#lastDeparture = departure;
    return departure;
  }

  #push(departure: Instant): void {
    if (this.#length === this.#departures.length) this.#grow();
    this.#departures[(this.#head + this.#length) & (this.#departures.length - 1)] = departure;
    this.#length++;
  }

  #grow(): void {
    const old = this.#departures;
    const grown = new Float64Array(2 * old.length);
    for (let i = 0; i < this.#length; i++) grown[i] = old[(this.#head + i) & (old.length - 1)];
    this.#departures = grown;
    this.#head = 0;
  }
}
