/** The MAC of state cookies (RFC 9260, section 5.1.3) and those of AUTH chunks (RFC 4895). */
import { createHmac } from "node:crypto";
import type { HmacFunctions, KeyedHash } from "../sctp/environment.ts";
import { HmacId } from "../sctp/wire/auth.ts";

/** HMAC-SHA256 of `data` under `key` (RFC 2104): 32 bytes. */
export const hmacSha256: KeyedHash = (key, data) =>
  new Uint8Array(createHmac("sha256", key).update(data).digest());

/** HMAC-SHA1 of `data` under `key` (RFC 2104): 20 bytes. */
export const hmacSha1: KeyedHash = (key, data) =>
  new Uint8Array(createHmac("sha1", key).update(data).digest());

/** By HMAC Identifier. */
export const systemHmacs: HmacFunctions = {
  [HmacId.Sha1]: hmacSha1,
  [HmacId.Sha256]: hmacSha256,
};
