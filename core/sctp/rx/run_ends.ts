/**
 * The records at the ends of incomplete runs, by TSN: a ring that grows with the reach of what arrives
 * and is borrowed only while there are such runs.
 */
import type { Tsn } from "../base/serial.ts";
import { type Columns, SpareColumns } from "../base/spare_columns.ts";
import type { ChunkStore } from "./chunk_store.ts";

/** Gap Ack Blocks reach 65,535 TSNs beyond the Cumulative TSN: no two live TSNs share a cell. */
const LARGEST_RING = 1 << 16;
const SMALLEST_RING = 1 << 8;

/** Records by TSN, 0 where there is none. */
class EndRing implements Columns {
  readonly records: Uint32Array;

  constructor(readonly capacity: number) {
    this.records = new Uint32Array(capacity);
  }
}

const NO_RING = new EndRing(0);
/** All of them are empty. */
const spareRings = new SpareColumns((capacity) => new EndRing(capacity), SMALLEST_RING);

export class RunEnds {
  readonly #store: ChunkStore;
  #ring = NO_RING;
  /** Cells that are in use: none while every message here is whole. */
  #count = 0;

  constructor(store: ChunkStore) {
    this.#store = store;
  }

  /** True if there is no incomplete run. */
  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** The record at the end of an incomplete run with this TSN, or 0. */
  at(value: Tsn): number {
    if (this.#count === 0) return 0;
    const record = this.#ring.records[value & (this.#ring.capacity - 1)];
    return record !== 0 && this.#store.tsn[record] === value ? record : 0;
  }

  /** Makes room for a TSN so far above the Cumulative TSN. */
  reserve(reach: number): void {
    while (reach >= this.#ring.capacity && this.#ring.capacity < LARGEST_RING) this.#grow();
  }

  add(record: number): void {
    const { records, capacity } = this.#ring;
    const cell = this.#store.tsn[record] & (capacity - 1);
    if (records[cell] === 0) this.#count++;
    records[cell] = record;
  }

  /** Takes a record out, if it is there. */
  remove(record: number): void {
    const { records, capacity } = this.#ring;
    const cell = this.#store.tsn[record] & (capacity - 1);
    if (records[cell] !== record) return;
    records[cell] = 0;
    if (--this.#count === 0) this.#giveBack();
  }

  clear(): void {
    this.#ring.records.fill(0);
    this.#count = 0;
    this.#giveBack();
  }

  #giveBack(): void {
    spareRings.give(this.#ring);
    this.#ring = NO_RING;
  }

  #grow(): void {
    const old = this.#ring;
    this.#ring = spareRings.larger(old);
    this.#count = 0;
    for (const record of old.records) if (record !== 0) this.add(record);
    old.records.fill(0);
    spareRings.give(old);
  }
}
