import assert from "node:assert/strict";
import fc from "fast-check";
import { copyBytes } from "./copy.ts";

Deno.test("bytes are copied from any place to any place, and nothing beside them changes", () => {
  const offset = fc.nat(20);
  fc.assert(fc.property(offset, offset, fc.nat(200), (from, to, length) => {
    const source = Uint8Array.from({ length: 240 }, (_, i) => i);
    const target = new Uint8Array(240).fill(0xaa);
    copyBytes(source, from, target, to, length);
    assert.ok(target.subarray(0, to).every((byte) => byte === 0xaa));
    assert.deepEqual(target.slice(to, to + length), source.slice(from, from + length));
    assert.ok(target.subarray(to + length).every((byte) => byte === 0xaa));
  }));
});

Deno.test("source and target may be parts of one array", () => {
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i);
  copyBytes(bytes, 10, bytes, 60, 30);
  assert.deepEqual(bytes.slice(60, 90), bytes.slice(10, 40));
});
