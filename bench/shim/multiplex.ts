/** What it costs and gains that connections share an association, beside one for each of them. */
import type { Benchmark, Context } from "../benchmark.ts";
import { measureGrowth } from "./idle.ts";
import type { LoadReport, ReceiveReport, SendReport, StormReport, TimesReport } from "./load.ts";
import type { Stage } from "./stage.ts";
import { StageSet } from "./stage_set.ts";
import { keepQuantity, takeTurns } from "./turns.ts";

/** Connections at a time. */
const WIDTH = 16;

/** Bytes of a request, and of its response. */
const SIZE = 64;

/** Of the round trips of a measurement without bulk data, the part that is made beside it. */
const SHARE = 50;

/** Of the idle connections of the other measurement, the part that is opened here. */
const IDLE_SHARE = 4;

/** Connections at most that come before the association which is to be shared is up. */
const PATIENCE = 50;

const OWN = "an association each";
const SHARED = "one for all";

export const shimMultiplex: Benchmark = {
  name: "shim-multiplex",
  title: "Connections between two hosts that share an association",
  run: (context) => onStages(context, measure),
};

export const shimMultiplexIdle: Benchmark = {
  name: "shim-multiplex-idle",
  title: "Memory of a shimd for idle connections that share an association",
  run: (context) => onStages(context, measureIdle),
};

/** Stages of their own, of which one multiplexes. */
async function onStages(
  context: Context,
  run: (context: Context, stages: ReadonlyMap<string, Stage>) => Promise<void>,
): Promise<void> {
  const sets = [new StageSet(), new StageSet('multiplex = "on"')];
  try {
    const [own, shared] = [await sets[0].get(), await sets[1].get()];
    if (typeof own === "string" || typeof shared === "string") return context.note(String(own));
    await share(shared);
    await run(context, new Map([[OWN, own], [SHARED, shared]]));
  } finally {
    for (const set of sets) await set.close();
  }
}

/** Makes connections until one brings the association that later ones share. */
async function share(stage: Stage): Promise<void> {
  for (let i = 0; i < PATIENCE; i++) {
    await connections(stage, { words: ["connect", 1] });
    if ((await stage.clientShim.counters()).trunks > 0) return;
  }
  throw new Error(`no association to share after ${PATIENCE} connections`);
}

function connections(
  stage: Stage,
  { words: [what, ...rest], milliseconds }: {
    words: readonly (string | number)[];
    milliseconds?: number;
  },
) {
  return stage.play<LoadReport, StormReport>(stage.ways.carried, {
    server: (port) => ["accept", port],
    client: (address, port) => [what, address, port, ...rest],
    milliseconds,
    connections: (report) => report.connections,
  });
}

async function measure(context: Context, stages: ReadonlyMap<string, Stage>): Promise<void> {
  const rows = [...stages].map(([name, { ways }]) => ({ name, way: ways.carried }));
  const milliseconds = context.effort.bulkMilliseconds / 2;
  const rates = await takeTurns(context, rows, "connections", async ({ name }) => {
    const words = ["storm", milliseconds, WIDTH];
    const outcome = await connections(stages.get(name)!, { words, milliseconds });
    context.record("storm", { row: name, width: WIDTH, ...outcome });
    return outcome.client;
  });
  const rate = { column: "connections", unit: "a second", compared: true };
  keepQuantity(context, rates, rate, ({ connections, seconds }) => connections / seconds);
  const mixed = await takeTurns(context, rows, "requests beside bulk data", async ({ name }) => {
    const outcome = await requestBesideBulk(context, stages.get(name)!);
    context.record("beside", { row: name, size: SIZE, ...outcome });
    return outcome;
  });
  const times = { unit: "us", compared: true };
  keepQuantity(context, mixed, { column: "request p50", ...times }, ({ ping }) => ping.p50);
  keepQuantity(context, mixed, { column: "request p99", ...times }, ({ ping }) => ping.p99);
  const speed = { column: "beside bulk", unit: "MB/s", compared: true };
  keepQuantity(context, mixed, speed, ({ bulk: { bytes, seconds } }) => bytes / 1e6 / seconds);
}

/** Requests and responses of one connection while another one sends all that it can. */
async function requestBesideBulk(context: Context, { ways, load }: Stage) {
  const { carried, beside } = ways;
  const milliseconds = context.effort.bulkMilliseconds;
  const roundTrips = Math.ceil(context.effort.roundTrips / SHARE);
  const bulk = load.session<ReceiveReport, SendReport>(
    { host: carried.server, words: ["receive", carried.serverPort] },
    { host: carried.client, words: ["send", carried.address, carried.port, milliseconds] },
    milliseconds,
  );
  const ping = load.session<LoadReport, TimesReport>(
    { host: beside.server, words: ["echo", beside.serverPort] },
    { host: beside.client, words: ["ping", beside.address, beside.port, SIZE, roundTrips] },
    milliseconds,
  );
  const [{ server, client: { bytes } }, { client }] = await Promise.all([bulk, ping]);
  if (server.bytes !== bytes || server.faults > 0) throw new Error("bulk data has not arrived");
  return { bulk: server, ping: client };
}

async function measureIdle(context: Context, stages: ReadonlyMap<string, Stage>): Promise<void> {
  const count = Math.ceil(context.effort.idle / IDLE_SHARE);
  for (const [name, stage] of stages) {
    for (const { row, before, open } of await measureGrowth(context, stage, count)) {
      const each = (open - before) / count / 1024;
      const column = `${row}, ${count.toLocaleString("en-US")} connections`;
      context.keep({ row: name, column, unit: "KiB a connection", samples: [each] });
    }
  }
}
