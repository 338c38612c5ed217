/**
 * Lists of commands against two associations over a wire that loses, delays and doubles packets,
 * compared with a naive model of what arrives. fast-check prints seed and path of a failure, and the
 * shortest list that still fails; `SHIMKIT_SEED` and `SHIMKIT_RUNS` choose other runs.
 */
import fc from "fast-check";
import type { HmacId } from "./wire/auth.ts";
import { LISTABLE_CHUNKS } from "./wire/auth_parameters.ts";
import { ChunkType } from "./wire/chunk_type.ts";
import type { Parameters } from "./parameters.ts";
import type { PartialReliability } from "./tx/partial_reliability.ts";
import { STREAM_SCHEDULERS, type StreamSchedulerName } from "./tx/stream_scheduler.ts";
import { type Command, type FuzzPlan, FuzzRun, type Weather } from "./testing/fuzz_run.ts";

const RUNS = Number(Deno.env.get("SHIMKIT_RUNS") ?? 400);
const SEED = Number(Deno.env.get("SHIMKIT_SEED") ?? 20_260_101);

const side = fc.constantFrom("a" as const, "b" as const);

const weather: fc.Arbitrary<Weather> = fc.record({
  loss: fc.constantFrom(0, 0, 0.05, 0.2, 0.5),
  duplicates: fc.constantFrom(0, 0, 0.1, 0.5),
  delay: fc.constantFrom(1, 10, 150),
  jitter: fc.constantFrom(0, 0, 5, 300, 20_000),
  cut: fc.subarray([0, 1]),
});

const send: fc.Arbitrary<Command> = fc.record({
  kind: fc.constant("send" as const),
  side,
  stream: fc.nat(3),
  length: fc.oneof(
    fc.integer({ min: 1, max: 300 }),
    fc.integer({ min: 1, max: 9000 }),
    fc.integer({ min: 1, max: 70_000 }),
  ),
  unordered: fc.boolean(),
  immediate: fc.boolean(),
  reliability: fc.option(
    fc.oneof<fc.Arbitrary<PartialReliability>[]>(
      fc.record({
        policy: fc.constant("ttl"),
        value: fc.constantFrom(1, 50, 400, 2000, 30_000),
      }),
      fc.record({ policy: fc.constantFrom("rtx", "prio"), value: fc.nat(3) }),
    ),
    { nil: undefined },
  ),
  over: fc.option(fc.nat(3), { nil: undefined, freq: 4 }),
  key: fc.option(fc.constantFrom(1, 2), { nil: undefined, freq: 4 }),
});

const usual: fc.Arbitrary<Command> = fc.oneof(
  { arbitrary: send, weight: 8 },
  {
    arbitrary: fc.record({
      kind: fc.constant("read" as const),
      side,
      room: fc.constantFrom(1, 100, 5000, 100_000),
    }),
    weight: 5,
  },
  {
    arbitrary: fc.record({
      kind: fc.constant("wait" as const),
      milliseconds: fc.constantFrom(1, 20, 300, 1500, 8000),
    }),
    weight: 5,
  },
  { arbitrary: weather.map((weather) => ({ kind: "weather" as const, weather })), weight: 3 },
  {
    arbitrary: fc.record({
      kind: fc.constant("schedule" as const),
      side,
      scheduler: fc.constantFrom(...Object.keys(STREAM_SCHEDULERS) as StreamSchedulerName[]),
    }),
    weight: 1,
  },
  {
    arbitrary: fc.record({ kind: fc.constant("primary" as const), side, path: fc.nat(3) }),
    weight: 1,
  },
  {
    arbitrary: fc.record({
      kind: fc.constant("retune" as const),
      side,
      changes: fc.constantFrom<Partial<Parameters>[]>(
        { maxBurst: 0 },
        { maxBurst: 1 },
        { noDelay: 1, sackDelay: 0 },
        { sackFrequency: 1 },
        { sackDelay: 500, sackFrequency: 64 },
        { rtoMin: 50 },
        { hbInterval: 5000 },
        { sendBuffer: 70_000 },
        { receiveBuffer: 4 << 20 },
        { partialDeliveryPoint: 100 },
        { pathMtuDiscovery: 0 },
      ),
    }),
    weight: 1,
  },
  {
    arbitrary: fc.record({
      kind: fc.constant("limit" as const),
      side,
      bytes: fc.constantFrom(100, 1000, Infinity),
    }),
    weight: 1,
  },
  {
    arbitrary: fc.record({ kind: fc.constant("heartbeat" as const), side, path: fc.nat(3) }),
    weight: 1,
  },
  {
    arbitrary: fc.record({
      kind: fc.constant("addresses" as const),
      side,
      lost: fc.subarray([0, 1]),
    }),
    weight: 1,
  },
  {
    arbitrary: fc.record({
      kind: fc.constant("mtu" as const),
      side,
      path: fc.nat(3),
      mtu: fc.constantFrom(0, 500, 576, 1280, 1400, 65_535),
    }),
    weight: 1,
  },
);

