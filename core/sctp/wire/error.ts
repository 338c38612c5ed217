/**
 * ERROR (RFC 9260, section 3.3.10); its causes are in error_cause.ts.
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Type = 9    |  Chunk Flags  |            Length             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \                   one or more Error Causes                    \
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 */
import { newChunk } from "./chunk.ts";
import { ChunkType } from "./chunk_type.ts";
import { chunkCauses, describeCauses, encodeCauses, type ErrorCause } from "./error_cause.ts";

/** An ERROR with these causes. */
export function encodeError(causes: readonly ErrorCause[]): Uint8Array {
  return newChunk(ChunkType.Error, 0, encodeCauses(causes));
}

/** The whole ERROR at `offset` in words. */
export function describeError(bytes: Uint8Array, offset: number): string {
  return "ERROR" + describeCauses(chunkCauses(bytes, offset));
}
