import assert from "node:assert/strict";
import fc from "fast-check";
import { DeadlineHeap, type HeapMember } from "./deadline_heap.ts";
import { instant, NEVER } from "./time.ts";

function members(count: number): HeapMember[] {
  return Array.from({ length: count }, () => ({ heapIndex: -1, heapDeadline: NEVER }));
}

Deno.test("an empty heap has nothing due", () => {
  const heap = new DeadlineHeap();
  assert.equal(heap.earliest, NEVER);
  assert.equal(heap.first, undefined);
});

Deno.test("the first member is the one with the earliest deadline, however deadlines change", () => {
  const deadline = fc.option(fc.nat(50), { nil: Infinity, freq: 4 });
  const steps = fc.array(fc.tuple(fc.nat(11), deadline), { maxLength: 200 });
  fc.assert(fc.property(steps, (changes) => {
    const heap = new DeadlineHeap<HeapMember>();
    const all = members(12);
    const model = new Map<HeapMember, number>();
    for (const [index, value] of changes) {
      heap.set(all[index], instant(value));
      if (value === Infinity) model.delete(all[index]);
      else model.set(all[index], value);
      assert.equal(heap.earliest, Math.min(Infinity, ...model.values()));
      assert.equal(heap.first === undefined, model.size === 0);
      if (heap.first) assert.equal(model.get(heap.first), heap.earliest);
      for (const one of all) assert.equal(one.heapIndex >= 0, model.has(one));
    }
    const order: number[] = [];
    for (let first = heap.first; first; first = heap.first) {
      order.push(first.heapDeadline);
      heap.set(first, NEVER);
    }
    assert.deepEqual(order, [...model.values()].sort((a, b) => a - b));
  }));
});
