/** Giving messages up: each as a whole, wherever its parts are (RFC 3758, section 3.5; RFC 7496). */
import { type Tsn, tsnAdd, tsnLess, tsnLessOrEqual } from "../base/serial.ts";
import { type Instant, isDue, NEVER } from "../base/time.ts";
import { PathTimer } from "../timer/timer_table.ts";
import { DataFlag } from "../wire/data.ts";
import type { Path } from "../path/path.ts";
import { ForwardPoint } from "./forward_point.ts";
import { chunksOf } from "./message_chunks.ts";
import { ChunkMark, ChunkState } from "./outstanding.ts";
import type { PartialMessages } from "./partial_messages.ts";
import { AbandonedMessages } from "./partial_reliability.ts";
import { findEarliest, leaveFlight, unmark } from "./retransmission.ts";
import { SegmentFlag } from "./segment_store.ts";
import { sendFailureOf } from "./send_failure.ts";
import { MESSAGE_COST, type Transmission } from "./transmission.ts";

/** A chunk of a partially reliable message was cut off `segment`. */
export function notePartialChunk(
  tx: Transmission,
  segment: number,
  slot: number,
  tsn: Tsn,
): void {
  const { outstanding, queue } = tx;
  outstanding.marks[slot] |= ChunkMark.Partial;
  outstanding.resent[slot] = 0;
  tx.partial?.noteChunk(queue.messageOf(segment), tsn, queue.queuedFrom(segment));
}

/** A chunk of a partially reliable message was acknowledged for good; with the last one it is over. */
export function forgetPartialChunk(tx: Transmission, slot: number): void {
  const { outstanding, queue } = tx;
  if ((outstanding.flags[slot] & DataFlag.End) === 0) return;
  tx.partial?.release(queue.messageOf(outstanding.segment[slot]));
}

/**
 * Gives up what must not be sent, or sent again, any more: expired messages in the queue (RFC 3758,
 * section 4.1, TR3 to TR5), and those of which a chunk is to be sent again, if they have expired or had
 * their share of retransmissions (RFC 7496, section 3.1). Congestion control has reacted to the loss.
 * @returns true if there was something.
 */
export function abandonDue(tx: Transmission, now: Instant): boolean {
  const { partial } = tx;
  if (!partial || !tx.abandons) return false;
  const before = partial.count;
  while (isDue(partial.nextExpiry, now)) abandon(tx, partial.expiringFirst);
  if (tx.partialMarked > 0) abandonMarked(tx, now);
  return partial.count < before;
}

function abandonMarked(tx: Transmission, now: Instant): void {
  const { outstanding, partial } = tx;
  const end = outstanding.nextTsn;
  let tsn = tsnLess(tx.markedFrom, outstanding.firstTsn) ? outstanding.firstTsn : tx.markedFrom;
  for (; tsn !== end && tx.partialMarked > 0; tsn = tsnAdd(tsn, 1)) {
    const slot = outstanding.slotOf(tsn);
    const isPartial = (outstanding.marks[slot] & ChunkMark.Partial) !== 0;
    if (!isPartial || outstanding.state[slot] !== ChunkState.Marked) continue;
    const message = tx.queue.messageOf(outstanding.segment[slot]);
    if (partial?.isGivenUp(message, outstanding.resent[slot], now)) abandon(tx, message);
  }
}

/**
 * Gives up queued messages whose priority is lower than that of a new one, until there is room for it
 * (RFC 7496, section 3.2); none if that would not be enough.
 * @param priority of the new message; below 0 if it has none.
 */
export function makeRoom(tx: Transmission, length: number, priority: number): boolean {
  const { partial } = tx;
  if (!partial || !tx.abandons || tx.pool.isFull) return false;
  const yielding: number[] = [];
  let [bytes, cost] = [0, 0];
  while (!tx.hasRoomFor(length, bytes, cost)) {
    const message = partial.takeYielding(priority);
    if (message === 0) {
      yielding.forEach((one) => partial.putBack(one));
      return false;
    }
    yielding.push(message);
    const held = heldBytes(tx, partial, message);
    bytes += held;
    cost += held + MESSAGE_COST;
  }
  yielding.forEach((message) => abandon(tx, message));
  return true;
}

