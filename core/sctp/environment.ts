/** Everything impure that the engine needs, passed in as values and functions. */
import type { RandomSource } from "./base/random.ts";
import type { Crc32c } from "./packet.ts";
import type { HmacId } from "./wire/auth.ts";

/** A keyed hash: the MAC of `data` under `key`. Any length of 16 bytes or more is fit for a cookie. */
export type KeyedHash = (key: Uint8Array, data: Uint8Array) => Uint8Array;

/** The HMACs by which chunks are authenticated (RFC 4895, section 3.3). */
export type HmacFunctions = { readonly [Id in HmacId]: KeyedHash };

/** What an endpoint is given by its surroundings. */
export interface Environment {
  /** Tags, TSNs, nonces, secrets and jitter come from here. */
  readonly random: RandomSource;
  /** Authenticates state cookies (RFC 9260, section 5.1.3): HMAC-SHA256 in production. */
  readonly keyedHash: KeyedHash;
  readonly hmacs: HmacFunctions;
  /** The packet checksum. */
  readonly crc32c: Crc32c;
  /**
   * Packets travel inside DTLS, where none arrives that was changed on the way: error detection method 1
   * of RFC 9653. Only then may associations do without checksums.
   */
  readonly isInsideDtls?: boolean;
}
