/** Requests and responses of an application whose connection is carried, beside TCP and a relay. */
import type { Benchmark } from "../benchmark.ts";
import type { LoadReport, TimesReport } from "./load.ts";
import { keepQuantity, takeTurns } from "./turns.ts";

/** Bytes of a request, and of its response. */
const SIZE = 64;

export const shimLatency: Benchmark = {
  name: "shim-latency",
  title: `Requests and responses of ${SIZE} bytes between two hosts, one after the other`,
  async run(context) {
    const stage = await context.stage();
    if (!stage) return;
    const { roundTrips } = context.effort;
    const { disabled, carried, relayed } = stage.ways;
    const rows = [
      { name: "direct TCP", way: disabled },
      { name: "carried", way: carried },
      { name: "socat", way: relayed },
    ];
    const results = await takeTurns(context, rows, "round trips", async ({ name, way }) => {
      const outcome = await stage.play<LoadReport, TimesReport>(way, {
        server: (port) => ["echo", port],
        client: (address, port) => ["ping", address, port, SIZE, roundTrips],
        connections: () => 1,
      });
      context.record("ping", { row: name, size: SIZE, ...outcome });
      return outcome.client;
    });
    const shown = { unit: "us", compared: true };
    keepQuantity(context, results, { column: "p50", ...shown }, ({ p50 }) => p50);
    keepQuantity(context, results, { column: "p99", ...shown }, ({ p99 }) => p99);
  },
};
