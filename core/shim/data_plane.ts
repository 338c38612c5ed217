/**
 * The loop that moves everything: engine, packets and TCP sockets in one thread, with one blocking
 * wait whose timeout is the next timer.
 */
import type { Wakeup } from "../net/epoll.ts";
import { garbageCollector } from "../net/garbage.ts";
import type { Encapsulation } from "../net/icmp.ts";
import { descriptorLimit } from "../net/descriptor_limit.ts";
import type { TcpSocket } from "../net/tcp_socket.ts";
import { type ChangeData, readChange } from "../rules/change_data.ts";
import type { Configuration } from "../rules/configuration.ts";
import { Fault } from "../rules/fault.ts";
import { LOG_LEVELS } from "../rules/settings.ts";
import { snapshotOf } from "../rules/snapshot.ts";
import { NetworkChanges } from "../net/network_changes.ts";
import type { Heartbeat } from "../net/queue_watchdog.ts";
import type { Association } from "../sctp/association.ts";
import { IpAddress } from "../sctp/base/address.ts";
import { after, earlier, elapsed, type Instant, isDue, NEVER } from "../sctp/base/time.ts";
import type { AssociateOptions, Endpoint } from "../sctp/endpoint.ts";
import type { SctpEvent } from "../sctp/events.ts";
import { DEFAULT_PARAMETERS } from "../sctp/parameters.ts";
import { Pump } from "../socket/pump.ts";
import { Alarms } from "./alarms.ts";
import { Arrivals, type ArrivalsPlane, turnAway } from "./arrivals.ts";
import type { CommandRing } from "../net/command_ring.ts";
import { configurationOf } from "./configuration_of.ts";
import { ResetReason, SHIM_ADAPTATION } from "./control_message.ts";
import type { CutIo } from "./cut_io.ts";
import { DatagramFront } from "./datagrams/datagram_front.ts";
import { DATAGRAM_PORT } from "./datagrams/message.ts";
import { ClientFronts, ownMark } from "./fronts/client_fronts.ts";
import { AssociationLink, type Link } from "./link.ts";
import type {
  AssociationWish,
  Connection,
  Ending,
  FrontPlane,
  LogLevel,
  Owner,
  Task,
  Watch,
} from "./plane.ts";
import { IdleCollector } from "./idle_collector.ts";
import { type Command, type DataPlaneConfig, encapsulationsOf, type Report } from "./protocol.ts";
import { AvailabilityCache, cacheLimits } from "./policy/availability_cache.ts";
import { Service } from "./servers/service.ts";
import type { ConnectionStatus, ListenerStatus, ShimCounters, ShimStatus } from "./status.ts";
import { TransferBuffers } from "./transfer_buffers.ts";
import type { TrunkStream } from "./trunk/trunk_stream.ts";
import { Multiplex } from "./trunk/trunk_options.ts";
import { Trunks, type TrunksPlane } from "./trunk/trunks.ts";
import { Watches } from "./watches.ts";

/** What a data plane is made of. */
export interface DataPlaneParts {
  readonly config: DataPlaneConfig;
  readonly endpoint: Endpoint;
  /** Closed by {@link DataPlane.run} at its end. */
  readonly io: CutIo;
  /** For outgoing packets; see {@link Pump}. */
  readonly memory: Uint8Array;
  /** Memory for what passes between TCP and SCTP, best of the same kind. */
  readonly allocate: (length: number) => Uint8Array;
  readonly commands: CommandRing;
  readonly wakeup: Wakeup;
  /** Shows the watchdog that the loop turns. */
  readonly heartbeat: Heartbeat;
  readonly clock: () => Instant;
  readonly report: (report: Report) => void;
}

/** Milliseconds for the last packets to leave after the last connection is gone. */
const LAST_PACKETS = 50;

/** Milliseconds of the longest wait while a watchdog waits for heartbeats. */
const LONGEST_WAIT = 400;

/** Descriptors that are left for everything else than connections. */
const SPARE_DESCRIPTORS = 64;

