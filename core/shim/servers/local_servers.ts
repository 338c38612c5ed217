/** Serves the TCP servers of this host over SCTP, as they come and go and as the rules say. */
import { type Listener, ListenerWatch } from "../../net/listeners.ts";
import type { SockDiag } from "../../net/sock_diag.ts";
import type { Configuration } from "../../rules/configuration.ts";
import type { IpAddress } from "../../sctp/base/address.ts";
import { after, type Instant, isDue, NEVER } from "../../sctp/base/time.ts";
import type { Endpoint } from "../../sctp/endpoint.ts";
import { formatHostPort } from "../endpoint_spec.ts";
import type { ServeTarget } from "../server_connection.ts";
import type { ListenerStatus } from "../status.ts";
import { servedPort } from "./served_port.ts";
import { planService, type PortPlan, type ServicePlan } from "./port_plan.ts";

/** Milliseconds between two looks for servers, which take half a millisecond each. */
const LOOK_EVERY = 250;

/** Looks between two of those for clients that nobody seems to serve: whoever floods us with INITs gets no more. */
const LOOKS_ON_DEMAND = 20;

/** What is used of an {@link Endpoint}. */
export type ListeningEndpoint = Pick<Endpoint, "localAddresses" | "listen" | "stopListening">;

export interface LocalServersOptions {
  readonly endpoint: ListeningEndpoint;
  readonly configuration: Configuration;
  /** Whom to ask for listeners; closed by {@link LocalServers.close}. */
  readonly diag: Pick<SockDiag, "listeners" | "close">;
  /** Ports that are served by hand: left alone. */
  readonly reserved: ReadonlySet<number>;
  /** Inodes of the sockets of this process: the shim does not serve itself. */
  readonly ownSockets: () => ReadonlySet<number>;
  /** Number of the routing for foreign source addresses; `undefined` for connections of our own. */
  readonly transparent: number | undefined;
}

export class LocalServers {
  readonly #options: LocalServersOptions;
  readonly #watch: ListenerWatch;
  /** What the endpoint was told last, by port. */
  readonly #told = new Map<number, string>();
  #plan: ServicePlan = { ports: new Map(), decided: new Map() };
  #listeners: readonly Listener[] = [];
  #nextLook: Instant;
  #looksOnDemand = 0;

  /** Looks for servers at once. */
  constructor(now: Instant, options: LocalServersOptions) {
    this.#options = options;
    this.#watch = new ListenerWatch(options.diag);
    this.#nextLook = now;
    this.refresh(now);
  }

  /** When {@link refresh} wants to be called. */
  get deadline(): Instant {
    return this.#nextLook;
  }

  /** Looks for servers if it is time for that. */
  refresh(now: Instant): void {
    if (!isDue(this.#nextLook, now)) return;
    this.#nextLook = after(now, LOOK_EVERY);
    this.#looksOnDemand = 0;
    this.#look();
  }

  /**
   * A client has come to a port that nobody seems to serve: its server may be younger than the
   * last look, as one for a data connection of FTP always is.
   */
  lookOnDemand(): void {
    if (this.#nextLook === NEVER || this.#looksOnDemand >= LOOKS_ON_DEMAND) return;
    this.#looksOnDemand++;
    this.#look();
  }

  #look(): void {
    if (!this.#watch.poll()) return;
    const own = this.#options.ownSockets();
    this.#listeners = [...this.#watch.listeners].filter(({ inode }) => !own.has(inode));
    this.replan();
  }

  /** The rules or settings are different. Associations that exist stay. */
  replan(): void {
    const { configuration, reserved } = this.#options;
    this.#plan = planService(this.#listeners, configuration, this.#plan.decided);
    for (const port of this.#told.keys()) {
      if (!this.#plan.ports.has(port)) this.#stopListening(port);
    }
    for (const plan of this.#plan.ports.values()) {
      if (!reserved.has(plan.port)) this.#tell(plan);
    }
  }

  /** The server for a client that has reached a port at an address; `undefined` if there is none. */
  targetOf(port: number, reached: IpAddress): ServeTarget | undefined {
    const serverAt = () => this.#plan.ports.get(port)?.serverAt(reached);
    let address = serverAt();
    // A server at another address may have gone, and a new one may be at this very one.
    if (address !== reached) {
      this.lookOnDemand();
      address = serverAt();
    }
    if (!address) return undefined;
    const { transparent } = this.#options;
    return { name: formatHostPort(address.text, port), addresses: [address], port, transparent };
  }

  statuses(): ListenerStatus[] {
    return [...this.#told.keys()].map((port) => {
      const { name } = this.#plan.ports.get(port)!;
      return { kind: "serve", state: "LISTEN", address: name, port, target: `port ${port}` };
    });
  }

  /** Takes no more associations; may be called twice. */
  close(): void {
    if (this.#nextLook === NEVER) return;
    for (const port of this.#told.keys()) this.#stopListening(port);
    this.#nextLook = NEVER;
    this.#options.diag.close();
  }

  /** Listens on a port, unless the endpoint knows all that already. */
  #tell(plan: PortPlan): void {
    const { endpoint, configuration } = this.#options;
    const host = endpoint.localAddresses.map(({ address }) => address);
    const addresses = plan.reachableAt(host);
    if (addresses.length === 0) return this.#stopListening(plan.port);
    const { pathRtxMax, multiplex } = configuration.settings;
    const key = `${addresses.map(({ text }) => text).join()} ${pathRtxMax} ${multiplex}`;
    if (this.#told.get(plan.port) === key) return;
    this.#stopListening(plan.port);
    endpoint.listen(plan.port, servedPort(configuration.settings, listed(addresses, host)));
    this.#told.set(plan.port, key);
  }

  #stopListening(port: number): void {
    if (this.#told.delete(port)) this.#options.endpoint.stopListening(port);
  }
}

/** None where they are all: addresses that the host gets later are among them then. */
function listed(
  addresses: readonly IpAddress[],
  host: readonly IpAddress[],
): readonly IpAddress[] | undefined {
  return addresses.length === host.length ? undefined : addresses;
}
