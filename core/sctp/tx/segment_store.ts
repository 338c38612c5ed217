/**
 * The segments of user messages that wait to be sent or acknowledged: payloads in the pool, facts in
 * columns, the segments of a stream linked in the order of its messages. Segment 0 means "none".
 */
import type { SlabPool } from "../base/slab_pool.ts";
import { type Columns, copyColumns, SpareColumns } from "../base/spare_columns.ts";

/** Marks of a segment. */
export const SegmentFlag = {
  Begin: 1,
  End: 2,
  Unordered: 4,
  Immediate: 8,
  /** Of a message that can be given up: it has a record of that, and a way back along its stream. */
  Partial: 16,
  /** Of a message with a context, or a course of its own. */
  Special: 32,
} as const;

/** Segments that fit at first. */
const SMALLEST_CAPACITY = 64;

/** What is known of segments, one column per fact. */
class SegmentColumns implements Columns {
  /** Where the bytes lie in the pool. */
  readonly address: Uint32Array;
  /** Bytes; 0 for a segment that is not in use. */
  readonly length: Uint32Array;
  /** Bytes that are in chunks. */
  readonly cut: Uint32Array;
  /** Chunks that are not acknowledged for good. */
  readonly unacked: Uint32Array;
  readonly ppid: Uint32Array;
  /** What the user gets back with a message that was not delivered. */
  readonly context: Uint32Array;
  /** Number of the message's {@link Course}. */
  readonly course: Uint16Array;
  /** {@link SegmentFlag} bits. */
  readonly flags: Uint8Array;
  /** The stream's next segment; of one that is not in use, the next of those. */
  readonly next: Uint32Array;
  /** When the message was queued: a count of messages. */
  readonly arrival: Float64Array;
  /** Record of the partially reliable message. */
  readonly message: Uint32Array;
  /** The stream's segment before one of a partially reliable message. */
  readonly previous: Uint32Array;

  constructor(readonly capacity: number) {
    this.address = new Uint32Array(capacity);
    this.length = new Uint32Array(capacity);
    this.cut = new Uint32Array(capacity);
    this.unacked = new Uint32Array(capacity);
    this.ppid = new Uint32Array(capacity);
    this.context = new Uint32Array(capacity);
    this.course = new Uint16Array(capacity);
    this.flags = new Uint8Array(capacity);
    this.next = new Uint32Array(capacity);
    this.arrival = new Float64Array(capacity);
    this.message = new Uint32Array(capacity);
    this.previous = new Uint32Array(capacity);
  }
}

const NONE = new SegmentColumns(0);
const spares = new SpareColumns((capacity) => new SegmentColumns(capacity), SMALLEST_CAPACITY);

export class SegmentStore {
  readonly #pool: SlabPool;
  #columns = NONE;
  /** Capacity of the columns that were given back last. */
  #usual = 0;
  #live = 0;
  #fresh = 1;
  #free = 0;

  constructor(pool: SlabPool) {
    this.#pool = pool;
  }

  /** Takes a copy of some bytes of a message. */
  take(
    data: Uint8Array,
    start: number,
    length: number,
    flags: number,
    ppid: number,
    arrival: number,
  ): number {
    const segment = this.#takeSegment();
    const columns = this.#columns;
    const address = this.#pool.take(length);
    this.#pool.write(address, data, start, length);
    columns.address[segment] = address;
    columns.length[segment] = length;
    columns.cut[segment] = 0;
    columns.unacked[segment] = 0;
    columns.ppid[segment] = ppid;
    columns.flags[segment] = flags;
    columns.next[segment] = 0;
    columns.arrival[segment] = arrival;
    return segment;
  }

  /** Has a segment follow another one of its stream; 0 for none. */
  link(segment: number, next: number): void {
    const { flags, next: nexts, previous } = this.#columns;
    nexts[segment] = next;
    if ((flags[next] & SegmentFlag.Partial) !== 0) previous[next] = segment;
  }

  /** Names the record of the partially reliable message that a segment is of. */
  setMessage(segment: number, message: number): void {
    this.#columns.message[segment] = message;
  }

