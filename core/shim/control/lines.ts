/** Cuts a stream of bytes into lines. Pure. */

/** Bytes until the next line ending, of whatever pieces they come in. */
export class LineBuffer {
  readonly #limit: number;
  #parts: Uint8Array[] = [];
  #size = 0;

  /** @param limit bytes of the longest line. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /**
   * Takes what came, and returns the lines that are complete now, without their ends;
   * `undefined` if a line is longer than the limit.
   */
  push(bytes: Uint8Array): string[] | undefined {
    const lines: string[] = [];
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      if (!this.#keep(bytes.subarray(start, end))) return undefined;
      lines.push(this.#take());
      start = end + 1;
    }
    return this.#keep(bytes.slice(start)) ? lines : undefined;
  }

  #keep(part: Uint8Array): boolean {
    this.#parts.push(part);
    this.#size += part.length;
    return this.#size <= this.#limit;
  }

  #take(): string {
    const line = new Uint8Array(this.#size);
    let at = 0;
    for (const part of this.#parts) {
      line.set(part, at);
      at += part.length;
    }
    this.#parts = [];
    this.#size = 0;
    return new TextDecoder().decode(line);
  }
}

const NEWLINE = 0x0a;
