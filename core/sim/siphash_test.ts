import assert from "node:assert/strict";
import { simKeyedHash } from "./environment.ts";
import { sipHash128 } from "./siphash.ts";

const key = Uint8Array.from({ length: 16 }, (_, i) => i);
const hex = (bytes: Uint8Array) =>
  Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
const counting = (length: number) => Uint8Array.from({ length }, (_, i) => i);

Deno.test("SipHash-2-4-128 gives the reference implementation's test vectors", () => {
  assert.equal(hex(sipHash128(key, counting(0))), "a3817f04ba25a8e66df67214c7550293");
  assert.equal(hex(sipHash128(key, counting(1))), "da87c1d86b99af44347659119b22fc45");
  assert.equal(hex(sipHash128(key, counting(2))), "8177228da4a45dc7fca38bdef60affe4");
  assert.equal(hex(sipHash128(key, counting(63))), "5150d1772f50834a503e069a973fbd7c");
});

Deno.test("a SipHash key of another length than 16 bytes is refused", () => {
  assert.throws(() => sipHash128(counting(15), counting(1)), /16 bytes, not 15/);
});

Deno.test("the simulation's keyed hash depends on every byte of a long key", () => {
  const long = counting(32);
  const digest = hex(simKeyedHash(long, key));
  long[31] ^= 1;
  assert.notEqual(hex(simKeyedHash(long, key)), digest);
});
