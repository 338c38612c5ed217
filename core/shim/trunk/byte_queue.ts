/** Bytes that wait for their reader, first come, first served, in buffers of a pool. */
import { copyBytes } from "../../sctp/base/copy.ts";
import type { BufferPool } from "../transfer_buffers.ts";

export class ByteQueue {
  readonly #pool: BufferPool;
  readonly #buffers: Uint8Array[] = [];
  /** Where the first byte is in the first buffer, and where the next one goes in the last. */
  #start = 0;
  #end = 0;
  #length = 0;

  constructor(pool: BufferPool) {
    this.#pool = pool;
  }

  /** Bytes that wait. */
  get length(): number {
    return this.#length;
  }

  /** Takes a copy of the first `count` bytes. */
  append(bytes: Uint8Array, count: number): void {
    for (let taken = 0; taken < count;) {
      if (this.#buffers.length === 0 || this.#end === this.#pool.size) this.#grow();
      const part = Math.min(count - taken, this.#pool.size - this.#end);
      copyBytes(bytes, taken, this.#buffers[this.#buffers.length - 1], this.#end, part);
      this.#end += part;
      taken += part;
    }
    this.#length += count;
  }

  /** Moves up to `limit` bytes to the front of `target`, which has that room; returns how many. */
  take(target: Uint8Array, limit: number): number {
    const wanted = Math.min(limit, this.#length);
    for (let taken = 0; taken < wanted;) {
      const part = Math.min(wanted - taken, this.#pool.size - this.#start);
      copyBytes(this.#buffers[0], this.#start, target, taken, part);
      this.#start += part;
      taken += part;
      if (this.#start === this.#pool.size) this.#dropFirst();
    }
    this.#length -= wanted;
    if (this.#length === 0) this.clear();
    return wanted;
  }

  /** Gives back every buffer. */
  clear(): void {
    while (this.#buffers.length > 0) this.#dropFirst();
    this.#length = 0;
  }

  #grow(): void {
    this.#buffers.push(this.#pool.take());
    this.#end = 0;
  }

  #dropFirst(): void {
    this.#pool.give(this.#buffers.shift()!);
    this.#start = 0;
  }
}
