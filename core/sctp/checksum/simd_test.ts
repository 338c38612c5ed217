import assert from "node:assert/strict";
import { SeededRandom } from "../base/random.ts";
import { crc32cBitwise, VECTORS } from "./reference.ts";
import { crc32cScalar } from "./scalar.ts";
import { bestChecksum, createPacketMemory } from "./simd.ts";

for (const kind of ["relaxed-simd", "simd", "scalar"] as const) {
  Deno.test(`the ${kind} checksum gives the checksums of RFC 3720, appendix B.4`, () => {
    const { allocate, crc32c } = createPacketMemory(4096, kind);
    for (const [name, vector, checksum] of VECTORS) {
      const bytes = allocate(vector.length);
      bytes.set(vector);
      assert.equal(crc32c(bytes, 0, bytes.length), checksum, name);
    }
  });

  Deno.test(`the ${kind} checksum agrees with the definition for lengths from 0 to 300`, () => {
    const { allocate, crc32c } = createPacketMemory(4096, kind);
    const bytes = allocate(400);
    new SeededRandom(2).fill(bytes);
    for (let length = 0; length <= 300; length++) {
      const offset = (length * 7) % 100;
      const expected = crc32cBitwise(bytes.subarray(offset, offset + length));
      assert.equal(crc32c(bytes, offset, length), expected, `length ${length} at ${offset}`);
    }
  });

  Deno.test(`the ${kind} checksum agrees with the definition at random places and lengths`, () => {
    const seed = 3;
    const random = new SeededRandom(seed);
    const { allocate, crc32c } = createPacketMemory(0x2_0000, kind);
    const bytes = allocate(0x1_8000);
    random.fill(bytes);
    for (let run = 0; run < 500; run++) {
      const length = random.uint32() % (run < 10 ? 0x1_0000 : 2000);
      const offset = random.uint32() % (bytes.length - length);
      const expected = crc32cBitwise(bytes.subarray(offset, offset + length));
      const where = `seed ${seed}, length ${length} at ${offset}`;
      assert.equal(crc32c(bytes, offset, length), expected, where);
    }
  });
}

Deno.test("what stands around a packet does not change its checksum", () => {
  const { allocate, crc32c } = createPacketMemory(4096);
  const bytes = allocate(1024);
  bytes.fill(0x55, 200, 700);
  const alone = crc32c(bytes, 200, 500);
  bytes.fill(0xee, 0, 200);
  bytes.fill(0x77, 700);
  assert.equal(crc32c(bytes, 200, 500), alone);
});

Deno.test("the first and the last packet that the memory has room for are summed up", () => {
  const memory = createPacketMemory(100);
  const first = memory.allocate(1500);
  const last = memory.bytes.subarray(memory.bytes.length - 1500);
  for (const packet of [first, last]) {
    packet.fill(0xa5);
    assert.equal(memory.crc32c(packet, 0, 1500), crc32cScalar(packet, 0, 1500));
  }
});

Deno.test("bytes that do not lie in the memory are summed up as well", () => {
  const { crc32c } = createPacketMemory(100);
  const elsewhere = new Uint8Array(500).fill(9);
  assert.equal(crc32c(elsewhere, 3, 400), crc32cBitwise(elsewhere.subarray(3, 403)));
});

Deno.test("allocations are aligned, do not overlap and end with a RangeError", () => {
  const { allocate } = createPacketMemory(100);
  const a = allocate(70);
  const b = allocate(10);
  assert.equal(a.byteOffset % 64, 0);
  assert.equal(b.byteOffset, a.byteOffset + 128);
  assert.throws(() => allocate(1 << 20), /cannot allocate 1048576 of \d+ free bytes/);
  assert.throws(() => allocate(-1), RangeError);
  assert.throws(() => allocate(1.5), RangeError);
});

Deno.test("memory of its own is given once the packets' memory is used up", () => {
  const { bytes, allocateIfFree } = createPacketMemory(100);
  assert.equal(allocateIfFree(100).buffer, bytes.buffer);
  const other = allocateIfFree(1 << 20);
  assert.equal(other.length, 1 << 20);
  assert.notEqual(other.buffer, bytes.buffer);
});

Deno.test("bytes are copied within the memory, into it and out of it", () => {
  const { allocate, copy } = createPacketMemory(4096);
  const [inside, heap] = [allocate(2000), new Uint8Array(2000)];
  new SeededRandom(4).fill(heap);
  copy(heap, 5, inside, 100, 700);
  assert.deepEqual(inside.slice(100, 800), heap.slice(5, 705));
  copy(inside, 100, inside, 300, 700);
  assert.deepEqual(inside.slice(300, 1000), heap.slice(5, 705), "over itself");
  copy(inside.subarray(300), 1, heap, 1500, 30);
  assert.deepEqual(heap.slice(1500, 1530), heap.slice(6, 36));
});

Deno.test("a requested size can be allocated in one piece", () => {
  const size = 0x3_0001;
  assert.equal(createPacketMemory(size).allocate(size).length, size);
});

Deno.test("this runtime has a SIMD checksum", () => {
  assert.notEqual(bestChecksum(), "scalar");
});
