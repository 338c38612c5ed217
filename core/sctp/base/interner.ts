/**
 * Equal values kept as one: what many associations have in common takes memory once.
 *
 * Peers may choose the values, so there is a limit, at which all are forgotten: those that come
 * again are made again, and whoever holds the old ones keeps them.
 */
export class Interner<T> {
  readonly #known = new Map<string, T>();

  /** @param limit values that are remembered, at least 1. */
  constructor(readonly limit: number) {}

  /** The value with this key, which says all that is in it; made if it is not known. */
  get(key: string, make: () => T): T {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#known.size >= this.limit) this.#known.clear();
    const made = make();
    this.#known.set(key, made);
    return made;
  }
}
