import assert from "node:assert/strict";
import { SeededRandom, uniform } from "./random.ts";

Deno.test("a seed gives the same numbers again, another seed others", () => {
  const draw = (seed: number) => {
    const random = new SeededRandom(seed);
    return Array.from({ length: 20 }, () => random.uint32());
  };
  assert.deepEqual(draw(7), draw(7));
  assert.notDeepEqual(draw(7), draw(8));
  for (const value of draw(0)) assert.ok(Number.isInteger(value) && value >= 0 && value < 2 ** 32);
});

Deno.test("uniform numbers fill the interval from 0 to 1", () => {
  const random = new SeededRandom(3);
  const buckets = new Array(10).fill(0);
  for (let i = 0; i < 10_000; i++) buckets[Math.floor(uniform(random) * 10)]++;
  for (const count of buckets) assert.ok(count > 800 && count < 1200, String(count));
});
