/** Two endpoints joined by a wire that does what a script says with each packet, in virtual time. */
import type { Association } from "../association.ts";
import { instant } from "../base/time.ts";
import type { AssociateOptions } from "../endpoint.ts";
import type { SentPacket } from "./sent_packet.ts";
import { address, TestEndpoint, type TestEndpointOptions } from "./test_endpoint.ts";

/** What becomes of a packet: it arrives after these delays in milliseconds, once for each; or never. */
export type Fate = readonly number[];

export type SideName = "a" | "b";

/** Decides about a packet; `index` counts the packets of its side from 0. */
export type Script = (packet: SentPacket, side: SideName, index: number) => Fate;

export interface WirePairOptions {
  readonly a?: TestEndpointOptions;
  readonly b?: TestEndpointOptions;
  readonly script?: Script;
}

interface Arrival {
  readonly at: number;
  readonly order: number;
  readonly to: SideName;
  readonly packet: SentPacket;
}

const PORT = 5000;
const DELAY: Fate = [10];
/** Steps after which a run that was to become quiet counts as endless. */
const MAX_STEPS = 200_000;

export class WirePair {
  a: TestEndpoint;
  b: TestEndpoint;
  /** Exchanged at will. */
  script: Script;
  /** Called after each step, for checks. */
  afterStep: () => void = () => {};
  readonly #options: WirePairOptions;
  readonly #arrivals: Arrival[] = [];
  readonly #counts = { a: 0, b: 0 };
  #order = 0;
  now: number;

  constructor(options: WirePairOptions = {}) {
    this.#options = options;
    this.a = new TestEndpoint({ seed: 1, addresses: ["10.0.0.1"], ...options.a });
    this.b = new TestEndpoint({ seed: 2, addresses: ["10.0.0.2"], ...options.b });
    this.script = options.script ?? (() => DELAY);
    this.now = this.a.now;
    this.b.do((endpoint) => endpoint.listen(PORT));
  }

  /** Lets a ask b for an association. */
  associate(
    remoteAddresses: readonly string[],
    options: Partial<AssociateOptions> = {},
  ): Association {
    const association = this.a.do((endpoint, now) =>
      endpoint.associate(now, {
        remotePort: PORT,
        localPort: PORT + 1,
        remoteAddresses: remoteAddresses.map(address),
        ...options,
      })
    );
    this.collect();
    return association;
  }

  /** One side forgets everything, and comes back with other random numbers. */
  crash(side: SideName): void {
    const options = this.#options[side] ?? {};
    const addresses = side === "a" ? ["10.0.0.1"] : ["10.0.0.2"];
    const seed = (options.seed ?? 1) + 1000;
    this[side] = new TestEndpoint({ addresses, ...options, seed, start: this.now });
  }

  /** Hands what both sides have sent to the wire. */
  collect(): void {
    for (const side of ["a", "b"] as const) {
      for (const packet of this[side].take()) {
        const index = this.#counts[side]++;
        for (const delay of this.script(packet, side, index)) this.#send(side, packet, delay);
      }
    }
  }

  #send(side: SideName, packet: SentPacket, delay: number): void {
    const to = side === "a" ? "b" : "a";
    this.#arrivals.push({ at: this.now + delay, order: this.#order++, to, packet });
  }

  /** When something happens next; Infinity if nothing will. */
  get next(): number {
    const arrivals = this.#arrivals.map(({ at }) => at);
    return Math.min(this.a.nextTimeout, this.b.nextTimeout, ...arrivals);
  }

  /** Packets that are on their way. */
  get underWay(): number {
    return this.#arrivals.length;
  }

  /** Lets the next thing happen: an arrival, or a timer. */
  step(): void {
    this.#goTo(Math.max(this.now, this.next));
    const arrival = this.#takeArrival();
    if (arrival) this.#deliver(arrival);
    else if (this.a.nextTimeout <= this.now) this.a.fireNext();
    else if (this.b.nextTimeout <= this.now) this.b.fireNext();
    this.collect();
    this.afterStep();
  }

  #goTo(time: number): void {
    this.now = time;
    this.a.now = instant(time);
    this.b.now = instant(time);
  }

  #takeArrival(): Arrival | undefined {
    let best = -1;
    for (const [i, { at, order }] of this.#arrivals.entries()) {
      if (at > this.now) continue;
      const first = this.#arrivals[best];
      if (!first || at < first.at || (at === first.at && order < first.order)) best = i;
    }
    return best < 0 ? undefined : this.#arrivals.splice(best, 1)[0];
  }

  #deliver({ to, packet }: Arrival): void {
    this[to].arrive(packet.bytes, {
      from: packet.from,
      to: packet.to,
      encapsulationPort: packet.encapsulationPort,
      ecn: packet.ecn,
    });
  }

  /** Lets time pass. */
  run(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (let steps = 0; this.next <= end; steps++) {
      if (steps > MAX_STEPS) throw new Error(`more than ${MAX_STEPS} steps in ${milliseconds} ms`);
      this.step();
    }
    this.#goTo(end);
  }

  /** Runs until a condition holds; throws if it does not within so much virtual time. */
  runUntil(holds: () => boolean, limit: number, what: string): void {
    const end = this.now + limit;
    for (let steps = 0; !holds(); steps++) {
      if (this.next > end || steps > MAX_STEPS) {
        throw new Error(`${what} did not happen within ${limit} ms and ${steps} steps`);
      }
      this.step();
    }
  }
}
