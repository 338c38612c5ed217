/** Puts messages together of which parts come in turn with those of other streams (RFC 8260). */
import { SctpError } from "./errors.ts";
import { type Assembler, type Message, type Read, receiveInfo } from "./message.ts";

/** Bytes that are read at once. */
const PART_BUFFER = 64 * 1024;

export class InterleavedAssembler implements Assembler {
  readonly info = receiveInfo();
  readonly #buffer = new Uint8Array(PART_BUFFER);
  /** Parts of the messages that are not whole, by stream. */
  readonly #open = new Map<number, Uint8Array<ArrayBuffer>[]>();
  /** Bytes of those. */
  #held = 0;

  /** @param maximum bytes of the longest message to take, and of all that are not whole together. */
  constructor(readonly maximum: number) {}

  next(read: Read): Message | undefined {
    for (;;) {
      const count = read(this.#buffer, this.info);
      if (count === 0) return undefined;
      this.#held += count;
      if (this.#held > this.maximum) this.#refuse();
      const { stream, endOfMessage } = this.info;
      const parts = this.#open.get(stream) ?? [];
      parts.push(this.#buffer.slice(0, count));
      if (endOfMessage) return this.#take(stream, parts);
      this.#open.set(stream, parts);
    }
  }

  reset(): void {
    this.#open.clear();
    this.#held = 0;
  }

  drop(stream: number): void {
    this.#held -= lengthOf(this.#open.get(stream) ?? []);
    this.#open.delete(stream);
  }

  #take(stream: number, parts: readonly Uint8Array<ArrayBuffer>[]): Message {
    const { ppid, unordered } = this.info;
    this.#open.delete(stream);
    const length = lengthOf(parts);
    this.#held -= length;
    if (parts.length === 1) return { data: parts[0], stream, ppid, unordered };
    const data = new Uint8Array(length);
    let at = 0;
    for (const part of parts) {
      data.set(part, at);
      at += part.length;
    }
    return { data, stream, ppid, unordered };
  }

  #refuse(): never {
    throw new SctpError(
      "ERR_SCTP_MESSAGE_TOO_LONG",
      `more than ${this.maximum} bytes of messages arrived that are not whole yet, on ` +
        `${
          this.#open.size + 1
        } streams; raise maximumMessageSize, or take the bytes in parts with ` +
        "read()",
    );
  }
}

function lengthOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}