  /** Record of the partially reliable message that a segment is of. */
  messageOf(segment: number): number {
    return this.#columns.message[segment];
  }

  /** The segment before one of a partially reliable message that is not the first of its stream. */
  previousOf(segment: number): number {
    return this.#columns.previous[segment];
  }

  /** The next segment of the same stream, or 0. */
  nextOf(segment: number): number {
    return this.#columns.next[segment];
  }

  ppidOf(segment: number): number {
    return this.#columns.ppid[segment];
  }

  /** Notes what few messages have: a context, and a course of their own. Their flags say so. */
  setSpecial(segment: number, context: number, course: number): void {
    this.#columns.context[segment] = context;
    this.#columns.course[segment] = course;
  }

  contextOf(segment: number): number {
    return this.#isSpecial(segment) ? this.#columns.context[segment] : 0;
  }

  courseOf(segment: number): number {
    return this.#isSpecial(segment) ? this.#columns.course[segment] : 0;
  }

  #isSpecial(segment: number): boolean {
    return (this.#columns.flags[segment] & SegmentFlag.Special) !== 0;
  }

  /** {@link SegmentFlag} bits. */
  flagsOf(segment: number): number {
    return this.#columns.flags[segment];
  }

  /** When the message was queued: a count of messages. */
  arrivalOf(segment: number): number {
    return this.#columns.arrival[segment];
  }

  /** Bytes that are not in a chunk yet. */
  restOf(segment: number): number {
    return this.#columns.length[segment] - this.#columns.cut[segment];
  }

  /** True if nothing of it is in a chunk. */
  isWhole(segment: number): boolean {
    return this.#columns.cut[segment] === 0;
  }

  /** Bytes of a message, from this segment on, that are not in a chunk yet; 0 for segment 0. */
  restFrom(segment: number): number {
    let bytes = 0;
    for (let one = segment; one !== 0; one = this.#followingOf(one)) bytes += this.restOf(one);
    return bytes;
  }

  /** Copies those bytes out. */
  copyFrom(segment: number, target: Uint8Array): void {
    let at = 0;
    for (let one = segment; one !== 0; one = this.#followingOf(one)) {
      const address = this.#columns.address[one] + this.#columns.cut[one];
      const length = this.restOf(one);
      this.#pool.read(address, target, at, length);
      at += length;
    }
  }

  /** The next segment of the same message, or 0. */
  #followingOf(segment: number): number {
    return (this.flagsOf(segment) & SegmentFlag.End) !== 0 ? 0 : this.nextOf(segment);
  }

  /** Cuts chunks of one length off; returns where the first one lies in the pool. */
  cut(segment: number, length: number, chunks = 1): number {
    const columns = this.#columns;
    const address = columns.address[segment] + columns.cut[segment];
    columns.cut[segment] += length * chunks;
    columns.unacked[segment] += chunks;
    return address;
  }

  /** One chunk of a segment was acknowledged for good; with the last of all its bytes it is gone. */
  releaseChunk(segment: number): void {
    const columns = this.#columns;
    if (--columns.unacked[segment] > 0 || this.restOf(segment) > 0) return;
    this.free(segment);
  }

  /** Gives up a segment of which no chunk is needed any more. */
  free(segment: number): void {
    const columns = this.#columns;
    this.#pool.release(columns.address[segment]);
    columns.length[segment] = 0;
    columns.next[segment] = this.#free;
    this.#free = segment;
    if (--this.#live === 0) this.#giveBack();
  }

  /** Releases everything. */
  clear(): void {
    const { address, length } = this.#columns;
    for (let segment = 1; segment < this.#fresh; segment++) {
      if (length[segment] > 0) this.#pool.release(address[segment]);
    }
    this.#live = 0;
    this.#giveBack();
  }

  #takeSegment(): number {
    this.#live++;
    const segment = this.#free;
    if (segment !== 0) {
      this.#free = this.#columns.next[segment];
      return segment;
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
    const columns = spares.larger(this.#columns, this.#usual);
    copyColumns(columns, this.#columns);
    spares.give(this.#columns);
    this.#columns = columns;
  }
}
