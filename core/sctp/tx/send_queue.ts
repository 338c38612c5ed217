/**
 * User messages that wait to become DATA chunks, oldest first.
 *
 * A message is copied into slots of the pool. One that is longer than a slot is kept as several
 * segments, cut where chunks will be cut, so that no chunk spans two slots. A segment stays until the
 * last of its chunks has been acknowledged, because retransmissions read from it.
 */
import { copyBytes } from "../base/copy.ts";
import { LARGEST_SLOT, type SlabPool } from "../base/slab_pool.ts";
import { type Columns, SpareColumns } from "../base/spare_columns.ts";

/** What the user says about a message. One object can be used for many messages. */
export interface SendOptions {
  /** Stream Identifier. */
  stream: number;
  /** Payload Protocol Identifier, passed to the peer as it is. */
  ppid: number;
  /** True: delivered without regard to the order in the stream (RFC 9260, section 6.6). */
  unordered: boolean;
  /** True: the I bit is set on the last chunk (RFC 9260, section 6.1). */
  immediate: boolean;
}

/** Marks of a segment. */
export const SegmentFlag = { Begin: 1, End: 2, Unordered: 4, Immediate: 8 } as const;

/** Segments that fit at first. */
const SMALLEST_CAPACITY = 64;

/** What is known of segments, one column per fact. */
class SegmentColumns implements Columns {
  /** Where the bytes lie in the pool. */
  readonly address: Uint32Array;
  readonly length: Uint32Array;
  /** Bytes that are in chunks. */
  readonly cut: Uint32Array;
  /** Chunks that are not acknowledged for good. */
  readonly unacked: Uint32Array;
  readonly stream: Uint16Array;
  readonly ppid: Uint32Array;
  readonly flags: Uint8Array;

  constructor(readonly capacity: number) {
    this.address = new Uint32Array(capacity);
    this.length = new Uint32Array(capacity);
    this.cut = new Uint32Array(capacity);
    this.unacked = new Uint32Array(capacity);
    this.stream = new Uint16Array(capacity);
    this.ppid = new Uint32Array(capacity);
    this.flags = new Uint8Array(capacity);
  }

  /** Copies everything at one index from another set. */
  take(to: number, source: SegmentColumns, from: number): void {
    this.address[to] = source.address[from];
    this.length[to] = source.length[from];
    this.cut[to] = source.cut[from];
    this.unacked[to] = source.unacked[from];
    this.stream[to] = source.stream[from];
    this.ppid[to] = source.ppid[from];
    this.flags[to] = source.flags[from];
  }
}

const NONE = new SegmentColumns(0);
const spares = new SpareColumns((capacity) => new SegmentColumns(capacity), SMALLEST_CAPACITY);

export class SendQueue {
  readonly #pool: SlabPool;
  #columns = NONE;
  /** Sequence numbers of segments: oldest kept, next to be cut, next to be added. */
  #head = 0;
  #next = 0;
  #tail = 0;
  #unsentBytes = 0;

  constructor(pool: SlabPool) {
    this.#pool = pool;
  }

  /** Bytes that have not been put into a chunk yet. */
  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  /** True if there is nothing left to cut. */
  get isDrained(): boolean {
    return this.#next === this.#tail;
  }

  /**
   * Takes a copy of a message.
   * @param chunkPayload bytes of user data in a full chunk: segments are multiples of it.
   */
  push(data: Uint8Array, options: SendOptions, chunkPayload: number): void {
    const longest = data.length <= LARGEST_SLOT
      ? data.length
      : LARGEST_SLOT - LARGEST_SLOT % Math.min(chunkPayload, LARGEST_SLOT);
    for (let start = 0; start < data.length; start += longest) {
      const length = Math.min(longest, data.length - start);
      let flags = 0;
      if (start === 0) flags |= SegmentFlag.Begin;
      if (start + length === data.length) flags |= SegmentFlag.End;
      if (options.unordered) flags |= SegmentFlag.Unordered;
      if (options.immediate) flags |= SegmentFlag.Immediate;
      this.#add(data, start, length, flags, options);
    }
    this.#unsentBytes += data.length;
  }