/** Connections that the status remembers after their end. */
const ENDED_KEPT = 16;

export class DataPlane implements FrontPlane, ArrivalsPlane, TrunksPlane {
  readonly buffers: TransferBuffers;
  readonly configuration: Configuration;
  readonly counters: ShimCounters = {
    accepted: 0,
    held: 0,
    associated: 0,
    carried: 0,
    multiplexed: 0,
    trunks: 0,
    malformedTrunks: 0,
    fellBack: 0,
    direct: 0,
    refused: 0,
    closed: 0,
    broken: 0,
  };
  readonly cache: AvailabilityCache;
  readonly encapsulations: readonly Encapsulation[];
  readonly mark: number;
  namedApplications = false;
  readonly #parts: DataPlaneParts;
  readonly #pump: Pump;
  readonly #watches = new Watches();
  readonly #alarms = new Alarms<Task>();
  readonly #fronts: ClientFronts;
  readonly #network = new NetworkChanges();
  /** Who waits for the addresses of a host, by the number of the question. */
  readonly #lookups = new Map<number, (addresses: readonly IpAddress[]) => void>();
  readonly #service: Service;
  #datagrams: DatagramFront | undefined;
  readonly #trunks = new Trunks(this);
  readonly #arrivals: Arrivals;
  readonly #connections = new Map<Task, Connection>();
  readonly #garbage = new IdleCollector(garbageCollector() ?? (() => {}));
  readonly #owners = new Map<Association, Owner>();
  readonly #descriptorLimit = descriptorLimit();
  readonly #startedAt: Instant;
  readonly #ended: ConnectionStatus[] = [];
  #scheduled = new Set<Task>();
  #running = new Set<Task>();
  #now: Instant;
  #nextId = 1;
  #nextLookup = 1;
  #packetsWait = true;
  #stopAt: Instant = NEVER;
  #stopping = false;
  /** Index of the least serious level of {@link LOG_LEVELS} that is reported. */
  #logLevel: number;
  #endsAt: Instant = NEVER;

  /** Opens every listener. @throws SystemError or RangeError if one is not to be had. */
  constructor(parts: DataPlaneParts) {
    this.#parts = parts;
    this.configuration = configurationOf(parts.config);
    const { logLevel } = parts.config;
    this.#logLevel = logLevel ? LOG_LEVELS.indexOf(logLevel) : this.configuration.settings.logLevel;
    this.#now = parts.clock();
    this.#startedAt = this.#now;
    this.cache = new AvailabilityCache(() => cacheLimits(this.configuration.settings));
    this.encapsulations = encapsulationsOf(parts.config.transport);
    this.mark = ownMark(parts.config);
    this.#fronts = new ClientFronts(this, parts.config);
    this.#service = new Service(parts.endpoint, this.configuration, parts.config);
    this.#arrivals = new Arrivals(this, this.#service, this.#trunks);
    const { sendBuffer } = parts.config.parameters;
    this.buffers = new TransferBuffers(
      sendBuffer ?? DEFAULT_PARAMETERS.sendBuffer,
      parts.allocate,
    );
    const handleEvent = (event: SctpEvent) => this.#handleEvent(event);
    this.#pump = new Pump(parts.endpoint, parts.io, handleEvent, parts.memory);
    try {
      this.#open();
    } catch (error) {
      this.#close();
      throw error;
    }
  }

