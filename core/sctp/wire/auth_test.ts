import assert from "node:assert/strict";
import { chunkHasItsFields } from "./chunk.ts";
import {
  authHmacId,
  authHmacLength,
  authKeyId,
  describeAuth,
  HmacId,
  hmacLength,
  hmacName,
  isKnownHmac,
  putAuth,
} from "./auth.ts";
import { embedded, hex, truncations } from "./fixtures.ts";

Deno.test("AUTH has the layout of RFC 4895, section 6.2, figure 6", () => {
  const bytes = new Uint8Array(60).fill(0xee);
  putAuth(bytes, 4, 0x1234, HmacId.Sha1);
  assert.deepEqual(bytes.slice(4, 32), hex("0f00001c 1234 0001" + "00".repeat(20)));
  assert.equal(bytes[32], 0xee);
  putAuth(bytes, 4, 0, HmacId.Sha256);
  assert.deepEqual(bytes.slice(4, 44), hex("0f000028 0000 0003" + "00".repeat(32)));
});

Deno.test("its fields read as they were written, at any place", () => {
  const chunk = embedded(hex("0fff000d ffff 0002 0102030405"), 5);
  assert.equal(authKeyId(chunk, 5), 0xffff);
  assert.equal(authHmacId(chunk, 5), 2);
  assert.equal(authHmacLength(chunk, 5), 5);
  assert.equal(describeAuth(chunk, 5), "AUTH key 65535 HMAC 2 of 5 bytes");
});

Deno.test("an AUTH cut within its fields has not its fields", () => {
  for (const shorter of truncations(hex("0f00000c 0001 0001 01020304"))) {
    assert.equal(chunkHasItsFields(shorter, 0), shorter.length >= 8);
  }
});

Deno.test("the HMACs are those of RFC 4895, table 2", () => {
  assert.deepEqual([0, 1, 2, 3, 4].map(isKnownHmac), [false, true, false, true, false]);
  assert.deepEqual([hmacLength(1), hmacLength(3)], [20, 32]);
  assert.deepEqual([1, 3, 9].map(hmacName), ["SHA-1", "SHA-256", "HMAC 9"]);
});
