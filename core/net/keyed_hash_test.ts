import assert from "node:assert/strict";
import { hmacSha1, hmacSha256, systemHmacs } from "./keyed_hash.ts";

const ascii = (text: string) => new TextEncoder().encode(text);
const hex = (bytes: Uint8Array) =>
  Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");

Deno.test("the keyed hash is HMAC-SHA256: RFC 4231, test case 2", () => {
  assert.equal(
    hex(hmacSha256(ascii("Jefe"), ascii("what do ya want for nothing?"))),
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  );
});

Deno.test("a key longer than the hash's block is hashed first: RFC 4231, test case 6", () => {
  assert.equal(
    hex(
      hmacSha256(
        new Uint8Array(131).fill(0xaa),
        ascii("Test Using Larger Than Block-Size Key - Hash Key First"),
      ),
    ),
    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
  );
});

Deno.test("HMAC-SHA1: RFC 2202, test cases 2 and 6", () => {
  assert.equal(
    hex(hmacSha1(ascii("Jefe"), ascii("what do ya want for nothing?"))),
    "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
  );
  assert.equal(
    hex(
      hmacSha1(
        new Uint8Array(80).fill(0xaa),
        ascii("Test Using Larger Than Block-Size Key - Hash Key First"),
      ),
    ),
    "aa4ae5e15272d00e95705637ce8a3b55ed402112",
  );
});

Deno.test("the HMACs of AUTH are found by their identifiers (RFC 4895, table 2)", () => {
  assert.equal(systemHmacs[1], hmacSha1);
  assert.equal(systemHmacs[3], hmacSha256);
});
