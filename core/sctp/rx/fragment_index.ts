/**
 * Finds chunks of interleaved messages: an index from stream, order, Message Identifier and Fragment
 * Sequence Number to records (open addressing, linear probing, backward-shift deletion).
 *
 * It keeps record numbers alone, and compares by the columns of the store. The hash is mixed with a
 * random salt: a peer that chooses the numbers cannot choose collisions.
 */
import { DataFlag } from "../wire/data.ts";
import type { ChunkStore } from "./chunk_store.ts";

const SMALLEST = 16;

/** Stands for the cells of every index that is empty; nothing is written to it. */
const NO_CELLS = new Uint32Array(SMALLEST);

export class FragmentIndex {
  readonly #store: ChunkStore;
  readonly #salt: number;
  /** Records; 0 for an empty cell. */
  #cells = NO_CELLS;
  #count = 0;

  /** @param salt random. */
  constructor(store: ChunkStore, salt: number) {
    this.#store = store;
    this.#salt = salt | 1;
  }

  /** The record of a fragment, or 0; `unordered` is the bit of the flags. */
  find(stream: number, unordered: number, mid: number, fsn: number): number {
    if (this.#count === 0) return 0;
    const position = this.#find(stream, unordered, mid, fsn);
    return position < 0 ? 0 : this.#cells[position];
  }

  /** Adds a record that is not there yet, nor another one for the same fragment. */
  add(record: number): void {
    if (this.#cells === NO_CELLS) this.#cells = new Uint32Array(SMALLEST);
    else if ((this.#count + 1) * 2 > this.#cells.length) this.#grow();
    this.#put(record);
    this.#count++;
  }

  /** Takes a record out, if it is there. */
  remove(record: number): void {
    const { stream, flags, ssn, fsn } = this.#store;
    const unordered = flags[record] & DataFlag.Unordered;
    const position = this.#find(stream[record], unordered, ssn[record], fsn[record]);
    if (position < 0 || this.#cells[position] !== record) return;
    if (--this.#count === 0) return this.clear();
    this.#close(position);
  }

  get count(): number {
    return this.#count;
  }

  /** Every record, in no order. */
  records(): number[] {
    const records: number[] = [];
    if (this.#count > 0) {
      for (const record of this.#cells) {
        if (record !== 0) records.push(record);
      }
    }
    return records;
  }

  clear(): void {
    this.#cells = NO_CELLS;
    this.#count = 0;
  }

  #find(stream: number, unordered: number, mid: number, fsn: number): number {
    const store = this.#store;
    const cells = this.#cells;
    const mask = cells.length - 1;
    let i = this.#home(stream, unordered, mid, fsn);
    for (; cells[i] !== 0; i = (i + 1) & mask) {
      const record = cells[i];
      const isSame = store.fsn[record] === fsn && store.ssn[record] === mid &&
        store.stream[record] === stream &&
        (store.flags[record] & DataFlag.Unordered) === unordered;
      if (isSame) return i;
    }
    return -1;
  }

  #put(record: number): void {
    const mask = this.#cells.length - 1;
    let i = this.#homeOf(record);
    while (this.#cells[i] !== 0) i = (i + 1) & mask;
    this.#cells[i] = record;
  }

  /** Moves what follows a cell that is emptied as far back as it may. */
  #close(position: number): void {
    const cells = this.#cells;
    const mask = cells.length - 1;
    let hole = position;
    for (let i = (hole + 1) & mask; cells[i] !== 0; i = (i + 1) & mask) {
      const home = this.#homeOf(cells[i]);
      if (((i - home) & mask) < ((i - hole) & mask)) continue;
      cells[hole] = cells[i];
      hole = i;
    }
    cells[hole] = 0;
  }

  #grow(): void {
    const old = this.#cells;
    this.#cells = new Uint32Array(2 * old.length);
    for (const record of old) if (record !== 0) this.#put(record);
  }

  #homeOf(record: number): number {
    const { stream, flags, ssn, fsn } = this.#store;
    const unordered = flags[record] & DataFlag.Unordered;
    return this.#home(stream[record], unordered, ssn[record], fsn[record]);
  }

  #home(stream: number, unordered: number, mid: number, fsn: number): number {
    let mixed = Math.imul(mid ^ this.#salt, 0x9e3779b1);
    mixed = Math.imul(mixed ^ (mixed >>> 15) ^ fsn, this.#salt);
    mixed = Math.imul(mixed ^ (mixed >>> 13) ^ (stream << 3) ^ unordered, 0x85ebca6b);
    return (mixed ^ (mixed >>> 16)) & (this.#cells.length - 1);
  }
}
