import assert from "node:assert/strict";
import fc from "fast-check";
import { copyBytes } from "./copy.ts";
import { LARGEST_SLOT, PAGE_SIZE, SlabPool } from "./slab_pool.ts";

interface Slot {
  readonly address: number;
  readonly length: number;
  readonly mark: number;
}

function fill(pool: SlabPool, { address, length, mark }: Slot): void {
  const start = pool.offsetAt(address);
  pool.bytesAt(address).fill(mark, start, start + length);
}

function isIntact(pool: SlabPool, { address, length, mark }: Slot): boolean {
  const start = pool.offsetAt(address);
  return pool.bytesAt(address).subarray(start, start + length).every((byte) => byte === mark);
}

Deno.test("slots never overlap, whatever is taken and returned in whatever order", () => {
  const take = fc.record({ length: fc.integer({ min: 1, max: LARGEST_SLOT }) });
  const giveBack = fc.record({ which: fc.nat(1000) });
  const steps = fc.array(fc.oneof(take, giveBack), { maxLength: 120 });
  fc.assert(
    fc.property(steps, (list) => {
      const pool = new SlabPool();
      const slots: Slot[] = [];
      for (const [i, step] of list.entries()) {
        if ("length" in step) {
          const slot = { address: pool.take(step.length), length: step.length, mark: i & 0xff };
          fill(pool, slot);
          slots.push(slot);
        } else if (slots.length > 0) {
          const [slot] = slots.splice(step.which % slots.length, 1);
          assert.ok(isIntact(pool, slot));
          pool.release(slot.address);
        }
      }
      for (const slot of slots) assert.ok(isIntact(pool, slot));
      const cost = slots.reduce((sum, { length }) => sum + SlabPool.costOf(length), 0);
      assert.equal(pool.liveBytes, cost);
      for (const { address } of slots) pool.release(address);
      assert.equal(pool.liveBytes, 0);
    }),
    { numRuns: 60 },
  );
});

Deno.test("memory that was returned serves another size", () => {
  const pool = new SlabPool();
  const small = Array.from({ length: PAGE_SIZE / 64 }, () => pool.take(60));
  assert.equal(pool.reservedBytes, PAGE_SIZE);
  for (const address of small) pool.release(address);
  const large = Array.from({ length: PAGE_SIZE / LARGEST_SLOT }, () => pool.take(LARGEST_SLOT));
  assert.equal(pool.reservedBytes, PAGE_SIZE);
  assert.equal(new Set(large).size, large.length);
});

Deno.test("a slot costs the next size up", () => {
  assert.equal(SlabPool.costOf(1), 64);
  assert.equal(SlabPool.costOf(64), 64);
  assert.equal(SlabPool.costOf(65), 128);
  assert.equal(SlabPool.costOf(1452), 1536);
  assert.equal(SlabPool.costOf(LARGEST_SLOT), LARGEST_SLOT);
});

Deno.test("pages may lie in memory of the caller's", () => {
  const memory = new Uint8Array(3 * PAGE_SIZE);
  let next = PAGE_SIZE;
  const pool = new SlabPool({
    take: () => ({ bytes: memory, offset: (next += PAGE_SIZE) - PAGE_SIZE }),
    copy: copyBytes,
  });
  const address = pool.take(10);
  assert.equal(pool.bytesAt(address), memory);
  assert.equal(pool.offsetAt(address), PAGE_SIZE);
});
