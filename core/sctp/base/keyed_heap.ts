/**
 * Small numbers in the order of their keys: a binary min-heap in which a key can change and a number
 * can be taken out of the middle. It allocates nothing once it has grown, and little before.
 */

/** Where a number is that is in no heap. */
const ABSENT = -1;

export class KeyedHeap {
  /** The numbers, as a heap. */
  readonly #items: number[] = [];
  #count = 0;
  /** By number. */
  readonly #keys: number[] = [];
  readonly #places: number[] = [];

  get count(): number {
    return this.#count;
  }

  /** The number with the lowest key; the heap is not empty. */
  get first(): number {
    return this.#items[0];
  }

  /** The lowest key; the heap is not empty. */
  get firstKey(): number {
    return this.#keys[this.#items[0]];
  }

  has(item: number): boolean {
    return item < this.#places.length && this.#places[item] !== ABSENT;
  }

  /** Adds a number, or gives it another key. */
  set(item: number, key: number): void {
    while (item >= this.#places.length) {
      this.#keys.push(0);
      this.#places.push(ABSENT);
    }
    if (this.#places[item] === ABSENT) {
      this.#items[this.#count] = item;
      this.#places[item] = this.#count++;
    }
    this.#keys[item] = key;
    this.#sink(this.#rise(this.#places[item]));
  }

  /** Takes a number out, if it is there. */
  remove(item: number): void {
    if (!this.has(item)) return;
    const place = this.#places[item];
    this.#places[item] = ABSENT;
    const last = this.#items[--this.#count];
    if (last === item) return;
    this.#items[place] = last;
    this.#places[last] = place;
    this.#sink(this.#rise(place));
  }

  clear(): void {
    this.#count = 0;
    this.#places.fill(ABSENT);
  }

  #rise(place: number): number {
    const item = this.#items[place];
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (this.#keys[this.#items[parent]] <= this.#keys[item]) break;
      this.#put(this.#items[parent], place);
      place = parent;
    }
    this.#put(item, place);
    return place;
  }

  #sink(place: number): void {
    const item = this.#items[place];
    for (;;) {
      let child = 2 * place + 1;
      if (child >= this.#count) break;
      if (child + 1 < this.#count && this.#keyAt(child + 1) < this.#keyAt(child)) child++;
      if (this.#keyAt(child) >= this.#keys[item]) break;
      this.#put(this.#items[child], place);
      place = child;
    }
    this.#put(item, place);
  }

  #keyAt(place: number): number {
    return this.#keys[this.#items[place]];
  }

  #put(item: number, place: number): void {
    this.#items[place] = item;
    this.#places[item] = place;
  }
}
