/** Packets that are written in a row are those that would have been written one by one. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { iData, sack } from "../testing/chunks.ts";
import { Puppet } from "../testing/puppet.ts";
import type { SentPacket } from "../testing/sent_packet.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { STREAM_SCHEDULERS, type StreamSchedulerName } from "./stream_scheduler.ts";

/** One thing that happens to the sender. */
type Step =
  | { kind: "message"; size: number; stream: number; unordered: boolean; immediate: boolean }
  /** Some of what is outstanding arrives, perhaps with a gap behind it. */
  | { kind: "sack"; share: number; gap: boolean; window: number }
  | { kind: "data" }
  | { kind: "wait"; milliseconds: number };

const STEP: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("message" as const),
      size: fc.oneof(fc.integer({ min: 1, max: 4000 }), fc.integer({ min: 4000, max: 150_000 })),
      stream: fc.nat(2),
      unordered: fc.boolean(),
      immediate: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant("sack" as const),
      share: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
      gap: fc.boolean(),
      window: fc.oneof(fc.constant(200_000), fc.nat(20_000)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("data" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("wait" as const),
      milliseconds: fc.integer({ min: 1, max: 3000 }),
    }),
  },
);

const SCHEDULER = fc.constantFrom(...Object.keys(STREAM_SCHEDULERS) as StreamSchedulerName[]);

/** What happens to a sender, and what kind of one it is. */
interface Play {
  readonly steps: readonly Step[];
  readonly scheduler: StreamSchedulerName;
  readonly interleaves: boolean;
}

const PLAY: fc.Arbitrary<Play> = fc.record({
  steps: fc.array(STEP, { minLength: 5, maxLength: 40 }),
  scheduler: SCHEDULER,
  interleaves: fc.boolean(),
});

const INTERLEAVING = { interleaving: 1, fragmentInterleave: 2 };

/** What a sender writes, packet by packet, whose batch takes so many. */
function play({ steps, scheduler, interleaves }: Play, batchPackets: number) {
  const parameters = { noDelay: 1, sendBuffer: 1 << 20, ...(interleaves ? INTERLEAVING : {}) };
  const init = interleaves ? { supportedExtensions: [ChunkType.IData] } : {};
  const puppet = new Puppet({ parameters, init, batchPackets });
  puppet.connect();
  const { association } = puppet;
  association.setStreamScheduler(scheduler);
  const packets: SentPacket[] = [];
  for (const step of steps) packets.push(...take(puppet, step));
  return packets.map(({ at, bytes }) => `${at} ${bytes.toHex()}`);
}

function take(puppet: Puppet, step: Step): SentPacket[] {
  const { association } = puppet;
  switch (step.kind) {
    case "message":
      if (association.bufferedBytes + step.size > 1 << 20) return [];
      return puppet.submit(step.size, step);
    case "sack": {
      const { outstanding } = association.tx;
      const acked = Math.floor(outstanding.count * step.share);
      const cumulative = outstanding.firstTsn + acked - 1;
      const gaps = step.gap && outstanding.count > acked + 2 ? [[2, 2]] as [number, number][] : [];
      return puppet.send(sack(cumulative, { gaps, window: step.window }));
    }
    case "data":
      return association.interleaves
        ? puppet.send(iData(puppet.nextTsn++, { mid: puppet.nextTsn, unordered: true }))
        : puppet.data({ ssn: 0, unordered: true });
    case "wait":
      return puppet.wait(step.milliseconds);
  }
}

Deno.test("packets written in a row are those that would have been written one by one", () => {
  fc.assert(
    fc.property(PLAY, (one) => assert.deepEqual(play(one, 256), play(one, 1))),
    { numRuns: 400 },
  );
});
