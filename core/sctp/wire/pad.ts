/**
 * PAD (RFC 4820, section 3): makes a packet longer; whoever receives it passes it over.
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  Type = 132   |   Flags = 0   |            Length             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \                         Padding Data                          \
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 */
import { CHUNK_HEADER_LENGTH, putChunkHeader } from "./chunk.ts";
import { ChunkType } from "./chunk_type.ts";

/** Bytes of the shortest PAD chunk. */
export const SHORTEST_PAD = CHUNK_HEADER_LENGTH;

/**
 * Writes a PAD chunk.
 * @param length of the chunk in bytes, {@link SHORTEST_PAD} at least.
 */
export function putPad(bytes: Uint8Array, offset: number, length: number): void {
  putChunkHeader(bytes, offset, ChunkType.Pad, 0, length);
  bytes.fill(0, offset + CHUNK_HEADER_LENGTH, offset + length);
}
