/** Finds what has not been used for a while, with one timer for all. */

/** Calls `expired` for each key that was not touched for `period` milliseconds, once. */
export class IdleWatch<Key> {
  /** When each was touched, the longest ago first. */
  readonly #touched = new Map<Key, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(readonly period: number, readonly expired: (key: Key) => void) {}

  /** The key is in use now. */
  touch(key: Key): void {
    this.#touched.delete(key);
    this.#touched.set(key, performance.now());
    this.#timer ??= setTimeout(() => this.#look(), this.period);
  }

  forget(key: Key): void {
    this.#touched.delete(key);
    if (this.#touched.size === 0) this.stop();
  }

  /** No key expires any more, unless it is touched again. */
  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#touched.clear();
  }

  #look(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const [key, at] of this.#touched) {
      const left = at + this.period - now;
      if (left > 0) {
        this.#timer = setTimeout(() => this.#look(), Math.ceil(left));
        return;
      }
      this.#touched.delete(key);
      this.expired(key);
    }
  }
}
