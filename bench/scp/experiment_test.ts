import assert from "node:assert/strict";
import { linkOf, planOf, QUICK, runsOf, type ScpSettings, THESIS } from "./experiment.ts";

const QUICK_GRID: ScpSettings = { ...THESIS, ...QUICK };

Deno.test("the thesis's grid has 90 runs of its smallest file and 30 of the others, for each subject and loss", () => {
  const plan = planOf(THESIS);
  for (const [bytes, runs] of [[50_000, 90], [500_000, 30], [25_000_000, 30]]) {
    const cell = plan.filter((one) =>
      one.subject === "shim" && one.bytes === bytes && one.loss === 0.03
    );
    assert.deepEqual(cell.map(({ run }) => run), Array.from({ length: runs }, (_, i) => i));
  }
  assert.equal(plan.length, 4 * 5 * (90 + 3 * 30));
});

Deno.test("every subject of a run has the same luck, no two runs have", () => {
  const bySeed = new Map<number, string[]>();
  for (const { seed, subject } of planOf(THESIS)) {
    bySeed.set(seed, [...bySeed.get(seed) ?? [], subject]);
  }
  assert.equal(bySeed.size, 5 * (90 + 3 * 30));
  for (const subjects of bySeed.values()) assert.deepEqual(subjects, THESIS.subjects);
});

Deno.test("each cell has a run before any has its second", () => {
  const plan = planOf(QUICK_GRID);
  const cells = 4 * 3 * 2;
  assert.ok(plan.slice(0, cells).every(({ run }) => run === 0));
  assert.ok(plan.slice(cells).every(({ run }) => run > 0));
  assert.equal(runsOf(QUICK_GRID, 500_000), 3);
});

Deno.test("a cell's link loses in both directions", () => {
  const { forward, backward } = linkOf(THESIS, 0.06);
  assert.deepEqual(forward, { rate: 1.5e6, delay: 35, queuePackets: 50, loss: 0.06 });
  assert.deepEqual(backward, forward);
});
