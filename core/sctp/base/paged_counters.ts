/**
 * 65,536 counters of 16 bits, of which only those that are used cost memory: Stream Sequence Numbers
 * for every possible stream without paying for them up front.
 */
const PAGE_BITS = 8;
const PAGE_LENGTH = 1 << PAGE_BITS;

export class PagedCounters {
  readonly #pages: (Uint16Array | undefined)[] = [];

  /** The value of counter `index`; 0 if it was never set. */
  get(index: number): number {
    const page = this.#pages[index >>> PAGE_BITS];
    return page ? page[index & (PAGE_LENGTH - 1)] : 0;
  }

  /** Sets counter `index` to the low 16 bits of `value`. */
  set(index: number, value: number): void {
    const page = this.#pages[index >>> PAGE_BITS] ??= new Uint16Array(PAGE_LENGTH);
    page[index & (PAGE_LENGTH - 1)] = value;
  }
}
