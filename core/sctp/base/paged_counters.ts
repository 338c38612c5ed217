/**
 * 65,536 counters of 16 bits, of which only those that are used cost memory: Stream Sequence Numbers
 * for every possible stream without paying for them up front.
 */
const PAGE_BITS = 8;
const PAGE_LENGTH = 1 << PAGE_BITS;

export class PagedCounters {
  /** A page ends with the last counter of it that was set. */
  readonly #pages: (number[] | undefined)[] = [];

  /** The value of counter `index`; 0 if it was never set. */
  get(index: number): number {
    const page = this.#pages[index >>> PAGE_BITS];
    const place = index & (PAGE_LENGTH - 1);
    return page && place < page.length ? page[place] : 0;
  }

  /** Sets counter `index` to the low 16 bits of `value`. */
  set(index: number, value: number): void {
    const page = this.#pages[index >>> PAGE_BITS] ??= [];
    const place = index & (PAGE_LENGTH - 1);
    while (page.length <= place) page.push(0);
    page[place] = value & 0xffff;
  }
}
