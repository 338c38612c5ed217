/**
 * One SCTP instance: all ports and associations that share a packet transport.
 *
 * Pure and sans-IO. Methods tell by their names what they are: getters, `handle*` for what comes from
 * network and clock, commands for what the user wants, `poll*` for what comes out.
 *
 * The drain rule: after inputs call {@link Endpoint.pollTransmit} until it returns false,
 * {@link Endpoint.pollEvent} until it returns undefined, then arm one timer for
 * {@link Endpoint.pollTimeout}. With `developmentChecks`, arming before draining throws.
 */
import type { Association } from "./association.ts";
import type { AssociationHost, AssociationSetup } from "./association_host.ts";
import { Association as AssociationClass } from "./association.ts";
import {
  type AuthenticationOptions,
  type AuthenticationPlan,
  authenticationPlan,
} from "./auth/options.ts";
import type { IpAddress } from "./base/address.ts";
import { compact } from "./base/compact.ts";
import { DeadlineHeap } from "./base/deadline_heap.ts";
import { heapPages, type PageSource, SlabPool } from "./base/slab_pool.ts";
import { type Tsn, tsn } from "./base/serial.ts";
import { type Instant, isDue } from "./base/time.ts";
import { ChunkContext } from "./chunk_context.ts";
import { Demultiplexer } from "./demultiplexer.ts";
import type { Environment } from "./environment.ts";
import type { SctpEvent } from "./events.ts";
import type { IcmpError } from "./icmp_error.ts";
import { type Listener, type ListenOptions, newListener } from "./listener.ts";

import { type DropReason, type EndpointMetrics, newEndpointMetrics } from "./metrics.ts";
import { Ecn, type InboundPacket, type PacketBatch, type Route } from "./packet.ts";
import { areSame, type Parameters, withParameters } from "./parameters.ts";
import { type LocalAddress, pairAddresses } from "./path/pairing.ts";
import { handleIcmpError, quotesAssociation } from "./procedures/icmp.ts";
import { applyNetworkChange } from "./procedures/network_change.ts";
import { receivePacket } from "./procedures/receive.ts";
import type { PacketPorts } from "./procedures/responder.ts";
import { beginSetup } from "./procedures/setup.ts";
import { CookieMint } from "./procedures/state_cookie.ts";
import { fitForLowerLayer } from "./procedures/zero_checksum.ts";
import { ReplyQueue } from "./reply_queue.ts";
import { SpentTags } from "./spent_tags.ts";
import { PacketWriter } from "./tx/packet_writer.ts";

export type { LocalAddress } from "./path/pairing.ts";

/** First port of the range for ports that nobody asked for (RFC 6335, section 6). */
const EPHEMERAL_FIRST = 49_152;
const EPHEMERAL_COUNT = 65_536 - EPHEMERAL_FIRST;
/** Associations that an endpoint has at most, so that its memory has a bound. */
const DEFAULT_MAX_ASSOCIATIONS = 65_536;

/** How an endpoint is made. */
export interface EndpointOptions {
  /** Changes to the defaults of `PARAMETERS`. */
  readonly parameters?: Partial<Parameters>;
  /** For all associations, unless a listener or an attempt says otherwise. */
  readonly authentication?: AuthenticationOptions;
  /** Addresses that packets can leave from. */
  readonly localAddresses?: readonly LocalAddress[];
  /** Throw when the drain rule is broken. */
  readonly developmentChecks?: boolean;
  /** Associations at one time; default 65,536. */
  readonly maxAssociations?: number;
  /**
   * Bytes of user data of all associations, sent or received, that are held; default 1 GiB. An eighth
   * more is kept for chunks without which held data could not be read.
   */
  readonly maxBufferedMemory?: number;
  /** Where memory for user data comes from; default: pages on the heap. */
  readonly pages?: PageSource;
}