  #add(
    data: Uint8Array,
    start: number,
    length: number,
    flags: number,
    options: SendOptions,
  ): void {
    if (this.#tail - this.#head === this.#columns.capacity) this.#grow();
    const columns = this.#columns;
    const slot = this.#slotOf(this.#tail);
    const address = this.#pool.take(length);
    const target = this.#pool.offsetAt(address);
    copyBytes(data, start, this.#pool.bytesAt(address), target, length);
    columns.address[slot] = address;
    columns.length[slot] = length;
    columns.cut[slot] = 0;
    columns.unacked[slot] = 0;
    columns.stream[slot] = options.stream;
    columns.ppid[slot] = options.ppid;
    columns.flags[slot] = flags;
    this.#tail++;
  }

  /** Sequence number of the segment that the next chunk comes from. */
  get current(): number {
    return this.#next;
  }

  /** Bytes of the current segment that are not in a chunk yet. */
  get currentRest(): number {
    const slot = this.#slotOf(this.#next);
    return this.#columns.length[slot] - this.#columns.cut[slot];
  }

  /** True if nothing of the current segment's message has been cut yet. */
  get atMessageStart(): boolean {
    const slot = this.#slotOf(this.#next);
    const { cut, flags } = this.#columns;
    return cut[slot] === 0 && (flags[slot] & SegmentFlag.Begin) !== 0;
  }

  /** True if the current segment is the last one of its message. */
  get inLastSegment(): boolean {
    return (this.currentFlags & SegmentFlag.End) !== 0;
  }

  get currentStream(): number {
    return this.#columns.stream[this.#slotOf(this.#next)];
  }

  get currentPpid(): number {
    return this.#columns.ppid[this.#slotOf(this.#next)];
  }

  /** {@link SegmentFlag} bits of the current segment. */
  get currentFlags(): number {
    return this.#columns.flags[this.#slotOf(this.#next)];
  }

  /** Cuts `length` bytes off the current segment; returns where they lie in the pool. */
  cut(length: number): number {
    const columns = this.#columns;
    const slot = this.#slotOf(this.#next);
    const address = columns.address[slot] + columns.cut[slot];
    columns.cut[slot] += length;
    columns.unacked[slot]++;
    this.#unsentBytes -= length;
    if (columns.cut[slot] === columns.length[slot]) this.#next++;
    return address;
  }

  /** One chunk of a segment was acknowledged for good. */
  releaseChunk(segment: number): void {
    const columns = this.#columns;
    const slot = this.#slotOf(segment);
    if (--columns.unacked[slot] > 0 || columns.cut[slot] < columns.length[slot]) return;
    this.#pool.release(columns.address[slot]);
    columns.length[slot] = 0;
    while (this.#head < this.#next && columns.length[this.#slotOf(this.#head)] === 0) this.#head++;
    if (this.#head === this.#tail) this.#giveBack();
  }

  /** Releases all memory. */
  clear(): void {
    const columns = this.#columns;
    for (; this.#head < this.#tail; this.#head++) {
      const slot = this.#slotOf(this.#head);
      if (columns.length[slot] > 0) this.#pool.release(columns.address[slot]);
    }
    this.#next = this.#tail;
    this.#unsentBytes = 0;
    this.#giveBack();
  }

  #slotOf(segment: number): number {
    return segment & (this.#columns.capacity - 1);
  }

  #giveBack(): void {
    spares.give(this.#columns);
    this.#columns = NONE;
  }

  #grow(): void {
    const old = this.#columns;
    const columns = spares.larger(old);
    for (let i = this.#head; i < this.#tail; i++) {
      columns.take(i & (columns.capacity - 1), old, i & (old.capacity - 1));
    }
    spares.give(old);
    this.#columns = columns;
  }
}
