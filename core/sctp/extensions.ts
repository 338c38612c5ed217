/**
 * The extensions of RFC 9260 that the engine has, as one table: what our INIT offers, what the peer's
 * says, and which chunks mean something only where both sides have the extension.
 *
 * To add one: a bit, a row, its chunk types in `wire/chunk_type.ts`, its switch in `parameters.ts`, and
 * what its chunks do in `states.ts`. The rest of the setup, the state cookie included, follows.
 */
import type { ParameterName, Parameters } from "./parameters.ts";
import { listedChunks, usableAuthParameters } from "./wire/auth_parameters.ts";
import { CHUNK_KINDS, CHUNK_TYPES, ChunkType } from "./wire/chunk_type.ts";
import type { InitChunk, InitFields } from "./wire/init.ts";

/** A set of extensions is a number, the sum of their bits: 16 of them at most. */
export const Extension = {
  Authentication: 1,
  Reconfiguration: 2,
  PartialReliability: 4,
  Interleaving: 8,
  AddressReconfiguration: 16,
  /** Partial reliability with I-DATA: without it, there is none beside interleaving. */
  InterleavedReliability: 32,
  ZeroChecksum: 64,
  NonRenegableSack: 128,
} as const;
export type Extension = (typeof Extension)[keyof typeof Extension];

/** One extension. */
export interface ExtensionRow {
  readonly bit: Extension;
  /** Undefined if none of them does. */
  readonly rfc: number | undefined;
  /** The switch by which we offer it. */
  readonly offeredBy: ParameterName;
  /** Its chunk types: unknown to an association that does not have it (RFC 9260, section 3.2). */
  readonly chunks: readonly ChunkType[];
  /** Extensions that it cannot do without: rows above its own. */
  readonly needs: number;
  /** A switch that lets it do without them. */
  readonly needsNothingBy?: ParameterName;
  /** Whether an INIT or INIT ACK says that its sender has it. */
  readonly isSaidBy: (init: InitChunk, parameters: Parameters) => boolean;
}

/** Error detection method of SCTP inside DTLS, the only one that there is (RFC 9653, section 8). */
const INSIDE_DTLS = 1;

/** What our INIT and INIT ACK say by parameters of their own about a set of extensions. */
export function parametersOfExtensions(
  extensions: number,
): Pick<InitFields, "forwardTsnSupported" | "errorDetectionMethod"> {
  return {
    forwardTsnSupported: (extensions & Extension.PartialReliability) !== 0,
    errorDetectionMethod: (extensions & Extension.ZeroChecksum) !== 0 ? INSIDE_DTLS : undefined,
  };
}

/** ASCONF and ASCONF-ACK: listed, and listed as authenticated, together. */
export const ADDRESS_CHUNKS: readonly ChunkType[] = [ChunkType.Asconf, ChunkType.AsconfAck];

/** True if an INIT or INIT ACK claims RFC 5061 for its sender, whatever it says about AUTH. */
export function saysAddressReconfiguration({ supportedExtensions }: InitChunk): boolean {
  return ADDRESS_CHUNKS.every((type) => supportedExtensions.includes(type));
}

function wantsAddressesAuthentic({ auth }: InitChunk): boolean {
  const usable = usableAuthParameters(auth);
  const listed = usable ? listedChunks(usable) : [];
  return ADDRESS_CHUNKS.every((type) => listed.includes(type));
}

/** Every extension; what others need comes first. */
export const EXTENSIONS: readonly ExtensionRow[] = [
  {
    bit: Extension.Authentication,
    rfc: 4895,
    offeredBy: "authentication",
    chunks: [ChunkType.Auth],
    needs: 0,
    // RFC 4895, section 6.1: by its parameters, whether AUTH is listed or not.
    isSaidBy: ({ auth }) => usableAuthParameters(auth) !== undefined,
  },
  {
    bit: Extension.Reconfiguration,
    rfc: 6525,
    offeredBy: "streamReconfiguration",
    chunks: [ChunkType.ReConfig],
    needs: 0,
    isSaidBy: ({ supportedExtensions }) => supportedExtensions.includes(ChunkType.ReConfig),
  },
  {
    bit: Extension.PartialReliability,
    rfc: 3758,
    offeredBy: "partialReliability",
    chunks: [ChunkType.ForwardTsn],
    needs: 0,
    // RFC 3758, section 3.3: by its parameter, whether FORWARD TSN is listed or not.
    isSaidBy: ({ forwardTsnSupported }) => forwardTsnSupported,
  },
  {
    bit: Extension.Interleaving,
    rfc: 8260,
    offeredBy: "interleaving",
    chunks: [ChunkType.IData],
    needs: 0,
    isSaidBy: ({ supportedExtensions }) => supportedExtensions.includes(ChunkType.IData),
  },
  {
    bit: Extension.InterleavedReliability,
    rfc: 8260,
    offeredBy: "partialReliability",
    chunks: [ChunkType.IForwardTsn],
    needs: Extension.Interleaving,
    // RFC 8260, section 2.3.1.
    isSaidBy: ({ supportedExtensions }) => supportedExtensions.includes(ChunkType.IForwardTsn),
  },
  {
    bit: Extension.AddressReconfiguration,
    rfc: 5061,
    offeredBy: "addressReconfiguration",
    chunks: ADDRESS_CHUNKS,
    needs: Extension.Authentication,
    needsNothingBy: "asconfWithoutAuth",
    // RFC 4895, section 3.2: its sender wants both authenticated only if it lists them.
    isSaidBy: (init, { asconfWithoutAuth }) =>
      saysAddressReconfiguration(init) &&
      (asconfWithoutAuth === 1 || wantsAddressesAuthentic(init)),
  },
  {
    bit: Extension.ZeroChecksum,
    rfc: 9653,
    offeredBy: "zeroChecksum",
    chunks: [],
    needs: 0,
    isSaidBy: ({ errorDetectionMethod }) => errorDetectionMethod === INSIDE_DTLS,
  },
  {
    bit: Extension.NonRenegableSack,
    rfc: undefined,
    offeredBy: "nonRenegableSack",
    chunks: [ChunkType.NrSack],
    needs: 0,
    isSaidBy: ({ supportedExtensions }) => supportedExtensions.includes(ChunkType.NrSack),
  },
];

