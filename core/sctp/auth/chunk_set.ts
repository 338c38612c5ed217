/** A set of chunk types in 32 bytes. */
import { Interner } from "../base/interner.ts";
import { CHUNK_TYPES } from "../wire/chunk_type.ts";

const sets = new Interner<ChunkSet>(64);

export class ChunkSet {
  readonly #bits = new Uint8Array(CHUNK_TYPES / 8);

  private constructor(types: readonly number[]) {
    for (const type of types) this.#bits[type >> 3] |= 1 << (type & 7);
  }

  /** @param types numbers from 0 to 255. */
  static of(types: readonly number[]): ChunkSet {
    return sets.get(types.join(), () => new ChunkSet(types));
  }

  has(type: number): boolean {
    return (this.#bits[type >> 3] & (1 << (type & 7))) !== 0;
  }
}
