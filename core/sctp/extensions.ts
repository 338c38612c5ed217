/**
 * The extensions of RFC 9260 that the engine has, as one table: what our INIT offers, what the peer's
 * says, and which chunks mean something only where both sides have the extension.
 *
 * To add one: a bit, a row, its chunk types in `wire/chunk_type.ts`, its switch in `parameters.ts`, and
 * what its chunks do in `states.ts`. The rest of the setup, the state cookie included, follows.
 */
import type { ParameterName, Parameters } from "./parameters.ts";
import { usableAuthParameters } from "./wire/auth_parameters.ts";
import { CHUNK_KINDS, CHUNK_TYPES, ChunkType } from "./wire/chunk_type.ts";
import type { InitChunk } from "./wire/init.ts";

/** A set of extensions is a number, the sum of their bits: 16 of them at most. */
export const Extension = {
  Authentication: 1,
  Reconfiguration: 2,
} as const;
export type Extension = (typeof Extension)[keyof typeof Extension];

/** One extension. */
export interface ExtensionRow {
  readonly bit: Extension;
  readonly rfc: number;
  /** The switch by which we offer it. */
  readonly offeredBy: ParameterName;
  /** Its chunk types: unknown to an association that does not have it (RFC 9260, section 3.2). */
  readonly chunks: readonly ChunkType[];
  /** Extensions that it cannot do without: rows above its own. */
  readonly needs: number;
  /** Whether an INIT or INIT ACK says that its sender has it. */
  readonly isSaidBy: (init: InitChunk) => boolean;
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
];

/** What our INIT and INIT ACK offer by the switches among the parameters. */
export function offeredExtensions(parameters: Parameters): number {
  return gather(({ offeredBy }) => parameters[offeredBy] === 1);
}

/** What both sides have, where ours offers `offered` and the peer sent `init`. */
export function agreedExtensions(offered: number, init: InitChunk): number {
  return gather(({ bit, isSaidBy }) => (offered & bit) !== 0 && isSaidBy(init));
}

function gather(has: (row: ExtensionRow) => boolean): number {
  let set = 0;
  for (const row of EXTENSIONS) {
    if ((row.needs & ~set) === 0 && has(row)) set |= row.bit;
  }
  return set;
}

/** Chunk types for the Supported Extensions parameter (RFC 5061, section 4.2.7). */
export function chunksOfExtensions(extensions: number): number[] {
  return EXTENSIONS.filter(({ bit }) => (extensions & bit) !== 0).flatMap(({ chunks }) => chunks);
}

/** Numbers of the RFCs that define these extensions. */
export function rfcsOfExtensions(extensions: number): number[] {
  return EXTENSIONS.filter(({ bit }) => (extensions & bit) !== 0).map(({ rfc }) => rfc);
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
