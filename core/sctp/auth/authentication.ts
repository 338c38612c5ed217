/**
 * Authentication in one association: the keys that both sides have, which chunks must be authenticated
 * in which direction, and the HMACs of AUTH chunks (RFC 4895, section 6).
 */
import { areEqualInConstantTime } from "../base/constant_time.ts";
import type { HmacFunctions } from "../environment.ts";
import {
  AUTH_HEADER_LENGTH,
  authHmacId,
  authHmacLength,
  authKeyId,
  type HmacId,
  hmacLength,
  isKnownHmac,
  putAuth,
} from "../wire/auth.ts";
import {
  type AuthParameters,
  listedChunks,
  listedHmacs,
  listsHmac,
} from "../wire/auth_parameters.ts";
import { associationKey, keyVector } from "./association_key.ts";
import { ChunkSet } from "./chunk_set.ts";
import type { SharedKeys } from "./shared_keys.ts";

/** What an AUTH chunk turned out to be. */
export type AuthVerdict = "authentic" | "unsupported-hmac" | "unknown-key" | "bad-auth";

export class Authentication {
  readonly #hmacs: HmacFunctions;
  readonly #keys: SharedKeys;
  readonly #local: AuthParameters;
  readonly #peerVector: Uint8Array;
  readonly #hmac: HmacId;
  readonly #wantedByPeer: ChunkSet;
  readonly #wantedHere: ChunkSet;
  /** Association shared keys, by the secrets that they were made of; most associations need none. */
  #derived: WeakMap<Uint8Array, Uint8Array> | undefined;

  /**
   * @param keys the endpoint pair shared keys; they may change while this is in use.
   * @param local what we said in our INIT or INIT ACK.
   * @param peer what the peer said; it lists an HMAC that is known here.
   */
  constructor(
    hmacs: HmacFunctions,
    keys: SharedKeys,
    local: AuthParameters,
    peer: AuthParameters,
  ) {
    this.#hmacs = hmacs;
    this.#keys = keys;
    this.#local = local;
    this.#peerVector = keyVector(peer);
    // Section 6.1: the first of the peer's list that is supported.
    [this.#hmac] = listedHmacs(peer);
    this.#wantedByPeer = ChunkSet.of(listedChunks(peer));
    this.#wantedHere = ChunkSet.of(listedChunks(local));
  }

  /** True if the peer discards chunks of this type that are not authenticated. */
  mustSend(type: number): boolean {
    return this.#wantedByPeer.has(type);
  }

  /** True if chunks of this type that are not authenticated are discarded here. */
  mustReceive(type: number): boolean {
    return this.#wantedHere.has(type);
  }

  /** Bytes of the AUTH chunks that are sent; a multiple of four. */
  get chunkLength(): number {
    return AUTH_HEADER_LENGTH + hmacLength(this.#hmac);
  }

  /**
   * Writes an AUTH chunk for a key, by default the active one, at `offset`; {@link seal} completes it. A
   * key that was deleted meanwhile gives way to the active one.
   */
  place(memory: Uint8Array, offset: number, key = this.#keys.activeId): void {
    const isThere = this.#keys.secretOf(key) !== undefined;
    putAuth(memory, offset, isThere ? key : this.#keys.activeId, this.#hmac);
  }

  /** Fills in the HMAC of a placed AUTH chunk, over all that stands from it to `end` (section 6.2). */
  seal(memory: Uint8Array, offset: number, end: number): void {
    const key = this.#keyOf(authKeyId(memory, offset));
    // The active key cannot be deleted, so there is one.
    if (!key) return;
    const hmac = this.#hmacs[this.#hmac](key, memory.subarray(offset, end));
    memory.set(hmac, offset + AUTH_HEADER_LENGTH);
  }

  /** A padded control chunk on its own, with an AUTH chunk in front if the peer wants one. */
  protect(chunk: Uint8Array): Uint8Array {
    if (!this.mustSend(chunk[0])) return chunk;
    const protected_ = new Uint8Array(this.chunkLength + chunk.length);
    this.place(protected_, 0);
    protected_.set(chunk, this.chunkLength);
    this.seal(protected_, 0, protected_.length);
    return protected_;
  }

  /**
   * Judges the whole AUTH chunk at `offset` by all that follows up to `end`, the end of the packet
   * (section 6.3). The buffer ends as it was.
   */
  verify(bytes: Uint8Array, offset: number, end: number): AuthVerdict {
    const id = authHmacId(bytes, offset);
    if (!isKnownHmac(id) || !listsHmac(this.#local, id)) return "unsupported-hmac";
    const length = authHmacLength(bytes, offset);
    if (length !== hmacLength(id)) return "bad-auth";
    const key = this.#keyOf(authKeyId(bytes, offset));
    if (!key) return "unknown-key";
    const start = offset + AUTH_HEADER_LENGTH;
    const received = bytes.slice(start, start + length);
    bytes.fill(0, start, start + length);
    const computed = this.#hmacs[id](key, bytes.subarray(offset, end));
    bytes.set(received, start);
    return areEqualInConstantTime(computed, received) ? "authentic" : "bad-auth";
  }

  #keyOf(id: number): Uint8Array | undefined {
    const secret = this.#keys.secretOf(id);
    if (!secret) return undefined;
    const known = this.#derived?.get(secret);
    if (known) return known;
    const key = associationKey(secret, keyVector(this.#local), this.#peerVector);
    this.#derived ??= new WeakMap();
    this.#derived.set(secret, key);
    return key;
  }
}
