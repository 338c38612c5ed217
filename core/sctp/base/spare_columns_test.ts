import assert from "node:assert/strict";
import { type Columns, copyColumns, SpareColumns } from "./spare_columns.ts";

const NONE: Columns = { capacity: 0 };

function counted() {
  const made: number[] = [];
  const spares = new SpareColumns<Columns>((capacity) => {
    made.push(capacity);
    return { capacity };
  }, 64);
  return { spares, made };
}

Deno.test("a set grows by doubling from the smallest one on", () => {
  const { spares, made } = counted();
  let columns = NONE;
  for (let i = 0; i < 4; i++) columns = spares.larger(columns);
  assert.deepEqual(made, [64, 128, 256, 512]);
});

Deno.test("what was given back is used again, by those who want that capacity", () => {
  const { spares, made } = counted();
  const small = spares.larger(NONE);
  const large = spares.larger(small);
  for (const columns of [small, large]) spares.give(columns);
  assert.equal(spares.larger(NONE), small);
  assert.equal(spares.larger(small), large);
  assert.notEqual(spares.larger(NONE), small);
  assert.deepEqual(made, [64, 128, 64]);
});

Deno.test("who needed much before gets as much at once, if it is at hand", () => {
  const { spares, made } = counted();
  const large = spares.larger(spares.larger(NONE));
  spares.give(large);
  assert.equal(spares.larger(NONE, 128), large);
  assert.equal(spares.larger(NONE, 128).capacity, 64, "nothing large is made for it");
  assert.equal(spares.larger(large, 128).capacity, 256, "nor is anything too small given");
  assert.deepEqual(made, [64, 128, 64, 256]);
});

Deno.test("no more is kept than 32,768 records of a capacity, and nothing for none", () => {
  const { spares, made } = counted();
  const taken = Array.from({ length: 600 }, () => spares.larger(NONE));
  for (const columns of [NONE, ...taken]) spares.give(columns);
  made.length = 0;
  for (let i = 0; i < 600; i++) spares.larger(NONE);
  assert.equal(made.length, 600 - 32_768 / 64);
});

Deno.test("records keep their index in a larger set, in every column", () => {
  const make = (capacity: number) => ({
    capacity,
    small: new Uint8Array(capacity),
    exact: new Float64Array(capacity),
  });
  const [source, target] = [make(2), make(4)];
  source.small.set([1, 2]);
  source.exact.set([0.5, Infinity]);
  copyColumns(target, source);
  assert.deepEqual([...target.small], [1, 2, 0, 0]);
  assert.deepEqual([...target.exact], [0.5, Infinity, 0, 0]);
  assert.equal(target.capacity, 4);
});
