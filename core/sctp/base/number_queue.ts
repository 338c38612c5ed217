/** A first-in first-out queue of unsigned 32-bit numbers in a ring that grows by doubling. */
export class NumberQueue {
  #items = new Uint32Array(16);
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** The number at `index`, counted from the oldest. */
  at(index: number): number {
    return this.#items[(this.#head + index) & (this.#items.length - 1)];
  }

  push(value: number): void {
    if (this.#length === this.#items.length) this.#grow();
    this.#items[(this.#head + this.#length) & (this.#items.length - 1)] = value;
    this.#length++;
  }

  /** Puts another number in the place of the oldest one. */
  replaceFirst(value: number): void {
    this.#items[this.#head] = value;
  }

  /** Removes the oldest number and returns it; 0 if there is none. */
  shift(): number {
    if (this.#length === 0) return 0;
    const value = this.#items[this.#head];
    this.#head = (this.#head + 1) & (this.#items.length - 1);
    this.#length--;
    return value;
  }

  clear(): void {
    this.#head = 0;
    this.#length = 0;
  }

  #grow(): void {
    const items = new Uint32Array(this.#items.length * 2);
    for (let i = 0; i < this.#length; i++) items[i] = this.at(i);
    this.#items = items;
    this.#head = 0;
  }
}
