import assert from "node:assert/strict";
import fc from "fast-check";
import { KeyedHeap } from "./keyed_heap.ts";

Deno.test("the heap's first is the lowest key, whatever is set and removed", () => {
  const item = fc.nat(40);
  const step = fc.oneof(
    fc.record({ item, key: fc.integer({ min: -50, max: 50 }) }),
    fc.record({ item, key: fc.constant(undefined) }),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
    const heap = new KeyedHeap();
    const model = new Map<number, number>();
    for (const { item, key } of steps) {
      if (key === undefined) {
        heap.remove(item);
        model.delete(item);
      } else {
        heap.set(item, key);
        model.set(item, key);
      }
      assert.equal(heap.count, model.size);
      assert.equal(heap.has(item), model.has(item));
      if (model.size === 0) continue;
      assert.equal(heap.firstKey, Math.min(...model.values()));
      assert.equal(model.get(heap.first), heap.firstKey);
    }
  }));
});

Deno.test("a cleared heap takes the same numbers again", () => {
  const heap = new KeyedHeap();
  for (let i = 0; i < 100; i++) heap.set(i, -i);
  heap.clear();
  assert.equal(heap.count, 0);
  assert.ok(!heap.has(7));
  heap.set(7, 1);
  heap.set(8, 0);
  assert.deepEqual([heap.first, heap.count], [8, 2]);
});
