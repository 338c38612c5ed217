/**
 * I-FORWARD-TSN (RFC 8260, section 2.3.1), read and written in place. The New Cumulative TSN lies where
 * that of FORWARD TSN does, and is read by its function.
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Type = 194  | Flags = 0x00  |      Length = Variable        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                       New Cumulative TSN                      |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |       Stream Identifier       |          Reserved           |U|
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                       Message Identifier                      |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \                     ... as often as needed                    \
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 */
import { readU16, readU32, writeU16, writeU32 } from "../base/bytes.ts";
import type { Tsn } from "../base/serial.ts";
import { chunkLength, putChunkHeader } from "./chunk.ts";
import { ChunkType } from "./chunk_type.ts";
import { FORWARD_TSN_HEADER_LENGTH, forwardTsnCumulative } from "./forward_tsn.ts";
import { listItems } from "./text.ts";

/** Bytes of one stream with its Message Identifier. */
export const SKIPPED_MESSAGE_LENGTH = 8;

const UNORDERED_BIT = 1;

/** True if the chunk, which has its fixed fields, holds a whole number of entries. */
export function iForwardTsnIsWellFormed(bytes: Uint8Array, offset: number): boolean {
  const list = chunkLength(bytes, offset) - FORWARD_TSN_HEADER_LENGTH;
  return list % SKIPPED_MESSAGE_LENGTH === 0;
}

/** Number of entries. */
export function skippedMessageCount(bytes: Uint8Array, offset: number): number {
  return (chunkLength(bytes, offset) - FORWARD_TSN_HEADER_LENGTH) >>> 3;
}

/** Stream Identifier of entry `index` (from 0). */
export function skippedMessageStream(bytes: Uint8Array, offset: number, index: number): number {
  return readU16(bytes, entryAt(offset, index));
}

/** True if entry `index` (from 0) is about unordered messages. */
export function skipsUnordered(bytes: Uint8Array, offset: number, index: number): boolean {
  return (readU16(bytes, entryAt(offset, index) + 2) & UNORDERED_BIT) !== 0;
}

/** Largest Message Identifier that is skipped by entry `index` (from 0). */
export function skippedMid(bytes: Uint8Array, offset: number, index: number): number {
  return readU32(bytes, entryAt(offset, index) + 4);
}

function entryAt(offset: number, index: number): number {
  return offset + FORWARD_TSN_HEADER_LENGTH + SKIPPED_MESSAGE_LENGTH * index;
}

/** Bytes of an I-FORWARD-TSN with `count` entries. */
export function iForwardTsnLength(count: number): number {
  return FORWARD_TSN_HEADER_LENGTH + SKIPPED_MESSAGE_LENGTH * count;
}

/** Writes the fixed fields; the entries follow with {@link putSkippedMessage}. */
export function putIForwardTsnHeader(
  bytes: Uint8Array,
  offset: number,
  cumulative: Tsn,
  count: number,
): void {
  putChunkHeader(bytes, offset, ChunkType.IForwardTsn, 0, iForwardTsnLength(count));
  writeU32(bytes, offset + 4, cumulative);
}

/** Writes entry `index` (from 0). */
export function putSkippedMessage(
  bytes: Uint8Array,
  offset: number,
  index: number,
  stream: number,
  unordered: boolean,
  mid: number,
): void {
  const at = entryAt(offset, index);
  writeU16(bytes, at, stream);
  writeU16(bytes, at + 2, unordered ? UNORDERED_BIT : 0);
  writeU32(bytes, at + 4, mid);
}

/** An I-FORWARD-TSN in words; the chunk has its fixed fields. */
export function describeIForwardTsn(bytes: Uint8Array, offset: number): string {
  const entries = Array.from({ length: skippedMessageCount(bytes, offset) }, (_, i) => i);
  const words = listItems(entries, (i) => {
    const order = skipsUnordered(bytes, offset, i) ? " unordered" : "";
    return `stream ${skippedMessageStream(bytes, offset, i)}${order} MID ${
      skippedMid(bytes, offset, i)
    }`;
  });
  return `I-FORWARD-TSN to ${forwardTsnCumulative(bytes, offset)}${words && ` (${words})`}`;
}
