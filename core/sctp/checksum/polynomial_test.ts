import assert from "node:assert/strict";
import { remainderOf } from "./polynomial.ts";
import { crc32cBitwise, VECTORS } from "./reference.ts";

Deno.test("the bitwise reference gives the checksums of RFC 3720, appendix B.4", () => {
  for (const [name, bytes, checksum] of VECTORS) {
    assert.equal(crc32cBitwise(bytes), checksum, name);
  }
});

Deno.test("remainders agree with the table of RFC 9260, appendix A", () => {
  const printed = [[1, 0xf26b8303], [2, 0xe13b70f7], [0x80, 0x82f63b78], [0xff, 0xad7d5351]];
  for (const [byte, remainder] of printed) assert.equal(remainderOf(byte, 0) >>> 0, remainder);
});
