/**
 * Received DATA chunks that the user has not read yet: payloads in the pool, facts in columns, chunks
 * of one message linked in TSN order. Record 0 means "none".
 */
import { copyBytes } from "../base/copy.ts";
import { SlabPool } from "../base/slab_pool.ts";

/** Memory that a held chunk is charged for, next to its slot: its columns and index entries. */
const RECORD_COST = 64;
const INITIAL_CAPACITY = 128;

export class ChunkStore {
  readonly #pool: SlabPool;
  #capacity = INITIAL_CAPACITY;
  #fresh = 1;
  #free = 0;
  #heldBytes = 0;
  #heldCost = 0;
  #largestCost = 0;

  tsn = new Uint32Array(INITIAL_CAPACITY);
  address = new Uint32Array(INITIAL_CAPACITY);
  length = new Uint16Array(INITIAL_CAPACITY);
  stream = new Uint16Array(INITIAL_CAPACITY);
  ssn = new Uint16Array(INITIAL_CAPACITY);
  ppid = new Uint32Array(INITIAL_CAPACITY);
  flags = new Uint8Array(INITIAL_CAPACITY);
  /** Next chunk of the same message. */
  next = new Uint32Array(INITIAL_CAPACITY);
  /** In the last record of a run of adjacent chunks: the first record of the run. */
  runFirst = new Uint32Array(INITIAL_CAPACITY);
  /** In the first record of a run: the last record of the run. */
  runLast = new Uint32Array(INITIAL_CAPACITY);
  /** In the first record of a run: bytes of payload in the run. */
  runBytes = new Uint32Array(INITIAL_CAPACITY);

  constructor(pool: SlabPool) {
    this.#pool = pool;
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
    const address = this.#pool.take(length);
    copyBytes(source, offset, this.#pool.bytesAt(address), this.#pool.offsetAt(address), length);
    this.address[record] = address;
    this.length[record] = length;
    this.next[record] = 0;
    this.#heldBytes += length;
    const cost = SlabPool.costOf(length) + RECORD_COST;
    this.#heldCost += cost;
    if (cost > this.#largestCost) this.#largestCost = cost;
    return record;
  }

  /** Copies part of a payload out. */
  copyOut(record: number, from: number, target: Uint8Array, at: number, length: number): void {
    const address = this.address[record];
    copyBytes(this.#pool.bytesAt(address), this.#pool.offsetAt(address) + from, target, at, length);
  }

  /** Gives up a payload but keeps the record, as the end to which more chunks may be linked. */
  dropPayload(record: number): void {
    const length = this.length[record];
    if (length === 0) return;
    this.#pool.release(this.address[record]);
    this.#heldBytes -= length;
    this.#heldCost -= SlabPool.costOf(length) + RECORD_COST;
    this.length[record] = 0;
  }

  /** Gives up a record and its payload. */
  release(record: number): void {
    this.dropPayload(record);
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
    for (let record = 1; record < this.#fresh; record++) {
      if (marks[record] === 0) this.release(record);
    }
  }

  #takeRecord(): number {
    const record = this.#free;
    if (record !== 0) {
      this.#free = this.next[record];
      return record;
    }
    if (this.#fresh === this.#capacity) this.#grow();
    return this.#fresh++;
  }

  #grow(): void {
    this.#capacity *= 2;
    const wider = <Column extends Uint8Array | Uint16Array | Uint32Array>(
      from: Column,
      to: Column,
    ): Column => {
      to.set(from);
      return to;
    };
    this.tsn = wider(this.tsn, new Uint32Array(this.#capacity));
    this.address = wider(this.address, new Uint32Array(this.#capacity));
    this.length = wider(this.length, new Uint16Array(this.#capacity));
    this.stream = wider(this.stream, new Uint16Array(this.#capacity));
    this.ssn = wider(this.ssn, new Uint16Array(this.#capacity));
    this.ppid = wider(this.ppid, new Uint32Array(this.#capacity));
    this.flags = wider(this.flags, new Uint8Array(this.#capacity));
    this.next = wider(this.next, new Uint32Array(this.#capacity));
    this.runFirst = wider(this.runFirst, new Uint32Array(this.#capacity));
    this.runLast = wider(this.runLast, new Uint32Array(this.#capacity));
    this.runBytes = wider(this.runBytes, new Uint32Array(this.#capacity));
  }
}
