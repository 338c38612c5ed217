/** What an engine needs from its surroundings, made from a seed. */
import { SeededRandom } from "../sctp/base/random.ts";
import { crc32cScalar } from "../sctp/checksum/scalar.ts";
import type { Environment } from "../sctp/environment.ts";
import type { Crc32c } from "../sctp/packet.ts";
import { simHmacs } from "./hmac.ts";
import { sipHash128 } from "./siphash.ts";

/**
 * An environment that gives the same run for the same seed. Predictable, so for simulations only.
 * @param crc32c another implementation of the checksum, where a bench compares them.
 */
export function simEnvironment(seed: number, crc32c: Crc32c = crc32cScalar): Environment {
  return { random: new SeededRandom(seed), keyedHash: simKeyedHash, hmacs: simHmacs, crc32c };
}

/** A keyed hash of 16 bytes for keys of any length; a longer key is folded. For simulations only. */
export function simKeyedHash(key: Uint8Array, data: Uint8Array): Uint8Array {
  const folded = new Uint8Array(16);
  for (let i = 0; i < key.length; i++) folded[i & 15] ^= key[i];
  return sipHash128(folded, data);
}
