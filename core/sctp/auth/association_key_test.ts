/** The association shared key by the words of RFC 4895, section 6.1. */
import assert from "node:assert/strict";
import { newAuthParameters } from "../wire/auth_parameters.ts";
import { hex } from "../wire/fixtures.ts";
import { associationKey, keyVector } from "./association_key.ts";

const random = (last: number) => Uint8Array.from({ length: 32 }, (_, i) => i === 31 ? last : 0);

Deno.test("a key vector is RANDOM, CHUNKS and HMAC-ALGO with their headers and without padding", () => {
  assert.deepEqual(
    keyVector(newAuthParameters(random(0xab), [0, 3, 7], [3])),
    hex("8002 0024" + "00".repeat(31) + "ab" + "8003 0007 000307" + "8004 0006 0003"),
  );
});

Deno.test("parameters that were not sent are omitted", () => {
  assert.deepEqual(
    keyVector(newAuthParameters(random(1), [], [3, 1])),
    hex("8002 0024" + "00".repeat(31) + "01" + "8004 0008 0003 0001"),
  );
});

Deno.test("the secret comes first, then the numerically smaller vector, whoever it is of", () => {
  const [small, large] = [hex("8002 01"), hex("8002 02")];
  const key = hex("5ec2e7 800201 800202");
  assert.deepEqual(associationKey(hex("5ec2e7"), small, large), key);
  assert.deepEqual(associationKey(hex("5ec2e7"), large, small), key);
});

Deno.test("a longer vector is the larger number, whatever its bytes are", () => {
  const [long, short] = [hex("8002 000000"), hex("8002 ffff")];
  assert.deepEqual(associationKey(hex(""), long, short), hex("8002ffff 8002000000"));
  assert.deepEqual(associationKey(hex(""), short, long), hex("8002ffff 8002000000"));
});

Deno.test("identical vectors stand one behind the other", () => {
  assert.deepEqual(associationKey(hex("01"), hex("8002"), hex("8002")), hex("01 8002 8002"));
});
