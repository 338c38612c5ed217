/** Putting DATA, or I-DATA, chunks into packets (RFC 9260, sections 6.1 and 6.9). */
import { type Tsn, tsnAdd, tsnLess, tsnLessOrEqual } from "../base/serial.ts";
import { after, type Instant, NEVER } from "../base/time.ts";
import type { Path } from "../path/path.ts";
import { PathTimer } from "../timer/timer_table.ts";
import { padded } from "../base/bytes.ts";
import { DataFlag, putDataHeader } from "../wire/data.ts";
import { putIDataHeader } from "../wire/idata.ts";
import { notePartialChunk } from "./abandonment.ts";
import { ChunkMark, ChunkState } from "./outstanding.ts";
import type { PacketWriter } from "./packet_writer.ts";
import { joinFlight, spoilMeasurements, unmark } from "./retransmission.ts";
import { SegmentFlag } from "./segment_store.ts";
import { MAX_OUTSTANDING, type Transmission } from "./transmission.ts";

/** A message that has to be cut anyway is not started in less room than this. */
export const SMALLEST_CUT = 256;

/** Why DATA is put into packets now; reused from transmission to transmission. */
export interface SendConditions {
  /** Path for new data, if there is one. */
  dataPath: Path | undefined;
  /** The user wants no delay for bundling, or the association is shutting down. */
  hurry: boolean;
  /** RFC 9260, section 6.1: the peer should acknowledge the last chunks at once. */
  closing: boolean;
  /** T3-rtx is not run while COOKIE ECHO is unanswered: T1-cookie covers its DATA. */
  startTimers: boolean;
}

/** True if a packet with DATA may leave on this path now. */
export function mayTransmit(tx: Transmission, path: Path, conditions: SendConditions): boolean {
  return mayRetransmit(path) || (path === conditions.dataPath && maySendNew(tx, path, conditions));
}

function mayRetransmit(path: Path): boolean {
  if (path.awaitingRetransmission === 0 || !path.isProven) return false;
  return path.fastRetransmitDue || hasRoomInFlight(path);
}

/** RFC 9260, sections 6.1, B and 7.2.3. */
function hasRoomInFlight(path: Path): boolean {
  if (path.oneInFlight) return path.flightSize === 0;
  return path.flightSize < path.cwnd;
}

function maySendNew(tx: Transmission, path: Path, conditions: SendConditions): boolean {
  const { queue } = tx;
  if (queue.isDrained || tx.outstanding.count >= MAX_OUTSTANDING) return false;
  // RFC 9260, section 6.1, C: what waits for retransmission goes first.
  if (path.awaitingRetransmission > 0) return false;
  if (!hasRoomInFlight(path) || path.burstBudget <= 0) return false;
  const chunk = Math.min(queue.currentRest, tx.chunkPayload);
  if (!windowAllows(tx, chunk)) return false;
  return conditions.hurry || !isWorthWaiting(tx);
}

/** RFC 9260, section 6.1, A: the window has room, or this is the probe of a closed window. */
function windowAllows(tx: Transmission, length: number): boolean {
  if (length <= tx.peerWindow) return true;
  return tx.windowProbeDue && tx.outstanding.count === 0;
}

/**
 * Nagle's algorithm (RFC 1122, section 4.2.3.4) with Minshall's change: a packet that is not full
 * waits while another one that was not full is outstanding, so that the last part of a long message
 * never waits for a delayed SACK.
 */
function isWorthWaiting(tx: Transmission): boolean {
  return tx.queue.unsentBytes < tx.chunkPayload && tx.outstanding.holds(tx.smallPacketTsn);
}

/** Fills the open packet with the DATA chunks that may leave on this path; returns how many. */
export function fillPacket(
  tx: Transmission,
  now: Instant,
  path: Path,
  writer: PacketWriter,
  conditions: SendConditions,
): number {
  let chunks = mayRetransmit(path) ? retransmit(tx, now, path, writer, conditions) : 0;
  if (path === conditions.dataPath && maySendNew(tx, path, conditions)) {
    chunks += sendNew(tx, now, path, writer, conditions);
  }
  if (chunks > 0) path.lastDataSentAt = now;
  return chunks;
}

