/**
 * COOKIE ECHO and COOKIE ACK (RFC 9260, sections 3.3.11 and 3.3.12).
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Type = 10   |  Chunk Flags  |            Length             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \                            Cookie                             \
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Type = 11   |  Chunk Flags  |          Length = 4           |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 */
import { CHUNK_HEADER_LENGTH, chunkLength, chunkValue, newChunk } from "./chunk.ts";
import { ChunkType } from "./chunk_type.ts";

/** A COOKIE ECHO: the cookie exactly as the INIT ACK brought it. */
export function encodeCookieEcho(cookie: Uint8Array): Uint8Array {
  return newChunk(ChunkType.CookieEcho, 0, cookie);
}

/** A copy of the cookie in the whole COOKIE ECHO at `offset`. */
export function cookieBytes(bytes: Uint8Array, offset: number): Uint8Array {
  return chunkValue(bytes, offset);
}

/** A COOKIE ACK. */
export function encodeCookieAck(): Uint8Array {
  return newChunk(ChunkType.CookieAck, 0, new Uint8Array(0));
}

/** The whole COOKIE ECHO at `offset` in words. */
export function describeCookieEcho(bytes: Uint8Array, offset: number): string {
  return `COOKIE ECHO of ${chunkLength(bytes, offset) - CHUNK_HEADER_LENGTH} bytes`;
}
