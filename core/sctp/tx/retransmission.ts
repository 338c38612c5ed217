/** Marking chunks as lost and moving them between paths (RFC 9260, sections 6.3.3, 6.4 and 7.2.4). */
import { padded } from "../base/bytes.ts";
import { type Tsn, tsnAdd, tsnLess, tsnLessOrEqual } from "../base/serial.ts";
import { NEVER } from "../base/time.ts";
import type { Path } from "../path/path.ts";
import { PathTimer } from "../timer/timer_table.ts";
import { ChunkMark, ChunkState } from "./outstanding.ts";
import type { Transmission } from "./transmission.ts";

/** Bytes that a chunk counts for in cwnd and flight size: header and padding included (section 7.2). */
export function chunkSize(tx: Transmission, slot: number): number {
  return padded(tx.headerLength + tx.outstanding.length[slot]);
}

/** A chunk leaves the flight of its path. */
export function leaveFlight(tx: Transmission, slot: number): void {
  tx.paths[tx.outstanding.path[slot]].flightSize -= chunkSize(tx, slot);
  tx.bytesInFlight -= tx.outstanding.length[slot];
}

/** A chunk joins the flight of its path. */
export function joinFlight(tx: Transmission, slot: number, tsn: Tsn): void {
  const path = tx.paths[tx.outstanding.path[slot]];
  if (path.flightSize === 0 || tsnLess(tsn, path.earliestTsn)) path.earliestTsn = tsn;
  path.flightSize += chunkSize(tx, slot);
  tx.bytesInFlight += tx.outstanding.length[slot];
  tx.outstanding.state[slot] = ChunkState.InFlight;
}

/** Marks a chunk in flight for retransmission on `target`. */
export function mark(tx: Transmission, tsn: Tsn, target: Path): void {
  const slot = tx.outstanding.slotOf(tsn);
  const path = tx.paths[tx.outstanding.path[slot]];
  if (path.rttTsn === tsn) path.rttSentAt = NEVER;
  leaveFlight(tx, slot);
  tx.outstanding.state[slot] = ChunkState.Marked;
  tx.outstanding.misses[slot] = 0;
  if (tx.outstanding.path[slot] !== target.index) tx.outstanding.marks[slot] |= ChunkMark.Moved;
  tx.outstanding.path[slot] = target.index;
  target.awaitingRetransmission++;
  if (tx.markedCount === 0 || tsnLess(tsn, tx.markedFrom)) tx.markedFrom = tsn;
  tx.markedCount++;
  if ((tx.outstanding.marks[slot] & ChunkMark.Partial) !== 0) tx.partialMarked++;
}

/** Takes the mark off a chunk that is sent again or was acknowledged after all. */
export function unmark(tx: Transmission, slot: number): void {
  stopAwaiting(tx.paths[tx.outstanding.path[slot]]);
  tx.markedCount--;
  if ((tx.outstanding.marks[slot] & ChunkMark.Partial) !== 0) tx.partialMarked--;
}

/** One chunk less waits on a path; without any there is nothing that may ignore cwnd. */
function stopAwaiting(path: Path): void {
  if (--path.awaitingRetransmission === 0) path.fastRetransmitDue = false;
}

/**
 * RFC 9260, section 6.3.3, E3: everything in flight on `path` is marked for `target`, and what waits
 * there already moves with it. Chunks may be retransmitted fast again afterwards, and T3-rtx stops:
 * nothing is left in flight that it could wait for.
 */
export function markEverythingOn(tx: Transmission, path: Path, target: Path): void {
  const { outstanding } = tx;
  const end = outstanding.nextTsn;
  let range = 0;
  let tsn = outstanding.firstTsn;
  while (tsn !== end) {
    if (range < tx.gapAcked.count && tsn === tx.gapAcked.firstOf(range)) {
      tsn = tsnAdd(tx.gapAcked.lastOf(range++), 1);
      continue;
    }
    const slot = outstanding.slotOf(tsn);
    if (outstanding.path[slot] === path.index) {
      outstanding.marks[slot] &= ~ChunkMark.FastRetransmitted;
      if (outstanding.state[slot] === ChunkState.InFlight) {
        mark(tx, tsn, target);
      } else if (outstanding.state[slot] === ChunkState.Marked && path !== target) {
        outstanding.path[slot] = target.index;
        outstanding.marks[slot] |= ChunkMark.Moved;
        stopAwaiting(path);
        target.awaitingRetransmission++;
      }
    }
    tsn = tsnAdd(tsn, 1);
  }
  path.timers.stop(PathTimer.T3Rtx);
}

/** cwnd was reduced: an ECN-Echo about data sent before says nothing new (RFC 3168, section 6.1.2). */
export function noteReduction(tx: Transmission): void {
  tx.ecnReducedUpTo = tsnAdd(tx.outstanding.nextTsn, -1);
}

/** The PMTU has shrunk: what is in flight and larger did not pass, and leaves again at once. */
export function markOversized(tx: Transmission, path: Path): void {
  const { outstanding } = tx;
  const end = outstanding.nextTsn;
  for (let tsn = outstanding.firstTsn; tsn !== end; tsn = tsnAdd(tsn, 1)) {
    const slot = outstanding.slotOf(tsn);
    const isHere = outstanding.path[slot] === path.index &&
      outstanding.state[slot] === ChunkState.InFlight;
    if (isHere && outstanding.length[slot] > path.maximumPayload) mark(tx, tsn, path);
  }
  path.fastRetransmitDue ||= path.awaitingRetransmission > 0;
}

/** Karn's rule (section 6.3.1, C5): a chunk at or before a measured one is sent again. */
export function spoilMeasurements(tx: Transmission, tsn: Tsn): void {
  for (const path of tx.paths) {
    if (path.rttSentAt !== NEVER && tsnLessOrEqual(tsn, path.rttTsn)) path.rttSentAt = NEVER;
  }
}

/** Finds the lowest TSN in flight on a path, from the old one up; the flight is not empty. */
export function findEarliest(tx: Transmission, path: Path): void {
  const { outstanding, gapAcked } = tx;
  let tsn = tsnLess(path.earliestTsn, outstanding.firstTsn)
    ? outstanding.firstTsn
    : path.earliestTsn;
  const end = outstanding.nextTsn;
  while (tsn !== end) {
    const range = gapAcked.find(tsn);
    if (range >= 0) {
      tsn = tsnAdd(gapAcked.lastOf(range), 1);
      continue;
    }
    const slot = outstanding.slotOf(tsn);
    const isHere = outstanding.path[slot] === path.index;
    if (isHere && outstanding.state[slot] === ChunkState.InFlight) break;
    tsn = tsnAdd(tsn, 1);
  }
  path.earliestTsn = tsn;
}