function retransmit(
  tx: Transmission,
  now: Instant,
  path: Path,
  writer: PacketWriter,
  conditions: SendConditions,
): number {
  const { outstanding, gapAcked } = tx;
  const end = outstanding.nextTsn;
  let tsn = tsnLess(tx.markedFrom, outstanding.firstTsn) ? outstanding.firstTsn : tx.markedFrom;
  let isLowest = true;
  let chunks = 0;
  while (tsn !== end && path.awaitingRetransmission > 0) {
    const range = gapAcked.find(tsn);
    if (range >= 0) {
      tsn = tsnAdd(gapAcked.lastOf(range), 1);
      continue;
    }
    const slot = outstanding.slotOf(tsn);
    if (outstanding.state[slot] === ChunkState.Marked) {
      if (outstanding.path[slot] === path.index) {
        const fits = padded(tx.headerLength + outstanding.length[slot]) <= writer.room;
        // RFC 9260, section 6.9: a chunk that the PMTU has outgrown leaves alone, for IP to fragment.
        if (!fits && !writer.isEmpty) break;
        if (tx.queue.courses && !mayShare(tx, writer, outstanding.segment[slot])) break;
        sendAgain(tx, now, path, writer, tsn, conditions);
        chunks++;
      } else if (isLowest) {
        tx.markedFrom = tsn;
        isLowest = false;
      }
    }
    tsn = tsnAdd(tsn, 1);
  }
  if (isLowest) tx.markedFrom = tsn;
  if (chunks > 0) path.fastRetransmitDue = false;
  return chunks;
}

function sendAgain(
  tx: Transmission,
  now: Instant,
  path: Path,
  writer: PacketWriter,
  tsn: Tsn,
  conditions: SendConditions,
): void {
  const { outstanding } = tx;
  const slot = outstanding.slotOf(tsn);
  const isEarliest = path.flightSize === 0 || tsnLessOrEqual(tsn, path.earliestTsn);
  unmark(tx, slot);
  spoilMeasurements(tx, tsn);
  outstanding.marks[slot] |= ChunkMark.Retransmitted;
  if ((outstanding.marks[slot] & ChunkMark.Partial) !== 0) outstanding.resent[slot]++;
  joinFlight(tx, slot, tsn);
  writeChunk(tx, writer, slot, tsn);
  path.metrics.chunksRetransmitted++;
  // RFC 9260, section 6.1: restarted if the earliest chunk outstanding on the path is sent again.
  if (isEarliest || !path.timers.isRunning(PathTimer.T3Rtx)) startT3(path, now, conditions);
}

function sendNew(
  tx: Transmission,
  now: Instant,
  path: Path,
  writer: PacketWriter,
  conditions: SendConditions,
): number {
  const { queue } = tx;
  const flightBefore = path.flightSize;
  const first = tx.outstanding.nextTsn;
  let chunks = 0;
  queue.beginPacket();
  while (!queue.isDrained && tx.outstanding.count < MAX_OUTSTANDING) {
    if (chunks > 0 && queue.endsPacket) break;
    const length = nextChunkLength(tx, writer.room - tx.headerLength, !writer.isEmpty);
    if (length === 0 || !windowAllows(tx, length)) break;
    if (queue.courses && !mayShare(tx, writer, queue.current)) break;
    sendChunk(tx, path, writer, length, conditions);
    chunks++;
  }
  if (chunks === 0) return 0;
  noteNewData(tx, now, path, first, flightBefore === 0, conditions);
  path.burstBudget -= path.flightSize - flightBefore;
  if (queue.isDrained) tx.smallPacketTsn = tsnAdd(tx.outstanding.nextTsn, -1);
  return chunks;
}

/** True if what is in the packet is authenticated with the key that a segment's message asks for. */
function mayShare({ queue }: Transmission, writer: PacketWriter, segment: number): boolean {
  return writer.admits(queue.courses?.at(queue.courseOf(segment))?.key);
}

/**
 * Payload bytes of the next chunk, or 0 if it does not fit the room that is left. A message that fits
 * a packet of its own is never cut (section 6.9); a longer one is cut to fill the packet.
 */
