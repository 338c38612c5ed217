/** The HMACs of AUTH chunks in a simulation, where no crypto of the system's may be used. */
import { hmac } from "@noble/hashes/hmac.js";
import { sha1 } from "@noble/hashes/legacy.js";
import { sha256 } from "@noble/hashes/sha2.js";
import type { HmacFunctions } from "../sctp/environment.ts";
import { HmacId } from "../sctp/wire/auth.ts";

/** The real HMACs of RFC 4895, table 2: a simulated packet reads as one from a wire. */
export const simHmacs: HmacFunctions = {
  [HmacId.Sha1]: (key, data) => hmac(sha1, key, data),
  [HmacId.Sha256]: (key, data) => hmac(sha256, key, data),
};
