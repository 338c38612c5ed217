/**
 * Datagram Packetization Layer Path MTU Discovery (RFC 8899, section 5.2) of one path: how large its
 * packets may be, and which size is to be probed. Pure: the caller sends the probes and runs the timer.
 *
 * ```text
 *                 suspicion, packet too big               MAX_PROBES lost, or too big for BASE
 * SEARCH_COMPLETE ------------------------> BASE ------------------------------------> ERROR
 *     |     ^                                 | acknowledged                             |
 *     |     | nothing larger passes           v                                          |
 *     |     +----------------------------- SEARCHING <-----------------------------------+
 *     +---------------------------------------^   PMTU_RAISE_TIMER         acknowledged
 * ```
 *
 * Sizes are those of IP packets in bytes. Probes go up from what is confirmed through the sizes that
 * links have (section 5.3.2): each that passes takes one round trip, and is used at once.
 *
 * Deviations: a path starts with the MTU of its interface (RFC 9260, section 7.3) as if that were
 * confirmed, not with BASE_PLPMTU: nearly every path carries it, and a black hole is found by loss.
 * BASE_PLPMTU is used once its probe was acknowledged: a path that is down loses packets of every size,
 * and must not make those of the others smaller.
 */

/** Section 5.1.2: unsuccessful probes in a row that end a search. */
export const MAX_PROBES = 3;

/** BASE_PLPMTU: what nearly every path carries; by family (section 5.1.2). */
const BASE = { 4: 1200, 6: 1280 } as const;

/** MIN_PLPMTU: no path is narrower (RFC 791 and RFC 1122, 3.3.3), or may be (RFC 8200, section 5). */
const SMALLEST = { 4: 576, 6: 1280 } as const;

/** MTUs of links and tunnels that are met, in their order. */
const COMMON = [1000, 1200, 1280, 1400, 1420, 1440, 1460, 1480, 1492, 1500, 4352, 9000, 65_535];

/** Where the search stands. */
export type MtuSearchState =
  /** Nothing is searched for: {@link MtuSearch.mtu} is what can be used. */
  | { readonly name: "SEARCH_COMPLETE" }
  /** A size is being tried, for the `failures + 1`th time. */
  | {
    readonly name: "BASE" | "SEARCHING" | "ERROR";
    readonly probe: number;
    readonly failures: number;
  };

const COMPLETE: MtuSearchState = { name: "SEARCH_COMPLETE" };

export class MtuSearch {
  readonly #base: number;
  readonly #smallest: number;
  #mtu: number;
  #state: MtuSearchState = COMPLETE;
  /** The smallest size that a "packet too big" of this search has ruled out. */
  #ceiling = Infinity;

  /** @param maximum MAX_PLPMTU: the MTU of the interface. */
  constructor(family: 4 | 6, readonly maximum: number) {
    this.#smallest = Math.min(SMALLEST[family], maximum);
    this.#base = Math.min(BASE[family], maximum);
    this.#mtu = maximum;
  }

  get state(): MtuSearchState {
    return this.#state;
  }

  /** PLPMTU: the largest packets that may be sent. */
  get mtu(): number {
    return this.#mtu;
  }

  /** The size to probe; `undefined` while there is nothing to search for. */
  get probe(): number | undefined {
    return this.#state.name === "SEARCH_COMPLETE" ? undefined : this.#state.probe;
  }

  /** Packets up to this size pass wherever any do: BASE_PLPMTU, or less where that may be the trouble. */
  get safe(): number {
    return this.#mtu > this.#base ? this.#base : this.#smallest;
  }

  /** Starts again with the MTU of the interface: the path is a new one. */
  reset(): void {
    this.#mtu = this.maximum;
    this.#state = COMPLETE;
    this.#ceiling = Infinity;
  }

  /** Packets larger than {@link safe} do not arrive: a black hole, if a smaller one does (section 4.3). */
  suspect(): void {
    const { name } = this.#state;
    if (name === "BASE" || name === "ERROR" || this.#mtu <= this.safe) return;
    this.#ceiling = Infinity;
    this.#state = {
      name: this.safe === this.#base ? "BASE" : "ERROR",
      probe: this.safe,
      failures: 0,
    };
  }

  /**
   * A validated "packet too big" (section 4.6.2): tells where to search, never what to use.
   * @returns false if it says nothing new, or what cannot be.
   */
  packetTooBig(mtu: number): boolean {
    const limit = this.probe ?? this.#mtu;
    if (mtu < this.#smallest || mtu >= Math.max(limit, this.#mtu)) return false;
    this.#ceiling = mtu + 1;
    if (mtu >= this.#mtu) {
      if (mtu === this.#mtu) this.#finish();
      else this.#state = { name: "SEARCHING", probe: mtu, failures: 0 };
    } else {
      const isBelowBase = mtu < this.#base;
      this.#mtu = isBelowBase ? this.#smallest : this.#base;
      this.#state = { name: isBelowBase ? "ERROR" : "BASE", probe: mtu, failures: 0 };
    }
    return true;
  }

  /** Takes a validated "packet too big" at its word, without any search (RFC 9260, section 7.3). */
  believe(mtu: number): void {
    if (mtu >= this.#smallest && mtu < this.#mtu) this.#mtu = mtu;
  }

  /** Uses what the user says, within what the interface and the family allow, and searches no more. */
  fix(mtu: number): void {
    this.#mtu = Math.min(Math.max(mtu, this.#smallest), this.maximum);
    this.#finish();
  }

  /** The probe was acknowledged: its size is used from now on. */
  acknowledged(): void {
    const { probe } = this;
    if (probe === undefined) return;
    this.#mtu = probe;
    const next = this.#next();
    if (next === undefined) this.#finish();
    else this.#state = { name: "SEARCHING", probe: next, failures: 0 };
  }

  /** PROBE_TIMER expired: the probe was not acknowledged. */
  lost(): void {
    const state = this.#state;
    if (state.name === "SEARCH_COMPLETE") return;
    const failures = state.failures + 1;
    if (failures < MAX_PROBES) this.#state = { ...state, failures };
    else if (state.name === "BASE" && state.probe === this.#base) {
      this.#state = { name: "ERROR", probe: this.#smallest, failures: 0 };
    } else this.#finish();
  }

  /** PMTU_RAISE_TIMER expired: the path may have become wider. */
  raise(): void {
    this.#ceiling = Infinity;
    const probe = this.#next();
    if (probe !== undefined) this.#state = { name: "SEARCHING", probe, failures: 0 };
  }

  #finish(): void {
    this.#state = COMPLETE;
    this.#ceiling = Infinity;
  }

  /** The next size above what is confirmed. */
  #next(): number | undefined {
    const largest = Math.min(this.maximum, this.#ceiling - 1);
    if (largest <= this.#mtu) return undefined;
    const step = COMMON.find((size) => size > this.#mtu) ?? largest;
    return Math.min(step, largest);
  }
}
