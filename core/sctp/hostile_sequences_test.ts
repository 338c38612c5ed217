/**
 * A peer with the right tag that says whatever it likes, in plausible numbers: after each packet the
 * sums, timers and promises of `testing/invariants.ts` hold, and in the end nothing is left.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { tsn } from "./base/serial.ts";
import { Ecn } from "./packet.ts";
import { data, sack } from "./testing/chunks.ts";
import { PLAIN, Puppet } from "./testing/puppet.ts";
import { encodeAbort } from "./wire/abort.ts";
import { encodeCwr, encodeEcne } from "./wire/ecn.ts";
import { encodeHeartbeat } from "./wire/heartbeat.ts";
import { encodeShutdown, encodeShutdownAck } from "./wire/shutdown.ts";

const RUNS = Number(Deno.env.get("SHIMKIT_RUNS") ?? 400);
const SEED = Number(Deno.env.get("SHIMKIT_SEED") ?? 20_260_202);

/** What the test does next. */
type Act = (puppet: Puppet) => void;

/** An act that a report of a failure can show. */
function told(values: object, act: Act): Act {
  return Object.assign(act, { [fc.toStringMethod]: () => JSON.stringify(values) });
}

const path = fc.nat(1).map((index) => index === 0 ? {} : { from: "10.0.1.2", to: "10.0.1.1" });

const gaps = fc.array(fc.tuple(fc.nat(6), fc.nat(4)), { maxLength: 5 }).map((steps) => {
  let end = 0;
  return steps.map(([hole, length]) => {
    const start = end + 1 + hole;
    end = start + length;
    return [start, end] as const;
  });
});

/** The number of TSNs that the subject has used. */
function used({ association }: Puppet): number {
  return (association.tx.outstanding.nextTsn - association.tx.initialTsn) >>> 0;
}

const sacks = fc.record({
  /** Back from the newest TSN; negative: never sent. */
  back: fc.oneof({ arbitrary: fc.nat(12), weight: 9 }, { arbitrary: fc.constant(-1), weight: 1 }),
  gaps,
  window: fc.constantFrom(0, 500, 3000, 1 << 20),
  path,
}).map((values) =>
  told(values, (puppet) => {
    const { back, gaps, window, path } = values;
    const isForged = back < 0 && puppet.subject.now % 7 < 1;
    const cumulative = Math.max(0, used(puppet) - Math.max(back, isForged ? -1 : 0));
    puppet.sendIn(path, sack(puppet.subjectTsn + cumulative - 1, { gaps, window }));
  })
);

const datas = fc.array(
  fc.record({
    offset: fc.integer({ min: -3, max: 20 }),
    template: fc.record({
      stream: fc.nat(11),
      ssn: fc.nat(4),
      unordered: fc.boolean(),
      immediate: fc.boolean(),
      // Fragments that contradict each other end an association: most messages are whole.
      marks: fc.oneof(
        { arbitrary: fc.constant("BE" as const), weight: 60 },
        { arbitrary: fc.constantFrom("B" as const, "" as const, "E" as const), weight: 1 },
      ),
      payload: fc.constantFrom(1, 100, 1400),
    }),
  }),
  { minLength: 1, maxLength: 4 },
).chain((chunks) => fc.record({ chunks: fc.constant(chunks), path, marked: fc.boolean() })).map(
  ({ chunks, path, marked }): Act => (puppet) => {
    const next = (puppet.association.rx?.tracker.cumulative ?? 0) + 1;
    const ecn = marked ? Ecn.Ce : Ecn.NotEct;
    const list = chunks.map(({ offset, template }) => data(tsn(next + offset), template));
    puppet.sendIn({ ...path, ecn }, ...list);
  },
);

const sends = fc.record({
  length: fc.constantFrom(1, 700, 1452, 9000),
  stream: fc.nat(3),
  unordered: fc.boolean(),
}).map((values) =>
  told(values, ({ subject, association }) => {
    const { length, stream, unordered } = values;
    if (association.state !== "ESTABLISHED") return;
    subject.do((_, now) =>
      association.send(now, new Uint8Array(length), { ...PLAIN, stream, unordered })
    );
  })
);

const reads = fc.constantFrom(10, 2000, 100_000).map((room) =>
  told({ room }, (puppet) => {
    puppet.read(room);
  })
);

const waits = fc.constantFrom(1, 50, 400, 3000).map((milliseconds) =>
  told({ milliseconds }, (puppet) => {
    puppet.answerHeartbeats(puppet.wait(milliseconds));
  })
);

const others = fc.record({ which: fc.nat(6), path }).map((values) =>
  told(values, (puppet) => {
    const { which, path } = values;
    const newest = tsn(puppet.subjectTsn + used(puppet) - 1);
    const chunks = [
      encodeEcne(newest),
      encodeEcne(tsn(newest - 3)),
      encodeCwr(puppet.association.rx?.tracker.cumulative ?? tsn(0)),
      encodeHeartbeat(new Uint8Array(8)),
      encodeShutdown(tsn(newest - 2)),
      encodeShutdown(newest),
      encodeShutdownAck(),
    ];
    // A shutdown is rare, or all runs would be short.
    const index = which >= 4 && puppet.subject.now % 5 >= 1 ? 0 : which;
    puppet.sendIn(path, chunks[index]);
  })
);

const acts = fc.array(
  fc.oneof(
    { arbitrary: sacks, weight: 6 },
    { arbitrary: datas, weight: 5 },
    { arbitrary: sends, weight: 5 },
    { arbitrary: reads, weight: 2 },
    { arbitrary: waits, weight: 3 },
    { arbitrary: others, weight: 2 },
  ),
  { maxLength: 120, size: "max" },
);

Deno.test("whatever a peer says, the engine's sums and timers hold, and memory returns", () => {
  const parameters = fc.record({
    receiveBuffer: fc.constantFrom(4096, 30_000),
    partialDeliveryPoint: fc.constantFrom(1, 1 << 20),
    noDelay: fc.nat(1),
    associationMaxRetrans: fc.constantFrom(3, 50),
  });
  fc.assert(
    fc.property(acts, parameters, fc.boolean(), (list, parameters, isHigh) => {
      const puppet = new Puppet({
        addresses: ["10.0.0.1", "10.0.1.1"],
        peers: ["10.0.0.2", "10.0.1.2"],
        highNumbers: isHigh,
        listen: { parameters },
        init: { ecnCapable: true, initialTsn: tsn(isHigh ? 0xffff_fffa : 1000) },
      });
      puppet.connect();
      const { association } = puppet;
      for (const act of list) {
        if (puppet.subject.associations.length === 0) break;
        act(puppet);
      }
      if (association.state !== "CLOSED") puppet.send(encodeAbort(false, []));
      association.discardReceived();
      assert.equal(puppet.subject.endpoint.pool.liveBytes, 0);
      assert.equal(puppet.subject.nextTimeout, Infinity);
    }),
    { numRuns: RUNS, seed: SEED },
  );
});
