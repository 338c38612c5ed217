/**
 * Received DATA chunks that the user has not read yet: payloads in the pool, facts in columns, chunks
 * of one message linked in their order. Record 0 means "none".
 */
import { SlabPool } from "../base/slab_pool.ts";
import { type Columns, copyColumns, SpareColumns } from "../base/spare_columns.ts";

/** Memory that a held chunk is charged for, next to its slot: its columns and index entries. */
const RECORD_COST = 64;
/** Records that fit at first. */
const SMALLEST_CAPACITY = 128;

/** What is known of chunks, one column per fact. */
class RecordColumns implements Columns {
  readonly tsn: Uint32Array;
  readonly address: Uint32Array;
  readonly length: Uint16Array;
  readonly stream: Uint16Array;
  readonly ssn: Uint32Array;
  readonly fsn: Uint32Array;
  readonly ppid: Uint32Array;
  readonly flags: Uint8Array;
  readonly next: Uint32Array;
  readonly runFirst: Uint32Array;
  readonly runLast: Uint32Array;
  readonly runBytes: Uint32Array;
  readonly nextReady: Uint32Array;

  constructor(readonly capacity: number) {
    this.tsn = new Uint32Array(capacity);
    this.address = new Uint32Array(capacity);
    this.length = new Uint16Array(capacity);
    this.stream = new Uint16Array(capacity);
    this.ssn = new Uint32Array(capacity);
    this.fsn = new Uint32Array(capacity);
    this.ppid = new Uint32Array(capacity);
    this.flags = new Uint8Array(capacity);
    this.next = new Uint32Array(capacity);
    this.runFirst = new Uint32Array(capacity);
    this.runLast = new Uint32Array(capacity);
    this.runBytes = new Uint32Array(capacity);
    this.nextReady = new Uint32Array(capacity);
  }
}

const NONE = new RecordColumns(0);
const spares = new SpareColumns((capacity) => new RecordColumns(capacity), SMALLEST_CAPACITY);

/** Columns are for reading and writing at a record: this is a data structure, not an actor. */
export class ChunkStore {
  readonly #pool: SlabPool;
  #columns = NONE;
  /** Capacity of the columns that were given back last. */
  #usual = 0;
  /** Records in use. */
  #count = 0;
  #fresh = 1;
  #free = 0;
  #heldBytes = 0;
  #heldCost = 0;
  #largestCost = 0;

  constructor(pool: SlabPool) {
    this.#pool = pool;
  }

  get tsn(): Uint32Array {
    return this.#columns.tsn;
  }

  /** Bytes of payload. */
  get length(): Uint16Array {
    return this.#columns.length;
  }

  get stream(): Uint16Array {
    return this.#columns.stream;
  }

  /** Stream Sequence Number of a DATA chunk, Message Identifier of an I-DATA chunk. */
  get ssn(): Uint32Array {
    return this.#columns.ssn;
  }

  /** Fragment Sequence Number of an I-DATA chunk; not set for DATA. */
  get fsn(): Uint32Array {
    return this.#columns.fsn;
  }

  get ppid(): Uint32Array {
    return this.#columns.ppid;
  }

  get flags(): Uint8Array {
    return this.#columns.flags;
  }

  /** Next chunk of the same message. */
  get next(): Uint32Array {
    return this.#columns.next;
  }

  /** In the last record of a run of adjacent chunks: the first record of the run. */
  get runFirst(): Uint32Array {
    return this.#columns.runFirst;
  }

  /** In the first record of a run: the last record of the run. */
  get runLast(): Uint32Array {
    return this.#columns.runLast;
  }

  /** In the first record of a run: bytes of payload in the run. */
  get runBytes(): Uint32Array {
    return this.#columns.runBytes;
  }

  /** In the first record of a message that can be read: that of the message to be read after it. */
  get nextReady(): Uint32Array {
    return this.#columns.nextReady;
  }

  /** Bytes of payload held. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** True if the pool that all associations share is used up. */
  get isPoolFull(): boolean {
    return this.#pool.isFull;
  }

  /** True if that pool has no reserve left either. */
  get isPoolExhausted(): boolean {
    return this.#pool.isExhausted;
  }

  /** Bytes of memory that the held chunks occupy. */
  get heldCost(): number {
    return this.#heldCost;
  }

  /** What the largest chunk so far has occupied. */
  get largestCost(): number {
    return this.#largestCost;
  }

  /** Copies a payload in and returns its record; the caller fills in the columns. */
  take(source: Uint8Array, offset: number, length: number): number {
    const record = this.#takeRecord();
    const { address, length: lengths, next } = this.#columns;
    const slot = this.#pool.take(length);
    this.#pool.write(slot, source, offset, length);
    address[record] = slot;
    lengths[record] = length;
    next[record] = 0;
    this.#heldBytes += length;
    const cost = SlabPool.costOf(length) + RECORD_COST;
    this.#heldCost += cost;
    if (cost > this.#largestCost) this.#largestCost = cost;
    return record;
  }

  /** Copies part of a payload out. */
  copyOut(record: number, from: number, target: Uint8Array, at: number, length: number): void {
    this.#pool.read(this.#columns.address[record] + from, target, at, length);
  }

  /** Gives up a payload but keeps the record, as the end to which more chunks may be linked. */
  dropPayload(record: number): void {
    const length = this.length[record];
    if (length === 0) return;
    this.#pool.release(this.#columns.address[record]);
    this.#heldBytes -= length;
    this.#heldCost -= SlabPool.costOf(length) + RECORD_COST;
    this.length[record] = 0;
  }

  /** Gives up a record and its payload. */
  release(record: number): void {
    this.dropPayload(record);
    if (--this.#count === 0) return this.#giveBack();
    this.next[record] = this.#free;
    this.#free = record;
  }

  /** Gives up a record and all that follow it in the message. */
  releaseChain(record: number): void {
    while (record !== 0) {
      const next = this.next[record];
      this.release(record);
      record = next;
    }
  }

  /** Records that were ever used; all records are below it. */
  get recordCount(): number {
    return this.#fresh;
  }

  /** Sets the mark of a record and of all that follow it in the message. */
  markChain(record: number, marks: Uint8Array): void {
    for (; record !== 0; record = this.next[record]) marks[record] = 1;
  }

  /** Gives up every record without a mark, however it is linked; the free ones stay free. */
  releaseUnmarked(marks: Uint8Array): void {
    for (let record = this.#free; record !== 0; record = this.next[record]) marks[record] = 1;
    const end = this.#fresh;
    for (let record = 1; record < end; record++) {
      if (marks[record] === 0) this.release(record);
    }
  }

  #takeRecord(): number {
    this.#count++;
    const record = this.#free;
    if (record !== 0) {
      this.#free = this.next[record];
      return record;
    }
    if (this.#fresh >= this.#columns.capacity) this.#grow();
    return this.#fresh++;
  }

  #giveBack(): void {
    spares.give(this.#columns);
    this.#usual = this.#columns.capacity;
    this.#columns = NONE;
    this.#fresh = 1;
    this.#free = 0;
  }

  #grow(): void {
    const old = this.#columns;
    this.#columns = spares.larger(old, this.#usual);
    copyColumns(this.#columns, old);
    spares.give(old);
  }
}
