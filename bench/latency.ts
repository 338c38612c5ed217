/** Round trips of a small message between two processes, beside usrsctp in turns. */
import type { Benchmark, Context } from "./benchmark.ts";
import { pairRatios } from "./measure.ts";
import type { Peer, PingReport, ProcessReport } from "./peers/peer.ts";
import { runSession } from "./peers/session.ts";
import { USRSCTP } from "./peers/usrsctp.ts";

/** Bytes. */
const SIZE = 64;

export const latency: Benchmark = {
  name: "latency",
  title: `Round trips of ${SIZE}-byte messages over UDP on loopback, two processes`,
  async run(context) {
    const peers = await context.peers();
    const turns = new Map<string, PingReport[]>(peers.map(({ name }) => [name, []]));
    for (let i = 0; i < context.effort.turns; i++) {
      for (const peer of peers) {
        context.progress(`turn ${i + 1} of ${context.effort.turns}, ${peer.name}`);
        turns.get(peer.name)?.push(await takeTurn(context, peer));
      }
    }
    keepFigures(context, turns);
    context.note(
      "One round trip after the other; the first ones, a quarter more, are not counted.",
    );
  },
};

async function takeTurn(context: Context, peer: Peer): Promise<PingReport> {
  const { roundTrips } = context.effort;
  const { passive, active } = await runSession<ProcessReport, PingReport>(
    peer,
    (port) => ["echo", port],
    (port, peerPort) => ["ping", port, peerPort, SIZE, roundTrips],
  );
  context.record("latency", { peer: peer.name, size: SIZE, ping: active, echo: passive });
  return active;
}

function keepFigures(context: Context, turns: ReadonlyMap<string, readonly PingReport[]>): void {
  const theirs = turns.get(USRSCTP)?.map(({ p50 }) => p50);
  for (const [row, reports] of turns) {
    const p50 = reports.map((report) => report.p50);
    const p99 = reports.map((report) => report.p99);
    context.keep({ row, column: "p50", unit: "us", samples: p50 });
    context.keep({ row, column: "p99", unit: "us", samples: p99 });
    if (theirs && row !== USRSCTP) {
      const ratio = pairRatios(p50, theirs);
      context.keep({ row, column: "p50", unit: `times ${USRSCTP}`, samples: ratio });
    }
  }
}
