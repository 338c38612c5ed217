/** Gap Ack Blocks as ranges of TSNs (RFC 9260, section 3.3.4). */
import { type Tsn, tsnAdd, tsnLess } from "../base/serial.ts";
import type { TsnRanges } from "../base/tsn_ranges.ts";
import { blockEnd, blockStart } from "../wire/gap_blocks.ts";

/**
 * Reads the list of blocks at `at`; blocks out of order, empty or beyond what was sent end the reading.
 * @param farthest the last TSN that was sent, as a distance from the Cumulative TSN Ack.
 * @returns false if there were such blocks.
 */
export function readGapBlocks(
  bytes: Uint8Array,
  at: number,
  count: number,
  cumulative: Tsn,
  farthest: number,
  into: TsnRanges,
): boolean {
  into.clear();
  let previous = 0;
  for (let i = 0; i < count; i++) {
    const start = blockStart(bytes, at, i);
    const end = blockEnd(bytes, at, i);
    if (start <= previous + 1 || end < start || end > farthest) return false;
    into.append(tsnAdd(cumulative, start), tsnAdd(cumulative, end));
    previous = end;
  }
  return true;
}

/** What is in either set. */
export function uniteRanges(some: TsnRanges, others: TsnRanges, into: TsnRanges): void {
  into.clear();
  let [i, j] = [0, 0];
  while (i < some.count || j < others.count) {
    const isSome = j === others.count ||
      (i < some.count && tsnLess(some.firstOf(i), others.firstOf(j)));
    if (isSome) into.extend(some.firstOf(i), some.lastOf(i++));
    else into.extend(others.firstOf(j), others.lastOf(j++));
  }
}
