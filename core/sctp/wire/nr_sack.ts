/**
 * NR-SACK (draft-natarajan-tsvwg-sctp-nrsack): a SACK that says of some blocks that they are acknowledged
 * for good, read and written in place.
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Type = 16   |  Chunk Flags  |         Chunk Length          |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                      Cumulative TSN Ack                       |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |          Advertised Receiver Window Credit (a_rwnd)           |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * | Number of R Gap Ack Blocks = N|Number of NR Gap Ack Blocks = M|
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  Number of Duplicate TSNs = X |           Reserved            |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \   N R Gap Ack Blocks, M NR Gap Ack Blocks, X Duplicate TSNs   \
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 *
 * Type, Cumulative TSN Ack and a_rwnd are where a SACK has them.
 */
import { readU16, writeU16, writeU32 } from "../base/bytes.ts";
import type { Tsn } from "../base/serial.ts";
import { chunkLength, putChunkHeader } from "./chunk.ts";
import { ChunkType } from "./chunk_type.ts";
import { describeBlocks, describeDuplicates } from "./gap_blocks.ts";
import { sackCumulativeTsn, sackWindow } from "./sack.ts";

/** Bytes in front of the R Gap Ack Blocks. */
export const NR_SACK_HEADER_LENGTH = 20;

/** Number of R Gap Ack Blocks: what these report may still be dropped by the receiver. */
export function nrSackRenegableCount(bytes: Uint8Array, offset: number): number {
  return readU16(bytes, offset + 12);
}

/** Number of NR Gap Ack Blocks. */
export function nrSackFirmCount(bytes: Uint8Array, offset: number): number {
  return readU16(bytes, offset + 14);
}

/** Number of Duplicate TSNs. */
export function nrSackDuplicateCount(bytes: Uint8Array, offset: number): number {
  return readU16(bytes, offset + 16);
}

/** Where the R Gap Ack Blocks start. */
export function nrSackRenegableBlocks(offset: number): number {
  return offset + NR_SACK_HEADER_LENGTH;
}

/** Where the NR Gap Ack Blocks start. */
export function nrSackFirmBlocks(bytes: Uint8Array, offset: number): number {
  return nrSackRenegableBlocks(offset) + 4 * nrSackRenegableCount(bytes, offset);
}

/** True if the three lists fit into the chunk's length. */
export function nrSackIsWellFormed(bytes: Uint8Array, offset: number): boolean {
  const items = nrSackRenegableCount(bytes, offset) + nrSackFirmCount(bytes, offset) +
    nrSackDuplicateCount(bytes, offset);
  return NR_SACK_HEADER_LENGTH + 4 * items <= chunkLength(bytes, offset);
}

/** Writes the fixed fields; blocks and duplicates follow by `putGapBlock` and `putDuplicate`. */
export function putNrSackHeader(
  bytes: Uint8Array,
  offset: number,
  cumulativeTsn: Tsn,
  window: number,
  renegableCount: number,
  firmCount: number,
  duplicateCount: number,
): void {
  const length = NR_SACK_HEADER_LENGTH + 4 * (renegableCount + firmCount + duplicateCount);
  putChunkHeader(bytes, offset, ChunkType.NrSack, 0, length);
  writeU32(bytes, offset + 4, cumulativeTsn);
  writeU32(bytes, offset + 8, window);
  writeU16(bytes, offset + 12, renegableCount);
  writeU16(bytes, offset + 14, firmCount);
  writeU16(bytes, offset + 16, duplicateCount);
  writeU16(bytes, offset + 18, 0);
}

/** A well-formed NR-SACK in words. */
export function describeNrSack(bytes: Uint8Array, offset: number): string {
  const firm = nrSackFirmCount(bytes, offset);
  const firmAt = nrSackFirmBlocks(bytes, offset);
  const renegable = nrSackRenegableCount(bytes, offset);
  return `NR-SACK cumulative TSN ${sackCumulativeTsn(bytes, offset)} ` +
    `a_rwnd ${sackWindow(bytes, offset)}` +
    describeBlocks("gaps", bytes, nrSackRenegableBlocks(offset), renegable) +
    describeBlocks("firm gaps", bytes, firmAt, firm) +
    describeDuplicates(bytes, firmAt + 4 * firm, nrSackDuplicateCount(bytes, offset));
}
