/** What connect() takes, where no shim runs, where one leaves a connection alone, and where it acts. */
import type { Benchmark, Context } from "../benchmark.ts";
import type { LoadReport, StormReport, TimesReport } from "./load.ts";
import type { Stage } from "./stage.ts";
import { keepQuantity, takeTurns } from "./turns.ts";

/** Connections at a time. */
const WIDTH = 16;

export const shimConnect: Benchmark = {
  name: "shim-connect",
  title: "Duration of connect() between two hosts, one after the other",
  async run(context) {
    const stage = await context.stage();
    if (stage) await measureLatency(context, stage);
  },
};

export const shimRate: Benchmark = {
  name: "shim-rate",
  title: `Connections between two hosts, made and closed, ${WIDTH} at a time`,
  async run(context) {
    const stage = await context.stage();
    if (stage) await measureRate(context, stage);
  },
};

async function measureLatency(context: Context, stage: Stage): Promise<void> {
  const { connects } = context.effort;
  const { bare, tracked, disabled, unavailable, carried } = stage.ways;
  const rows = [
    { name: "no shimd", way: bare },
    { name: "no shimd, conntrack", way: tracked },
    { name: "disabled by rule", way: disabled },
    { name: "cached no", way: unavailable },
    { name: "carried", way: carried },
  ];
  const results = await takeTurns(context, rows, "connect()", async ({ name, way }) => {
    const outcome = await stage.play<LoadReport, TimesReport>(way, {
      server: (port) => ["accept", port],
      client: (address, port) => ["connect", address, port, connects],
      connections: (report) => report.connections,
    });
    context.record("connect", { row: name, ...outcome });
    return outcome.client;
  });
  const shown = { unit: "us", compared: true };
  keepQuantity(context, results, { column: "p50", ...shown }, ({ p50 }) => p50);
  keepQuantity(context, results, { column: "p99", ...shown }, ({ p99 }) => p99);
  context.note("Conntrack: the kernel keeps track of connections, as for any stateful firewall.");
}

async function measureRate(context: Context, stage: Stage): Promise<void> {
  const milliseconds = context.effort.bulkMilliseconds;
  const { disabled, carried } = stage.ways;
  const rows = [{ name: "direct TCP", way: disabled }, { name: "carried", way: carried }];
  const results = await takeTurns(context, rows, "connections", async ({ name, way }) => {
    const outcome = await stage.play<LoadReport, StormReport>(way, {
      server: (port) => ["accept", port],
      client: (address, port) => ["storm", address, port, milliseconds, WIDTH],
      milliseconds,
      connections: (report) => report.connections,
    });
    context.record("storm", { row: name, width: WIDTH, ...outcome });
    return outcome.client;
  });
  const shown = { column: "connections", unit: "a second", compared: true };
  keepQuantity(context, results, shown, ({ connections, seconds }) => connections / seconds);
}
