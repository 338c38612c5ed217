/** Tells a program whose loop is the runtime's when this host is in another network than before. */
import { NetworkChanges } from "./network_changes.ts";
import { SocketWaiter } from "./socket_waiter.ts";

/** Milliseconds of one wait: nothing is missed between two. */
const ONE_WAIT = 60_000;

export class HostWatch {
  readonly #changes = new NetworkChanges();
  readonly #waiter = new SocketWaiter([this.#changes.descriptor]);
  #closed = false;

  /**
   * Begins to watch. Keeps the program alive until {@link close}.
   * @param onChange called after each change.
   */
  constructor(onChange: () => void) {
    void this.#run(onChange);
  }

  /** Ends the watch. */
  close(): void {
    this.#closed = true;
    // The waiter closes the descriptor that it was given.
    this.#waiter.close();
  }

  async #run(onChange: () => void): Promise<void> {
    while (!this.#closed) {
      await this.#waiter.wait(ONE_WAIT);
      if (!this.#closed && this.#changes.poll()) onChange();
    }
  }
}
