/** What callers of a socket wait in: both keep the order of the callers and leave nobody behind. */

/** Something that may become true again and again; every waiter is released each time. */
export class Signal {
  #waiting: PromiseWithResolvers<void> | undefined;

  /** Resolves at the next {@link notify}. */
  wait(): Promise<void> {
    this.#waiting ??= Promise.withResolvers<void>();
    return this.#waiting.promise;
  }

  /** Releases everybody who waits now. */
  notify(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}

/** Runs asynchronous tasks one after the other, in the order in which they were handed in. */
export class Serializer {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `task` once every earlier one has settled; settles as it does. */
  run<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => {});
    return result;
  }
}
