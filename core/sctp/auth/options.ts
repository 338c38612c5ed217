/** What a user asks of authentication (RFC 4895), checked. */
import type { Parameters } from "../parameters.ts";
import { CHUNK_TYPES, chunkName } from "../wire/chunk_type.ts";
import { HmacId, isKnownHmac } from "../wire/auth.ts";
import { mayBeListed } from "../wire/auth_parameters.ts";
import { type SharedKey, SharedKeys } from "./shared_keys.ts";

/** What is asked; everything can be left out. */
export interface AuthenticationOptions {
  /** Endpoint pair shared keys, the one to send with first; default: the null key. */
  readonly keys?: readonly SharedKey[];
  /**
   * Chunk types that are taken from the peer only if it has authenticated them; default: none. With any,
   * associations with peers that cannot authenticate are refused.
   */
  readonly chunks?: readonly number[];
  /** HMACs that the peer may use, most preferred first; SHA-1 is among them. Default: both. */
  readonly hmacs?: readonly HmacId[];
  /**
   * False: an attempt ends at once if the peer wants COOKIE ECHO authenticated and there is but the
   * null key. Such a peer most likely has a key, and would discard ours in silence. Default: true.
   */
  readonly nullKeySuffices?: boolean;
}

/** With every choice made. */
export type AuthenticationPlan = Required<AuthenticationOptions>;

const DEFAULTS: AuthenticationPlan = {
  keys: [],
  chunks: [],
  hmacs: [HmacId.Sha256, HmacId.Sha1],
  nullKeySuffices: true,
};

/**
 * Options over a base.
 * @throws RangeError that says what cannot be: a chunk type that may not be listed (RFC 4895, section
 *   3.2), HMACs without SHA-1 (section 6.1), a bad key, or chunks to authenticate where it is not offered.
 */
export function authenticationPlan(
  options: AuthenticationOptions | undefined,
  { authentication }: Parameters,
  base: AuthenticationPlan = DEFAULTS,
): AuthenticationPlan {
  const plan: AuthenticationPlan = options ? { ...base, ...options } : base;
  if (plan.chunks.length > 0 && authentication === 0) {
    throw new RangeError("there are chunks to authenticate, but the parameter authentication is 0");
  }
  if (!options) return plan;
  new SharedKeys(plan.keys);
  plan.chunks.forEach(checkChunk);
  checkHmacs(plan.hmacs);
  return plan;
}

function checkChunk(type: number, index: number, all: readonly number[]): void {
  if (!Number.isInteger(type) || type < 0 || type >= CHUNK_TYPES) {
    throw new RangeError(`${type} is no chunk type: it takes 0 to ${CHUNK_TYPES - 1}`);
  }
  if (!mayBeListed(type)) {
    throw new RangeError(
      `${chunkName(type)} cannot be authenticated (RFC 4895, section 3.2): leave it out`,
    );
  }
  if (all.indexOf(type) !== index) {
    throw new RangeError(`${chunkName(type)} stands twice among the chunks to authenticate`);
  }
}

function checkHmacs(ids: readonly number[]): void {
  const unknown = ids.find((id) => !isKnownHmac(id));
  if (unknown !== undefined) {
    throw new RangeError(`HMAC ${unknown} is not known: there are 1 (SHA-1) and 3 (SHA-256)`);
  }
  if (!ids.includes(HmacId.Sha1)) {
    throw new RangeError("the HMACs must include 1 (SHA-1), by RFC 4895, section 6.1");
  }
}
