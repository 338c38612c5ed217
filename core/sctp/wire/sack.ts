/**
 * SACK (RFC 9260, section 3.3.4), read and written in place: no object per chunk.
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Type = 3    |  Chunk Flags  |         Chunk Length          |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                      Cumulative TSN Ack                       |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |          Advertised Receiver Window Credit (a_rwnd)           |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * | Number of Gap Ack Blocks = N  |  Number of Duplicate TSNs = M |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |    Gap Ack Block #1 Start     |     Gap Ack Block #1 End      |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \                      ... up to Block #N                       \
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                        Duplicate TSN 1                        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \                       ... up to TSN M                         \
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 */
import { readU16, readU32, writeU16, writeU32 } from "../base/bytes.ts";
import { type Tsn, tsn } from "../base/serial.ts";
import { chunkLength, putChunkHeader } from "./chunk.ts";
import { ChunkType } from "./chunk_type.ts";
import {
  blockEnd,
  blockStart,
  describeBlocks,
  describeDuplicates,
  duplicateTsn,
  putBlock,
  putDuplicateTsn,
} from "./gap_blocks.ts";

/** Bytes in front of the gap ack blocks. */
export const SACK_HEADER_LENGTH = 16;

/** Cumulative TSN Ack: everything up to it has arrived. */
export function sackCumulativeTsn(bytes: Uint8Array, offset: number): Tsn {
  return tsn(readU32(bytes, offset + 4));
}

/** Advertised Receiver Window Credit (a_rwnd), in bytes. */
export function sackWindow(bytes: Uint8Array, offset: number): number {
  return readU32(bytes, offset + 8);
}

/** Number of Gap Ack Blocks. */
export function sackGapCount(bytes: Uint8Array, offset: number): number {
  return readU16(bytes, offset + 12);
}

/** Number of Duplicate TSNs. */
export function sackDuplicateCount(bytes: Uint8Array, offset: number): number {
  return readU16(bytes, offset + 14);
}

/** First TSN of gap ack block `index` (from 0), as a distance from the Cumulative TSN Ack. */
export function sackGapStart(bytes: Uint8Array, offset: number, index: number): number {
  return blockStart(bytes, offset + SACK_HEADER_LENGTH, index);
}

/** Last TSN of gap ack block `index` (from 0), as a distance from the Cumulative TSN Ack. */
export function sackGapEnd(bytes: Uint8Array, offset: number, index: number): number {
  return blockEnd(bytes, offset + SACK_HEADER_LENGTH, index);
}

/** Duplicate TSN `index` (from 0). */
export function sackDuplicate(bytes: Uint8Array, offset: number, index: number): Tsn {
  return duplicateTsn(bytes, duplicatesAt(offset, sackGapCount(bytes, offset)), index);
}

/** True if the chunk has its fixed fields and both counts fit into its length. */
export function sackIsWellFormed(bytes: Uint8Array, offset: number): boolean {
  const items = sackGapCount(bytes, offset) + sackDuplicateCount(bytes, offset);
  return SACK_HEADER_LENGTH + 4 * items <= chunkLength(bytes, offset);
}

/** Writes the fixed fields of a SACK; blocks and duplicates follow with the two functions below. */
export function putSackHeader(
  bytes: Uint8Array,
  offset: number,
  cumulativeTsn: Tsn,
  window: number,
  gapCount: number,
  duplicateCount: number,
): void {
  const length = SACK_HEADER_LENGTH + 4 * (gapCount + duplicateCount);
  putChunkHeader(bytes, offset, ChunkType.Sack, 0, length);
  writeU32(bytes, offset + 4, cumulativeTsn);
  writeU32(bytes, offset + 8, window);
  writeU16(bytes, offset + 12, gapCount);
  writeU16(bytes, offset + 14, duplicateCount);
}

/** Writes gap ack block `index` (from 0): distances from the Cumulative TSN Ack. */
export function putSackGap(
  bytes: Uint8Array,
  offset: number,
  index: number,
  start: number,
  end: number,
): void {
  putBlock(bytes, offset + SACK_HEADER_LENGTH, index, start, end);
}

/** Writes duplicate TSN `index` (from 0) behind `gapCount` gap ack blocks. */
export function putSackDuplicate(
  bytes: Uint8Array,
  offset: number,
  gapCount: number,
  index: number,
  duplicate: Tsn,
): void {
  putDuplicateTsn(bytes, duplicatesAt(offset, gapCount), index, duplicate);
}

function duplicatesAt(offset: number, gapCount: number): number {
  return offset + SACK_HEADER_LENGTH + 4 * gapCount;
}

/** A well-formed SACK in words. */
export function describeSack(bytes: Uint8Array, offset: number): string {
  const gaps = sackGapCount(bytes, offset);
  const duplicates = sackDuplicateCount(bytes, offset);
  return `SACK cumulative TSN ${sackCumulativeTsn(bytes, offset)} ` +
    `a_rwnd ${sackWindow(bytes, offset)}` +
    describeBlocks("gaps", bytes, offset + SACK_HEADER_LENGTH, gaps) +
    describeDuplicates(bytes, duplicatesAt(offset, gaps), duplicates);
}