/** Whom to associate with, and how. */
export interface AssociateOptions {
  readonly remotePort: number;
  /** Addresses of the peer, the preferred one first. */
  readonly remoteAddresses: readonly IpAddress[];
  /** Default: a free port from the dynamic range. */
  readonly localPort?: number;
  /** Default: all addresses of the endpoint. */
  readonly localAddresses?: readonly IpAddress[];
  /** The one of them that the first path starts at, if it can reach the peer. */
  readonly preferredLocal?: IpAddress;
  /** UDP port of the peer (RFC 6951); 0, the default, for SCTP directly over IP. */
  readonly encapsulationPort?: number;
  readonly parameters?: Partial<Parameters>;
  readonly adaptationIndication?: number;
  /** Changes to the endpoint's. */
  readonly authentication?: AuthenticationOptions;
}

export class Endpoint implements AssociationHost {
  readonly environment: Environment;
  readonly parameters: Parameters;
  readonly authentication: AuthenticationPlan;
  readonly metrics: EndpointMetrics = newEndpointMetrics();
  readonly pool: SlabPool;
  readonly writer: PacketWriter;
  readonly cookies: CookieMint;
  readonly demultiplexer = new Demultiplexer();
  /**
   * Called when an INIT has come to a port without a listener, before it is refused. A
   * {@link listen} of the callee holds for that INIT already; it must not call anything else.
   */
  onUnservedPort: ((port: number) => void) | undefined;

  readonly #developmentChecks: boolean;
  readonly #maxAssociations: number;
  readonly #listeners = new Map<number, Listener>();
  readonly #deadlines = new DeadlineHeap<Association>();
  readonly #touched: Association[] = [];
  readonly #replies = new ReplyQueue();
  readonly #spentTags = new SpentTags();
  readonly #context = new ChunkContext();
  #events: SctpEvent[] = [];
  #eventsTaken = 0;
  #localAddresses: readonly LocalAddress[];
  /** Of the latest attempt. */
  #latestParameters: Parameters;
  #nextId = 1;
  #nextEphemeral: number;

  /** @throws RangeError if a parameter is out of its range, or authentication cannot be as asked. */
  constructor(environment: Environment, options: EndpointOptions = {}) {
    this.environment = environment;
    this.parameters = fitForLowerLayer(withParameters(options.parameters ?? {}), environment);
    this.#latestParameters = this.parameters;
    this.authentication = authenticationPlan(options.authentication, this.parameters);
    this.pool = new SlabPool(options.pages ?? heapPages, options.maxBufferedMemory);
    this.writer = new PacketWriter(environment.crc32c);
    this.cookies = new CookieMint(environment.random, environment.keyedHash);
    this.#developmentChecks = options.developmentChecks ?? false;
    this.#maxAssociations = options.maxAssociations ?? DEFAULT_MAX_ASSOCIATIONS;
    this.#localAddresses = options.localAddresses ?? [];
    this.#nextEphemeral = environment.random.uint32() % EPHEMERAL_COUNT;
  }

  /** All associations that are not CLOSED. */
  get associations(): Iterable<Association> {
    return this.demultiplexer.associations;
  }

  get associationCount(): number {
    return this.demultiplexer.count;
  }

  get localAddresses(): readonly LocalAddress[] {
    return this.#localAddresses;
  }

  /** Bytes of user data and bookkeeping slots in use by all associations. */
  get bufferedMemory(): number {
    return this.pool.liveBytes;
  }

  // What comes from network and clock.

