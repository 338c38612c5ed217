import assert from "node:assert/strict";
import { needs } from "../../core/net/testing/requirements.ts";
import type { Benchmark, Context, Effort, Figure } from "../benchmark.ts";
import { shimBulk } from "./bulk.ts";
import { shimConnect, shimRate } from "./connect.ts";
import { shimIdle } from "./idle.ts";
import { shimLatency } from "./latency.ts";
import { shimMultiplex } from "./multiplex.ts";
import type { Stage } from "./stage.ts";
import { StageSet } from "./stage_set.ts";

const TINY: Effort = {
  samples: 1,
  sampleMilliseconds: 1,
  engineBytes: 1,
  turns: 1,
  bulkMilliseconds: 100,
  roundTrips: 10,
  connects: 4,
  idle: 300,
};

/** Of few connections a collection hides the cost, and what is left can be less than nothing. */
const MAY_SHRINK = ["KiB a connection", "MiB left"];

/** Runs a benchmark; returns its figures as "row, column, unit", and its records. */
async function run(benchmark: Benchmark, stage?: Stage) {
  const figures: Figure[] = [];
  const records: Readonly<Record<string, unknown>>[] = [];
  const context: Context = {
    effort: TINY,
    seed: 1,
    peers: () => Promise.resolve([]),
    stage: () => Promise.resolve(stage),
    keep: (figure) => figures.push(figure),
    record: (kind, data) => records.push({ kind, ...data }),
    note: () => {},
    progress: () => {},
  };
  await benchmark.run(context);
  for (const { row, samples, unit } of figures) {
    const least = MAY_SHRINK.includes(unit) ? -Infinity : 0;
    assert.ok(samples.every((value) => value > least && value < Infinity), `${row}: ${samples}`);
  }
  return { names: figures.map(({ row, column, unit }) => `${row}, ${column}, ${unit}`), records };
}

const NEEDS = [
  "linux",
  "ffi",
  "root",
  "netns",
  "nft",
  "iptables",
  "gcc",
  "ethtool",
  "socat",
] as const;

Deno.test(needs(
  NEEDS,
  "the shim is measured beside TCP and a relay, and every connection goes the way of its row",
  async () => {
    const set = new StageSet();
    try {
      const stage = await set.get();
      if (typeof stage === "string") throw new Error(stage);
      const connects = await run(shimConnect, stage);
      for (const row of ["no shimd", "disabled by rule", "cached no", "carried"]) {
        for (const column of ["p50", "p99"]) {
          assert.ok(connects.names.includes(`${row}, ${column}, us`), `${row}, ${column}`);
        }
      }
      assert.ok(connects.names.includes("carried, p50, times no shimd"));
      const rates = await run(shimRate, stage);
      assert.ok(rates.names.includes("carried, connections, times direct TCP"));
      const pings = await run(shimLatency, stage);
      for (const row of ["carried", "socat"]) {
        assert.ok(pings.names.includes(`${row}, p99, times direct TCP`), row);
      }
      const transfers = await run(shimBulk, stage);
      for (const offload of ["on", "off"]) {
        for (const unit of ["MB/s", "CPU s/GB"]) {
          assert.ok(transfers.names.includes(`carried, offload ${offload}, ${unit}`), offload);
        }
      }
      assert.equal(transfers.records.length, 12, "three ways, two links, a warm-up and a turn");
    } finally {
      await set.close();
    }
  },
));

Deno.test(
  needs(
    NEEDS,
    "the memory of idle connections is measured while both shims carry them",
    async () => {
      const { names, records } = await run(shimIdle);
      assert.deepEqual(
        names,
        ["client", "server"].flatMap((row) =>
          MAY_SHRINK.map((unit) => `${row}, 300 connections, ${unit}`)
        ),
      );
      assert.deepEqual(records.map(({ count }) => count), [TINY.idle, TINY.idle]);
    },
  ),
);

Deno.test(
  needs(
    NEEDS,
    "connections that share an association are measured beside those that do not",
    async () => {
      const { names, records } = await run(shimMultiplex);
      for (const column of ["connections, ", "request p50, ", "request p99, ", "beside bulk, "]) {
        const compared = `one for all, ${column}times an association each`;
        assert.ok(names.includes(compared), `${compared} in ${names}`);
      }
      assert.equal(records.length, 8, "two rows, two measurements, a warm-up and a turn");
    },
  ),
);
