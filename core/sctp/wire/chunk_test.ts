import assert from "node:assert/strict";
import fc from "fast-check";
import {
  chunkFlags,
  chunkHasItsFields,
  chunkIsWhole,
  chunkLength,
  chunkType,
  chunkValue,
  newChunk,
  nextChunk,
  putChunkHeader,
  putPadding,
} from "./chunk.ts";
import { ChunkType } from "./chunk_type.ts";
import { hex } from "./fixtures.ts";

Deno.test("a chunk header comes back as it was written", () => {
  const bytes = new Uint8Array(8);
  putChunkHeader(bytes, 2, ChunkType.Abort, 1, 0x1234);
  assert.deepEqual(bytes, hex("0000 06011234 0000"));
  assert.equal(chunkType(bytes, 2), ChunkType.Abort);
  assert.equal(chunkFlags(bytes, 2), 1);
  assert.equal(chunkLength(bytes, 2), 0x1234);
});

Deno.test("a chunk is whole from its own length on, with or without its padding", () => {
  const bytes = hex("0b000005 aa 000000");
  const whole = Array.from({ length: 9 }, (_, end) => chunkIsWhole(bytes, 0, end));
  assert.deepEqual(whole, [false, false, false, false, false, true, true, true, true]);
});

Deno.test("a chunk with a length below four is not whole and ends the packet", () => {
  for (let length = 0; length < 4; length++) {
    const bytes = hex(`0b00000${length} 0b000004`);
    assert.equal(chunkIsWhole(bytes, 0, 8), false);
    assert.equal(nextChunk(bytes, 0, 8), 8);
  }
});

Deno.test("the next chunk starts behind the padding, and never past the end", () => {
  assert.equal(nextChunk(hex("0b000005 aa000000 0b000004"), 0, 12), 8);
  assert.equal(nextChunk(hex("0b000005 aa"), 0, 5), 5);
  assert.equal(nextChunk(hex("0b00ffff 00000000"), 0, 8), 8);
});

Deno.test("a walk over any bytes ends, and each step is forward and inside", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
    let steps = 0;
    for (let at = 0; chunkIsWhole(bytes, at, bytes.length);) {
      const next = nextChunk(bytes, at, bytes.length);
      assert.ok(next > at && next <= bytes.length);
      at = next;
      steps++;
    }
    assert.ok(steps <= bytes.length / 4 + 1);
  }));
});

Deno.test("padding is zeroed up to the next multiple of four and no further", () => {
  const bytes = new Uint8Array(12).fill(0xff);
  putPadding(bytes, 0, 5);
  assert.deepEqual(bytes, hex("ffffffffff 000000 ffffffff"));
  putPadding(bytes, 8, 4);
  assert.deepEqual(bytes, hex("ffffffffff 000000 ffffffff"));
});

Deno.test("a new chunk is padded, its length is not", () => {
  const chunk = newChunk(ChunkType.CookieEcho, 0, hex("aabbcc dd ee"));
  assert.deepEqual(chunk, hex("0a000009 aabbccdd ee000000"));
  assert.deepEqual(chunkValue(chunk, 0), hex("aabbccddee"));
});

Deno.test("a value that no chunk can carry is refused", () => {
  assert.equal(newChunk(ChunkType.CookieEcho, 0, new Uint8Array(65531)).length, 65536);
  assert.throws(() => newChunk(ChunkType.CookieEcho, 0, new Uint8Array(65532)), /65532 bytes/);
});

Deno.test("a chunk shorter than the fixed fields of its type lacks some", () => {
  assert.equal(chunkHasItsFields(hex("07000007"), 0), false);
  assert.equal(chunkHasItsFields(hex("07000008"), 0), true);
  assert.equal(chunkHasItsFields(hex("0e000004"), 0), true);
});
