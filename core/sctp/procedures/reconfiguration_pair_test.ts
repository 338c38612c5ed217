/** Changes of streams between two engines over a wire that loses and delays packets (RFC 6525). */
import assert from "node:assert/strict";
import type { Association } from "../association.ts";
import { SeededRandom } from "../base/random.ts";
import type { TestEndpoint } from "../testing/test_endpoint.ts";
import { type SideName, WirePair } from "../testing/wire_pair.ts";

const SIDES = ["a", "b"] as const;
const STREAMS = 4;
const PARAMETERS = { noDelay: 1, outboundStreams: STREAMS, inboundStreams: 8 };

function only({ associations }: TestEndpoint): Association {
  const [association] = associations;
  assert.ok(association, "there is an association");
  return association;
}

function pairOf(): WirePair {
  const pair = new WirePair({ a: { parameters: PARAMETERS }, b: { parameters: PARAMETERS } });
  pair.associate(["10.0.0.2"]);
  pair.runUntil(() => pair.b.associations.length === 1, 10_000, "the association");
  pair.run(100);
  return pair;
}

/** Numbers every message of a stream, and checks that they arrive in that order. */
class Traffic {
  readonly #sent = new Map<string, number>();
  readonly #received = new Map<string, number>();

  constructor(readonly pair: WirePair) {}

  send(side: SideName, stream: number): void {
    const key = `${side} ${stream}`;
    const number = this.#sent.get(key) ?? 0;
    const options = { stream, ppid: number, unordered: false, immediate: false };
    const endpoint = this.pair[side];
    const length = 1 + number * 97 % 3000;
    const taken = endpoint.do((_, now) =>
      only(endpoint).send(now, new Uint8Array(length), options)
    );
    if (taken) this.#sent.set(key, number + 1);
    this.pair.collect();
  }

  read(): void {
    const info = { stream: 0, ssn: 0, ppid: 0, unordered: false, endOfMessage: false };
    const target = new Uint8Array(4096);
    for (const side of SIDES) {
      const association = only(this.pair[side]);
      while (association.read(this.pair[side].now, target, info) > 0) {
        const key = `${side === "a" ? "b" : "a"} ${info.stream}`;
        assert.equal(info.ppid, this.#received.get(key) ?? 0, `message on ${key}`);
        this.#received.set(key, info.ppid + 1);
      }
    }
  }

  get isComplete(): boolean {
    return [...this.#sent].every(([key, count]) => this.#received.get(key) === count);
  }
}

/** Wants a change, or not, if too many wait. */
function change(pair: WirePair, side: SideName, which: number, stream: number): void {
  const endpoint = pair[side];
  const association = only(endpoint);
  endpoint.do(() => {
    if ((association.reconfiguration?.wanted.length ?? 0) >= 8) return;
    if (which === 0) association.resetStreams({ outgoing: [stream] });
    else if (which === 1) association.resetStreams({ outgoing: [], incoming: [stream] });
    else if (which === 2) association.resetStreams({ incoming: [] });
    else if (which === 3) association.resetAssociation();
    else if (association.outboundStreams + association.inboundStreams < 14) {
      association.addStreams(1, 1);
    }
  });
  pair.collect();
}

Deno.test("whatever is changed, every message arrives once and in order (100 seeds)", () => {
  for (let seed = 1; seed <= 100; seed++) {
    const random = new SeededRandom(seed);
    const below = (limit: number) => random.uint32() % limit;
    const pair = pairOf();
    const traffic = new Traffic(pair);
    pair.script = () => below(100) < 15 ? [] : [5 + below(40)];
    try {
      for (let i = 0; i < 60; i++) {
        const side = SIDES[below(2)];
        const { outboundStreams } = only(pair[side]);
        if (below(5) === 0) change(pair, side, below(5), below(STREAMS));
        else traffic.send(side, below(outboundStreams));
        pair.run(below(60));
        traffic.read();
      }
      pair.script = () => [10];
      const isDone = () => {
        traffic.read();
        return traffic.isComplete &&
          SIDES.every((side) => (only(pair[side]).reconfiguration?.wanted.length ?? 0) === 0);
      };
      pair.runUntil(isDone, 2_000_000, "everything");
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});

Deno.test("a peer that restarts knows nothing of a reset, and the new association has its own", () => {
  const pair = pairOf();
  const { a } = pair;
  pair.script = (_, side) => side === "a" ? [] : [10];
  a.do(() => only(a).resetStreams({ outgoing: [0] }));
  pair.collect();
  pair.crash("a");
  pair.script = () => [10];
  pair.associate(["10.0.0.2"]);
  pair.run(2000);
  assert.equal(only(pair.b).reconfiguration, undefined);
  const traffic = new Traffic(pair);
  traffic.send("b", 0);
  pair.a.do(() => only(pair.a).resetStreams({ outgoing: [], incoming: [] }));
  pair.collect();
  traffic.send("b", 0);
  traffic.send("a", 1);
  pair.run(5000);
  traffic.read();
  assert.ok(traffic.isComplete);
  const told = pair.a.events.filter(({ kind }) => kind === "streams-reset");
  assert.equal(told.length, 2);
});
