/**
 * FORWARD TSN (RFC 3758, section 3.2), read and written in place.
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  Type = 192   |  Flags = 0x00 |        Length = Variable      |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                      New Cumulative TSN                       |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |           Stream-1            |       Stream Sequence-1       |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \                      ... up to Stream-N                       \
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 */
import { readU16, readU32, writeU16, writeU32 } from "../base/bytes.ts";
import { type Ssn, ssn, type Tsn, tsn } from "../base/serial.ts";
import { chunkLength, putChunkHeader } from "./chunk.ts";
import { ChunkType } from "./chunk_type.ts";
import { listItems } from "./text.ts";

/** Bytes in front of the list of streams. */
export const FORWARD_TSN_HEADER_LENGTH = 8;
/** Bytes of one stream with its sequence number. */
export const SKIPPED_STREAM_LENGTH = 4;

/** New Cumulative TSN: everything up to it counts as received. */
export function forwardTsnCumulative(bytes: Uint8Array, offset: number): Tsn {
  return tsn(readU32(bytes, offset + 4));
}

/** True if the chunk, which has its fixed fields, holds a whole number of streams. */
export function forwardTsnIsWellFormed(bytes: Uint8Array, offset: number): boolean {
  return chunkLength(bytes, offset) % SKIPPED_STREAM_LENGTH === 0;
}

/** Number of streams that are listed. */
export function skippedStreamCount(bytes: Uint8Array, offset: number): number {
  return (chunkLength(bytes, offset) - FORWARD_TSN_HEADER_LENGTH) >>> 2;
}

/** Stream Identifier of entry `index` (from 0). */
export function skippedStream(bytes: Uint8Array, offset: number, index: number): number {
  return readU16(bytes, entryAt(offset, index));
}

/** Largest Stream Sequence Number that is skipped in the stream of entry `index` (from 0). */
export function skippedSsn(bytes: Uint8Array, offset: number, index: number): Ssn {
  return ssn(readU16(bytes, entryAt(offset, index) + 2));
}

function entryAt(offset: number, index: number): number {
  return offset + FORWARD_TSN_HEADER_LENGTH + SKIPPED_STREAM_LENGTH * index;
}

/** Bytes of a FORWARD TSN that lists `count` streams. */
export function forwardTsnLength(count: number): number {
  return FORWARD_TSN_HEADER_LENGTH + SKIPPED_STREAM_LENGTH * count;
}

/** Writes the fixed fields; the streams follow with {@link putSkippedStream}. */
export function putForwardTsnHeader(
  bytes: Uint8Array,
  offset: number,
  cumulative: Tsn,
  count: number,
): void {
  putChunkHeader(bytes, offset, ChunkType.ForwardTsn, 0, forwardTsnLength(count));
  writeU32(bytes, offset + 4, cumulative);
}

/** Writes entry `index` (from 0). */
export function putSkippedStream(
  bytes: Uint8Array,
  offset: number,
  index: number,
  stream: number,
  sequence: number,
): void {
  writeU16(bytes, entryAt(offset, index), stream);
  writeU16(bytes, entryAt(offset, index) + 2, sequence);
}

/** A FORWARD TSN in words; the chunk has its fixed fields. */
export function describeForwardTsn(bytes: Uint8Array, offset: number): string {
  const entries = Array.from({ length: skippedStreamCount(bytes, offset) }, (_, i) => i);
  const words = listItems(
    entries,
    (i) => `stream ${skippedStream(bytes, offset, i)} SSN ${skippedSsn(bytes, offset, i)}`,
  );
  return `FORWARD TSN to ${forwardTsnCumulative(bytes, offset)}${words && ` (${words})`}`;
}