function nextChunkLength(tx: Transmission, room: number, behindOther: boolean): number {
  const { queue } = tx;
  const rest = queue.currentRest;
  const most = Math.min(room, tx.chunkPayload);
  if (rest <= most) return rest;
  const fitsAlone = queue.inLastSegment && queue.atMessageStart && rest <= tx.chunkPayload;
  if (fitsAlone || most <= 0) return 0;
  if (behindOther && most < SMALLEST_CUT) return 0;
  return most;
}

function sendChunk(
  tx: Transmission,
  path: Path,
  writer: PacketWriter,
  length: number,
  conditions: SendConditions,
): void {
  const { queue, outstanding } = tx;
  const stream = queue.currentStream;
  const ppid = queue.currentPpid;
  const marks = queue.currentFlags;
  const segment = queue.current;
  let flags = 0;
  if (queue.atMessageStart) flags |= DataFlag.Begin;
  if (length === queue.currentRest && (marks & SegmentFlag.End) !== 0) flags |= DataFlag.End;
  const unordered = (marks & SegmentFlag.Unordered) !== 0;
  if (unordered) flags |= DataFlag.Unordered;
  // RFC 8260, section 2.1: one place is for both.
  const ppidOrFsn = tx.interleaves && (flags & DataFlag.Begin) === 0 ? queue.currentFsn : ppid;
  const address = queue.cut(length);
  // RFC 9260, section 6.1: at the user's wish, and for the last chunk before a SHUTDOWN.
  const isAsked = (flags & DataFlag.End) !== 0 && (marks & SegmentFlag.Immediate) !== 0;
  if (isAsked || (conditions.closing && queue.isDrained)) flags |= DataFlag.Immediate;
  const tsn = outstanding.nextTsn;
  const slot = outstanding.append();
  outstanding.address[slot] = address;
  outstanding.length[slot] = length;
  outstanding.segment[slot] = segment;
  outstanding.stream[slot] = stream;
  outstanding.ppid[slot] = ppidOrFsn;
  outstanding.flags[slot] = flags;
  const number = outstanding.ssn[slot] = tx.numberOf(stream, unordered);
  outstanding.path[slot] = path.index;
  if ((marks & SegmentFlag.Partial) !== 0) notePartialChunk(tx, segment, slot, tsn);
  if ((flags & DataFlag.End) !== 0) tx.countMessage(stream, unordered, number);
  joinFlight(tx, slot, tsn);
  writeChunk(tx, writer, slot, tsn);
}

/**
 * New data leaves on a path: its RTT may be measured, and T3-rtx runs.
 * @param wasIdle whether nothing was in flight there before.
 */
export function noteNewData(
  tx: Transmission,
  now: Instant,
  path: Path,
  first: Tsn,
  wasIdle: boolean,
  conditions: SendConditions,
): void {
  tx.windowProbeDue = false;
  if (path.rttSentAt === NEVER) {
    path.rttTsn = first;
    path.rttSentAt = now;
  }
  path.lastMeasuredSendAt = now;
  // Without data in flight the timer may run for a window probe: that is not this chunk's RTO.
  if (wasIdle || !path.timers.isRunning(PathTimer.T3Rtx)) startT3(path, now, conditions);
}

function startT3(path: Path, now: Instant, conditions: SendConditions): void {
  if (conditions.startTimers) path.timers.start(PathTimer.T3Rtx, after(now, path.rto));
}

/** Writes a chunk that has its TSN into the open packet. */
export function writeChunk(tx: Transmission, writer: PacketWriter, slot: number, tsn: Tsn): void {
  const { outstanding, pool, headerLength } = tx;
  const length = outstanding.length[slot];
  const offset = writer.reserve(headerLength + length);
  putHeader(tx, writer.memory, offset, slot, tsn);
  pool.read(outstanding.address[slot], writer.memory, offset + headerLength, length);
}

function putHeader(
  { interleaves, outstanding }: Transmission,
  memory: Uint8Array,
  offset: number,
  slot: number,
  tsn: Tsn,
): void {
  const flags = outstanding.flags[slot];
  const length = outstanding.length[slot];
  const stream = outstanding.stream[slot];
  const number = outstanding.ssn[slot];
  const ppid = outstanding.ppid[slot];
  if (interleaves) putIDataHeader(memory, offset, flags, length, tsn, stream, number, ppid);
  else putDataHeader(memory, offset, flags, length, tsn, stream, number, ppid);
}
