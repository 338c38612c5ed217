/** What a carried connection costs while nothing is said: memory of the shimds, and whether it comes back. */
import type { Benchmark, Context } from "../benchmark.ts";
import type { Child } from "../../core/net/child.ts";
import type { Stage } from "./stage.ts";
import { StageSet } from "./stage_set.ts";
import type { Way } from "./ways.ts";

/** Connections that come and go first: code is compiled, and what the start has left is collected. */
const FIRST = 300;

/** Milliseconds after which a shimd that is left alone has collected its garbage. */
const SETTLED = 8000;

/** Milliseconds between two looks whether all connections are gone. */
const LOOK_EVERY = 500;

/** Descriptors that a shimd may open after its start for other things, such as the runtime's caches. */
const OPENED_LATER = 32;

export const shimIdle: Benchmark = {
  name: "shim-idle",
  title: "Memory of a shimd for connections that it carries and that are idle",
  async run(context) {
    // Daemons that no other measurement has made grow.
    const set = new StageSet();
    try {
      const stage = await set.get();
      if (typeof stage === "string") context.note(stage);
      else await measure(context, stage);
    } finally {
      await set.close();
    }
  },
};

async function measure(context: Context, stage: Stage): Promise<void> {
  const count = context.effort.idle;
  const column = `${count.toLocaleString("en-US")} connections`;
  for (const { row, before, open, after } of await measureGrowth(context, stage, count)) {
    const each = (open - before) / count / 1024;
    context.keep({ row, column, unit: "KiB a connection", samples: [each] });
    const left = (after - before) / 1024 / 1024;
    context.keep({ row, column, unit: "MiB left", samples: [left] });
  }
  context.note(
    `Growth of the resident set since ${FIRST} connections came and went; what is left once all closed.`,
  );
}

/** Bytes of a shimd that are in memory. */
export interface Growth {
  /** The host that it runs on. */
  readonly row: string;
  readonly before: number;
  /** While all connections are open, and once they are gone. */
  readonly open: number;
  readonly after: number;
}

/**
 * Opens so many connections and closes them again.
 * @throws Error if not all of them were carried.
 */
export async function measureGrowth(
  context: Context,
  stage: Stage,
  count: number,
): Promise<readonly Growth[]> {
  const shims = [
    { row: "client", shim: stage.clientShim },
    { row: "server", shim: stage.serverShim },
  ];
  const sizes = () => shims.map(({ shim }) => shim.residentBytes);
  const descriptors = shims.map(({ shim }) => shim.descriptors);
  const settled = async () => {
    for (const [index, { shim }] of shims.entries()) {
      while (shim.descriptors > descriptors[index] + OPENED_LATER) await pause(LOOK_EVERY);
    }
    await pause(SETTLED);
  };
  await (await Crowd.gather(stage, stage.ways.carried, FIRST)).leave();
  await settled();
  const before = sizes();
  const carriedBefore = (await stage.clientShim.counters()).carried;
  context.progress(`opening ${count} connections`);
  const crowd = await Crowd.gather(stage, stage.ways.carried, count);
  await pause(SETTLED);
  const open = sizes();
  context.progress("closing them");
  await crowd.leave();
  await settled();
  const after = sizes();
  const carried = (await stage.clientShim.counters()).carried - carriedBefore;
  if (carried !== count) throw new Error(`of ${count} connections ${carried} were carried`);
  return shims.map(({ row }, index) => {
    const growth = { row, before: before[index], open: open[index], after: after[index] };
    context.record("idle", { count, ...growth });
    return growth;
  });
}

/** Clients and their server, all connected, saying nothing. */
class Crowd {
  private constructor(private readonly server: Child, private readonly clients: Child) {}

  static async gather({ load }: Stage, way: Way, count: number): Promise<Crowd> {
    const server = load.start({ host: way.server, words: ["hold", way.serverPort] });
    await server.line(/^ready$/);
    const words = ["crowd", way.address, way.port, count];
    const clients = load.start({ host: way.client, words });
    await clients.line(/^open$/);
    return new Crowd(server, clients);
  }

  async leave(): Promise<void> {
    await this.clients.end();
    await this.server.end();
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
