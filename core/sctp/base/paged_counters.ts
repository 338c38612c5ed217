/**
 * 65,536 counters, of which only those that are used cost memory: numbers of the next message for every
 * possible stream without paying for them up front. They wrap at 16 or, as signed numbers, at 32 bits.
 */
const PAGE_BITS = 8;
const PAGE_LENGTH = 1 << PAGE_BITS;

/** Stands for the first page of those who never set a counter; nothing is written to it. */
const NO_COUNTERS: number[] = [];

export class PagedCounters {
  /** All that counts of a value. */
  readonly #mask: number;
  /** A page ends soon behind the highest counter that was set. */
  readonly #pages: (number[] | undefined)[] = [NO_COUNTERS];

  constructor(bits: 16 | 32 = 16) {
    this.#mask = bits === 16 ? 0xffff : -1;
  }

  /** The value of counter `index`; 0 if it was never set. */
  get(index: number): number {
    const page = this.#pages[index >>> PAGE_BITS];
    const place = index & (PAGE_LENGTH - 1);
    return page && place < page.length ? page[place] : 0;
  }

  /** Sets counter `index` to the low bits of `value`. */
  set(index: number, value: number): void {
    const number = index >>> PAGE_BITS;
    const place = index & (PAGE_LENGTH - 1);
    let page = this.#pages[number] ?? NO_COUNTERS;
    if (place >= page.length) page = this.#pages[number] = widened(page, place);
    page[place] = value & this.#mask;
  }

  /** True if every counter is 0. */
  get isZero(): boolean {
    return this.#pages.every((page) => !page || page.every((value) => value === 0));
  }

  /** Sets every counter to 0. */
  clear(): void {
    this.#pages.length = 0;
  }
}

/** A copy to the next power of two. An array that grows by itself takes 16 places more than asked. */
function widened(page: readonly number[], place: number): number[] {
  const wider = new Array<number>(1 << (32 - Math.clz32(place))).fill(0);
  for (let i = 0; i < page.length; i++) wider[i] = page[i];
  return wider;
}
