/** Chunk types, their names and what an unknown one asks for (RFC 9260, section 3.2). */

/** The chunk types of RFC 9260, table 1. */
export const ChunkType = {
  Data: 0,
  Init: 1,
  InitAck: 2,
  Sack: 3,
  Heartbeat: 4,
  HeartbeatAck: 5,
  Abort: 6,
  Shutdown: 7,
  ShutdownAck: 8,
  Error: 9,
  CookieEcho: 10,
  CookieAck: 11,
  Ecne: 12,
  Cwr: 13,
  ShutdownComplete: 14,
} as const;
export type ChunkType = (typeof ChunkType)[keyof typeof ChunkType];

const NAMES = [
  "DATA",
  "INIT",
  "INIT ACK",
  "SACK",
  "HEARTBEAT",
  "HEARTBEAT ACK",
  "ABORT",
  "SHUTDOWN",
  "SHUTDOWN ACK",
  "ERROR",
  "COOKIE ECHO",
  "COOKIE ACK",
  "ECNE",
  "CWR",
  "SHUTDOWN COMPLETE",
] as const;

/** The fixed fields of each chunk, header included, in bytes. */
const FIXED_LENGTHS = [16, 20, 20, 16, 4, 4, 4, 8, 4, 4, 4, 4, 8, 8, 4] as const;

/** The name of a chunk type as the RFC writes it, or `chunk N` for an unknown one. */
export function chunkName(type: number): string {
  return isKnownChunk(type) ? NAMES[type] : `chunk ${type}`;
}

/** True for the chunk types of {@link ChunkType}. */
export function isKnownChunk(type: number): type is ChunkType {
  return type >= ChunkType.Data && type <= ChunkType.ShutdownComplete;
}

/** Bytes of the chunk header and the fixed fields of a chunk type; 4 for an unknown one. */
export function fixedLength(type: number): number {
  return isKnownChunk(type) ? FIXED_LENGTHS[type] : 4;
}

/**
 * True if an unknown chunk of this type ends the processing of its packet: highest bits 00 or 01
 * (RFC 9260, section 3.2, table 2).
 */
export function stopsProcessing(type: number): boolean {
  return (type & 0x80) === 0;
}

/** True if an unknown chunk of this type is to be reported in an ERROR chunk: bits 01 or 11. */
export function wantsReport(type: number): boolean {
  return (type & 0x40) !== 0;
}
