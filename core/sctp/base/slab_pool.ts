/**
 * Memory for user data that waits: to be sent, acknowledged, reassembled or read.
 *
 * Slots of a few sizes are cut from pages of one size each, so taking and returning one costs a few
 * instructions, in any order, and never allocates in steady state. A slot is named by its address,
 * a number; its bytes lie contiguous in {@link SlabPool.bytesAt} from {@link SlabPool.offsetAt} on.
 */
import { readU32, writeU32 } from "./bytes.ts";
import { type CopyBytes, copyBytes } from "./copy.ts";

const PAGE_BITS = 18;
/** Bytes of a page. */
export const PAGE_SIZE = 1 << PAGE_BITS;
const PAGE_MASK = PAGE_SIZE - 1;

const SLOT_SIZES = [64, 128, 256, 512, 1024, 1536, 2048, 4096, 8192, 16384, 32768, 65536];
/** The largest slot: longer data is kept in several. */
export const LARGEST_SLOT = SLOT_SIZES[SLOT_SIZES.length - 1];

const NONE = 0xffff_ffff;

/** A stretch of {@link PAGE_SIZE} bytes somewhere in a larger array. */
export interface PageMemory {
  readonly bytes: Uint8Array;
  readonly offset: number;
}

interface Page {
  readonly memory: PageMemory;
  readonly index: number;
  sizeClass: number;
  live: number;
  /** First returned slot, as an offset in the page; each one holds the offset of the next. */
  free: number;
  /** Start of the part that was never handed out. */
  fresh: number;
  /** Neighbours in the list of pages of this size that have room. */
  previous: Page | undefined;
  next: Page | undefined;
}

/** Sizes are multiples of the smallest one: the class of each, by how many of those it takes. */
const UNIT = SLOT_SIZES[0];
const CLASS_BY_UNITS = Uint8Array.from(
  { length: LARGEST_SLOT / UNIT + 1 },
  (_, units) => SLOT_SIZES.findIndex((size) => size >= units * UNIT),
);

function sizeClassOf(length: number): number {
  return CLASS_BY_UNITS[Math.ceil(length / UNIT)];
}

/** Where a pool gets its pages from. */
export interface PageSource {
  /** Another page; called only when the pool grows. */
  take(): PageMemory;
  /** Copies in and out of the pages. */
  readonly copy: CopyBytes;
}

/** Pages of their own, on the heap. */
export const heapPages: PageSource = {
  take: () => ({ bytes: new Uint8Array(PAGE_SIZE), offset: 0 }),
  copy: copyBytes,
};

/** Addresses have 32 bits: so many pages can be told apart. */
const MAX_PAGES = 2 ** 32 / PAGE_SIZE;
/** Bytes that are handed out before {@link SlabPool.isFull}, unless told otherwise. */
export const DEFAULT_POOL_LIMIT = 1 << 30;
/** The highest limit: addresses end at 4 GiB, and what has begun may be finished. */
export const MAX_POOL_LIMIT = 3 * (1 << 30);

/** Part of the limit that is kept for what has to come before other data can be released. */
const RESERVE = 1 / 8;

/** A pool of slots, shared by all associations of an endpoint. */
export class SlabPool {
  readonly #source: PageSource;
  readonly #pages: Page[] = [];
  readonly #unused: Page[] = [];
  readonly #withRoom: (Page | undefined)[] = SLOT_SIZES.map(() => undefined);
  #liveBytes = 0;

  /**
   * @param limit bytes after which the pool calls itself full; users then take no more from peers.
   * @throws RangeError if the limit is above {@link MAX_POOL_LIMIT}.
   */
  constructor(source: PageSource = heapPages, readonly limit = DEFAULT_POOL_LIMIT) {
    if (!(limit > 0 && limit <= MAX_POOL_LIMIT)) {
      throw new RangeError(`a pool takes a limit of 1 to ${MAX_POOL_LIMIT} bytes, not ${limit}`);
    }
    this.#source = source;
  }

  /** True if nothing should be taken that can be refused. */
  get isFull(): boolean {
    return this.#liveBytes >= this.limit;
  }

