/**
 * An index from 32-bit keys to 32-bit values in two flat arrays (open addressing, linear probing,
 * backward-shift deletion), so that entries come and go without allocation.
 *
 * The multiplier is mixed with a random salt: a peer that chooses the keys cannot choose collisions.
 */
const EMPTY = 0;
const USED = 1;
const SMALLEST = 16;

/** Stands for the arrays of every index that is empty; nothing is written to it. */
const NO_NUMBERS = new Uint32Array(SMALLEST);
const NO_STATE = new Uint8Array(SMALLEST);

export class HashIndex {
  #keys = NO_NUMBERS;
  #values = NO_NUMBERS;
  #state = NO_STATE;
  #count = 0;
  readonly #salt: number;

  /** @param salt any number; random where keys come from a peer. */
  constructor(salt: number) {
    this.#salt = salt | 1;
  }

  get count(): number {
    return this.#count;
  }

  /** Position of a key for {@link valueAt}, or -1. */
  find(key: number): number {
    const mask = this.#keys.length - 1;
    for (let i = this.#home(key); this.#state[i] === USED; i = (i + 1) & mask) {
      if (this.#keys[i] === key) return i;
    }
    return -1;
  }

  /** The value at a position that {@link find} returned. */
  valueAt(position: number): number {
    return this.#values[position];
  }

  /** Positions from 0 up to here may hold an entry. */
  get capacity(): number {
    return this.#keys.length;
  }

  /** The key at a position, or -1 if there is none. */
  keyAt(position: number): number {
    return this.#state[position] === USED ? this.#keys[position] : -1;
  }

  /** Empties the index. */
  clear(): void {
    this.#keys = this.#values = NO_NUMBERS;
    this.#state = NO_STATE;
    this.#count = 0;
  }

  /** Adds a key that is not there yet. */
  add(key: number, value: number): void {
    if (this.#state === NO_STATE) this.#resize(SMALLEST);
    else if ((this.#count + 1) * 2 > this.#keys.length) this.#resize(2 * this.#keys.length);
    const mask = this.#keys.length - 1;
    let i = this.#home(key);
    while (this.#state[i] === USED) i = (i + 1) & mask;
    this.#keys[i] = key;
    this.#values[i] = value;
    this.#state[i] = USED;
    this.#count++;
  }

  /** Removes the entry at a position that {@link find} returned. */
  removeAt(position: number): void {
    const mask = this.#keys.length - 1;
    let hole = position;
    for (let i = (hole + 1) & mask; this.#state[i] === USED; i = (i + 1) & mask) {
      const home = this.#home(this.#keys[i]);
      if (((i - home) & mask) < ((i - hole) & mask)) continue;
      this.#keys[hole] = this.#keys[i];
      this.#values[hole] = this.#values[i];
      hole = i;
    }
    this.#state[hole] = EMPTY;
    this.#count--;
  }

  #home(key: number): number {
    const mixed = Math.imul(key ^ this.#salt, 0x9e3779b1);
    return (Math.imul(mixed ^ (mixed >>> 15), this.#salt) >>> 8) & (this.#keys.length - 1);
  }

  #resize(length: number): void {
    const [keys, values, state] = [this.#keys, this.#values, this.#state];
    this.#keys = new Uint32Array(length);
    this.#values = new Uint32Array(length);
    this.#state = new Uint8Array(length);
    this.#count = 0;
    for (let i = 0; i < keys.length; i++) if (state[i] === USED) this.add(keys[i], values[i]);
  }
}
