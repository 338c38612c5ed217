/** Random traffic over a wire that loses, delays and doubles packets, with shims that stop and start. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type DatagramSide, DatagramWire } from "./testing/datagram_wire.ts";

const CLIENTS = ["10.0.0.1:5000", "10.0.0.1:5001", "10.0.1.1:5000"];
const SERVERS = ["10.0.0.2:53", "10.0.1.2:53", "10.0.0.2:54"];
const ADDRESSES = { a: ["10.0.0.1", "10.0.1.1"], b: ["10.0.0.2", "10.0.1.2"] };

type Step =
  | { readonly kind: "query" | "answer"; readonly client: number; readonly server: number }
  | { readonly kind: "wait"; readonly milliseconds: number }
  | { readonly kind: "lose"; readonly percent: number }
  | { readonly kind: "cut"; readonly network: number }
  | { readonly kind: "bind"; readonly bound: boolean }
  | { readonly kind: "stop"; readonly side: "a" | "b" };

const traffic = fc.record({
  kind: fc.constantFrom("query" as const, "query" as const, "answer" as const),
  client: fc.nat(CLIENTS.length - 1),
  server: fc.nat(SERVERS.length - 1),
});
const wait = fc.record({
  kind: fc.constant("wait" as const),
  milliseconds: fc.constantFrom(20, 100, 500, 3000, 20_000),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: traffic },
  { weight: 6, arbitrary: wait },
  fc.record({ kind: fc.constant("lose" as const), percent: fc.constantFrom(0, 0, 10, 40, 100) }),
  fc.record({ kind: fc.constant("cut" as const), network: fc.constantFrom(-1, 0, 1) }),
  fc.record({ kind: fc.constant("bind" as const), bound: fc.boolean() }),
  fc.record({
    kind: fc.constant("stop" as const),
    side: fc.constantFrom("a" as const, "b" as const),
  }),
);

/** What happened to each datagram, by its number. */
class Run {
  readonly wire: DatagramWire;
  /** "from > to" of those that a shim has taken. */
  readonly #taken = new Map<number, string>();
  readonly #plain = new Set<number>();
  readonly #delivered = new Set<number>();
  #number = 0;
  #percent = 0;
  #cut = -1;
  #random: number;

  constructor(seed: number) {
    this.#random = seed >>> 0;
    this.wire = new DatagramWire({ addresses: ADDRESSES });
    this.wire.b.sockets.set(54, 0);
    this.wire.pair.script = ({ to }) => {
      const network = to.startsWith("10.0.0.") ? 0 : 1;
      if (network === this.#cut || this.#draw(100) < this.#percent) return [];
      return this.#draw(50) === 0 ? [10, 30] : [5 + this.#draw(20)];
    };
  }

  take(step: Step): void {
    const { a, b } = this.wire;
    switch (step.kind) {
      case "query":
        return this.#send(a, CLIENTS[step.client], SERVERS[step.server]);
      case "answer":
        return this.#send(b, SERVERS[step.server], CLIENTS[step.client]);
      case "wait":
        this.wire.run(step.milliseconds);
        return this.check();
      case "lose":
        this.#percent = step.percent;
        return;
      case "cut":
        this.#cut = step.network;
        return;
      case "bind":
        if (step.bound) b.sockets.set(53, 0);
        else b.sockets.delete(53);
        return;
      case "stop":
        this.wire[step.side].close();
        // It comes back with the same rules.
        this.wire[step.side].datagrams.refresh();
        return;
    }
  }

  /** Nothing is delivered twice, in a wrong place, changed, or beside plain UDP. */
  check(): void {
    for (const side of [this.wire.a, this.wire.b]) {
      for (const text of side.heard()) {
        const number = Number(text.split("#")[1]);
        assert.equal(text, `${this.#taken.get(number)} #${number}`);
        assert.ok(!this.#delivered.has(number), `${text} came twice`);
        assert.ok(!this.#plain.has(number), `${text} went by plain UDP too`);
        this.#delivered.add(number);
      }
      const { counters, dropped, flowCount } = side.datagrams.status();
      assert.ok(flowCount <= CLIENTS.length * SERVERS.length);
      assert.deepEqual([dropped.malformed, dropped.tooLong], [0, 0]);
      assert.ok(counters.carriedIn >= 0);
    }
  }

  #send(side: DatagramSide, from: string, to: string): void {
    const number = this.#number++;
    // Known before it can arrive.
    this.#taken.set(number, `${from} > ${to}`);
    if (side.send(from, to, `#${number}`)) return;
    this.#taken.delete(number);
    this.#plain.add(number);
  }

  /** A number below `limit` (Numerical Recipes' linear congruential generator). */
  #draw(limit: number): number {
    this.#random = (Math.imul(this.#random, 1_664_525) + 1_013_904_223) >>> 0;
    return (this.#random >>> 8) % limit;
  }
}

Deno.test("whatever happens, a datagram goes one way, once, to whom it was sent", () => {
  const runs = fc.tuple(fc.nat(), fc.array(step, { minLength: 20, maxLength: 120 }));
  fc.assert(
    fc.property(runs, ([seed, steps]) => {
      const run = new Run(seed);
      for (const one of steps) run.take(one);
      run.wire.run(5000);
      run.check();
    }),
    { numRuns: 150 },
  );
});

Deno.test("when all is well again, every flow is carried again", () => {
  const runs = fc.tuple(fc.nat(), fc.array(step, { minLength: 20, maxLength: 60 }));
  fc.assert(
    fc.property(runs, ([seed, steps]) => {
      const run = new Run(seed);
      for (const one of steps) run.take(one);
      run.take({ kind: "lose", percent: 0 });
      run.take({ kind: "cut", network: -1 });
      run.take({ kind: "bind", bound: true });
      const { a } = run.wire;
      const carried = () => a.send(CLIENTS[0], SERVERS[0], "x");
      for (let i = 0; !carried(); i++) {
        assert.ok(i < 700, "within some minutes");
        run.wire.run(1000);
        a.delivered.length = run.wire.b.delivered.length = 0;
      }
    }),
    { numRuns: 40 },
  );
});
