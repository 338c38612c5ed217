/** What a SACK means for the sender (RFC 9260, sections 6.2.1, 6.3.2, 6.7, 7.2.4). */
import { type Tsn, tsn, tsnAdd, tsnDistance, tsnLess, tsnLessOrEqual } from "../base/serial.ts";
import { after, elapsed, type Instant, NEVER } from "../base/time.ts";
import type { TsnRanges } from "../base/tsn_ranges.ts";
import { PathTimer } from "../timer/timer_table.ts";
import { chunkType } from "../wire/chunk.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { DataFlag } from "../wire/data.ts";
import { SACK_HEADER_LENGTH, sackCumulativeTsn, sackGapCount, sackWindow } from "../wire/sack.ts";
import { forgetPartialChunk } from "./abandonment.ts";
import { readNrSackBlocks, releasePayload, settleFirmChunk } from "./firm_blocks.ts";
import { readGapBlocks } from "./gap_blocks.ts";
import { ChunkMark, ChunkState } from "./outstanding.ts";
import {
  chunkSize,
  findEarliest,
  joinFlight,
  leaveFlight,
  mark,
  noteReduction,
  unmark,
} from "./retransmission.ts";
import { MAX_OUTSTANDING, MESSAGE_COST, type Transmission } from "./transmission.ts";

/** Miss indications that make a chunk lost (RFC 9260, section 7.2.4). */
const MISSES_FOR_LOSS = 3;

/** What a SACK was. */
export const SackVerdict = {
  Processed: 0,
  /** Older than one that was processed before. */
  Old: 1,
  /** Acknowledges all up to a TSN that was never sent: the peer is broken or forged. */
  NeverSent: 2,
  /** Processed, but for blocks that cannot be: out of order, or of TSNs that were never sent. */
  Exaggerated: 3,
} as const;
export type SackVerdict = (typeof SackVerdict)[keyof typeof SackVerdict];

/** Takes one well-formed SACK or NR-SACK chunk at `offset`. */
export function processSack(
  tx: Transmission,
  now: Instant,
  bytes: Uint8Array,
  offset: number,
): SackVerdict {
  const cumulative = sackCumulativeTsn(bytes, offset);
  const verdict = beginAck(tx, cumulative);
  if (verdict !== SackVerdict.Processed) return verdict;
  const before = tx.outstanding.ackPoint;
  const highest = acknowledgeUpTo(tx, now, cumulative);
  const isFirm = chunkType(bytes, offset) === ChunkType.NrSack;
  const areTrue = isFirm
    ? readNrSackBlocks(tx, bytes, offset, cumulative)
    : readSackBlocks(tx, bytes, offset, cumulative);
  const highestNew = acknowledgeGaps(tx, now, highest);
  if (isFirm) settleFirmBlocks(tx, now);
  finishAck(tx, now, before !== cumulative, highestNew);
  // RFC 9260, section 6.2.1, D ii.
  tx.announcedWindow = sackWindow(bytes, offset);
  return areTrue ? SackVerdict.Processed : SackVerdict.Exaggerated;
}

/** Takes the Cumulative TSN Ack of a SHUTDOWN: it says nothing about gaps (section 3.3.8). */
export function processCumulativeAck(
  tx: Transmission,
  now: Instant,
  cumulative: Tsn,
): SackVerdict {
  const verdict = beginAck(tx, cumulative);
  if (verdict !== SackVerdict.Processed) return verdict;
  const before = tx.outstanding.ackPoint;
  // No a_rwnd comes with a SHUTDOWN: what arrived is taken for delivered, as the peer reads on.
  acknowledgeUpTo(tx, now, cumulative);
  takeBackFirstRange(tx, now);
  finishAck(tx, now, before !== cumulative, undefined);
  return SackVerdict.Processed;
}

/**
 * A SHUTDOWN that stops right before a TSN which a Gap Ack Block had reported: the peer no longer has
 * that one (section 6.2.1, D iii), and without a timer it would be waited for in vain.
 */
function takeBackFirstRange(tx: Transmission, now: Instant): void {
  const { outstanding, gapAcked } = tx;
  if (gapAcked.count === 0 || gapAcked.firstOf(0) !== outstanding.firstTsn) return;
  const last = gapAcked.lastOf(0);
  for (let tsn = outstanding.firstTsn; tsnLessOrEqual(tsn, last); tsn = tsnAdd(tsn, 1)) {
    renege(tx, now, tsn);
  }
  gapAcked.removeUpTo(last);
}

function beginAck(tx: Transmission, cumulative: Tsn): SackVerdict {
  tx.progress = false;
  if (tsnLess(cumulative, tx.outstanding.ackPoint)) return SackVerdict.Old;
  if (!tsnLess(cumulative, tx.outstanding.nextTsn)) return SackVerdict.NeverSent;
  tx.sackSinceTimeout = true;
  for (const path of tx.paths) {
    path.ack.ackedBytes = 0;
    path.ack.windowInUse = path.windowInUse;
    path.earliestAcked = false;
    path.answered = false;
  }
  return SackVerdict.Processed;
}

