/**
 * SHUTDOWN, SHUTDOWN ACK and SHUTDOWN COMPLETE (RFC 9260, sections 3.3.8, 3.3.9 and 3.3.13).
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Type = 7    |  Chunk Flags  |          Length = 8           |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                      Cumulative TSN Ack                       |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Type = 8    |  Chunk Flags  |          Length = 4           |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Type = 14   |  Reserved   |T|          Length = 4           |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 */
import { readU32, writeU32 } from "../base/bytes.ts";
import { type Tsn, tsn } from "../base/serial.ts";
import { CHUNK_HEADER_LENGTH, chunkFlags, newChunk, REFLECTED_FLAG } from "./chunk.ts";
import { ChunkType } from "./chunk_type.ts";

/** A SHUTDOWN that acknowledges everything up to `cumulativeTsn`. */
export function encodeShutdown(cumulativeTsn: Tsn): Uint8Array {
  const value = new Uint8Array(4);
  writeU32(value, 0, cumulativeTsn);
  return newChunk(ChunkType.Shutdown, 0, value);
}

/** Cumulative TSN Ack of the SHUTDOWN at `offset`, which has its fixed fields. */
export function shutdownCumulativeTsn(bytes: Uint8Array, offset: number): Tsn {
  return tsn(readU32(bytes, offset + CHUNK_HEADER_LENGTH));
}

/** A SHUTDOWN ACK. */
export function encodeShutdownAck(): Uint8Array {
  return newChunk(ChunkType.ShutdownAck, 0, new Uint8Array(0));
}

/** A SHUTDOWN COMPLETE. `reflected` sets the T bit: the packet carries the tag that the peer sent. */
export function encodeShutdownComplete(reflected: boolean): Uint8Array {
  const flags = reflected ? REFLECTED_FLAG : 0;
  return newChunk(ChunkType.ShutdownComplete, flags, new Uint8Array(0));
}

/** The T bit of the SHUTDOWN COMPLETE at `offset`. */
export function shutdownCompleteIsReflected(bytes: Uint8Array, offset: number): boolean {
  return (chunkFlags(bytes, offset) & REFLECTED_FLAG) !== 0;
}

/** The SHUTDOWN at `offset`, which has its fixed fields, in words. */
export function describeShutdown(bytes: Uint8Array, offset: number): string {
  return `SHUTDOWN cumulative TSN ${shutdownCumulativeTsn(bytes, offset)}`;
}

/** The SHUTDOWN COMPLETE at `offset` in words. */
export function describeShutdownComplete(bytes: Uint8Array, offset: number): string {
  const reflected = shutdownCompleteIsReflected(bytes, offset);
  return reflected ? "SHUTDOWN COMPLETE with T bit" : "SHUTDOWN COMPLETE";
}
