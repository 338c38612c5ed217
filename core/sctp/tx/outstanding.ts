/**
 * DATA chunks that have a TSN and are not yet acknowledged cumulatively: a ring indexed by TSN, one
 * column per fact, so that sending and acknowledging touch a few array cells and allocate nothing.
 */
import { type Tsn, tsnAdd, tsnDistance } from "../base/serial.ts";

/** What has become of a chunk. */
export const ChunkState = {
  /** On its way, counted in the flight size of its path. */
  InFlight: 0,
  /** Reported in a Gap Ack Block: received, but not for good. */
  GapAcked: 1,
  /** Believed lost, waits to be sent again on its path. */
  Marked: 2,
} as const;
export type ChunkState = (typeof ChunkState)[keyof typeof ChunkState];

/** History marks of a chunk. */
export const ChunkMark = {
  Retransmitted: 1,
  FastRetransmitted: 2,
  /** Sent on more than one path: its acknowledgement proves none of them (RFC 7829, 3.2, 9). */
  Moved: 4,
} as const;

const INITIAL_CAPACITY = 128;

/** Columns are public for reading and writing at {@link Outstanding.slotOf}: this is a data structure, not an actor. */
export class Outstanding {
  #capacity = INITIAL_CAPACITY;
  /** Lowest TSN that is not acknowledged cumulatively. */
  #first: Tsn;
  #count = 0;

  /** Where the payload lies in the pool. */
  address = new Uint32Array(INITIAL_CAPACITY);
  /** Bytes of payload. */
  length = new Uint16Array(INITIAL_CAPACITY);
  /** Segment of the send queue that owns the payload. */
  segment = new Float64Array(INITIAL_CAPACITY);
  stream = new Uint16Array(INITIAL_CAPACITY);
  ssn = new Uint16Array(INITIAL_CAPACITY);
  ppid = new Uint32Array(INITIAL_CAPACITY);
  /** Chunk flags as sent. */
  flags = new Uint8Array(INITIAL_CAPACITY);
  state = new Uint8Array(INITIAL_CAPACITY);
  marks = new Uint8Array(INITIAL_CAPACITY);
  /** Miss indications (RFC 9260, section 7.2.4). */
  misses = new Uint8Array(INITIAL_CAPACITY);
  /** Index of the path that the chunk was sent on or waits for. */
  path = new Uint8Array(INITIAL_CAPACITY);

  constructor(initialTsn: Tsn) {
    this.#first = initialTsn;
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
    return tsn & (this.#capacity - 1);
  }

  /** Appends the next TSN and returns its slot, cleared of history. */
  append(): number {
    if (this.#count === this.#capacity) this.#grow();
    const slot = this.nextTsn & (this.#capacity - 1);
    this.#count++;
    this.state[slot] = ChunkState.InFlight;
    this.marks[slot] = 0;
    this.misses[slot] = 0;
    return slot;
  }

  /** Drops the first TSN. */
  removeFirst(): void {
    this.#first = tsnAdd(this.#first, 1);
    this.#count--;
  }

  #grow(): void {
    const capacity = this.#capacity * 2;
    const moved = <Column extends Uint8Array | Uint16Array | Uint32Array | Float64Array>(
      from: Column,
      to: Column,
    ): Column => {
      for (let i = 0; i < this.#count; i++) {
        const tsn = tsnAdd(this.#first, i);
        to[tsn & (capacity - 1)] = from[tsn & (this.#capacity - 1)];
      }
      return to;
    };
    this.address = moved(this.address, new Uint32Array(capacity));
    this.length = moved(this.length, new Uint16Array(capacity));
    this.segment = moved(this.segment, new Float64Array(capacity));
    this.stream = moved(this.stream, new Uint16Array(capacity));
    this.ssn = moved(this.ssn, new Uint16Array(capacity));
    this.ppid = moved(this.ppid, new Uint32Array(capacity));
    this.flags = moved(this.flags, new Uint8Array(capacity));
    this.state = moved(this.state, new Uint8Array(capacity));
    this.marks = moved(this.marks, new Uint8Array(capacity));
    this.misses = moved(this.misses, new Uint8Array(capacity));
    this.path = moved(this.path, new Uint8Array(capacity));
    this.#capacity = capacity;
  }
}
