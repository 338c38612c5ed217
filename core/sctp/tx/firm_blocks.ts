/**
 * What an NR-SACK acknowledges for good although it is behind a gap: its payload is given back at once,
 * and makes room in the send buffer, instead of when the gap is filled.
 */
import { type Tsn, tsnDistance } from "../base/serial.ts";
import { TsnRanges } from "../base/tsn_ranges.ts";
import {
  nrSackFirmBlocks,
  nrSackFirmCount,
  nrSackRenegableBlocks,
  nrSackRenegableCount,
} from "../wire/nr_sack.ts";
import { readGapBlocks, uniteRanges } from "./gap_blocks.ts";
import { ChunkMark, ChunkState } from "./outstanding.ts";
import type { Transmission } from "./transmission.ts";

/** The lists of the NR-SACK that is being processed. */
export class FirmBlocks {
  readonly renegable = new TsnRanges();
  firm = new TsnRanges();
  /** NR Gap Ack Blocks of the one before. */
  previous = new TsnRanges();
}

/**
 * Reads both lists of blocks; together they are what the NR-SACK reports as received.
 * @returns as {@link readGapBlocks}.
 */
export function readNrSackBlocks(
  tx: Transmission,
  bytes: Uint8Array,
  offset: number,
  cumulative: Tsn,
): boolean {
  const blocks = tx.firmBlocks ??= new FirmBlocks();
  const farthest = tsnDistance(cumulative, tx.outstanding.nextTsn) - 1;
  const renegableCount = nrSackRenegableCount(bytes, offset);
  const renegableAt = nrSackRenegableBlocks(offset);
  const { renegable, firm } = blocks;
  const isOne = readGapBlocks(bytes, renegableAt, renegableCount, cumulative, farthest, renegable);
  const firmCount = nrSackFirmCount(bytes, offset);
  const firmAt = nrSackFirmBlocks(bytes, offset);
  const isOther = readGapBlocks(bytes, firmAt, firmCount, cumulative, farthest, firm);
  uniteRanges(renegable, firm, tx.reported);
  return isOne && isOther;
}

/**
 * A chunk that was reported as received is the peer's for good. Those of partially reliable messages keep
 * their payload, which giving the message up releases.
 */
export function settleFirmChunk(tx: Transmission, current: Tsn): void {
  const { outstanding } = tx;
  const slot = outstanding.slotOf(current);
  const hasPayload = (outstanding.marks[slot] & (ChunkMark.Partial | ChunkMark.Settled)) === 0;
  if (outstanding.state[slot] !== ChunkState.GapAcked || !hasPayload) return;
  outstanding.marks[slot] |= ChunkMark.Settled;
  releasePayload(tx, slot);
}

/** Gives back the payload of a chunk that is acknowledged for good. */
export function releasePayload(tx: Transmission, slot: number): void {
  const { outstanding } = tx;
  tx.bufferedBytes -= outstanding.length[slot];
  tx.bufferedCost -= outstanding.length[slot];
  outstanding.length[slot] = 0;
  tx.queue.releaseChunk(outstanding.segment[slot]);
}
