/**
 * I-DATA (RFC 8260, section 2.1), read and written in place. Flags, TSN and Stream Identifier lie where
 * those of DATA do, and are read by its functions.
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Type = 64   |  Res  |I|U|B|E|       Length = Variable       |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                              TSN                              |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |        Stream Identifier      |           Reserved            |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                      Message Identifier                       |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |    Payload Protocol Identifier / Fragment Sequence Number     |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \                           User Data                           \
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 */
import { readU32, writeU16, writeU32 } from "../base/bytes.ts";
import type { Tsn } from "../base/serial.ts";
import { chunkFlags, chunkLength, putChunkHeader } from "./chunk.ts";
import { ChunkType } from "./chunk_type.ts";
import { DataFlag, dataFlagLetters, dataStream, dataTsn } from "./data.ts";

/** Bytes in front of the user data. */
export const I_DATA_HEADER_LENGTH = 20;

/** Message Identifier of the I-DATA chunk at `offset`. */
export function iDataMid(bytes: Uint8Array, offset: number): number {
  return readU32(bytes, offset + 12);
}

/** With the B bit the Payload Protocol Identifier, without it the Fragment Sequence Number. */
export function iDataPpidOrFsn(bytes: Uint8Array, offset: number): number {
  return readU32(bytes, offset + 16);
}

/** Writes everything of an I-DATA chunk but its user data and padding. */
export function putIDataHeader(
  bytes: Uint8Array,
  offset: number,
  flags: number,
  payloadLength: number,
  sequence: Tsn,
  stream: number,
  mid: number,
  ppidOrFsn: number,
): void {
  putChunkHeader(bytes, offset, ChunkType.IData, flags, I_DATA_HEADER_LENGTH + payloadLength);
  writeU32(bytes, offset + 4, sequence);
  writeU16(bytes, offset + 8, stream);
  writeU16(bytes, offset + 10, 0);
  writeU32(bytes, offset + 12, mid);
  writeU32(bytes, offset + 16, ppidOrFsn);
}

/** An I-DATA chunk in words; the chunk has its fixed fields. */
export function describeIData(bytes: Uint8Array, offset: number): string {
  const flags = chunkFlags(bytes, offset);
  const order = flags & DataFlag.Unordered ? "unordered MID" : "MID";
  const which = flags & DataFlag.Begin ? "PPID" : "FSN";
  return `I-DATA TSN ${dataTsn(bytes, offset)} stream ${dataStream(bytes, offset)} ` +
    `${order} ${iDataMid(bytes, offset)} ${which} ${iDataPpidOrFsn(bytes, offset)} ` +
    `flags ${dataFlagLetters(flags)} ${chunkLength(bytes, offset) - I_DATA_HEADER_LENGTH} bytes`;
}
