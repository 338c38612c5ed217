/** The messages that can be read, in the order in which they will be: each is known by its first record. */
import type { ChunkStore } from "./chunk_store.ts";

export class ReadyQueue {
  readonly #store: ChunkStore;
  #first = 0;
  #last = 0;

  constructor(store: ChunkStore) {
    this.#store = store;
  }

  /** The message to be read next, or 0. */
  get first(): number {
    return this.#first;
  }

  append(first: number): void {
    this.#store.nextReady[first] = 0;
    if (this.#last === 0) this.#first = first;
    else this.#store.nextReady[this.#last] = first;
    this.#last = first;
  }

  /** The first message goes on with another record; with 0 it has been read. */
  replaceFirst(record: number, following: number): void {
    if (record !== 0) this.#store.nextReady[record] = following;
    if (this.#last === this.#first) this.#last = record;
    this.#first = record === 0 ? following : record;
  }

  /** Takes a message out, wherever it is. */
  remove(first: number): void {
    const { nextReady } = this.#store;
    let before = 0;
    for (let one = this.#first; one !== first; one = nextReady[one]) before = one;
    if (before === 0) this.#first = nextReady[first];
    else nextReady[before] = nextReady[first];
    if (this.#last === first) this.#last = before;
  }

  clear(): void {
    this.#first = this.#last = 0;
  }
}
