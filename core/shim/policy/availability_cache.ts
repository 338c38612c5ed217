/**
 * What is known about servers: whether they have SCTP (Bickhart 2005, section 4.2.2). Pure.
 *
 * A known "no" saves the attempt, a known "yes" lets an attempt have all its time. Both grow old, and
 * both are wrong after the host has moved to another network.
 */
import type { Encapsulation } from "../../net/icmp.ts";
import type { Settings } from "../../rules/settings.ts";
import type { IpAddress } from "../../sctp/base/address.ts";
import { elapsed, type Instant } from "../../sctp/base/time.ts";

/** Whether a server has SCTP. */
export type Availability = "yes" | "no";

/** How much is remembered, for how long. */
export interface CacheLimits {
  /** Milliseconds; 0 remembers nothing. */
  readonly lifetime: number;
  /** Servers; 0 remembers nothing. The one that was not used for longest makes room. */
  readonly size: number;
}

/** The limits that the settings give. */
export function cacheLimits({ cacheLifetime, cacheSize }: Readonly<Settings>): CacheLimits {
  return { lifetime: cacheLifetime * 1000, size: cacheSize };
}

/** What is known about one server, for people and for JSON. */
export interface AvailabilityEntry {
  readonly address: string;
  readonly port: number;
  readonly available: Availability;
  /** How its SCTP was reached. */
  readonly encapsulation?: Encapsulation;
  /** What it is known from. */
  readonly reason: string;
  /** Milliseconds since it was learnt. */
  readonly age: number;
  /** Milliseconds until it is forgotten. */
  readonly expiresIn: number;
}

interface Known {
  readonly address: string;
  readonly port: number;
  readonly available: Availability;
  readonly encapsulation?: Encapsulation;
  readonly reason: string;
  readonly since: Instant;
}

/** Servers by address and port, the one used last at the end. */
export class AvailabilityCache {
  readonly #limits: () => CacheLimits;
  readonly #known = new Map<string, Known>();

  /** @param limits is asked at each use, so that changed settings hold from then on. */
  constructor(limits: () => CacheLimits) {
    this.#limits = limits;
  }

  /** How many servers are remembered, those among them that are out of date and were not met since. */
  get size(): number {
    return this.#known.size;
  }

  /** What is known about a server. */
  find(now: Instant, address: IpAddress, port: number): Availability | undefined {
    const key = keyOf(address, port);
    const known = this.#known.get(key);
    if (!known) return undefined;
    this.#known.delete(key);
    if (this.#timeLeft(now, known) <= 0) return undefined;
    this.#known.set(key, known);
    return known.available;
  }

  /** How a server's SCTP was reached, if {@link find} knows that it has some. */
  encapsulationOf(address: IpAddress, port: number): Encapsulation | undefined {
    return this.#known.get(keyOf(address, port))?.encapsulation;
  }

  /** Remembers what was learnt about a server, in place of what was known. */
  note(
    now: Instant,
    address: IpAddress,
    port: number,
    available: Availability,
    reason: string,
    encapsulation?: Encapsulation,
  ): void {
    const { lifetime, size } = this.#limits();
    const key = keyOf(address, port);
    this.#known.delete(key);
    if (lifetime > 0) {
      const known = { address: address.text, port, available, reason, since: now };
      this.#known.set(key, encapsulation ? { ...known, encapsulation } : known);
    }
    this.#shrinkTo(size);
  }

  /** A known "yes" is not known any more. */
  doubt(address: IpAddress, port: number): void {
    const key = keyOf(address, port);
    if (this.#known.get(key)?.available === "yes") this.#known.delete(key);
  }

  /** Everything that is known, the server used last at the end. */
  list(now: Instant): AvailabilityEntry[] {
    const entries: AvailabilityEntry[] = [];
    for (const known of this.#known.values()) {
      const { since, ...rest } = known;
      const expiresIn = this.#timeLeft(now, known);
      if (expiresIn > 0) entries.push({ ...rest, age: elapsed(since, now), expiresIn });
    }
    return entries;
  }

  /** Forgets everything, and tells how many servers that were. */
  flush(): number {
    const { size } = this.#known;
    this.#known.clear();
    return size;
  }

  #timeLeft(now: Instant, { since }: Known): number {
    return this.#limits().lifetime - elapsed(since, now);
  }

  #shrinkTo(size: number): void {
    for (const key of this.#known.keys()) {
      if (this.#known.size <= size) return;
      this.#known.delete(key);
    }
  }
}

function keyOf(address: IpAddress, port: number): string {
  return `${address.text} ${port}`;
}
