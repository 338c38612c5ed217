/**
 * RANDOM, CHUNKS and HMAC-ALGO, by which INIT and INIT ACK agree on authentication (RFC 4895,
 * section 3). They are kept as they stand on the wire: keys are made of their bytes (section 6.1).
 *
 * ```
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |        Type = 0x8002          |          Length = 36          |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \                         Random Number                         \
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |        Type = 0x8003          |            Length             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * | Chunk Type 1  | Chunk Type 2  |              ...              |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |        Type = 0x8004          |            Length             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |       HMAC Identifier 1       |              ...              |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 */
import { readU16, writeU16 } from "../base/bytes.ts";
import { Interner } from "../base/interner.ts";
import { type HmacId, isKnownHmac } from "./auth.ts";
import { CHUNK_KINDS, ChunkType } from "./chunk_type.ts";
import { ParameterType } from "./parameter.ts";
import { newTlv, TLV_HEADER_LENGTH } from "./tlv.ts";

/** Bytes of the Random Number (section 6.1). */
export const RANDOM_LENGTH = 32;

/** Bytes of the longest CHUNKS parameter (section 3.2). */
const LONGEST_CHUNK_LIST = 260;

/** Bytes of the longest HMAC-ALGO that is kept: 64 identifiers, where two are defined. */
const LONGEST_HMAC_LIST = 132;

/** What one side says. Whole parameters, type and length included, padding not. */
export interface AuthParameters {
  readonly random: Uint8Array;
  /** Absent if the list is empty. */
  readonly chunkList: Uint8Array | undefined;
  readonly hmacList: Uint8Array;
}

/** The parameters of an INIT or INIT ACK, any of which may be missing. */
export type PartialAuthParameters = { -readonly [Name in keyof AuthParameters]?: Uint8Array };

/** Chunk types that never have to be authenticated: they MUST NOT be listed (section 3.2). */
const NEVER_LISTED: readonly number[] = [
  ChunkType.Init,
  ChunkType.InitAck,
  ChunkType.ShutdownComplete,
  ChunkType.Auth,
];

/** True if a chunk type may stand in CHUNKS. */
export function mayBeListed(type: number): boolean {
  return !NEVER_LISTED.includes(type);
}

/** Every chunk type of the engine's that may stand in CHUNKS. */
export const LISTABLE_CHUNKS: readonly number[] = CHUNK_KINDS
  .map(({ type }) => type)
  .filter(mayBeListed);

/** The parameters for a Random Number, the chunk types to list and the HMACs, most preferred first. */
export function newAuthParameters(
  random: Uint8Array,
  chunks: readonly number[],
  hmacs: readonly HmacId[],
): AuthParameters {
  const ids = new Uint8Array(2 * hmacs.length);
  hmacs.forEach((id, i) => writeU16(ids, 2 * i, id));
  return {
    random: newTlv(ParameterType.Random, random),
    chunkList: chunks.length === 0
      ? undefined
      : sharedList(newTlv(ParameterType.ChunkList, Uint8Array.from(chunks))),
    hmacList: sharedList(newTlv(ParameterType.RequestedHmacAlgorithm, ids)),
  };
}

const lists = new Interner<Uint8Array>(64);

/** A CHUNKS or HMAC-ALGO parameter of this side, which is the same in every association. */
export function sharedList(parameter: Uint8Array): Uint8Array {
  return lists.get(parameter.join(), () => parameter);
}

/** True if there is a Random Number that is not of the one length allowed (section 6.1). */
export function hasBadRandom({ random }: PartialAuthParameters): boolean {
  return random !== undefined && random.length !== TLV_HEADER_LENGTH + RANDOM_LENGTH;
}

/** What a peer said, if it is enough to authenticate with, and within the bounds of what is kept. */
export function usableAuthParameters(said: PartialAuthParameters): AuthParameters | undefined {
  const { random, chunkList, hmacList } = said;
  if (!random || !hmacList || hasBadRandom(said)) return undefined;
  if (hmacList.length > LONGEST_HMAC_LIST) return undefined;
  if (chunkList && chunkList.length > LONGEST_CHUNK_LIST) return undefined;
  const parameters = { random, chunkList, hmacList };
  return listedHmacs(parameters).length === 0 ? undefined : parameters;
}

/** Chunk types that the sender takes only authenticated; those that MUST NOT be listed are left out. */
export function listedChunks({ chunkList }: AuthParameters): number[] {
  return chunkList ? Array.from(chunkList.subarray(TLV_HEADER_LENGTH)).filter(mayBeListed) : [];
}

/** The HMACs that the sender may be sent and that are known here, in its order. */
export function listedHmacs({ hmacList }: AuthParameters): HmacId[] {
  const ids: HmacId[] = [];
  for (let at = TLV_HEADER_LENGTH; at + 2 <= hmacList.length; at += 2) {
    const id = readU16(hmacList, at);
    if (isKnownHmac(id)) ids.push(id);
  }
  return ids;
}

/** True if the sender may be sent an HMAC. */
export function listsHmac({ hmacList }: AuthParameters, id: HmacId): boolean {
  for (let at = TLV_HEADER_LENGTH; at + 2 <= hmacList.length; at += 2) {
    if (readU16(hmacList, at) === id) return true;
  }
  return false;
}

/** All that was said, in the order in which keys are made of it (section 6.1). */
export function authParameterList(said: PartialAuthParameters): Uint8Array[] {
  return [said.random, said.chunkList, said.hmacList].filter((one) => one !== undefined);
}
