/**
 * A thousand seeded runs of two endpoints over bad networks. A failure names its seed. To see it again:
 * `SHIMKIT_SEED=123 deno test -A core/sim/association_runs_test.ts`; with `SHIMKIT_TRACE=1` it prints
 * each packet, with `SHIMKIT_CAPTURE=run.pcapng` it writes a capture.
 */
import assert from "node:assert/strict";
import { PcapngRecorder } from "./pcapng.ts";
import { PacketTrace } from "./trace.ts";
import { runAssociation, type RunOutcome } from "./testing/association_run.ts";

const RUNS = 1000;
const RUNS_A_TEST = 100;
/** Failures that a report spells out. */
const SHOWN = 3;

const onlySeed = Deno.env.get("SHIMKIT_SEED");
function runSeeds(first: number, count: number): void {
  const failures: string[] = [];
  const seeds: number[] = [];
  const outcomes: RunOutcome[] = [];
  for (let seed = first; seed < first + count; seed++) {
    try {
      outcomes.push(runAssociation(seed));
    } catch (error) {
      seeds.push(seed);
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  const report = failures.slice(0, SHOWN).join("\n\n");
  assert.equal(failures.length, 0, `${count} runs, failed seeds: ${seeds.join(", ")}\n${report}`);
  const delivered = outcomes.filter((outcome) => outcome.delivered).length;
  assert.ok(delivered >= 0.85 * count, `only ${delivered} of ${count} runs delivered everything`);
}

/** One run, watched. */
function runSeed(seed: number): void {
  const path = Deno.env.get("SHIMKIT_CAPTURE");
  const recorder = new PcapngRecorder();
  const trace = new PacketTrace((line) => console.log(line));
  const observer = path ? recorder : Deno.env.get("SHIMKIT_TRACE") ? trace : undefined;
  try {
    console.log(runAssociation(seed, observer));
  } finally {
    if (path) Deno.writeFileSync(path, recorder.toBytes());
  }
}

if (onlySeed !== undefined) {
  Deno.test(`the run of seed ${onlySeed} delivers everything once or ends with the right error`, () =>
    runSeed(Number(onlySeed)));
} else {
  for (let first = 0; first < RUNS; first += RUNS_A_TEST) {
    const last = first + RUNS_A_TEST - 1;
    Deno.test(
      `runs ${first} to ${last} deliver everything once, in order, or end with the right error`,
      () => runSeeds(first, RUNS_A_TEST),
    );
  }
}
