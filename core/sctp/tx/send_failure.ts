/** What the user gets back of a message that was not delivered (RFC 6458, section 6.1.11). */
import { tsnAdd } from "../base/serial.ts";
import { DataFlag } from "../wire/data.ts";
import { chunksOf } from "./message_chunks.ts";
import { ChunkMark, ChunkState } from "./outstanding.ts";
import type { PartialMessages } from "./partial_messages.ts";
import { SegmentFlag } from "./segment_store.ts";
import type { Transmission } from "./transmission.ts";

/** A message that was not delivered, or of which that is not known. */
export interface SendFailure {
  readonly stream: number;
  readonly ppid: number;
  readonly unordered: boolean;
  /** What its sender said that it wants to get back; 0 if nothing. */
  readonly context: number;
  /** A part of it was sent; the peer may have got it. */
  readonly wasSent: boolean;
  /** The message without what was acknowledged for good: its beginning, or parts of it (NR-SACK). */
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
  const slots = chunksOf(tx, partial, message).map((tsn) => tx.outstanding.slotOf(tsn));
  const wasSent = partial.hasBegun(message);
  return describe(tx, partial.streamOf(message), slots, partial.segmentOf(message), wasSent);
}

/**
 * Every message that is not acknowledged for good: first those that are in chunks, then, by stream, those
 * that are queued. The association is over, or its peer has restarted.
 */
export function undeliveredOf(tx: Transmission): SendFailure[] {
  const { outstanding, queue } = tx;
  const failures: SendFailure[] = [];
  /** Chunks of the message of each stream that has no end yet: a stream has one at a time. */
  const open = new Map<number, number[]>();
  for (let tsn = outstanding.firstTsn; tsn !== outstanding.nextTsn; tsn = tsnAdd(tsn, 1)) {
    const slot = outstanding.slotOf(tsn);
    if (outstanding.state[slot] === ChunkState.Abandoned) continue;
    const stream = outstanding.stream[slot];
    const slots = open.get(stream) ?? [];
    slots.push(slot);
    open.set(stream, slots);
    if ((outstanding.flags[slot] & DataFlag.End) === 0) continue;
    open.delete(stream);
    if (slots.some((one) => !isSettled(tx, one))) {
      failures.push(describe(tx, stream, slots, 0, true));
    }
  }
  for (const { stream, segment, hasBegun } of queue.messages()) {
    failures.push(describe(tx, stream, hasBegun ? open.get(stream) ?? [] : [], segment, hasBegun));
  }
  return failures;
}

/**
 * @param slots the chunks of the message that are not acknowledged for good.
 * @param segment the first one with bytes that are not in a chunk; 0 if there is none.
 */
function describe(
  tx: Transmission,
  stream: number,
  slots: readonly number[],
  segment: number,
  wasSent: boolean,
): SendFailure {
  const { queue, outstanding } = tx;
  const sent = slots.reduce((sum, slot) => sum + outstanding.length[slot], 0);
  const data = new Uint8Array(sent + queue.restFrom(segment));
  let at = 0;
  for (const slot of slots) {
    tx.pool.read(outstanding.address[slot], data, at, outstanding.length[slot]);
    at += outstanding.length[slot];
  }
  queue.copyFrom(segment, data.subarray(at));
  const first = slots.find((slot) => !isSettled(tx, slot));
  const context = queue.contextOf(first === undefined ? segment : outstanding.segment[first]);
  const about = { stream, context, wasSent, data };
  if (first === undefined) {
    const unordered = (queue.flagsOf(segment) & SegmentFlag.Unordered) !== 0;
    return { ...about, ppid: queue.ppidOf(segment), unordered, isWhole: !wasSent };
  }
  const flags = outstanding.flags[first];
  return {
    ...about,
    ppid: queue.ppidOf(outstanding.segment[first]),
    unordered: (flags & DataFlag.Unordered) !== 0,
    isWhole: (flags & DataFlag.Begin) !== 0 && !slots.some((slot) => isSettled(tx, slot)),
  };
}

/** True if the peer has acknowledged a chunk for good: its payload is not kept. */
function isSettled({ outstanding }: Transmission, slot: number): boolean {
  return (outstanding.marks[slot] & ChunkMark.Settled) !== 0;
}