  /** Blocks the thread until a `stop` command has been carried out. */
  run(): void {
    const { interception } = this.#fronts;
    this.#parts.report({
      kind: "ready",
      listeners: this.#listeners(),
      interception,
      datagrams: this.#datagrams?.report,
      udpPort: this.#parts.io.encapsulationPort,
    });
    while (!isDue(this.#endsAt, this.#now)) {
      this.#parts.heartbeat.beat();
      this.#round();
      this.#dispatch(this.#watches.wait(this.#timeout()));
    }
    this.#close();
    this.#parts.report({ kind: "stopped" });
  }

  now(): Instant {
    return this.#now;
  }

  get isStopping(): boolean {
    return this.#stopping;
  }

  get isCrowded(): boolean {
    // A connection that is being set up gets its descriptor later, one by a relay has two.
    const taken = Math.max(this.#watches.count, this.#connections.size);
    return taken + SPARE_DESCRIPTORS >= this.#descriptorLimit;
  }

  connect(wish: AssociationWish): Link {
    const stream = this.#trunks.open(this.#now, wish);
    return stream ?? this.linkOf(this.associate(wish), wish);
  }

  welcomeTrunk(wish: AssociationWish): void {
    if (!this.#stopping) this.#trunks.want(this.#now, wish);
  }

  associate(wish: AssociationWish): Association {
    const { addresses, port, localPort, localAddress, encapsulation } = wish;
    const { adaptation = SHIM_ADAPTATION, parameters } = wish;
    const { config: { transport }, endpoint } = this.#parts;
    const { initRtxMax, pathRtxMax } = this.configuration.settings;
    const options: AssociateOptions = {
      remotePort: port,
      remoteAddresses: addresses,
      preferredLocal: localAddress,
      encapsulationPort: encapsulation === "raw" || transport.kind === "raw"
        ? 0
        : transport.remotePort,
      adaptationIndication: adaptation,
      parameters: { maxInitRetransmits: initRtxMax, pathMaxRetrans: pathRtxMax, ...parameters },
    };
    const taken = localPort === undefined ||
      endpoint.demultiplexer.find(localPort, port, addresses) !== undefined;
    return endpoint.associate(this.#now, taken ? options : { ...options, localPort });
  }

  watch(socket: TcpSocket, handler: Watch["handler"]): Watch {
    return this.#watches.socket(socket, handler);
  }

  own(association: Association, owner: Owner): void {
    this.#owners.set(association, owner);
  }

  schedule(task: Task): void {
    this.#scheduled.add(task);
  }

  nextId(): number {
    return this.#nextId++;
  }

  adopt(connection: Connection): void {
    this.#connections.set(connection, connection);
    this.#garbage.noteChange();
  }

  input(descriptor: number, handler: () => void): () => void {
    return this.#watches.input(descriptor, handler);
  }

  wake(task: Task, at: Instant): void {
    this.#alarms.set(task, at);
  }

  resolve(host: string, found: (addresses: readonly IpAddress[]) => void): void {
    const id = this.#nextLookup++;
    this.#lookups.set(id, found);
    this.#parts.report({ kind: "resolve", id, host });
  }

  ended(connection: Connection, how: Ending, last: ConnectionStatus): void {
    this.counters[how]++;
    this.#garbage.noteChange();
    this.wake(connection, NEVER);
    this.#ended.push(last);
    if (this.#ended.length > ENDED_KEPT) this.#ended.shift();
    this.schedule(connection);
  }

  /** What nobody wants to know is not reported: that costs more than the connection's first bytes. */
  log(level: LogLevel, message: string): void {
    if (LOG_LEVELS.indexOf(level) > this.#logLevel) return;
    this.#parts.report({ kind: "log", level, message });
  }

  /** One turn for everybody who has something to do, and the packets that come of it. */
  #round(): void {
    this.#now = this.#parts.clock();
    const due = isDue(this.#parts.endpoint.pollTimeout(), this.#now);
    if (this.#packetsWait || due) this.#pump.round(this.#now);
    this.#packetsWait = this.#pump.packetsWait;
    this.#fronts.resume(this.#now);
    this.#alarms.ring(this.#now, (task) => this.schedule(task));
    this.#service.refresh(this.#now);
    this.#runScheduled();
    this.#pump.flush(this.#now);
    this.#stopWhenDue();
    this.#garbage.run(this.#now);
  }

  #runScheduled(): void {
    const running = this.#scheduled;
    this.#scheduled = this.#running;
    this.#running = running;
    if (running.size > 0) this.#garbage.noteActivity(this.#now);
    for (const task of running) {
      if (task.run(this.#now)) this.#scheduled.add(task);
      if (task.over) this.#connections.delete(task);
    }
    running.clear();
  }

  #timeout(): number {
    if (this.#packetsWait || this.#scheduled.size > 0) return 0;
    let deadline = earlier(this.#fronts.resumesAt, this.#alarms.next);
    deadline = earlier(deadline, this.#garbage.deadline);
    deadline = earlier(deadline, this.#service.deadline);
    deadline = earlier(deadline, earlier(this.#stopAt, this.#endsAt));
    const { intercept, datagrams } = this.#parts.config;
    const longest = intercept || datagrams ? LONGEST_WAIT : Infinity;
    return Math.min(this.#pump.nextTimeout(this.#now), this.#until(deadline), longest);
  }

  #until(deadline: Instant): number {
    return Math.max(0, elapsed(this.#now, deadline));
  }

  #dispatch(count: number): void {
    if (count === 0) return;
    this.#now = this.#parts.clock();
    this.#watches.dispatch(count);
  }

  #open(): void {
    const { io, config, wakeup } = this.#parts;
    this.#watches.input(wakeup.descriptor, () => this.#takeCommands());
    for (const descriptor of io.descriptors) {
      this.#watches.input(descriptor, () => this.#packetsWait = true);
    }
    this.#watches.input(this.#network.descriptor, () => this.#handleNetwork());
    this.#service.open();
    this.#fronts.open((front) => {
      this.#watches.listener(front.descriptor, () => this.#fronts.accept(front));
    });
    this.#service.openLocal(this.#now);
    if (config.datagrams) {
      this.#datagrams = new DatagramFront(this, config.datagrams, this.#parts.endpoint);
    }
  }

  #close(): void {
    this.#network.close();
    this.#fronts.close();
    this.#service.close();
    this.#datagrams?.close();
    this.#parts.io.close();
    this.#watches.close();
  }

  #handleEvent(event: SctpEvent): void {
    const { association } = event;
    const owner = this.#owners.get(association);
    if (owner) {
      owner.handleEvent(this.#now, event);
      this.schedule(owner);
    }
    if (event.kind === "communication-lost" || event.kind === "shutdown-complete") {
      this.#owners.delete(association);
    } else if (event.kind === "communication-up" && event.incoming) this.#welcome(association);
    else if (event.kind === "restart") this.#welcomeAgain(association);
  }

  #welcome(association: Association): void {
    if (association.localPort === DATAGRAM_PORT && this.#datagrams && !this.#stopping) {
      return this.#datagrams.welcome(this.#now, association);
    }
    this.#arrivals.welcome(this.#now, association);
  }

  welcomeStream(stream: TrunkStream, port: number, reached: IpAddress | undefined): void {
    this.#arrivals.welcomeStream(this.#now, stream, port, reached);
  }

  linkOf(association: Association, wish?: AssociationWish): Link {
    const takesTrunks = this.configuration.settings.multiplex !== Multiplex.Off;
    return new AssociationLink(association, this.#owners, takesTrunks, wish);
  }

  /** To the restarted peer it is a new association, so a server gets a new connection. */
  #welcomeAgain(association: Association): void {
    this.#owners.delete(association);
    if (association.incoming) this.#welcome(association);
    else turnAway(this.#now, association, ResetReason.Stopping);
  }

  #takeCommands(): void {
    this.#parts.wakeup.drain();
    for (let next = this.#parts.commands.take(); next; next = this.#parts.commands.take()) {
      this.#obey(next as Command);
    }
  }

  #obey(command: Command): void {
    switch (command.kind) {
      case "status":
        return this.#parts.report({ kind: "status", status: this.#status() });
      case "configuration":
        return this.#parts.report({
          kind: "configuration",
          snapshot: snapshotOf(this.configuration),
        });
      case "change":
        return this.#change(command.changes);
      case "applications":
        this.namedApplications = true;
        return;
      case "stop":
        return this.#beginStop(command.drain);
      case "cut":
        return this.#parts.io.cut(command.remote);
      case "heal":
        return this.#parts.io.heal(command.remote);
      case "availability":
        return this.#showAvailability(command.flush);
      case "resolved":
        return this.#handleResolved(command.id, command.addresses);
      case "queue-lost":
        return this.#parts.report({ kind: "queue", descriptor: this.#fronts.reopenQueue() });
      case "datagram-queue-lost":
        return this.#parts.report({
          kind: "datagram-queue",
          descriptor: this.#datagrams?.reopenQueue() ?? -1,
        });
      default:
        return command satisfies never;
    }
  }

  #change(changes: readonly ChangeData[]): void {
    const { logLevel } = this.configuration.settings;
    const faults = changes.flatMap((data) => {
      const change = readChange(data);
      const fault = change instanceof Fault ? change : this.configuration.apply(change);
      return fault ? [fault.message] : [];
    });
    const { settings } = this.configuration;
    if (settings.logLevel !== logLevel) this.#logLevel = settings.logLevel;
    if (!this.#stopping) {
      this.#service.replan();
      this.#datagrams?.refresh();
    }
    this.#parts.report({ kind: "changed", faults });
  }

  /** What was learnt in another network says nothing in this one (Bickhart 2005, section 4.2.2). */
  #handleNetwork(): void {
    if (!this.#network.poll()) return;
    const { endpoint, io } = this.#parts;
    endpoint.handleNetworkChange(this.#now, io.refreshAddresses());
    this.#service.handleNetworkChange();
    this.#trunks.forgetRefusals();
    const forgotten = this.cache.flush();
    if (forgotten > 0) {
      this.log("info", `the network has changed: forgot about ${forgotten} servers`);
    }
  }

  #showAvailability(flush: boolean): void {
    const entries = this.cache.list(this.#now);
    this.#parts.report({ kind: "availability", entries });
    if (flush) this.cache.flush();
  }

  #handleResolved(id: number, addresses: readonly string[]): void {
    const found = this.#lookups.get(id);
    this.#lookups.delete(id);
    found?.(addresses.map(IpAddress.parse));
  }

  #beginStop(drain: number): void {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#stopAt = after(this.#now, drain);
    this.#fronts.close();
    this.#service.close();
    this.#datagrams?.stop(this.#now);
  }

  #stopWhenDue(): void {
    if (!this.#stopping || this.#endsAt !== NEVER) return;
    const late = isDue(this.#stopAt, this.#now);
    if (this.#connections.size > 0 && !late) return;
    this.#stopAt = NEVER;
    for (const connection of this.#connections.values()) connection.stop(this.#now);
    this.#trunks.stop(this.#now);
    this.#pump.flush(this.#now);
    this.#endsAt = after(this.#now, this.#connections.size > 0 ? LAST_PACKETS : 0);
  }

  #listeners(): ListenerStatus[] {
    return [...this.#fronts.statuses(), ...this.#service.statuses()];
  }

  #status(): ShimStatus {
    const { io, config, endpoint } = this.#parts;
    const { packetsSent, bytesSent, packetsReceived, bytesReceived } = io.metrics;
    return {
      uptime: elapsed(this.#startedAt, this.#now),
      transport: {
        kind: config.transport.kind,
        port: io.encapsulationPort,
        addresses: io.localAddresses.map(({ address }) => address.text),
        packetsSent,
        bytesSent,
        packetsReceived,
        bytesReceived,
        cutPackets: io.dropped,
      },
      engine: {
        associations: endpoint.demultiplexer.count,
        bufferedBytes: endpoint.pool.liveBytes,
      },
      listeners: this.#listeners(),
      counters: { ...this.counters },
      connections: [...this.#connections.values()].map((connection) => connection.status()),
      trunks: this.#trunks.statuses(),
      datagrams: this.#datagrams?.status,
      ended: this.#ended,
    };
  }
}
