import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { needs } from "../core/net/testing/requirements.ts";
import type { Benchmark, Context, Effort, Figure } from "./benchmark.ts";
import { bulk } from "./bulk.ts";
import { checksum } from "./checksum.ts";
import { engine } from "./engine.ts";
import { latency } from "./latency.ts";
import { PeerSet } from "./peers/peer_set.ts";
import { USRSCTP } from "./peers/usrsctp.ts";
import { wire } from "./wire.ts";

const TINY: Effort = {
  samples: 2,
  sampleMilliseconds: 0.1,
  engineBytes: 128 * 1024,
  turns: 1,
  bulkMilliseconds: 50,
  roundTrips: 10,
  connects: 8,
  idle: 300,
};

/** Runs a benchmark; returns its figures, and its records by kind. */
async function run(benchmark: Benchmark) {
  const figures: Figure[] = [];
  const records: Record<string, unknown>[] = [];
  const peers = new PeerSet();
  const context: Context = {
    effort: TINY,
    seed: 1,
    peers: async () => (await peers.all()).peers,
    stage: () => Promise.resolve(undefined),
    keep: (figure) => figures.push(figure),
    record: (kind, data) => records.push({ kind, ...data }),
    note: () => {},
    progress: () => {},
  };
  try {
    await benchmark.run(context);
  } finally {
    await peers.close();
  }
  return { figures, records };
}

function assertSane(figures: readonly Figure[], samples: number): void {
  for (const figure of figures) {
    assert.equal(figure.samples.length, samples, JSON.stringify(figure));
    assert.ok(figure.samples.every((value) => value > 0 && value < Infinity), figure.row);
  }
}

function hasFigure(figures: readonly Figure[], row: string, column: string, unit: string): boolean {
  return figures.some((each) => each.row === row && each.column === column && each.unit === unit);
}

Deno.test("every kind of checksum is measured at every length", async () => {
  const { figures } = await run(checksum);
  assertSane(figures, TINY.samples);
  assert.ok(hasFigure(figures, "scalar", "1,448 bytes", "GB/s"));
  assert.equal(figures.length % 4, 0);
});

Deno.test("encoding and decoding are measured for each chunk", async () => {
  const { figures } = await run(wire);
  assertSane(figures, TINY.samples);
  assert.equal(figures.length, 8);
});

Deno.test("the engine is measured with and without loss", async () => {
  const { figures } = await run(engine);
  assertSane(figures, TINY.samples);
  for (const row of ["joined in memory", "simulated link, 1 % loss"]) {
    for (const column of ["64 B", "1 KiB", "64 KiB"]) {
      assert.ok(hasFigure(figures, row, column, "ns a packet"), `${row} ${column}`);
      assert.ok(hasFigure(figures, row, column, "MB/s"), `${row} ${column}`);
    }
  }
});

Deno.test(
  needs(["linux", "ffi"], "bulk transfer gives speed and CPU time of each way", async () => {
    const { figures, records } = await run(bulk);
    assertSane(figures, TINY.turns);
    for (const row of ["shimkit, sockets", "shimkit, blocking loop"]) {
      for (const column of ["1 KiB", "64 KiB"]) {
        assert.ok(hasFigure(figures, row, column, "MB/s"), `${row} ${column}`);
        assert.ok(hasFigure(figures, row, column, "CPU s/GB"), `${row} ${column}`);
      }
    }
    assert.ok(records.every(({ sender, receiver }) => sender && receiver));
  }),
);

Deno.test(needs(["linux", "ffi"], "round trips give two quantiles of each way", async () => {
  const { figures } = await run(latency);
  assertSane(figures, TINY.turns);
  for (const row of ["shimkit, sockets", "shimkit, blocking loop"]) {
    assert.ok(hasFigure(figures, row, "p50", "us"), row);
    assert.ok(hasFigure(figures, row, "p99", "us"), row);
  }
}));

Deno.test(needs(["linux", "ffi", "usrsctp-dev"], "usrsctp is compared with", async () => {
  const { figures } = await run(bulk);
  for (const column of ["1 KiB", "64 KiB"]) {
    assert.ok(hasFigure(figures, USRSCTP, column, "MB/s"), column);
    assert.ok(hasFigure(figures, "shimkit, sockets", column, `times ${USRSCTP}`), column);
  }
}));

async function runMain(...args: string[]): Promise<{ code: number; text: string; errors: string }> {
  const main = fileURLToPath(new URL("main.ts", import.meta.url));
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", main, ...args],
    env: { NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout), errors: decoder.decode(stderr) };
}

Deno.test("the command prints a table and keeps the raw data where it says", async () => {
  const out = await Deno.makeTempDir();
  try {
    const { code, text } = await runMain("--quick", "--only", "crc32c", "--out", out);
    assert.equal(code, 0);
    assert.match(text, /scalar +\d/);
    const path = /raw data: (.*)/.exec(text)?.[1] ?? "";
    assert.ok(path.startsWith(out));
    const entries = (await Deno.readTextFile(path)).trim().split("\n").map((line) =>
      JSON.parse(line)
    );
    assert.equal(entries[0].kind, "run");
    assert.ok(entries[0].kernel && entries[0].cpu && entries[0].date && entries[0].deno);
    assert.ok(entries.slice(1).every(({ kind, samples }) => kind === "figure" && samples.length));
  } finally {
    await Deno.remove(out, { recursive: true });
  }
});

Deno.test("with --json every line of the output is JSON", async () => {
  const out = await Deno.makeTempDir();
  try {
    const { text } = await runMain("--quick", "--json", "--only=crc32c", "--out", out);
    assert.ok(text.trim().split("\n").map((line) => JSON.parse(line)).length > 4);
  } finally {
    await Deno.remove(out, { recursive: true });
  }
});

Deno.test("an unknown benchmark is a usage error that names those there are", async () => {
  const { code, errors } = await runMain("--only", "nonsense");
  assert.equal(code, 2);
  assert.match(errors, /crc32c,wire,engine,bulk,latency,shim-\S*, not nonsense/);
});
