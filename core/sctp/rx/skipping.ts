/** What a FORWARD TSN or I-FORWARD-TSN means for what has been received (RFC 3758, section 3.6). */
import { type Tsn, tsnDistance, tsnLess } from "../base/serial.ts";
import { skippedSsn, skippedStream, skippedStreamCount } from "../wire/forward_tsn.ts";
import {
  skippedMessageCount,
  skippedMessageStream,
  skippedMid,
  skipsUnordered,
} from "../wire/i_forward_tsn.ts";
import type { InterleavedReassembly } from "./interleaved_reassembly.ts";
import type { Reassembly } from "./reassembly.ts";
import type { TsnTracker } from "./tsn_tracker.ts";

/** Half of all Stream Sequence Numbers: what is further ahead is behind. */
const BEHIND = 0x7fff;

/** What such a chunk turned out to be. */
export const ForwardVerdict = {
  Skipped: 0,
  /** At or behind the Cumulative TSN. */
  OutOfDate: 1,
  /** Further ahead than anything that could have been sent. */
  BeyondWindow: 2,
  /** Skipped, but it lists streams that do not exist, or more messages than it skips TSNs. */
  Absurd: 3,
  /** There were too many: not taken, to be sent again. */
  Postponed: 4,
} as const;
export type ForwardVerdict = (typeof ForwardVerdict)[keyof typeof ForwardVerdict];

/** Drops each message that lacks a TSN up to `target`: such end or start at the edge of a gap. */
export function dropIncomplete(reassembly: Reassembly, tracker: TsnTracker, target: Tsn): void {
  const { cumulative, ranges } = tracker;
  reassembly.dropUnended(cumulative);
  for (let i = 0; i < ranges.count && tsnDistance(target, ranges.firstOf(i)) <= 1; i++) {
    reassembly.dropUnbegun(ranges.firstOf(i));
    if (tsnLess(ranges.lastOf(i), target)) reassembly.dropUnended(ranges.lastOf(i));
  }
}

/** Passes the listed messages over; each has a TSN of its own among the `reach` that are skipped. */
export function skipMessages(
  reassembly: Reassembly,
  bytes: Uint8Array,
  offset: number,
  reach: number,
  inboundStreams: number,
): ForwardVerdict {
  const listed = skippedStreamCount(bytes, offset);
  let verdict: ForwardVerdict = ForwardVerdict.Skipped;
  let left = reach;
  for (let i = 0; i < listed; i++) {
    const stream = skippedStream(bytes, offset, i);
    const count = reassembly.distanceBehind(stream, skippedSsn(bytes, offset, i));
    if (count === 0 || count > BEHIND) continue;
    if (count > left || stream >= inboundStreams) {
      verdict = ForwardVerdict.Absurd;
      continue;
    }
    reassembly.skip(stream, count);
    left -= count;
  }
  return verdict;
}

/**
 * The same with interleaving, where unordered messages are listed too (RFC 8260, section 2.3.1). The
 * TSNs of a message may lie anywhere: those that are skipped say nothing about how many messages are.
 */
export function skipInterleaved(
  reassembly: InterleavedReassembly,
  bytes: Uint8Array,
  offset: number,
  inboundStreams: number,
): ForwardVerdict {
  const listed = skippedMessageCount(bytes, offset);
  const ordered = new Map<number, number>();
  const unordered = new Map<number, number>();
  let verdict: ForwardVerdict = ForwardVerdict.Skipped;
  for (let i = 0; i < listed; i++) {
    const stream = skippedMessageStream(bytes, offset, i);
    const mid = skippedMid(bytes, offset, i);
    const isUnordered = skipsUnordered(bytes, offset, i);
    if (stream >= inboundStreams) verdict = ForwardVerdict.Absurd;
    else if (isUnordered) unordered.set(stream, mid);
    else if (reassembly.distanceBehind(stream, mid) > 0) ordered.set(stream, mid);
  }
  if (ordered.size + unordered.size > 0) reassembly.skip(ordered, unordered);
  return verdict;
}
