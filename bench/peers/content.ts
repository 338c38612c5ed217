/**
 * What messages are filled with: a pattern that does not repeat, with the message's number over its
 * first and its last four bytes. The receiver looks at the numbers of every message and at every
 * byte of some, so that a transfer that loses, doubles or mixes anything is not counted as a fast one.
 */
import { readU32, writeU32 } from "../../core/sctp/base/bytes.ts";

/** Bytes of the longest message. */
export const LONGEST_MESSAGE = 1 << 20;
/** One in so many messages is compared as a whole: enough to notice, too few to weigh. */
const CHECK_EVERY = 61;
const NUMBER_BYTES = 4;

/** A linear congruential generator: two lines in any language. */
function makePattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

/** A message that can be given one number after the other. */
export class NumberedMessage {
  readonly bytes: Uint8Array;

  /** @param length from 8 bytes up. */
  constructor(length: number) {
    this.bytes = makePattern(length);
  }

  set number(value: number) {
    writeU32(this.bytes, 0, value);
    writeU32(this.bytes, this.bytes.length - NUMBER_BYTES, value);
  }
}

/** Counts messages as they come, and what is wrong with them. */
export class Tally {
  messages = 0;
  bytes = 0;
  checked = 0;
  faults = 0;
  readonly #pattern = makePattern(LONGEST_MESSAGE);

  /** Takes the next message: `length` bytes at the start of `data`. */
  count(data: Uint8Array, length: number): void {
    const number = this.messages++;
    const whole = number % CHECK_EVERY === 0;
    this.bytes += length;
    if (whole) this.checked++;
    const good = hasNumber(data, length, number) && (!whole || this.#matches(data, length));
    if (!good) this.faults++;
  }

  #matches(data: Uint8Array, length: number): boolean {
    const pattern = this.#pattern;
    for (let i = NUMBER_BYTES; i < length - NUMBER_BYTES; i++) {
      if (data[i] !== pattern[i]) return false;
    }
    return true;
  }
}

function hasNumber(data: Uint8Array, length: number, number: number): boolean {
  return length >= 2 * NUMBER_BYTES && readU32(data, 0) === number &&
    readU32(data, length - NUMBER_BYTES) === number;
}
