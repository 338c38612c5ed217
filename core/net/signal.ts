/** A wait that several events may end, on the runtime's event loop. */
import { setImmediate } from "node:timers";

/** The longest delay of setTimeout: 32 bits, about 24 days. */
const LONGEST_DELAY = 0x7fff_ffff;

/** One {@link wait} at a time; a {@link notify} without one ends the next. */
export class Signal {
  #notified = false;
  #resolve: (() => void) | undefined;

  /** Resolves on {@link notify} or after `milliseconds`. Never at once: other work gets its turn. */
  async wait(milliseconds: number): Promise<void> {
    if (this.#notified || milliseconds <= 0) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    } else {
      await this.#notification(milliseconds);
    }
    this.#notified = false;
  }

  /** Ends the {@link wait} under way, or the next one. */
  notify(): void {
    this.#notified = true;
    this.#resolve?.();
  }

  #notification(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = milliseconds === Infinity
        ? undefined
        : setTimeout(() => this.#resolve?.(), Math.min(milliseconds, LONGEST_DELAY));
      this.#resolve = () => {
        this.#resolve = undefined;
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
