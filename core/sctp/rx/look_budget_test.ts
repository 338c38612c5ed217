import assert from "node:assert/strict";
import { LookBudget } from "./look_budget.ts";
import { StreamOrder } from "./stream_order.ts";

/** How often so many looks are granted for as many packets. */
function granted(budget: Pick<LookBudget, "spend">, looks: number, packets: number): number {
  return Array.from({ length: packets }).filter(() => budget.spend(looks)).length;
}

Deno.test("a packet has a few looks; more are paid for by what comes, or have to wait", () => {
  const budget = new LookBudget();
  assert.equal(granted(budget, 100, 50), 50);
  assert.ok(granted(new LookBudget(), 20_000, 100) <= 11);
  const paid = new LookBudget();
  for (let i = 0; i < 20_000; i++) paid.earn();
  assert.ok(granted(paid, 20_000, 20) >= 8);
});

Deno.test("what was saved up has a bound", () => {
  const budget = new LookBudget();
  for (let i = 0; i < 1_000_000; i++) budget.earn();
  assert.ok(granted(budget, 100_000, 40) <= 12);
});

Deno.test("skipping is free while nothing waits, and costs no more than what waits or is skipped", () => {
  const order = new StreamOrder(1);
  const spend = (messages: number, streams: number) => ({
    spend: () => order.maySkip(messages, streams),
  });
  assert.equal(granted(spend(65_000, 60_000), 0, 100), 100);
  for (let ssn = 1; ssn <= 10_000; ssn++) order.wait(3, ssn, ssn);
  assert.equal(granted(spend(10, 5), 0, 100), 100);
  const many = granted(spend(30_000, 3), 0, 100);
  assert.ok(many >= 2 && many < 20, `${many} times`);
});