  /** True if not even what lets something be read, and so released, should be taken. */
  get isExhausted(): boolean {
    return this.#liveBytes >= this.limit * (1 + RESERVE);
  }

  /** Bytes in slots that are handed out. */
  get liveBytes(): number {
    return this.#liveBytes;
  }

  /** Bytes of all pages, in use or kept for later. */
  get reservedBytes(): number {
    return this.#pages.length * PAGE_SIZE;
  }

  /** Bytes that a slot for `length` bytes occupies. */
  static costOf(length: number): number {
    return SLOT_SIZES[sizeClassOf(length)];
  }

  /** The array in which the slot at `address` lies. */
  bytesAt(address: number): Uint8Array {
    return this.#pages[address >>> PAGE_BITS].memory.bytes;
  }

  /** Index in {@link bytesAt} of the byte at `address`. */
  offsetAt(address: number): number {
    return this.#pages[address >>> PAGE_BITS].memory.offset + (address & PAGE_MASK);
  }

  /** Copies `length` bytes into the slot at `address`. */
  write(address: number, source: Uint8Array, offset: number, length: number): void {
    this.#source.copy(source, offset, this.bytesAt(address), this.offsetAt(address), length);
  }

  /** Copies `length` bytes from `address`, anywhere in a slot, out. */
  read(address: number, target: Uint8Array, offset: number, length: number): void {
    this.#source.copy(this.bytesAt(address), this.offsetAt(address), target, offset, length);
  }

  /** Takes a slot for `length` bytes, 1 .. {@link LARGEST_SLOT}; returns its address. */
  take(length: number): number {
    const sizeClass = sizeClassOf(length);
    const page = this.#withRoom[sizeClass] ?? this.#openPage(sizeClass);
    const { bytes, offset } = page.memory;
    let start = page.free;
    if (start !== NONE) {
      page.free = readU32(bytes, offset + start);
    } else {
      start = page.fresh;
      page.fresh += SLOT_SIZES[sizeClass];
    }
    page.live++;
    this.#liveBytes += SLOT_SIZES[sizeClass];
    if (!hasRoom(page)) this.#unlink(page);
    return page.index * PAGE_SIZE + start;
  }

  /** Returns the slot that starts at `address`. */
  release(address: number): void {
    const page = this.#pages[address >>> PAGE_BITS];
    const wasFull = !hasRoom(page);
    const { bytes, offset } = page.memory;
    const start = address & PAGE_MASK;
    writeU32(bytes, offset + start, page.free);
    page.free = start;
    page.live--;
    this.#liveBytes -= SLOT_SIZES[page.sizeClass];
    if (wasFull) this.#link(page);
    if (page.live === 0) {
      this.#unlink(page);
      this.#unused.push(page);
    }
  }

  #openPage(sizeClass: number): Page {
    let page = this.#unused.pop();
    if (!page) {
      if (this.#pages.length === MAX_PAGES) throw new RangeError("the pool has no more addresses");
      page = {
        memory: this.#source.take(),
        index: this.#pages.length,
        sizeClass,
        live: 0,
        free: NONE,
        fresh: 0,
        previous: undefined,
        next: undefined,
      };
      this.#pages.push(page);
    }
    page.sizeClass = sizeClass;
    page.free = NONE;
    page.fresh = 0;
    this.#link(page);
    return page;
  }

  #link(page: Page): void {
    const first = this.#withRoom[page.sizeClass];
    page.previous = undefined;
    page.next = first;
    if (first) first.previous = page;
    this.#withRoom[page.sizeClass] = page;
  }

  #unlink(page: Page): void {
    if (page.previous) page.previous.next = page.next;
    else this.#withRoom[page.sizeClass] = page.next;
    if (page.next) page.next.previous = page.previous;
    page.previous = undefined;
    page.next = undefined;
  }
}

function hasRoom(page: Page): boolean {
  return page.free !== NONE || page.fresh + SLOT_SIZES[page.sizeClass] <= PAGE_SIZE;
}
