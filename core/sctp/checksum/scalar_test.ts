import assert from "node:assert/strict";
import { SeededRandom } from "../base/random.ts";
import { crc32cBitwise, VECTORS } from "./reference.ts";
import { crc32cScalar } from "./scalar.ts";

Deno.test("the scalar checksum gives the checksums of RFC 3720, appendix B.4", () => {
  for (const [name, bytes, checksum] of VECTORS) {
    assert.equal(crc32cScalar(bytes, 0, bytes.length), checksum, name);
  }
});

Deno.test("the scalar checksum of nothing is 0", () => {
  assert.equal(crc32cScalar(new Uint8Array(0), 0, 0), 0);
});

Deno.test("the scalar checksum agrees with the definition for every length from 0 to 300", () => {
  const bytes = new Uint8Array(320);
  new SeededRandom(1).fill(bytes);
  for (let length = 0; length <= 300; length++) {
    const offset = length % 17;
    const expected = crc32cBitwise(bytes.subarray(offset, offset + length));
    assert.equal(crc32cScalar(bytes, offset, length), expected, `length ${length}`);
  }
});
