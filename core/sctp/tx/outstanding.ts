/**
 * DATA chunks that have a TSN and are not yet acknowledged cumulatively: a ring indexed by TSN, one
 * column per fact, so that sending and acknowledging touch a few array cells and allocate nothing.
 */
import { type Tsn, tsnAdd, tsnDistance } from "../base/serial.ts";
import { type Columns, SpareColumns } from "../base/spare_columns.ts";

/** What has become of a chunk. */
export const ChunkState = {
  /** On its way, counted in the flight size of its path. */
  InFlight: 0,
  /** Reported in a Gap Ack Block: received, but not for good. */
  GapAcked: 1,
  /** Believed lost, waits to be sent again on its path. */
  Marked: 2,
  /** Its message was given up: neither in flight nor sent again (RFC 3758, section 3.5, A2). */
  Abandoned: 3,
} as const;
export type ChunkState = (typeof ChunkState)[keyof typeof ChunkState];

/** History marks of a chunk. */
export const ChunkMark = {
  Retransmitted: 1,
  FastRetransmitted: 2,
  /** Sent on more than one path: its acknowledgement proves none of them (RFC 7829, 3.2, 9). */
  Moved: 4,
  /** Of a partially reliable message, and counted in {@link Outstanding.resent}. */
  Partial: 8,
  /** Its stream was reset since (RFC 6525): the Stream Sequence Number is one of before. */
  Renumbered: 16,
  /** Gap acknowledged for good: its payload is given back, its length 0 (NR-SACK). */
  Settled: 32,
} as const;

/** Chunks that fit at first. */
const SMALLEST_CAPACITY = 128;

/** What is known of chunks, one column per fact. */
class ChunkColumns implements Columns {
  readonly address: Uint32Array;
  readonly length: Uint16Array;
  readonly segment: Uint32Array;
  readonly stream: Uint16Array;
  readonly ssn: Uint32Array;
  readonly ppid: Uint32Array;
  readonly flags: Uint8Array;
  readonly state: Uint8Array;
  readonly marks: Uint8Array;
  readonly misses: Uint8Array;
  readonly path: Uint8Array;
  readonly resent: Uint32Array;

  constructor(readonly capacity: number) {
    this.address = new Uint32Array(capacity);
    this.length = new Uint16Array(capacity);
    this.segment = new Uint32Array(capacity);
    this.stream = new Uint16Array(capacity);
    this.ssn = new Uint32Array(capacity);
    this.ppid = new Uint32Array(capacity);
    this.flags = new Uint8Array(capacity);
    this.state = new Uint8Array(capacity);
    this.marks = new Uint8Array(capacity);
    this.misses = new Uint8Array(capacity);
    this.path = new Uint8Array(capacity);
    this.resent = new Uint32Array(capacity);
  }

  /** Copies everything at one index from another set. */
  take(to: number, source: ChunkColumns, from: number): void {
    this.address[to] = source.address[from];
    this.length[to] = source.length[from];
    this.segment[to] = source.segment[from];
    this.stream[to] = source.stream[from];
    this.ssn[to] = source.ssn[from];
    this.ppid[to] = source.ppid[from];
    this.flags[to] = source.flags[from];
    this.state[to] = source.state[from];
    this.marks[to] = source.marks[from];
    this.misses[to] = source.misses[from];
    this.path[to] = source.path[from];
    this.resent[to] = source.resent[from];
  }
}

const NONE = new ChunkColumns(0);
const spares = new SpareColumns((capacity) => new ChunkColumns(capacity), SMALLEST_CAPACITY);

/** Columns are for reading and writing at {@link Outstanding.slotOf}: this is a data structure, not an actor. */
export class Outstanding {
  #columns = NONE;
  /** Capacity of the columns that were given back last. */
  #usual = 0;
  /** Lowest TSN that is not acknowledged cumulatively. */
  #first: Tsn;
  #count = 0;

  constructor(initialTsn: Tsn) {
    this.#first = initialTsn;
  }

  /** Where the payload lies in the pool. */
  get address(): Uint32Array {
    return this.#columns.address;
  }

  /** Bytes of payload. */
  get length(): Uint16Array {
    return this.#columns.length;
  }

  /** Segment of the send queue that owns the payload. */
  get segment(): Uint32Array {
    return this.#columns.segment;
  }

  get stream(): Uint16Array {
    return this.#columns.stream;
  }

  /** Number of the message in its stream; DATA carries the lower 16 bits. */
  get ssn(): Uint32Array {
    return this.#columns.ssn;
  }

  /** Of an I-DATA chunk without the B bit: its Fragment Sequence Number. */
  get ppid(): Uint32Array {
    return this.#columns.ppid;
  }

  /** Chunk flags as sent. */
  get flags(): Uint8Array {
    return this.#columns.flags;
  }

  get state(): Uint8Array {
    return this.#columns.state;
  }

  get marks(): Uint8Array {
    return this.#columns.marks;
  }

  /** Miss indications (RFC 9260, section 7.2.4). */
  get misses(): Uint8Array {
    return this.#columns.misses;
  }

  /** Index of the path that the chunk was sent on or waits for. */
  get path(): Uint8Array {
    return this.#columns.path;
  }

  /** How often a chunk of a partially reliable message was sent again. */
  get resent(): Uint32Array {
    return this.#columns.resent;
  }

  /** Chunks in the ring. */
  get count(): number {
    return this.#count;
  }

  /** The Cumulative TSN Ack Point. */
  get ackPoint(): Tsn {
    return tsnAdd(this.#first, -1);
  }

  /** Lowest TSN that is not acknowledged cumulatively; equals {@link nextTsn} if there is none. */
  get firstTsn(): Tsn {
    return this.#first;
  }

  /** The TSN that the next new chunk gets. */
  get nextTsn(): Tsn {
    return tsnAdd(this.#first, this.#count);
  }

  /** True if the TSN was sent and is not acknowledged cumulatively. */
  holds(tsn: Tsn): boolean {
    const offset = tsnDistance(this.#first, tsn);
    return offset >= 0 && offset < this.#count;
  }

  /** Index of a TSN in the columns. */
  slotOf(tsn: Tsn): number {
    return tsn & (this.#columns.capacity - 1);
  }

  /** Appends the next TSN and returns its slot, cleared of history. */
  append(): number {
    if (this.#count === this.#columns.capacity) this.#grow();
    const slot = this.slotOf(this.nextTsn);
    this.#count++;
    this.state[slot] = ChunkState.InFlight;
    this.marks[slot] = 0;
    this.misses[slot] = 0;
    return slot;
  }

  /** Drops the first TSN. */
  removeFirst(): void {
    this.#first = tsnAdd(this.#first, 1);
    if (--this.#count === 0) this.#giveBack();
  }

  /** Forgets all chunks: nothing is sent any more. */
  clear(): void {
    this.#first = this.nextTsn;
    this.#count = 0;
    this.#giveBack();
  }

  #giveBack(): void {
    spares.give(this.#columns);
    this.#usual = this.#columns.capacity;
    this.#columns = NONE;
  }

  #grow(): void {
    const old = this.#columns;
    const columns = spares.larger(old, this.#usual);
    for (let i = 0; i < this.#count; i++) {
      const tsn = tsnAdd(this.#first, i);
      columns.take(tsn & (columns.capacity - 1), old, tsn & (old.capacity - 1));
    }
    spares.give(old);
    this.#columns = columns;
  }
}
