/**
 * The header that every chunk starts with, and the walk from chunk to chunk
 * (RFC 9260, section 3.2). Read and written in place.
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  Chunk Type   |  Chunk Flags  |         Chunk Length          |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \                          Chunk Value                          \
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 */
import { padded, readU16, writeU16 } from "../base/bytes.ts";
import { type ChunkType, fixedLength } from "./chunk_type.ts";

/** Bytes of the chunk header. */
export const CHUNK_HEADER_LENGTH = 4;

/** The largest chunk that a 16-bit length can name, in bytes without padding. */
export const MAX_CHUNK_LENGTH = 0xffff;

/** The T bit of ABORT and SHUTDOWN COMPLETE: the Verification Tag is a reflected one. */
export const REFLECTED_FLAG = 1;

/** Type of the chunk at `offset`. */
export function chunkType(bytes: Uint8Array, offset: number): number {
  return bytes[offset];
}

/** Flags of the chunk at `offset`. */
export function chunkFlags(bytes: Uint8Array, offset: number): number {
  return bytes[offset + 1];
}

/** Length field of the chunk at `offset`: header included, final padding not. */
export function chunkLength(bytes: Uint8Array, offset: number): number {
  return readU16(bytes, offset + 2);
}

/** Writes a chunk header. */
export function putChunkHeader(
  bytes: Uint8Array,
  offset: number,
  type: ChunkType,
  flags: number,
  length: number,
): void {
  bytes[offset] = type;
  bytes[offset + 1] = flags;
  writeU16(bytes, offset + 2, length);
}

/**
 * True if the chunk at `offset` lies whole before `end`. Only the padding of the last chunk may be
 * missing: a receiver ignores padding, so its absence harms nobody.
 */
export function chunkIsWhole(bytes: Uint8Array, offset: number, end: number): boolean {
  if (offset + CHUNK_HEADER_LENGTH > end) return false;
  const length = chunkLength(bytes, offset);
  return length >= CHUNK_HEADER_LENGTH && offset + length <= end;
}

/** True if a whole chunk is long enough for the fixed fields of its type. */
export function chunkHasItsFields(bytes: Uint8Array, offset: number): boolean {
  return chunkLength(bytes, offset) >= fixedLength(bytes[offset]);
}

/**
 * Offset of the chunk behind the one at `offset`, never past `end`. A length below four, which
 * would not move on, ends the packet.
 */
export function nextChunk(bytes: Uint8Array, offset: number, end: number): number {
  const length = chunkLength(bytes, offset);
  if (length < CHUNK_HEADER_LENGTH) return end;
  return Math.min(offset + padded(length), end);
}

/** Zeroes the padding behind an item of `length` bytes that starts at `offset`. */
export function putPadding(bytes: Uint8Array, offset: number, length: number): void {
  const end = offset + padded(length);
  for (let i = offset + length; i < end; i++) bytes[i] = 0;
}

/**
 * A new padded chunk around a value, for control chunks.
 * @throws RangeError if the value is longer than a chunk can carry (65,531 bytes).
 */
export function newChunk(type: ChunkType, flags: number, value: Uint8Array): Uint8Array {
  const length = CHUNK_HEADER_LENGTH + value.length;
  if (length > MAX_CHUNK_LENGTH) {
    throw new RangeError(`a chunk value of ${value.length} bytes does not fit into a chunk`);
  }
  const chunk = new Uint8Array(padded(length));
  putChunkHeader(chunk, 0, type, flags, length);
  chunk.set(value, CHUNK_HEADER_LENGTH);
  return chunk;
}

/** A copy of the value of a whole chunk: everything behind its header. */
export function chunkValue(bytes: Uint8Array, offset: number): Uint8Array {
  return bytes.slice(offset + CHUNK_HEADER_LENGTH, offset + chunkLength(bytes, offset));
}
