/** What the user gets back of a message that was given up (RFC 6458, section 6.1.11). */
import { DataFlag } from "../wire/data.ts";
import { chunksOf } from "./message_chunks.ts";
import type { PartialMessages } from "./partial_messages.ts";
import { SegmentFlag } from "./segment_store.ts";
import type { Transmission } from "./transmission.ts";

/** A message that was not delivered, or of which that is not known. */
export interface SendFailure {
  readonly stream: number;
  readonly ppid: number;
  readonly unordered: boolean;
  /** A part of it was sent; the peer may have got it. */
  readonly wasSent: boolean;
  /** The message without what was acknowledged from its beginning on. */
  readonly data: Uint8Array;
  /** Nothing of it was acknowledged: {@link data} is all of it. */
  readonly isWhole: boolean;
}

/** Describes a message that is about to be given up. */
export function sendFailureOf(
  tx: Transmission,
  partial: PartialMessages,
  message: number,
): SendFailure {
  const { queue, outstanding } = tx;
  const segment = partial.segmentOf(message);
  const slots = chunksOf(tx, partial, message).map((tsn) => outstanding.slotOf(tsn));
  const sent = slots.reduce((sum, slot) => sum + outstanding.length[slot], 0);
  const data = new Uint8Array(sent + queue.restFrom(segment));
  let at = 0;
  for (const slot of slots) {
    tx.pool.read(outstanding.address[slot], data, at, outstanding.length[slot]);
    at += outstanding.length[slot];
  }
  queue.copyFrom(segment, data.subarray(at));
  const [first] = slots;
  const about = { stream: partial.streamOf(message), wasSent: partial.hasBegun(message), data };
  if (first === undefined) {
    const unordered = (queue.flagsOf(segment) & SegmentFlag.Unordered) !== 0;
    return { ...about, ppid: queue.ppidOf(segment), unordered, isWhole: !about.wasSent };
  }
  const flags = outstanding.flags[first];
  return {
    ...about,
    ppid: queue.ppidOf(outstanding.segment[first]),
    unordered: (flags & DataFlag.Unordered) !== 0,
    isWhole: (flags & DataFlag.Begin) !== 0,
  };
}
