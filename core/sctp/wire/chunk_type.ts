/** Chunk types: names, lengths, and what one that is not understood asks for (RFC 9260, section 3.2). */

/** The chunk types that the engine knows. */
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
  /** RFC 4895. */
  Auth: 15,
  /** draft-natarajan-tsvwg-sctp-nrsack. */
  NrSack: 16,
  /** RFC 8260. */
  IData: 64,
  /** RFC 5061. */
  AsconfAck: 128,
  /** RFC 6525. */
  ReConfig: 130,
  /** RFC 4820. */
  Pad: 132,
  /** RFC 3758. */
  ForwardTsn: 192,
  /** RFC 5061. */
  Asconf: 193,
  /** RFC 8260. */
  IForwardTsn: 194,
} as const;
export type ChunkType = (typeof ChunkType)[keyof typeof ChunkType];

/** How many chunk types there can be: tables that are looked up by type have this length. */
export const CHUNK_TYPES = 256;

/** What is known of one chunk type. */
export interface ChunkKind {
  readonly type: ChunkType;
  /** The name as its RFC writes it. */
  readonly name: string;
  /** Bytes of the chunk header and the fixed fields. */
  readonly fixedLength: number;
  /** RFC that defines the chunk; undefined for the one that only a draft does. */
  readonly rfc: number | undefined;
}

const kind = (type: ChunkType, name: string, fixedLength: number, rfc = 9260): ChunkKind => ({
  type,
  name,
  fixedLength,
  rfc,
});

/** Every chunk type of {@link ChunkType}, one row each. */
export const CHUNK_KINDS: readonly ChunkKind[] = [
  kind(ChunkType.Data, "DATA", 16),
  kind(ChunkType.Init, "INIT", 20),
  kind(ChunkType.InitAck, "INIT ACK", 20),
  kind(ChunkType.Sack, "SACK", 16),
  kind(ChunkType.Heartbeat, "HEARTBEAT", 4),
  kind(ChunkType.HeartbeatAck, "HEARTBEAT ACK", 4),
  kind(ChunkType.Abort, "ABORT", 4),
  kind(ChunkType.Shutdown, "SHUTDOWN", 8),
  kind(ChunkType.ShutdownAck, "SHUTDOWN ACK", 4),
  kind(ChunkType.Error, "ERROR", 4),
  kind(ChunkType.CookieEcho, "COOKIE ECHO", 4),
  kind(ChunkType.CookieAck, "COOKIE ACK", 4),
  kind(ChunkType.Ecne, "ECNE", 8),
  kind(ChunkType.Cwr, "CWR", 8),
  kind(ChunkType.ShutdownComplete, "SHUTDOWN COMPLETE", 4),
  kind(ChunkType.Auth, "AUTH", 8, 4895),
  { type: ChunkType.NrSack, name: "NR-SACK", fixedLength: 20, rfc: undefined },
  kind(ChunkType.IData, "I-DATA", 20, 8260),
  kind(ChunkType.AsconfAck, "ASCONF-ACK", 8, 5061),
  kind(ChunkType.ReConfig, "RE-CONFIG", 4, 6525),
  kind(ChunkType.Pad, "PAD", 4, 4820),
  kind(ChunkType.ForwardTsn, "FORWARD TSN", 8, 3758),
  kind(ChunkType.Asconf, "ASCONF", 8, 5061),
  kind(ChunkType.IForwardTsn, "I-FORWARD-TSN", 8, 8260),
];

/** Bytes of a header without fixed fields. */
const SHORTEST = 4;

const KIND_OF: (ChunkKind | undefined)[] = new Array(CHUNK_TYPES).fill(undefined);
const FIXED_LENGTH_OF = new Uint8Array(CHUNK_TYPES).fill(SHORTEST);
for (const row of CHUNK_KINDS) {
  KIND_OF[row.type] = row;
  FIXED_LENGTH_OF[row.type] = row.fixedLength;
}

/** The name of a chunk type as the RFC writes it, or `chunk N` for an unknown one. */
export function chunkName(type: number): string {
  return KIND_OF[type]?.name ?? `chunk ${type}`;
}

/** True for the chunk types of {@link ChunkType}. */
export function isKnownChunk(type: number): type is ChunkType {
  return KIND_OF[type] !== undefined;
}

/** Bytes of the chunk header and the fixed fields of a chunk type, 0 to 255; 4 for an unknown one. */
export function fixedLength(type: number): number {
  return FIXED_LENGTH_OF[type];
}

/**
 * True if a chunk of this type that is not understood ends the processing of its packet: highest bits
 * 00 or 01 (RFC 9260, section 3.2, table 2).
 */
export function stopsProcessing(type: number): boolean {
  return (type & 0x80) === 0;
}

/** True if a chunk of this type that is not understood is to be reported in an ERROR: bits 01 or 11. */
export function wantsReport(type: number): boolean {
  return (type & 0x40) !== 0;
}

/** True if packets with this chunk have a checksum whatever was agreed on (RFC 9653, section 5.2). */
export function needsChecksum(type: number): boolean {
  return type === ChunkType.Init || type === ChunkType.CookieEcho || type === ChunkType.Asconf;
}
