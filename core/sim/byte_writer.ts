/** A growing array of bytes, for files that are made in memory. Little-endian, as most machines are. */
export class ByteWriter {
  #bytes = new Uint8Array(4096);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** A copy of what was written. */
  toBytes(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  u16(value: number): void {
    const at = this.#extend(2);
    this.#bytes[at] = value;
    this.#bytes[at + 1] = value >>> 8;
  }

  u32(value: number): void {
    this.u16(value & 0xffff);
    this.u16(value >>> 16);
  }

  /** Adds a stretch of another array, and zeros up to the next multiple of four. */
  padded(bytes: Uint8Array, offset: number, length: number): void {
    const at = this.#extend((length + 3) & ~3);
    this.#bytes.set(bytes.subarray(offset, offset + length), at);
  }

  /** Makes room for `count` zero bytes and returns where they are. */
  #extend(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
    }
    return at;
  }
}
