import assert from "node:assert/strict";
import { areEqualInConstantTime } from "./constant_time.ts";

Deno.test("only the same bytes are equal, wherever the difference is", () => {
  const bytes = Uint8Array.from({ length: 32 }, (_, i) => i);
  assert.ok(areEqualInConstantTime(bytes, bytes.slice()));
  for (let i = 0; i < bytes.length; i++) {
    const other = bytes.slice();
    other[i] ^= 0x80;
    assert.equal(areEqualInConstantTime(bytes, other), false, `byte ${i}`);
  }
});

Deno.test("a prefix is not equal, in either order; nothing equals nothing", () => {
  const [long, short] = [new Uint8Array(5), new Uint8Array(4)];
  assert.equal(areEqualInConstantTime(long, short), false);
  assert.equal(areEqualInConstantTime(short, long), false);
  assert.ok(areEqualInConstantTime(new Uint8Array(0), new Uint8Array(0)));
});