  /** Takes a packet that arrived. It is read during the call only. */
  handlePacket(now: Instant, packet: InboundPacket): void {
    this.metrics.packetsReceived++;
    this.metrics.bytesReceived += packet.length;
    receivePacket(this, this.#context, now, packet);
  }

  /** Handles all timers that are due. */
  handleTimeout(now: Instant): void {
    while (isDue(this.#deadlines.earliest, now)) {
      const association = this.#deadlines.first;
      if (!association) return;
      association.handleTimeout(now);
      this.#deadlines.set(association, association.nextDeadline);
    }
  }

  /** The host's addresses are now these. */
  handleNetworkChange(now: Instant, addresses: readonly LocalAddress[]): void {
    const before = this.#localAddresses;
    this.#localAddresses = addresses;
    for (const association of this.associations) {
      applyNetworkChange(association, now, addresses, before);
    }
  }

  /** Takes an ICMP error about a packet of ours (RFC 9260, section 10). */
  handleIcmp(now: Instant, error: IcmpError): void {
    const association = this.demultiplexer.findQuoted(error, quotesAssociation);
    if (!association) {
      this.countDrop("icmp-not-ours");
      return;
    }
    handleIcmpError(association, now, error);
    this.touch(association);
  }

  // What the user wants.

  /**
   * Accepts associations on a port.
   * @throws RangeError if the port is not 1 .. 65535 or taken, a parameter is out of range, or
   *   authentication cannot be as asked.
   */
  listen(port: number, options: ListenOptions = {}): void {
    checkPort(port);
    if (this.#listeners.has(port)) {
      throw new RangeError(`port ${port} is taken: there is a listener on it already`);
    }
    const listener = newListener(port, options, {
      parametersWith: (changes) => this.#parametersWith(changes),
      authentication: this.authentication,
      backlog: this.#maxAssociations,
    });
    this.#listeners.set(port, listener);
  }

  /** Accepts no more associations on a port; those that exist stay. */
  stopListening(port: number): void {
    this.#listeners.delete(port);
  }

  /**
   * Starts an association; "communication-up" or "communication-lost" tells how it went.
   * @throws RangeError if a port or parameter is out of range, authentication cannot be as asked, the
   *   association exists already, or no local address can reach any of the peer's.
   */
  associate(now: Instant, options: AssociateOptions): Association {
    checkPort(options.remotePort);
    const parameters = this.#latestIfEqual(this.#parametersWith(options.parameters));
    const localPort = options.localPort ?? this.#freePort(options);
    checkPort(localPort);
    if (this.demultiplexer.find(localPort, options.remotePort, options.remoteAddresses)) {
      throw new RangeError(
        `there is an association from port ${localPort} to ` +
          `${options.remoteAddresses[0]} port ${options.remotePort} already`,
      );
    }
    const locals = this.#chosenLocals(options.localAddresses, options.preferredLocal);
    const pairs = pairAddresses(locals, options.remoteAddresses);
    if (pairs.length === 0) {
      throw new RangeError(
        `none of the local addresses ${listText(locals.map(({ address }) => address))} ` +
          `can reach ${listText(options.remoteAddresses)}: families or scopes differ`,
      );
    }
    const used = locals.filter(({ address }) =>
      pairs.some(({ local }) => local.equals(address)) ||
      mayReachOthers(address, options.remoteAddresses)
    );
    const association = this.newAssociation({
      incoming: false,
      localPort,
      remotePort: options.remotePort,
      parameters,
      localTag: this.unusedTag(),
      initialTsn: this.randomTsn(),
      localAddresses: compact(used),
      isBoundToAll: options.localAddresses === undefined,
      encapsulationPort: options.encapsulationPort ?? 0,
      adaptationIndication: options.adaptationIndication,
      authentication: authenticationPlan(options.authentication, parameters, this.authentication),
    });
    for (const { local, remote } of pairs) {
      if (!association.mayAddPath) break;
      // RFC 9260, section 5.4, 1: addresses that the user names are taken as confirmed.
      const path = association.addPath(now, local, remote);
      path.isConfirmed = true;
      path.status = "active";
    }
    association.primary = association.pathList[0];
    beginSetup(association, now);
    this.touch(association);
    return association;
  }

  #parametersWith(changes: Partial<Parameters> = {}): Parameters {
    return fitForLowerLayer(withParameters(changes, this.parameters), this.environment);
  }

  // What comes out.

  /**
   * Writes packets that may leave into the batch.
   * @returns true if the batch became full before everything was written.
   */
  pollTransmit(now: Instant, batch: PacketBatch): boolean {
    const before = batch.count;
    const bytesBefore = batch.used;
    const more = this.#replies.drain(this.writer, batch) || this.#transmitTouched(now, batch);
    this.metrics.packetsSent += batch.count - before;
    this.metrics.bytesSent += batch.used - bytesBefore;
    return more;
  }

  #transmitTouched(now: Instant, batch: PacketBatch): boolean {
    while (this.#touched.length > 0) {
      const association = this.#touched[this.#touched.length - 1];
      if (association.state !== "CLOSED" && association.transmit(now, batch)) return true;
      this.#touched.pop();
      association.isTouched = false;
      this.#deadlines.set(association, association.nextDeadline);
    }
    return false;
  }