/** Bytes of a message that are kept, in the queue and outstanding. */
function heldBytes(tx: Transmission, partial: PartialMessages, message: number): number {
  const { outstanding, queue } = tx;
  let bytes = queue.restFrom(partial.segmentOf(message));
  for (const tsn of chunksOf(tx, partial, message)) {
    bytes += outstanding.length[outstanding.slotOf(tsn)];
  }
  return bytes;
}

/** Gives up one message (RFC 3758, section 3.5, A2 and A3). */
function abandon(tx: Transmission, message: number): void {
  const { partial, queue } = tx;
  if (!partial) return;
  const stream = partial.streamOf(message);
  const segment = partial.segmentOf(message);
  const hasBegun = partial.hasBegun(message);
  tx.failures?.push(sendFailureOf(tx, partial, message));
  tx.abandoned ??= new AbandonedMessages();
  tx.abandoned.add(stream, partial.policyOf(message), hasBegun);
  for (const tsn of chunksOf(tx, partial, message)) abandonChunk(tx, tsn);
  if (segment !== 0) {
    const isUnordered = (queue.flagsOf(segment) & SegmentFlag.Unordered) !== 0;
    release(tx, queue.remove(stream, segment));
    if (hasBegun) appendEnd(tx, stream, isUnordered);
  }
  if (hasBegun) tx.forward ??= new ForwardPoint(tx.outstanding.ackPoint);
  tx.bufferedCost -= MESSAGE_COST;
  partial.release(message);
}

/** So many bytes of payload are not needed any more. */
function release(tx: Transmission, bytes: number): void {
  tx.bufferedBytes -= bytes;
  tx.bufferedCost -= bytes;
}

/** RFC 3758, section 3.5, A2: it counts as acknowledged, but not for cwnd. */
function abandonChunk(tx: Transmission, tsn: Tsn): void {
  const { outstanding } = tx;
  const slot = outstanding.slotOf(tsn);
  const path = tx.paths[outstanding.path[slot]];
  const state = outstanding.state[slot];
  if (state === ChunkState.InFlight) leaveFlight(tx, slot);
  else if (state === ChunkState.Marked) unmark(tx, slot);
  outstanding.state[slot] = ChunkState.Abandoned;
  release(tx, outstanding.length[slot]);
  outstanding.length[slot] = 0;
  tx.queue.releaseChunk(outstanding.segment[slot]);
  if (path.rttTsn === tsn) path.rttSentAt = NEVER;
  if (state !== ChunkState.GapAcked) settleFlight(tx, path, tsn);
}

/** What the acknowledgement of a chunk would do to T3-rtx and the earliest chunk (section 6.3.2, R2). */
function settleFlight(tx: Transmission, path: Path, tsn: Tsn): void {
  if (path.flightSize === 0) path.timers.stop(PathTimer.T3Rtx);
  else if (tsnLessOrEqual(tsn, path.earliestTsn)) findEarliest(tx, path);
}

/**
 * The end of a message that was given up before all of it had a TSN: one that is never sent. The peer
 * may have all the rest, and would take the chunk behind it for a part of the same message, or wait for
 * the end.
 */
function appendEnd(tx: Transmission, stream: number, isUnordered: boolean): void {
  const { outstanding } = tx;
  const slot = outstanding.append();
  outstanding.state[slot] = ChunkState.Abandoned;
  outstanding.length[slot] = 0;
  outstanding.path[slot] = 0;
  outstanding.stream[slot] = stream;
  const number = outstanding.ssn[slot] = tx.numberOf(stream, isUnordered);
  outstanding.flags[slot] = isUnordered ? DataFlag.End | DataFlag.Unordered : DataFlag.End;
  tx.countMessage(stream, isUnordered, number);
}
