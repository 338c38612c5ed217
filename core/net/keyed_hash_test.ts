import assert from "node:assert/strict";
import { hmacSha256 } from "./keyed_hash.ts";

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
