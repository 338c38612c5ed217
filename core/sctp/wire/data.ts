/**
 * DATA (RFC 9260, section 3.3.1), read and written in place: no object per chunk.
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Type = 0    |  Res  |I|U|B|E|            Length             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                              TSN                              |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |      Stream Identifier S      |   Stream Sequence Number n    |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                  Payload Protocol Identifier                  |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \                 User Data (seq n of Stream S)                 \
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 */
import { readU16, readU32, writeU16, writeU32 } from "../base/bytes.ts";
import { type Ssn, ssn, type Tsn, tsn } from "../base/serial.ts";
import { chunkFlags, chunkLength, putChunkHeader } from "./chunk.ts";
import { ChunkType } from "./chunk_type.ts";

/** Bytes in front of the user data. */
export const DATA_HEADER_LENGTH = 16;

/** The flags of a DATA chunk. */
export const DataFlag = { End: 1, Begin: 2, Unordered: 4, Immediate: 8 } as const;

/** TSN of the DATA chunk at `offset`. */
export function dataTsn(bytes: Uint8Array, offset: number): Tsn {
  return tsn(readU32(bytes, offset + 4));
}

/** Stream Identifier of the DATA chunk at `offset`. */
export function dataStream(bytes: Uint8Array, offset: number): number {
  return readU16(bytes, offset + 8);
}

/** Stream Sequence Number of the DATA chunk at `offset`; meaningless in an unordered one. */
export function dataSsn(bytes: Uint8Array, offset: number): Ssn {
  return ssn(readU16(bytes, offset + 10));
}

/** Payload Protocol Identifier of the DATA chunk at `offset`, as a number in network order. */
export function dataPpid(bytes: Uint8Array, offset: number): number {
  return readU32(bytes, offset + 12);
}

/**
 * Bytes of user data of the DATA chunk at `offset`. 0 calls for the "No User Data" error cause
 * (section 6.2); negative if the chunk is too short for its own fields.
 */
export function dataPayloadLength(bytes: Uint8Array, offset: number): number {
  return chunkLength(bytes, offset) - DATA_HEADER_LENGTH;
}

/** Writes everything of a DATA chunk but its user data and padding. */
export function putDataHeader(
  bytes: Uint8Array,
  offset: number,
  flags: number,
  payloadLength: number,
  sequence: Tsn,
  stream: number,
  streamSequence: number,
  ppid: number,
): void {
  putChunkHeader(bytes, offset, ChunkType.Data, flags, DATA_HEADER_LENGTH + payloadLength);
  writeU32(bytes, offset + 4, sequence);
  writeU16(bytes, offset + 8, stream);
  writeU16(bytes, offset + 10, streamSequence);
  writeU32(bytes, offset + 12, ppid);
}

/** The flags of a DATA chunk as the letters of the RFC. */
export function dataFlagLetters(flags: number): string {
  const letters = (flags & DataFlag.Immediate ? "I" : "") +
    (flags & DataFlag.Unordered ? "U" : "") +
    (flags & DataFlag.Begin ? "B" : "") + (flags & DataFlag.End ? "E" : "");
  return letters || "none";
}

/** A DATA chunk in words; the chunk has its fixed fields. */
export function describeData(bytes: Uint8Array, offset: number): string {
  const flags = chunkFlags(bytes, offset);
  const order = flags & DataFlag.Unordered ? "unordered" : `SSN ${dataSsn(bytes, offset)}`;
  return `DATA TSN ${dataTsn(bytes, offset)} stream ${dataStream(bytes, offset)} ${order} ` +
    `PPID ${dataPpid(bytes, offset)} flags ${dataFlagLetters(flags)} ` +
    `${dataPayloadLength(bytes, offset)} bytes`;
}
