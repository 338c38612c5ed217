/** A set of chunk types in 32 bytes. */
import { CHUNK_TYPES } from "../wire/chunk_type.ts";

export class ChunkSet {
  readonly #bits = new Uint8Array(CHUNK_TYPES / 8);

  /** @param types numbers from 0 to 255. */
  constructor(types: Iterable<number>) {
    for (const type of types) this.#bits[type >> 3] |= 1 << (type & 7);
  }

  has(type: number): boolean {
    return (this.#bits[type >> 3] & (1 << (type & 7))) !== 0;
  }
}
