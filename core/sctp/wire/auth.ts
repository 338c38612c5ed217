/**
 * AUTH (RFC 4895, section 5.1), read and written in place.
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |   Type = 15   |   Flags = 0   |            Length             |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |     Shared Key Identifier     |        HMAC Identifier        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \                             HMAC                              \
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 */
import { readU16, writeU16 } from "../base/bytes.ts";
import { chunkLength, putChunkHeader } from "./chunk.ts";
import { chunkName, ChunkType } from "./chunk_type.ts";

/** Bytes in front of the HMAC. */
export const AUTH_HEADER_LENGTH = 8;

/** HMAC Identifiers (RFC 4895, table 2). */
export const HmacId = { Sha1: 1, Sha256: 3 } as const;
export type HmacId = (typeof HmacId)[keyof typeof HmacId];

const HMACS = new Map<number, { readonly name: string; readonly length: number }>([
  [HmacId.Sha1, { name: "SHA-1", length: 20 }],
  [HmacId.Sha256, { name: "SHA-256", length: 32 }],
]);

/** True for the HMAC Identifiers of {@link HmacId}. */
export function isKnownHmac(id: number): id is HmacId {
  return HMACS.has(id);
}

/** Bytes of an HMAC: multiples of four, so that AUTH needs no padding. */
export function hmacLength(id: HmacId): number {
  return HMACS.get(id)?.length ?? 0;
}

/** The name of an HMAC's message digest as the RFC writes it, or `HMAC N` for an unknown one. */
export function hmacName(id: number): string {
  return HMACS.get(id)?.name ?? `HMAC ${id}`;
}

/** Shared Key Identifier of the whole AUTH at `offset`. */
export function authKeyId(bytes: Uint8Array, offset: number): number {
  return readU16(bytes, offset + 4);
}

/** HMAC Identifier of the whole AUTH at `offset`. */
export function authHmacId(bytes: Uint8Array, offset: number): number {
  return readU16(bytes, offset + 6);
}

/** Bytes of the HMAC that the whole AUTH at `offset` carries. */
export function authHmacLength(bytes: Uint8Array, offset: number): number {
  return chunkLength(bytes, offset) - AUTH_HEADER_LENGTH;
}

/** Writes an AUTH whose HMAC is zero, as the computation wants it (section 6.2, figure 6). */
export function putAuth(bytes: Uint8Array, offset: number, keyId: number, hmac: HmacId): void {
  const end = AUTH_HEADER_LENGTH + hmacLength(hmac);
  putChunkHeader(bytes, offset, ChunkType.Auth, 0, end);
  writeU16(bytes, offset + 4, keyId);
  writeU16(bytes, offset + 6, hmac);
  bytes.fill(0, offset + AUTH_HEADER_LENGTH, offset + end);
}

/** The whole AUTH at `offset` in words. */
export function describeAuth(bytes: Uint8Array, offset: number): string {
  const name = chunkName(ChunkType.Auth);
  const hmac = hmacName(authHmacId(bytes, offset));
  const length = authHmacLength(bytes, offset);
  return `${name} key ${authKeyId(bytes, offset)} ${hmac} of ${length} bytes`;
}
