/** How far a download has come, and how steadily. */

export class Progress {
  /** Bytes that have arrived. */
  bytes = 0;
  /** Milliseconds of the longest time between two arrivals. */
  longestGap = 0;
  /** Milliseconds from the first arrival to the last. */
  elapsed = 0;
  #first = 0;
  readonly #milestone = Promise.withResolvers<void>();

  /** @param milestone bytes at which {@link reached} resolves. */
  constructor(readonly milestone: number) {}

  /** Resolves when as many bytes as the milestone have arrived. */
  get reached(): Promise<void> {
    return this.#milestone.promise;
  }

  /** @param now milliseconds of a monotonic clock. */
  arrived(count: number, now: number): void {
    if (this.bytes === 0) this.#first = now;
    else this.longestGap = Math.max(this.longestGap, now - this.#first - this.elapsed);
    this.elapsed = now - this.#first;
    this.bytes += count;
    if (this.bytes >= this.milestone) this.#milestone.resolve();
  }
}
