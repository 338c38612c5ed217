import assert from "node:assert/strict";
import fc from "fast-check";
import { NumberQueue } from "./number_queue.ts";

Deno.test("a queue returns numbers in the order in which they came, through growth and wrap", () => {
  const step = fc.option(fc.nat(0xffff_ffff), { nil: undefined, freq: 2 });
  fc.assert(fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
    const queue = new NumberQueue();
    const model: number[] = [];
    for (const value of steps) {
      if (value === undefined) {
        assert.equal(queue.shift(), model.shift() ?? 0);
      } else {
        queue.push(value);
        model.push(value);
      }
      assert.equal(queue.length, model.length);
      model.forEach((one, i) => assert.equal(queue.at(i), one));
    }
  }));
});

Deno.test("the oldest number can be exchanged in place", () => {
  const queue = new NumberQueue();
  queue.push(1);
  queue.push(2);
  queue.replaceFirst(9);
  assert.equal(queue.shift(), 9);
  assert.equal(queue.shift(), 2);
  queue.push(3);
  queue.clear();
  assert.equal(queue.length, 0);
});
