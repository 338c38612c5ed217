/**
 * Which local servers are reachable over SCTP, and at which addresses (Bickhart 2005, sections 2.5.1
 * and 2.9.1). Pure.
 */
import type { Listener } from "../../net/listeners.ts";
import type { Configuration } from "../../rules/configuration.ts";
import { isMapped } from "../../rules/network.ts";
import type { RuleEntry } from "../../rules/rule_chain.ts";
import { IpAddress } from "../../sctp/base/address.ts";

const ANY4 = IpAddress.parse("0.0.0.0");
const ANY6 = IpAddress.parse("::");
const LOOPBACK4 = IpAddress.parse("127.0.0.1");
const LOOPBACK6 = IpAddress.parse("::1");

/** A port whose servers are reachable over SCTP. */
export class PortPlan {
  readonly #bound: readonly Listener[];
  readonly #everywhere: boolean;

  /**
   * @param bound where its servers listen, those that the rules enable only; at least one.
   * @param everywhere whether they are reachable at addresses too that they have not bound.
   */
  constructor(readonly port: number, bound: readonly Listener[], everywhere: boolean) {
    this.#bound = bound;
    this.#everywhere = everywhere;
  }

  /** Where the servers listen, for people. */
  get name(): string {
    return this.#bound.map(({ address }) => address.text).join(",");
  }

  /** Where to connect for a client that has reached this address; `undefined` if nobody is there. */
  serverAt(reached: IpAddress): IpAddress | undefined {
    if (this.#bound.some((listener) => takes(listener, reached))) return reached;
    if (!this.#everywhere) return undefined;
    // One of the client's family can see the client's address.
    const { address } = this.#bound.find((one) => one.address.family === reached.family) ??
      this.#bound[0];
    if (address.equals(ANY4)) return LOOPBACK4;
    return address.equals(ANY6) ? LOOPBACK6 : address;
  }

  /** The addresses, of those of this host, at which there is a server. */
  reachableAt(host: readonly IpAddress[]): IpAddress[] {
    return host.filter((address) => this.serverAt(address) !== undefined);
  }
}

function takes({ address, v6Only }: Listener, reached: IpAddress): boolean {
  if (address.equals(reached)) return true;
  return reached.family === 4
    ? address.equals(ANY4) || (address.equals(ANY6) && !v6Only)
    : address.equals(ANY6);
}

/** What the rules said about each listener, so that a hit counts once. */
export type Decided = ReadonlyMap<string, RuleEntry | undefined>;

/** A plan of all ports. */
export interface ServicePlan {
  readonly ports: ReadonlyMap<number, PortPlan>;
  /** For the next plan. */
  readonly decided: Decided;
}

/**
 * Plans which ports are served. A listener that is bound to an interface is left out: a connection
 * of this host does not come from there. Counts a hit of a rule that decides about a listener anew.
 */
export function planService(
  listeners: Iterable<Listener>,
  { table, settings }: Configuration,
  before: Decided = new Map(),
): ServicePlan {
  const enabled = new Map<number, Listener[]>();
  const decided = new Map<string, RuleEntry | undefined>();
  for (const listener of listeners) {
    if (listener.interfaceIndex !== 0) continue;
    const address = unmapped(listener.address);
    const { port } = listener;
    const decision = table.find("local", address, port);
    const key = `${address.text} ${port} ${listener.v6Only}`;
    decided.set(key, decision.entry);
    if (decision.entry && before.get(key) !== decision.entry) decision.entry.hits++;
    if (!decision.enabled) continue;
    const bound = enabled.get(port);
    if (bound) bound.push({ ...listener, address });
    else enabled.set(port, [{ ...listener, address }]);
  }
  const everywhere = settings.forceBindall !== 0;
  const ports = new Map(
    [...enabled].map(([port, bound]) => [port, new PortPlan(port, bound, everywhere)]),
  );
  return { ports, decided };
}

/** An IPv4 address that a socket of IPv6 has bound. */
function unmapped(address: IpAddress): IpAddress {
  return isMapped(address) ? IpAddress.fromBytes(4, address.bytes, 12) : address;
}
