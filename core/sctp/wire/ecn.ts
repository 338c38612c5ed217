/**
 * ECNE and CWR: explicit congestion notification. RFC 9260 reserves their types (section 3.2,
 * table 1); their form is that of RFC 2960, appendix A, which other implementations speak.
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |Type = 12 or 13|  Chunk Flags  |          Length = 8           |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                       Lowest TSN Number                       |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 */
import { readU32, writeU32 } from "../base/bytes.ts";
import { type Tsn, tsn } from "../base/serial.ts";
import { CHUNK_HEADER_LENGTH, chunkType, newChunk } from "./chunk.ts";
import { chunkName, ChunkType } from "./chunk_type.ts";

/** An ECNE: `lowestTsn` is the lowest TSN in a packet that arrived marked. */
export function encodeEcne(lowestTsn: Tsn): Uint8Array {
  return encodeTsn(ChunkType.Ecne, lowestTsn);
}

/** A CWR: the answer to an ECNE that named `lowestTsn`. */
export function encodeCwr(lowestTsn: Tsn): Uint8Array {
  return encodeTsn(ChunkType.Cwr, lowestTsn);
}

function encodeTsn(type: ChunkType, lowestTsn: Tsn): Uint8Array {
  const value = new Uint8Array(4);
  writeU32(value, 0, lowestTsn);
  return newChunk(type, 0, value);
}

/** Lowest TSN of the ECNE at `offset`, which has its fixed fields. */
export function ecneTsn(bytes: Uint8Array, offset: number): Tsn {
  return tsn(readU32(bytes, offset + CHUNK_HEADER_LENGTH));
}

/** Lowest TSN of the CWR at `offset`, which has its fixed fields. */
export function cwrTsn(bytes: Uint8Array, offset: number): Tsn {
  return tsn(readU32(bytes, offset + CHUNK_HEADER_LENGTH));
}

/** The ECNE or CWR at `offset`, which has its fixed fields, in words. */
export function describeEcn(bytes: Uint8Array, offset: number): string {
  return `${chunkName(chunkType(bytes, offset))} TSN ${ecneTsn(bytes, offset)}`;
}
