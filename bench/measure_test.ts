import assert from "node:assert/strict";
import { distribution, nanosecondsEach, pairRatios, quantile } from "./measure.ts";

Deno.test("the median of an even number of samples lies between the two in the middle", () => {
  assert.deepEqual(distribution([4, 1, 3, 2]), { minimum: 1, median: 2.5, maximum: 4 });
});

Deno.test("a quantile is the sample at its share of the way", () => {
  const sorted = Array.from({ length: 101 }, (_, i) => i);
  assert.equal(quantile(sorted, 0.99), 99);
  assert.equal(quantile([7], 0.99), 7);
});

Deno.test("ratios pair the samples in the order in which they were taken", () => {
  assert.deepEqual(pairRatios([4, 9], [2, 3]), [2, 3]);
});

Deno.test("an operation is told how often to run, and each sample is the time of one", () => {
  let total = 0;
  const samples = nanosecondsEach((count) => {
    total += count;
    return count;
  }, { samples: 3, sampleMilliseconds: 0.01 });
  assert.equal(samples.length, 3);
  assert.ok(total >= 16 + 3);
});

Deno.test("no samples have no distribution", () => {
  assert.throws(() => distribution([]), RangeError);
});
