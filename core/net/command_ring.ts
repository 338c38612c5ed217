/**
 * Commands for a thread that blocks in `epoll_wait` and so never sees a posted message: a ring in
 * shared memory, one writer, one reader, no locks. Whoever writes then wakes the reader by its eventfd.
 *
 * Layout: two 32-bit counters that only grow and wrap (bytes read, bytes written), then the ring.
 * Each command is a 32-bit length followed by that many bytes of JSON in UTF-8.
 */
const HEADER_BYTES = 8;
const READ = 0;
const WRITTEN = 1;
const LENGTH_BYTES = 4;

export class CommandRing {
  readonly #counters: Uint32Array;
  readonly #ring: Uint8Array;
  readonly #mask: number;

  /** @param memory from {@link CommandRing.allocate}, shared by both ends. */
  constructor(readonly memory: SharedArrayBuffer) {
    this.#counters = new Uint32Array(memory, 0, 2);
    this.#ring = new Uint8Array(memory, HEADER_BYTES);
    this.#mask = this.#ring.length - 1;
  }

  /**
   * Memory for a ring.
   * @param bytes room for commands, a power of two.
   * @throws RangeError if it is none.
   */
  static allocate(bytes = 64 * 1024): SharedArrayBuffer {
    if (!Number.isInteger(Math.log2(bytes))) {
      throw new RangeError(`a command ring takes a power of two of bytes, not ${bytes}`);
    }
    return new SharedArrayBuffer(HEADER_BYTES + bytes);
  }

  /** Appends a command; false if the ring has no room for it now. */
  push(command: unknown): boolean {
    const text = new TextEncoder().encode(JSON.stringify(command));
    const written = Atomics.load(this.#counters, WRITTEN);
    const used = (written - Atomics.load(this.#counters, READ)) >>> 0;
    if (used + LENGTH_BYTES + text.length > this.#ring.length) return false;
    for (let i = 0; i < LENGTH_BYTES; i++) {
      this.#ring[(written + i) & this.#mask] = text.length >>> (8 * i);
    }
    for (let i = 0; i < text.length; i++) {
      this.#ring[(written + LENGTH_BYTES + i) & this.#mask] = text[i];
    }
    Atomics.store(this.#counters, WRITTEN, written + LENGTH_BYTES + text.length);
    return true;
  }

  /** Takes the oldest command, or `undefined` if there is none. */
  take(): unknown {
    const read = Atomics.load(this.#counters, READ);
    if (read === Atomics.load(this.#counters, WRITTEN)) return undefined;
    let length = 0;
    for (let i = 0; i < LENGTH_BYTES; i++) length |= this.#ring[(read + i) & this.#mask] << (8 * i);
    const text = new Uint8Array(length);
    for (let i = 0; i < length; i++) text[i] = this.#ring[(read + LENGTH_BYTES + i) & this.#mask];
    Atomics.store(this.#counters, READ, read + LENGTH_BYTES + length);
    return JSON.parse(new TextDecoder().decode(text));
  }
}
