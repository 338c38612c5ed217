/** The MAC of state cookies: HMAC-SHA256 (RFC 2104, RFC 9260, section 5.1.3). */
import { createHmac } from "node:crypto";
import type { KeyedHash } from "../sctp/environment.ts";

/** HMAC-SHA256 of `data` under `key`: 32 bytes. */
export const hmacSha256: KeyedHash = (key, data) =>
  new Uint8Array(createHmac("sha256", key).update(data).digest());
