import assert from "node:assert/strict";
import { Lateness } from "./lateness.ts";

Deno.test("lateness is reported in microseconds, the rare case apart from the usual one", () => {
  const lateness = new Lateness();
  assert.deepEqual(lateness.report(), { mean: 0, p99: 0, most: 0 });
  for (let i = 0; i < 990; i++) lateness.note(0.1);
  for (let i = 0; i < 10; i++) lateness.note(5);
  const { mean, p99, most } = lateness.report();
  assert.ok(Math.abs(mean - (990 * 100 + 10 * 5000) / 1000) < 1e-6);
  assert.ok(p99 >= 100 && p99 < 256, `${p99}`);
  assert.equal(most, 5000);
});
