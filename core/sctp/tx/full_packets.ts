/**
 * Bulk data: packets of one full chunk each, out of one message, written in a row.
 *
 * What decides about each packet (RFC 9260, section 6.1) is worked out once for all of them. The
 * result is what `data_sender.ts` writes packet by packet, at a fraction of its cost.
 */
import { type Tsn, tsnAdd } from "../base/serial.ts";
import type { Instant } from "../base/time.ts";
import type { PacketBatch } from "../packet.ts";
import type { Path } from "../path/path.ts";
import { COMMON_HEADER_LENGTH } from "../wire/common_header.ts";
import { DataFlag } from "../wire/data.ts";
import { noteNewData, type SendConditions, SMALLEST_CUT, writeChunk } from "./data_sender.ts";
import type { PacketWriter } from "./packet_writer.ts";
import { joinFlight } from "./retransmission.ts";
import { SegmentFlag } from "./segment_store.ts";
import { MAX_OUTSTANDING, type Transmission } from "./transmission.ts";

/** Fewer are no more work one by one. */
const FEWEST = 2;

/** The packets' common header: ports and tag, and whether it does without a checksum. */
export interface PacketHeader {
  readonly localPort: number;
  readonly remotePort: number;
  readonly peerTag: number;
  readonly omitsChecksum: boolean;
}

/** False if the next message is too short: asked before each packet, so that is all that is asked. */
export function hasBulk({ queue, chunkPayload }: Transmission): boolean {
  return queue.currentRest > FEWEST * chunkPayload;
}

/** Writes the full packets that may leave now, as far as the batch has room; returns how many. */
export function writeFullPackets(
  tx: Transmission,
  now: Instant,
  path: Path,
  writer: PacketWriter,
  batch: PacketBatch,
  header: PacketHeader,
  conditions: SendConditions,
): number {
  const count = fullPackets(tx, path, batch);
  if (count < FEWEST) return 0;
  const flightBefore = path.flightSize;
  const first = appendChunks(tx, path, count);
  const { localPort, remotePort, peerTag, omitsChecksum } = header;
  const length = COMMON_HEADER_LENGTH + tx.headerLength + tx.chunkPayload;
  for (let i = 0; i < count; i++) {
    const tsn = tsnAdd(first, i);
    writer.begin(batch, length, localPort, remotePort, peerTag, omitsChecksum);
    writeChunk(tx, writer, tx.outstanding.slotOf(tsn), tsn);
    writer.finish(batch, path.route);
  }
  path.burstBudget -= path.flightSize - flightBefore;
  path.lastDataSentAt = now;
  noteNewData(tx, now, path, first, flightBefore === 0, conditions);
  return count;
}

/**
 * How many of the next packets are one full chunk and nothing else, and may leave. The last chunk of
 * a segment is never among them: it may be the end of its message.
 */
function fullPackets(tx: Transmission, path: Path, batch: PacketBatch): number {
  const { chunkPayload, headerLength, outstanding, queue } = tx;
  // Section 6.1, C: what waits for retransmission goes first.
  if (tx.markedCount > 0 || path.oneInFlight) return 0;
  const chunk = headerLength + chunkPayload;
  const packet = COMMON_HEADER_LENGTH + chunk;
  // With so much room left, something else would follow into the same packet.
  if (path.maximumPacket - packet >= headerLength + SMALLEST_CUT) return 0;
  queue.beginPacket();
  // What can be given up is accounted for chunk by chunk, and with interleaving each chunk ends a turn.
  if (tx.interleaves && !queue.isOneStream) return 0;
  if ((queue.currentFlags & SegmentFlag.Partial) !== 0) return 0;
  return Math.min(
    Math.ceil(queue.currentRest / chunkPayload) - 1,
    // Sections 6.1, B and D: the packet that reaches the limit may pass it.
    Math.ceil(Math.min(path.cwnd - path.flightSize, path.burstBudget) / chunk),
    Math.floor(tx.peerWindow / chunkPayload),
    MAX_OUTSTANDING - outstanding.count,
    batch.roomFor(packet, tx.largestPacket),
  );
}

/** Gives so many full chunks their TSNs, and counts them as in flight; returns the first TSN. */
function appendChunks(tx: Transmission, path: Path, count: number): Tsn {
  const { chunkPayload, outstanding, queue, interleaves } = tx;
  const first = outstanding.nextTsn;
  const segment = queue.current;
  const stream = queue.currentStream;
  const ppid = queue.currentPpid;
  const fsn = queue.currentFsn;
  const isUnordered = (queue.currentFlags & SegmentFlag.Unordered) !== 0;
  const ssn = tx.numberOf(stream, isUnordered);
  const unordered = isUnordered ? DataFlag.Unordered : 0;
  const begin = queue.atMessageStart ? DataFlag.Begin : 0;
  const address = queue.cutMany(chunkPayload, count);
  for (let i = 0; i < count; i++) {
    const slot = outstanding.append();
    outstanding.address[slot] = address + i * chunkPayload;
    outstanding.length[slot] = chunkPayload;
    outstanding.segment[slot] = segment;
    outstanding.stream[slot] = stream;
    // RFC 8260, section 2.1: one place is for both.
    outstanding.ppid[slot] = interleaves && (i > 0 || begin === 0) ? fsn + i : ppid;
    outstanding.flags[slot] = i === 0 ? unordered | begin : unordered;
    outstanding.ssn[slot] = ssn;
    outstanding.path[slot] = path.index;
    joinFlight(tx, slot, tsnAdd(first, i));
  }
  return first;
}
