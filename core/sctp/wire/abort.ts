/**
 * ABORT (RFC 9260, section 3.3.7).
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Type = 6    |  Reserved   |T|            Length             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \                   zero or more Error Causes                   \
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 */
import { chunkFlags, newChunk, REFLECTED_FLAG } from "./chunk.ts";
import { ChunkType } from "./chunk_type.ts";
import { chunkCauses, describeCauses, encodeCauses, type ErrorCause } from "./error_cause.ts";

/** An ABORT. `reflected` sets the T bit: the packet carries the tag that the peer sent. */
export function encodeAbort(reflected: boolean, causes: readonly ErrorCause[]): Uint8Array {
  return newChunk(ChunkType.Abort, reflected ? REFLECTED_FLAG : 0, encodeCauses(causes));
}

/** The T bit of the ABORT at `offset`. */
export function abortIsReflected(bytes: Uint8Array, offset: number): boolean {
  return (chunkFlags(bytes, offset) & REFLECTED_FLAG) !== 0;
}

/** The whole ABORT at `offset` in words. */
export function describeAbort(bytes: Uint8Array, offset: number): string {
  const name = abortIsReflected(bytes, offset) ? "ABORT with T bit" : "ABORT";
  return name + describeCauses(chunkCauses(bytes, offset));
}
