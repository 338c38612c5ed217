import assert from "node:assert/strict";
import { SMALLEST_WINDOW } from "./trunk_message.ts";
import { WindowBudget } from "./window_budget.ts";

const MIB = 1 << 20;

Deno.test("windows shrink as they are given away, to the smallest, and then there is none", () => {
  const budget = new WindowBudget(256 * MIB);
  const windows: number[] = [];
  for (let window = budget.take(2 * MIB); window > 0; window = budget.take(2 * MIB)) {
    windows.push(window);
  }
  assert.equal(windows[0], 2 * MIB);
  assert.equal(windows.at(-1), SMALLEST_WINDOW);
  assert.ok(windows.every((window, i) => i === 0 || window <= windows[i - 1]));
  const all = windows.reduce((sum, window) => sum + window, 0);
  assert.ok(all <= 256 * MIB && all > 256 * MIB - SMALLEST_WINDOW, `${all}`);
  budget.give(windows[0]);
  assert.equal(budget.take(2 * MIB), SMALLEST_WINDOW, "what is given back can be had again");
});