/** What our INIT and INIT ACK offer by the switches among the parameters. */
export function offeredExtensions(parameters: Parameters): number {
  return gather(parameters, ({ offeredBy }) => parameters[offeredBy] === 1);
}

/** What both sides have, where ours are these parameters and the peer sent `init`. */
export function agreedExtensions(parameters: Parameters, init: InitChunk): number {
  const agreed = gather(
    parameters,
    ({ offeredBy, isSaidBy }) => parameters[offeredBy] === 1 && isSaidBy(init, parameters),
  );
  // RFC 8260, section 2.3.1: FORWARD TSN does not go with I-DATA. Linux has nothing else.
  const { Interleaving, InterleavedReliability, PartialReliability } = Extension;
  const lacksIt = (agreed & (Interleaving | InterleavedReliability)) === Interleaving;
  return lacksIt ? agreed & ~PartialReliability : agreed;
}

function gather(parameters: Parameters, has: (row: ExtensionRow) => boolean): number {
  let set = 0;
  for (const row of EXTENSIONS) {
    const { bit, needs, needsNothingBy } = row;
    const hasNeeds = (needs & ~set) === 0 ||
      (needsNothingBy !== undefined && parameters[needsNothingBy] === 1);
    if (hasNeeds && has(row)) set |= bit;
  }
  return set;
}

/** Chunk types for the Supported Extensions parameter (RFC 5061, section 4.2.7). */
export function chunksOfExtensions(extensions: number): number[] {
  return EXTENSIONS.filter(({ bit }) => (extensions & bit) !== 0).flatMap(({ chunks }) => chunks);
}

/** Numbers of the RFCs that define these extensions; NR-SACK has none. */
export function rfcsOfExtensions(extensions: number): number[] {
  const rfcs = EXTENSIONS.filter(({ bit }) => (extensions & bit) !== 0).flatMap(({ rfc }) =>
    rfc ?? []
  );
  return [...new Set(rfcs)];
}

/** A bit that no association has. */
const NOBODY = 1 << 30;

/** The extensions that a chunk type needs: 0 for those of RFC 9260. */
const NEEDED = new Int32Array(CHUNK_TYPES).fill(NOBODY);
for (const { type } of CHUNK_KINDS) NEEDED[type] = 0;
for (const { bit, chunks } of EXTENSIONS) for (const type of chunks) NEEDED[type] |= bit;

/** True if a chunk type means something to an association that has these extensions. */
export function understandsChunk(extensions: number, type: number): boolean {
  return (NEEDED[type] & ~extensions) === 0;
}

/** What a chunk type cannot be beside: DATA and I-DATA, and what skips them, do not mix. */
const EXCLUDED = new Int32Array(CHUNK_TYPES);
EXCLUDED[ChunkType.Data] = EXCLUDED[ChunkType.ForwardTsn] = Extension.Interleaving;

/** What those two are a violation without; other chunks are only unknown. */
const REQUIRED = new Int32Array(CHUNK_TYPES);
REQUIRED[ChunkType.IData] = Extension.Interleaving;
REQUIRED[ChunkType.IForwardTsn] = Extension.InterleavedReliability;

/**
 * True if a chunk of this type is a violation in an association with these extensions: whoever sends it
 * takes the association for one of the other kind (RFC 8260, sections 2.2.3 and 2.3.1).
 */
export function isOfOtherKind(extensions: number, type: number): boolean {
  return (EXCLUDED[type] & extensions) !== 0 || (REQUIRED[type] & ~extensions) !== 0;
}

/** True if messages may be given up in an association with these extensions. */
export function isPartiallyReliable(extensions: number): boolean {
  const bit = (extensions & Extension.Interleaving) === 0
    ? Extension.PartialReliability
    : Extension.InterleavedReliability;
  return (extensions & bit) !== 0;
}