/** Removes everything up to `cumulative`; returns the highest TSN that this newly acknowledged. */
function acknowledgeUpTo(tx: Transmission, now: Instant, cumulative: Tsn): Tsn | undefined {
  const { outstanding } = tx;
  let highest: Tsn | undefined;
  while (tsnLessOrEqual(outstanding.firstTsn, cumulative)) {
    const current = outstanding.firstTsn;
    const slot = outstanding.slotOf(current);
    if (outstanding.state[slot] === ChunkState.Abandoned) {
      outstanding.removeFirst();
      continue;
    }
    if (outstanding.state[slot] !== ChunkState.GapAcked) {
      acknowledge(tx, now, current, slot);
      highest = current;
    }
    const marks = outstanding.marks[slot];
    if ((marks & ChunkMark.Partial) !== 0) forgetPartialChunk(tx, slot);
    if ((outstanding.flags[slot] & DataFlag.End) !== 0) tx.bufferedCost -= MESSAGE_COST;
    if ((marks & ChunkMark.Settled) === 0) releasePayload(tx, slot);
    outstanding.removeFirst();
  }
  tx.gapAcked.removeUpTo(cumulative);
  return highest;
}

/** A chunk in flight, or marked too early, has arrived. */
function acknowledge(tx: Transmission, now: Instant, current: Tsn, slot: number): void {
  const { outstanding } = tx;
  const path = tx.paths[outstanding.path[slot]];
  path.ack.ackedBytes += chunkSize(tx, slot);
  tx.progress = true;
  if ((outstanding.marks[slot] & ChunkMark.Moved) === 0) path.answered = true;
  if (tsnLessOrEqual(current, path.earliestTsn)) path.earliestAcked = true;
  if (outstanding.state[slot] === ChunkState.Marked) unmark(tx, slot);
  else leaveFlight(tx, slot);
  if (path.rttSentAt !== NEVER && current === path.rttTsn) {
    path.rtt.addSample(elapsed(path.rttSentAt, now));
    path.rttSentAt = NEVER;
  }
}

function readSackBlocks(
  tx: Transmission,
  bytes: Uint8Array,
  offset: number,
  cumulative: Tsn,
): boolean {
  const farthest = tsnDistance(cumulative, tx.outstanding.nextTsn) - 1;
  const count = sackGapCount(bytes, offset);
  return readGapBlocks(
    bytes,
    offset + SACK_HEADER_LENGTH,
    count,
    cumulative,
    farthest,
    tx.reported,
  );
}

/** Gives back what this NR-SACK is the first to acknowledge for good. */
function settleFirmBlocks(tx: Transmission, now: Instant): void {
  const { firmBlocks } = tx;
  if (!firmBlocks) return;
  const { firm, previous } = firmBlocks;
  eachDifference(tx, now, firm, previous, settle);
  firmBlocks.firm = previous;
  firmBlocks.previous = firm;
}

function settle(tx: Transmission, _now: Instant, current: Tsn): void {
  settleFirmChunk(tx, current);
}

/** Applies the difference between the last SACK's ranges and this one's. */
function acknowledgeGaps(
  tx: Transmission,
  now: Instant,
  highest: Tsn | undefined,
): Tsn | undefined {
  const { reported, gapAcked } = tx;
  const highestInGaps = eachDifference(tx, now, reported, gapAcked, gapAcknowledge);
  eachDifference(tx, now, gapAcked, reported, renege);
  tx.gapAcked = reported;
  tx.reported = gapAcked;
  return highestInGaps ?? highest;
}

type Visit = (tx: Transmission, now: Instant, current: Tsn) => void;

/** Visits each TSN of `from` that is not in `minus`; returns the last one visited. */
function eachDifference(
  tx: Transmission,
  now: Instant,
  from: TsnRanges,
  minus: TsnRanges,
  visit: Visit,
): Tsn | undefined {
  let last: Tsn | undefined;
  let other = 0;
  for (let i = 0; i < from.count; i++) {
    const end = tsnAdd(from.lastOf(i), 1);
    let current = from.firstOf(i);
    while (current !== end) {
      while (other < minus.count && tsnLess(minus.lastOf(other), current)) other++;
      if (other < minus.count && tsnLessOrEqual(minus.firstOf(other), current)) {
        const next = tsnAdd(minus.lastOf(other), 1);
        current = tsnLess(next, end) ? next : end;
        continue;
      }
      visit(tx, now, current);
      last = current;
      current = tsnAdd(current, 1);
    }
  }
  return last;
}

/** True if nothing that the peer says about a chunk any more counts: it has it for good. */
function isSettled({ outstanding }: Transmission, slot: number): boolean {
  return (outstanding.marks[slot] & ChunkMark.Settled) !== 0;
}