  /** The next notification, if any. */
  pollEvent(): SctpEvent | undefined {
    if (this.#eventsTaken === this.#events.length) {
      if (this.#eventsTaken > 0) {
        this.#events = [];
        this.#eventsTaken = 0;
      }
      return undefined;
    }
    return this.#events[this.#eventsTaken++];
  }

  /**
   * When {@link handleTimeout} has something to do; NEVER if no timer runs.
   * @throws Error if packets or notifications have not been polled, with `developmentChecks`.
   */
  pollTimeout(): Instant {
    if (this.#developmentChecks && this.#isUndrained) {
      throw new Error("drain rule broken: poll transmissions and events before pollTimeout");
    }
    return this.#deadlines.earliest;
  }

  get #isUndrained(): boolean {
    return this.#touched.length > 0 || !this.#replies.isEmpty ||
      this.#eventsTaken < this.#events.length;
  }

  // For the procedures.

  listenerOn(port: number): Listener | undefined {
    return this.#listeners.get(port);
  }

  /** As {@link listenerOn}, for an INIT: somebody may want to listen only now. */
  listenerForInit(port: number): Listener | undefined {
    if (!this.#listeners.has(port)) this.onUnservedPort?.(port);
    return this.#listeners.get(port);
  }

  emit(event: SctpEvent): void {
    if (event.kind === "communication-lost") this.metrics.associationsLost++;
    if (event.kind === "shutdown-complete") this.metrics.associationsClosed++;
    this.#events.push(event);
  }

  countDrop(reason: DropReason): void {
    this.metrics.dropped[reason]++;
  }

  countEstablished(): void {
    this.metrics.associationsEstablished++;
  }

  countRestart(): void {
    this.metrics.restarts++;
  }

  touch(association: Association): void {
    if (association.isTouched) return;
    association.isTouched = true;
    this.#touched.push(association);
  }

  forget(association: Association): void {
    this.#spend(association, association.localTag);
    this.demultiplexer.remove(association);
    this.#deadlines.set(association, association.nextDeadline);
  }

  claimAddress(association: Association, address: IpAddress): void {
    this.demultiplexer.claim(association, address);
  }

  releaseAddress(association: Association, address: IpAddress): void {
    this.demultiplexer.release(association, address);
  }

  belongsToOther(association: Association, address: IpAddress): boolean {
    const { localPort, remotePort } = association;
    const owner = this.demultiplexer.find(localPort, remotePort, [address]);
    return owner !== undefined && owner !== association;
  }

  /** No cookie with this tag makes an association again, for as long as one can be valid. */
  #spend({ parameters }: Association, tag: number): void {
    this.#spentTags.add(tag, 2 * parameters.validCookieLife);
  }

  /** True if a cookie with this tag has made an association that is over. */
  isSpent(now: Instant, tag: number): boolean {
    return this.#spentTags.has(now, tag);
  }

  retag(association: Association, oldTag: number): void {
    this.#spend(association, oldTag);
    this.demultiplexer.retag(association, oldTag);
  }

  /** True if one more association through this listener is within the limits. */
  hasRoomFor(listener: Listener): boolean {
    return this.associationCount < this.#maxAssociations &&
      this.demultiplexer.countIncoming(listener.port) < listener.backlog;
  }

  /** Makes an association and makes it known; its paths are added by the caller. */
  newAssociation(setup: Omit<AssociationSetup, "id">): Association {
    const association = new AssociationClass(this, { ...setup, id: this.#nextId++ });
    this.demultiplexer.add(association);
    return association;
  }

  /** A random tag that no association has, nor one that is over lately (RFC 9260, section 5.3.1). */
  unusedTag(): number {
    for (;;) {
      const tag = this.environment.random.uint32();
      if (tag === 0 || this.demultiplexer.byTag(tag)) continue;
      if (!this.#spentTags.remembers(tag)) return tag;
    }
  }

  randomTsn(): Tsn {
    return tsn(this.environment.random.uint32());
  }

  /** Local addresses that an association through `listener`, reached at `reached`, may use. */
  usableAddresses(listener: Listener, reached: IpAddress): LocalAddress[] {
    const isLike = ({ address }: LocalAddress) =>
      address.isLoopback === reached.isLoopback &&
      (!address.isLinkLocal || address.equals(reached));
    const chosen = this.#chosenLocals(listener.localAddresses).filter(isLike);
    if (chosen.some(({ address }) => address.equals(reached))) return compact(chosen);
    return [{ address: reached, prefixLength: 0, interfaceIndex: 0 }, ...chosen];
  }

  /** Addresses for the list of an INIT ACK; none if there is only the one that was reached. */
  listedAddresses(listener: Listener, reached: IpAddress): IpAddress[] {
    const addresses = this.usableAddresses(listener, reached).map(({ address }) => address);
    return addresses.length > 1 ? addresses : [];
  }

  reply(
    route: Route,
    sourcePort: number,
    destinationPort: number,
    tag: number,
    chunk: Uint8Array,
  ): void {
    const taken = this.#replies.push({ route, sourcePort, destinationPort, tag, chunk });
    if (!taken) this.countDrop("reply-queue-full");
  }

  /** Sends one chunk back to where a packet came from. */
  replyTo(context: ChunkContext, ports: PacketPorts, tag: number, chunk: Uint8Array): void {
    const route: Route = {
      local: context.destination,
      remote: context.source,
      encapsulationPort: context.encapsulationPort,
      ecn: Ecn.NotEct,
    };
    this.reply(route, ports.local, ports.remote, tag, chunk);
  }

  /** Attempts that want the same share one object. */
  #latestIfEqual(parameters: Parameters): Parameters {
    if (!areSame(parameters, this.#latestParameters)) this.#latestParameters = parameters;
    return this.#latestParameters;
  }

  /** @param preferred comes first, if it is among them. */
  #chosenLocals(chosen: readonly IpAddress[] | undefined, preferred?: IpAddress): LocalAddress[] {
    const locals =
      chosen?.map((address) =>
        this.#localAddresses.find((known) => known.address.equals(address)) ??
          { address, prefixLength: 0, interfaceIndex: 0 }
      ) ?? [...this.#localAddresses];
    if (!preferred) return locals;
    const isPreferred = ({ address }: LocalAddress) => address.equals(preferred);
    return [...locals.filter(isPreferred), ...locals.filter((one) => !isPreferred(one))];
  }

  #freePort(options: AssociateOptions): number {
    for (let i = 0; i < EPHEMERAL_COUNT; i++) {
      const port = EPHEMERAL_FIRST + this.#nextEphemeral;
      this.#nextEphemeral = (this.#nextEphemeral + 1) % EPHEMERAL_COUNT;
      const isTaken = this.#listeners.has(port) ||
        this.demultiplexer.find(port, options.remotePort, options.remoteAddresses);
      if (!isTaken) return port;
    }
    throw new RangeError("no free port: all dynamic ports have an association with this peer");
  }
}

function checkPort(port: number): void {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new RangeError(`${port} is not an SCTP port: it takes 1 to 65535`);
  }
}

/**
 * Whether the peer behind `remotes` may reach `address` by one of its other addresses, which are not
 * known before its INIT ACK: an address on another link belongs into the INIT as well.
 */
function mayReachOthers(address: IpAddress, remotes: readonly IpAddress[]): boolean {
  return !address.isLinkLocal &&
    remotes.some(({ isLoopback, isLinkLocal }) =>
      !isLinkLocal && isLoopback === address.isLoopback
    );
}

function listText(addresses: readonly IpAddress[]): string {
  return addresses.length > 0 ? addresses.join(", ") : "(none)";
}
