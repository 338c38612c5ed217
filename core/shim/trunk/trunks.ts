/** The trunks of a data plane: those that it has set up for its connections, and those of its peers. */
import type { Association } from "../../sctp/association.ts";
import { after, type Instant, isDue } from "../../sctp/base/time.ts";
import { TRUNK_ADAPTATION } from "../control_message.ts";
import type { AssociationWish, Plane } from "../plane.ts";
import type { TrunkStatus } from "../status.ts";
import { Multiplex, TRUNK_PARAMETERS } from "./trunk_options.ts";
import { Trunk, type TrunkPlane } from "./trunk.ts";
import type { TrunkStream } from "./trunk_stream.ts";
import { WindowBudget } from "./window_budget.ts";

/** Trunks to one host at most; connections beyond have associations of their own. */
const TRUNKS_PER_HOST = 4;

/** Milliseconds before a host that made nothing of a trunk is asked again. */
const PATIENCE = 60_000;

/** Hosts that are remembered for that. */
const REFUSALS_KEPT = 256;

/** What trunks need of their data plane. */
export type TrunksPlane = TrunkPlane & Pick<Plane, "now" | "associate" | "own">;

export class Trunks {
  readonly #plane: TrunksPlane;
  readonly #budget: WindowBudget;
  /** Those that this side has asked for, with what it wished. */
  readonly #own = new Map<Trunk, AssociationWish>();
  readonly #peers = new Set<Trunk>();
  /** Until when hosts are not asked again. */
  readonly #refusals = new Map<string, Instant>();

  constructor(plane: TrunksPlane, budget = new WindowBudget()) {
    this.#budget = budget;
    this.#plane = plane;
  }

  /** A stream for a connection, if a trunk leads to where it wants to go and has one. */
  open(now: Instant, wish: AssociationWish): TrunkStream | undefined {
    if (!this.#isOn || wish.addresses[0].isLinkLocal) return undefined;
    let full: AssociationWish | undefined;
    for (const [trunk, made] of this.#own) {
      if (!leadsTo(trunk, made, wish)) continue;
      const stream = openOn(now, trunk, wish);
      if (stream) return stream;
      full = made;
    }
    if (full) this.#setUp(now, full);
    return undefined;
  }

  /** The peer that a wish has led to takes trunks: sets one up, unless there is one. */
  want(now: Instant, wish: AssociationWish): void {
    if (this.#isOn && this.#countTo(wish) === 0) this.#setUp(now, wish);
  }

  /** Takes an association for a trunk that a peer has set up. */
  accept(now: Instant, association: Association): void {
    const trunk = new Trunk(
      this.#plane,
      association,
      this.#budget,
      (ended) => this.#peers.delete(ended),
    );
    this.#peers.add(trunk);
    this.#plane.own(association, trunk);
    trunk.begin(now);
  }

  /** Hosts that made nothing of a trunk may be others now: the network has changed. */
  forgetRefusals(): void {
    this.#refusals.clear();
  }

  statuses(): TrunkStatus[] {
    return this.#all.map((trunk) => trunk.status());
  }

  /** Takes all of them down. */
  stop(now: Instant): void {
    for (const trunk of this.#all) trunk.stop(now);
  }

  get #all(): readonly Trunk[] {
    return [...this.#own.keys(), ...this.#peers];
  }

  get #isOn(): boolean {
    return this.#plane.configuration.settings.multiplex === Multiplex.On;
  }

  #setUp(now: Instant, wish: AssociationWish): void {
    if (this.#countTo(wish) >= TRUNKS_PER_HOST || this.#hasRefused(now, wish)) return;
    try {
      const association = this.#plane.associate({
        ...wish,
        localPort: undefined,
        adaptation: TRUNK_ADAPTATION,
        parameters: TRUNK_PARAMETERS,
      });
      const trunk = new Trunk(this.#plane, association, this.#budget, (ended, isRefused) => {
        this.#own.delete(ended);
        if (isRefused) this.#noteRefusal(this.#plane.now(), wish);
      });
      this.#own.set(trunk, wish);
      this.#plane.own(association, trunk);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#noteRefusal(now, wish);
    }
  }

  /** Trunks to the host of a wish, those that are being set up included. */
  #countTo(wish: AssociationWish): number {
    const key = hostOf(wish);
    let count = 0;
    for (const made of this.#own.values()) if (hostOf(made) === key) count++;
    return count;
  }

  #hasRefused(now: Instant, wish: AssociationWish): boolean {
    const until = this.#refusals.get(hostOf(wish));
    return until !== undefined && !isDue(until, now);
  }

  #noteRefusal(now: Instant, wish: AssociationWish): void {
    this.#refusals.delete(hostOf(wish));
    this.#refusals.set(hostOf(wish), after(now, PATIENCE));
    if (this.#refusals.size <= REFUSALS_KEPT) return;
    const [oldest] = this.#refusals.keys();
    this.#refusals.delete(oldest);
  }
}

function hostOf({ addresses: [address], encapsulation }: AssociationWish): string {
  return `${encapsulation} ${address.text}`;
}

/** True if a connection can go by a trunk as it would go by an association of its own. */
function leadsTo(trunk: Trunk, made: AssociationWish, wish: AssociationWish): boolean {
  const { addresses, localAddress } = wish;
  // By another of the host's addresses, the server would see another one of the client's.
  return hostOf(made) === hostOf(wish) && trunk.joins(localAddress, addresses[0]) &&
    addresses.every((address) => trunk.association.knowsPeerAddress(address));
}

function openOn(now: Instant, trunk: Trunk, wish: AssociationWish): TrunkStream | undefined {
  const { addresses: [address], port, localAddress, localPort } = wish;
  const source = localAddress ?? trunk.association.primaryPath?.local;
  if (!source || localPort === undefined) return undefined;
  const destination = { address, port };
  return trunk.open(now, { destination, source: { address: source, port: localPort } });
}