function gapAcknowledge(tx: Transmission, now: Instant, current: Tsn): void {
  const slot = tx.outstanding.slotOf(current);
  if (tx.outstanding.state[slot] === ChunkState.Abandoned || isSettled(tx, slot)) return;
  acknowledge(tx, now, current, slot);
  tx.outstanding.state[slot] = ChunkState.GapAcked;
}

/** RFC 9260, section 6.2.1, D iii: the receiver no longer has what it reported before. */
function renege(tx: Transmission, now: Instant, current: Tsn): void {
  const slot = tx.outstanding.slotOf(current);
  if (tx.outstanding.state[slot] === ChunkState.Abandoned || isSettled(tx, slot)) return;
  joinFlight(tx, slot, current);
  tx.outstanding.misses[slot] = 1;
  const path = tx.paths[tx.outstanding.path[slot]];
  if (!path.isProven) {
    // RFC 5061: the address that it went to is gone, and no other is proved yet.
    mark(tx, current, path);
    return;
  }
  // RFC 9260, section 6.3.2, R4.
  if (!path.timers.isRunning(PathTimer.T3Rtx)) {
    path.timers.start(PathTimer.T3Rtx, after(now, path.rto));
  }
}

/** Congestion control, recovery and timers, once the chunks are accounted for. */
function finishAck(
  tx: Transmission,
  now: Instant,
  advanced: boolean,
  highestNew: Tsn | undefined,
): void {
  if (tx.inFastRecovery && tsnLessOrEqual(tx.recoveryExit, tx.outstanding.ackPoint)) {
    tx.inFastRecovery = false;
  }
  // Kept within reach of the ack point, lest it look later than it once TSNs have gone half around.
  const oldest = tsnAdd(tx.outstanding.ackPoint, -2 * MAX_OUTSTANDING);
  if (tsnLess(tx.ecnReducedUpTo, oldest)) tx.ecnReducedUpTo = oldest;
  tx.forward?.noteAck(tx, advanced);
  const everythingAcked = tx.outstanding.count === 0;
  for (const path of tx.paths) {
    if (path.ack.ackedBytes > 0) {
      path.oneInFlight = false;
      if (path.isLarge(path.ack.ackedBytes)) path.largeLosses = 0;
      path.ack.cumulativeAdvanced = advanced;
      path.ack.inFastRecovery = tx.inFastRecovery;
      path.ack.everythingAcked = everythingAcked;
      path.congestion.onAck(path.ack);
      path.releasedBytes += path.ack.ackedBytes;
    }
  }
  // RFC 9260, section 7.2.4, note: growth comes before the reaction to loss.
  countMisses(tx, advanced, highestNew);
  for (const path of tx.paths) {
    if (path.flightSize === 0) {
      // RFC 9260, section 6.3.2, R2; RFC 3758, section 3.5, C5.
      if (!tx.forward?.isTimedOn(path)) path.timers.stop(PathTimer.T3Rtx);
    } else if (path.earliestAcked) {
      // RFC 9260, section 6.3.2, R3.
      path.timers.start(PathTimer.T3Rtx, after(now, path.rto));
      findEarliest(tx, path);
    }
  }
}

/** RFC 9260, section 7.2.4: the Highest TSN Newly Acknowledged algorithm. */
function countMisses(tx: Transmission, advanced: boolean, highestNew: Tsn | undefined): void {
  const { outstanding, gapAcked } = tx;
  if (gapAcked.count === 0) return;
  const inRecovery = tx.inFastRecovery;
  const limit = inRecovery && advanced ? gapAcked.lastOf(gapAcked.count - 1) : highestNew;
  if (limit === undefined) return;
  let found = false;
  let current = outstanding.firstTsn;
  for (let i = 0; i < gapAcked.count; i++) {
    const end = gapAcked.firstOf(i);
    for (; current !== end; current = tsnAdd(current, 1)) {
      if (!tsnLess(current, limit)) break;
      found = countMiss(tx, current, inRecovery) || found;
    }
    current = tsnAdd(gapAcked.lastOf(i), 1);
  }
  if (!found || inRecovery) return;
  tx.inFastRecovery = true;
  tx.recoveryExit = tsn(outstanding.nextTsn - 1);
}

/** Counts one miss; returns true if that made the chunk lost. */
function countMiss(tx: Transmission, current: Tsn, inRecovery: boolean): boolean {
  const { outstanding } = tx;
  const slot = outstanding.slotOf(current);
  if (outstanding.state[slot] !== ChunkState.InFlight) return false;
  if ((outstanding.marks[slot] & ChunkMark.FastRetransmitted) !== 0) return false;
  if (++outstanding.misses[slot] < MISSES_FOR_LOSS) return false;
  const path = tx.paths[outstanding.path[slot]];
  outstanding.marks[slot] |= ChunkMark.FastRetransmitted;
  if (!inRecovery && !path.fastRetransmitDue) {
    path.congestion.onLoss();
    noteReduction(tx);
    path.fastRetransmitDue = true;
    path.metrics.fastRetransmits++;
  }
  mark(tx, current, path);
  return true;
}