const ending: fc.Arbitrary<Command> = fc.record({
  kind: fc.constantFrom("shutdown" as const, "shutdown" as const, "abort" as const),
  side,
});

const commands = fc.tuple(
  fc.array(usual, { maxLength: 100, size: "max" }),
  fc.array(fc.oneof({ arbitrary: usual, weight: 8 }, { arbitrary: ending, weight: 1 }), {
    maxLength: 20,
    size: "max",
  }),
).map(([before, after]) => [...before, ...after]);

const parameters = fc.record({
  noDelay: fc.nat(1),
  sackDelay: fc.constantFrom(0, 200),
  sackFrequency: fc.constantFrom(1, 2, 5),
  maxBurst: fc.constantFrom(1, 4, 100),
  receiveBuffer: fc.constantFrom(4096, 10_000, 100_000, 4 << 20),
  sendBuffer: fc.constantFrom(4096, 80_000, 4 << 20),
  partialDeliveryPoint: fc.constantFrom(1, 3000, 1 << 20),
  outboundStreams: fc.constantFrom(1, 4),
  inboundStreams: fc.constantFrom(4, 10),
  pathMtu: fc.constantFrom(576, 1500, 9000, 65_535),
  rtoMin: fc.constantFrom(50, 1000),
  rtoInitial: fc.constantFrom(500, 3000),
  hbInterval: fc.constantFrom(0, 1000, 30_000),
  ecn: fc.nat(1),
  followAddresses: fc.nat(1),
  partialReliability: fc.constantFrom(0, 1, 1, 1),
  interleaving: fc.nat(1),
  fragmentInterleave: fc.constant(2),
});

/**
 * Chunks that a side may want authenticated: not ABORT, as a peer that has forgotten the association
 * could not say so (RFC 4895, section 6.3), and nobody gives up here.
 */
const wanted = LISTABLE_CHUNKS.filter((type) => type !== ChunkType.Abort);

/** The keys are the same on both sides, or the null key. */
const authentication = fc.constantFrom(undefined, new Uint8Array(32).fill(7)).chain((secret) => {
  const keys = secret === undefined ? [] : [{ id: 1, secret }, { id: 2, secret: secret.slice(1) }];
  const side = fc.record({
    keys: fc.constant(keys),
    chunks: fc.oneof(
      { arbitrary: fc.constant<number[]>([]), weight: 4 },
      { arbitrary: fc.subarray(wanted), weight: 1 },
    ),
    hmacs: fc.constantFrom<HmacId[][]>([3, 1], [1], [1, 3]),
  });
  return fc.record({ a: side, b: side });
});

const plan: fc.Arbitrary<FuzzPlan> = fc.record({
  seed: fc.nat(),
  links: fc.constantFrom<FuzzPlan["links"][]>(["4"], ["4", "4"], ["4", "6"], ["6", "6"]),
  highNumbers: fc.boolean(),
  encapsulated: fc.boolean(),
  parameters: fc.record({ a: parameters, b: parameters }),
  authentication,
  commands,
});

Deno.test("whatever two users and the network do, each message arrives once, in order, whole, and all ends", () => {
  fc.assert(fc.property(plan, (drawn) => new FuzzRun(drawn).run()), {
    numRuns: RUNS,
    seed: SEED,
    endOnFailure: false,
  });
});
