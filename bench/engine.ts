/** The engine without a kernel: packets a second through two of them in one process. */
import type { Benchmark, Context } from "./benchmark.ts";
import { DirectPair, type EnginePair, LossyPair } from "./engine_pair.ts";
import { describeSize } from "./sizes.ts";

const SIZES = [64, 1024, 64 * 1024];
/** The most messages a sample, so that small ones do not take longer than large ones. */
const MESSAGES = 200_000;
const LOSS = 0.01;
/** Milliseconds one way. */
const DELAY = 1;

export const engine: Benchmark = {
  name: "engine",
  title: "Two engines in one process: both ends, checksums included",
  run(context) {
    const { seed } = context;
    for (const size of SIZES) measure(context, "joined in memory", size, new DirectPair(seed));
    for (const size of SIZES) {
      measure(
        context,
        `simulated link, ${LOSS * 100} % loss`,
        size,
        new LossyPair(seed, LOSS, DELAY),
      );
    }
    context.note("Packets are those of both directions. The simulated link adds its own work.");
  },
};

function measure(context: Context, row: string, size: number, pair: EnginePair): void {
  const { samples, engineBytes } = context.effort;
  const messages = Math.min(MESSAGES, Math.ceil(engineBytes / size));
  const perPacket: number[] = [];
  const throughput: number[] = [];
  pair.transfer(size, messages);
  for (let i = 0; i < samples; i++) {
    const packets = pair.packets;
    const start = performance.now();
    pair.transfer(size, messages);
    const milliseconds = performance.now() - start;
    perPacket.push(milliseconds * 1e6 / (pair.packets - packets));
    throughput.push(messages * size / 1000 / milliseconds);
  }
  const column = describeSize(size);
  context.keep({ row, column, unit: "ns a packet", samples: perPacket });
  context.keep({ row, column, unit: "MB/s", samples: throughput });
}
