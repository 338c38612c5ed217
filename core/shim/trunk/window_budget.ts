/**
 * The memory that the streams of all trunks may be told to fill: whatever is granted to a peer has to be
 * kept for a reader who does not read.
 */
import { SMALLEST_WINDOW } from "./trunk_message.ts";

/** Bytes, for all trunks of a data plane. */
const ALL = 512 << 20;

/** No stream gets more than this part of what is left, unless the smallest window is more. */
const SHARE = 64;

export class WindowBudget {
  #left: number;

  /** @param bytes of all windows together. */
  constructor(bytes = ALL) {
    this.#left = bytes;
  }

  /** Bytes that can still be had. */
  get left(): number {
    return this.#left;
  }

  /** A window of at most so many bytes, the smaller the less is left; 0 if nothing is. */
  take(wanted: number): number {
    const window = Math.min(wanted, Math.max(SMALLEST_WINDOW, Math.floor(this.#left / SHARE)));
    if (window > this.#left) return 0;
    this.#left -= window;
    return window;
  }

  /** Gives a window back. */
  give(window: number): void {
    this.#left += window;
  }
}
