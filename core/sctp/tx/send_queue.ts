/**
 * User messages that wait to become DATA chunks, oldest first.
 *
 * A message is copied into slots of the pool. One that is longer than a slot is kept as several
 * segments, cut where chunks will be cut, so that no chunk spans two slots. A segment stays until the
 * last of its chunks has been acknowledged, because retransmissions read from it.
 */
import { copyBytes } from "../base/copy.ts";
import { LARGEST_SLOT, type SlabPool } from "../base/slab_pool.ts";

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

const INITIAL_CAPACITY = 64;

export class SendQueue {
  readonly #pool: SlabPool;
  #capacity = INITIAL_CAPACITY;
  #address = new Uint32Array(INITIAL_CAPACITY);
  #length = new Uint32Array(INITIAL_CAPACITY);
  #cut = new Uint32Array(INITIAL_CAPACITY);
  #unacked = new Uint32Array(INITIAL_CAPACITY);
  #stream = new Uint16Array(INITIAL_CAPACITY);
  #ppid = new Uint32Array(INITIAL_CAPACITY);
  #flags = new Uint8Array(INITIAL_CAPACITY);
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
    if (this.#tail - this.#head === this.#capacity) this.#grow();
    const slot = this.#tail & (this.#capacity - 1);
    const address = this.#pool.take(length);
    const target = this.#pool.offsetAt(address);
    copyBytes(data, start, this.#pool.bytesAt(address), target, length);
    this.#address[slot] = address;
    this.#length[slot] = length;
    this.#cut[slot] = 0;
    this.#unacked[slot] = 0;
    this.#stream[slot] = options.stream;
    this.#ppid[slot] = options.ppid;
    this.#flags[slot] = flags;
    this.#tail++;
  }

  /** Sequence number of the segment that the next chunk comes from. */
  get current(): number {
    return this.#next;
  }

  /** Bytes of the current segment that are not in a chunk yet. */
  get currentRest(): number {
    const slot = this.#next & (this.#capacity - 1);
    return this.#length[slot] - this.#cut[slot];
  }

  /** True if nothing of the current segment's message has been cut yet. */
  get atMessageStart(): boolean {
    const slot = this.#next & (this.#capacity - 1);
    return this.#cut[slot] === 0 && (this.#flags[slot] & SegmentFlag.Begin) !== 0;
  }

  /** True if the current segment is the last one of its message. */
  get inLastSegment(): boolean {
    return (this.#flags[this.#next & (this.#capacity - 1)] & SegmentFlag.End) !== 0;
  }

  get currentStream(): number {
    return this.#stream[this.#next & (this.#capacity - 1)];
  }

  get currentPpid(): number {
    return this.#ppid[this.#next & (this.#capacity - 1)];
  }

  /** {@link SegmentFlag} bits of the current segment. */
  get currentFlags(): number {
    return this.#flags[this.#next & (this.#capacity - 1)];
  }

  /** Cuts `length` bytes off the current segment; returns where they lie in the pool. */
  cut(length: number): number {
    const slot = this.#next & (this.#capacity - 1);
    const address = this.#address[slot] + this.#cut[slot];
    this.#cut[slot] += length;
    this.#unacked[slot]++;
    this.#unsentBytes -= length;
    if (this.#cut[slot] === this.#length[slot]) this.#next++;
    return address;
  }

  /** One chunk of a segment was acknowledged for good. */
  releaseChunk(segment: number): void {
    const slot = segment & (this.#capacity - 1);
    if (--this.#unacked[slot] > 0 || this.#cut[slot] < this.#length[slot]) return;
    this.#pool.release(this.#address[slot]);
    this.#length[slot] = 0;
    while (this.#head < this.#next && this.#length[this.#head & (this.#capacity - 1)] === 0) {
      this.#head++;
    }
  }

  /** Releases all memory. */
  clear(): void {
    for (; this.#head < this.#tail; this.#head++) {
      const slot = this.#head & (this.#capacity - 1);
      if (this.#length[slot] > 0) this.#pool.release(this.#address[slot]);
    }
    this.#next = this.#tail;
    this.#unsentBytes = 0;
  }

  #grow(): void {
    const capacity = this.#capacity * 2;
    const moved = <Column extends Uint8Array | Uint16Array | Uint32Array>(
      from: Column,
      to: Column,
    ): Column => {
      for (let i = this.#head; i < this.#tail; i++) {
        to[i & (capacity - 1)] = from[i & (this.#capacity - 1)];
      }
      return to;
    };
    this.#address = moved(this.#address, new Uint32Array(capacity));
    this.#length = moved(this.#length, new Uint32Array(capacity));
    this.#cut = moved(this.#cut, new Uint32Array(capacity));
    this.#unacked = moved(this.#unacked, new Uint32Array(capacity));
    this.#stream = moved(this.#stream, new Uint16Array(capacity));
    this.#ppid = moved(this.#ppid, new Uint32Array(capacity));
    this.#flags = moved(this.#flags, new Uint8Array(capacity));
    this.#capacity = capacity;
  }
}
