/** Two engines whose hosts' addresses come and go while data flows (RFC 5061). */
import assert from "node:assert/strict";
import type { Association } from "../association.ts";
import { SeededRandom } from "../base/random.ts";
import type { TestEndpoint } from "../testing/test_endpoint.ts";
import { localAddresses } from "../testing/test_endpoint.ts";
import { type SideName, WirePair } from "../testing/wire_pair.ts";

const SIDES = ["a", "b"] as const;
const OTHER = { a: "b", b: "a" } as const;
const PARAMETERS = {
  noDelay: 1,
  followAddresses: 1,
  associationMaxRetrans: 1000,
  rtoMin: 200,
  hbInterval: 1000,
};
const MESSAGES = 60;

function only({ associations }: TestEndpoint): Association {
  const [association] = associations;
  assert.ok(association, "there is an association");
  return association;
}

/** Two hosts, each with a set of addresses that changes; packets to or from others are lost. */
class MovingHosts {
  readonly pair = new WirePair({
    a: { parameters: PARAMETERS, addresses: ["10.0.0.1"] },
    b: { parameters: PARAMETERS, addresses: ["10.0.0.101"] },
  });
  readonly addresses: Record<SideName, string[]> = { a: ["10.0.0.1"], b: ["10.0.0.101"] };
  readonly #sent = { a: 0, b: 0 };
  readonly #received = { a: 0, b: 0 };
  #next = 2;

  constructor() {
    this.pair.associate(["10.0.0.101"]);
    this.pair.runUntil(() => this.pair.b.associations.length === 1, 10_000, "the association");
    this.pair.run(500);
  }

  /** True if a packet has a way at this moment. */
  leads(from: string, to: string, side: SideName): boolean {
    return this.addresses[side].includes(from) && this.addresses[OTHER[side]].includes(to);
  }

  /** One side gets an address, or loses one but for the first. */
  move(side: SideName, gains: boolean, which: number): void {
    const mine = this.addresses[side];
    if (gains && mine.length < 4) {
      mine.push(`10.0.0.${(side === "a" ? 0 : 100) + this.#next++ % 99}`);
    } else if (mine.length > 1) mine.splice(1 + which % (mine.length - 1), 1);
    this.tell(side);
  }

  /** The only address is replaced. */
  renumber(side: SideName): void {
    this.addresses[side] = [`10.0.0.${(side === "a" ? 0 : 100) + this.#next++ % 99}`];
    this.tell(side);
  }

  tell(side: SideName): void {
    const known = localAddresses(this.addresses[side]);
    this.pair[side].do((endpoint, now) => endpoint.handleNetworkChange(now, known));
    this.pair.collect();
  }

  send(side: SideName): void {
    const number = this.#sent[side];
    if (number === MESSAGES) return;
    const endpoint = this.pair[side];
    const options = { stream: 0, ppid: number, unordered: false, immediate: false };
    const bytes = new Uint8Array(1 + number * 977 % 9000);
    if (endpoint.do((_, now) => only(endpoint).send(now, bytes, options))) this.#sent[side]++;
    this.pair.collect();
  }

  read(): void {
    const info = { stream: 0, ssn: 0, ppid: 0, unordered: false, endOfMessage: false };
    const target = new Uint8Array(10_000);
    for (const side of SIDES) {
      const endpoint = this.pair[side];
      const association = only(endpoint);
      while (endpoint.do((_, now) => association.read(now, target, info)) > 0) {
        assert.equal(info.ppid, this.#received[side], `message to ${side}`);
        if (info.endOfMessage) this.#received[side]++;
      }
    }
    this.pair.collect();
  }

  get isComplete(): boolean {
    return SIDES.every((side) => this.#received[OTHER[side]] === this.#sent[side]);
  }

  /** Both sides agree about the addresses of both. */
  get isSettled(): boolean {
    return SIDES.every((side) => {
      const { localAddresses: local, addressing } = only(this.pair[side]);
      const known = only(this.pair[OTHER[side]]).peerAddresses.map(({ text }) => text).sort();
      const own = local.map(({ address }) => address.text).sort();
      const host = [...this.addresses[side]].sort();
      return !addressing?.inFlight && own.join() === host.join() && known.join() === host.join();
    });
  }
}

/**
 * Sides move again and again, and the wire loses a share of the packets. If one side alone moves, even
 * its only address is exchanged; if both do, each keeps one by which the other finds it.
 */
function runSeed(seed: number, movers: readonly SideName[], loss: number): void {
  const random = new SeededRandom(seed);
  const below = (limit: number) => random.uint32() % limit;
  const hosts = new MovingHosts();
  const { pair } = hosts;
  pair.script = ({ from, to }, side) =>
    hosts.leads(from, to, side) && below(100) >= loss ? [5 + below(40)] : [];
  for (let i = 0; i < 120; i++) {
    if (below(8) === 0) {
      const side = movers[below(movers.length)];
      if (below(3) === 0 && movers.length === 1) hosts.renumber(side);
      else hosts.move(side, below(2) === 0, below(10));
    }
    hosts.send(SIDES[below(2)]);
    pair.run(below(150));
    hosts.read();
  }
  pair.script = ({ from, to }, side) => hosts.leads(from, to, side) ? [10] : [];
  const isDone = () => {
    hosts.read();
    return hosts.isComplete && hosts.isSettled;
  };
  pair.runUntil(isDone, 2_000_000, "everything");
}

function runSeeds(count: number, movers: readonly SideName[], loss: number): void {
  const failed: string[] = [];
  let cause: unknown;
  for (let seed = 1; seed <= count; seed++) {
    try {
      runSeed(seed, movers, loss);
    } catch (error) {
      failed.push(`${seed}`);
      cause ??= error;
    }
  }
  if (failed.length > 0) throw new Error(`seeds ${failed.join(", ")}`, { cause });
}

Deno.test("one host moves while data flows: every message arrives once and in order (100 seeds)", () =>
  runSeeds(100, ["b"], 0));

Deno.test("the same over a wire that loses every tenth packet (100 seeds)", () =>
  runSeeds(100, ["a"], 10));

Deno.test("both hosts get and lose addresses beside the one that they keep (100 seeds)", () =>
  runSeeds(100, SIDES, 10));
