/** An SCTP stack for a program: one packet transport, and the connections and listeners on it. */
import type { Association } from "../sctp/association.ts";
import type { AuthenticationOptions } from "../sctp/auth/options.ts";
import type { IpAddress } from "../sctp/base/address.ts";
import { Endpoint } from "../sctp/endpoint.ts";
import type { SctpEvent } from "../sctp/events.ts";
import type { EndpointMetrics } from "../sctp/metrics.ts";
import type { Parameters } from "../sctp/parameters.ts";
import { monotonicNow } from "../net/clock.ts";
import { HostWatch } from "../net/host_watch.ts";
import { ffiAvailable } from "../net/libc.ts";
import { SCTP_UDP_PORT } from "../net/mod.ts";
import type { PacketIoMetrics } from "../net/packet_io.ts";
import { addressesOf, type AssociationOptions, type Destination } from "./association_options.ts";
import { Channel } from "./channel.ts";
import { SctpConnection } from "./connection.ts";
import type { ConnectionOptions } from "./connection_types.ts";
import { Driver } from "./driver.ts";
import { SctpError } from "./errors.ts";
import { type ListenerOptions, SctpListener } from "./listener.ts";
import type { Inheritance } from "./inheritance.ts";
import { setOptions } from "./options/access.ts";
import { FutureSettings } from "./options/future.ts";
import type { OptionSettings } from "./options/table.ts";
import { OneToManySocket } from "./one_to_many.ts";
import type { OneToManyOptions } from "./one_to_many_types.ts";
import { within } from "./timeout.ts";
import { openTransport, type Transport, type TransportOptions } from "./transport.ts";

/** How the engine of a stack behaves. */
export interface EngineOptions {
  /** Protocol parameters for every association of the stack. */
  readonly parameters?: Partial<Parameters>;
  /** Shared keys and chunks to authenticate (RFC 4895), for every association of the stack. */
  readonly authentication?: AuthenticationOptions;
  /** Checks at run time that the engine is used as it must be: for tests. */
  readonly developmentChecks?: boolean;
}

/** What a stack is opened with. */
export interface StackOptions extends TransportOptions, EngineOptions {}

/** Socket options that are set before any association is set up. */
export interface SocketOptions {
  /** By their names in RFC 6458, section 8; they have precedence over what else says the same. */
  readonly options?: OptionSettings;
}

/** Whom to connect to, and how. */
export interface ConnectOptions
  extends Destination, AssociationOptions, ConnectionOptions, SocketOptions {
  /** SCTP port of this side; by default one that is free. */
  readonly localPort?: number;
  /** Gives up when it aborts. */
  readonly signal?: AbortSignal;
}

/** Where to listen, and how. */
export interface ListenOptions extends AssociationOptions, ListenerOptions, SocketOptions {
  /** SCTP port. */
  readonly port: number;
}

/** What a one-to-many socket is opened with. */
export interface OpenSocketOptions extends AssociationOptions, OneToManyOptions, SocketOptions {
  /** SCTP port of this side. */
  readonly port: number;
}

/** Who has a port, and takes the associations that peers set up to it. */
interface PortOwner {
  handleIncoming(channel: Channel): void;
  /** The stack is closed, or has failed. */
  fail(error: Error): void;
}

/** Milliseconds that a graceful end may take when a stack is closed. */
const GRACE = 2000;

/**
 * One SCTP instance. Close it when done: it holds sockets, and keeps the program alive.
 *
 * ```ts ignore
 * await using stack = SctpStack.open({ transport: "udp" });
 * const connection = await stack.connect({ addresses: "192.0.2.1", port: 7 });
 * ```
 */
export class SctpStack implements AsyncDisposable {
  readonly #endpoint: Endpoint;
  readonly #io: Transport["io"];
  readonly #driver: Driver;
  readonly #running: Promise<void>;
  #watch: HostWatch | undefined;
  readonly #channels = new Map<Association, Channel>();
  readonly #owners = new Map<number, PortOwner>();
  #closed = false;
  #failure: SctpError | undefined;

  /**
   * Opens the transport that the options name. With the parameter `followAddresses` 1 live associations
   * follow the addresses of the host as they come and go, unless addresses are named (SCTP_AUTO_ASCONF).
   * @throws Error that says what is in the way: the port is taken, a right is missing.
   */
  static open(options: StackOptions): SctpStack {
    return new SctpStack(openTransport(options), options);
  }

  /** Uses a transport that is open already, and closes it at the end. */
  constructor(transport: Transport, options: EngineOptions = {}) {
    const { io, environment, memory, pages } = transport;
    const { parameters, authentication, developmentChecks } = options;
    const { localAddresses } = io;
    this.#io = io;
    this.#endpoint = new Endpoint(environment, {
      parameters,
      localAddresses,
      authentication,
      developmentChecks,
      pages,
    });
    this.#driver = new Driver({
      endpoint: this.#endpoint,
      io,
      clock: monotonicNow,
      handleEvent: (event) => this.#handleEvent(event),
      memory,
    });
    if (this.#endpoint.parameters.followAddresses === 1) this.#watchHost();
    this.#running = this.#run();
  }

  /** Addresses that packets of this stack leave from. */
  get localAddresses(): readonly IpAddress[] {
    return this.#io.localAddresses.map(({ address }) => address);
  }

  /** UDP port on which peers reach this stack, or 0 for raw IP. */
  get encapsulationPort(): number {
    return this.#io.encapsulationPort;
  }

  /** Counters of the engine, dropped packets by reason among them. */
  get metrics(): Readonly<EndpointMetrics> {
    return this.#endpoint.metrics;
  }

  /** Counters of the transport. */
  get transportMetrics(): Readonly<PacketIoMetrics> {
    return this.#io.metrics;
  }

  /**
   * Sets up an association.
   * @throws SctpError `ERR_SCTP_CONNECT_REFUSED`, `ERR_SCTP_CONNECT_TIMEOUT`,
   *   `ERR_SCTP_NOT_SUPPORTED`, `ERR_SCTP_NO_PATH` and others: see their messages.
   * @throws RangeError or TypeError for options that cannot be; what `signal` was aborted with.
   */
  async connect(options: ConnectOptions): Promise<SctpConnection> {
    const { signal, localPort } = options;
    this.#assertOpen();
    signal?.throwIfAborted();
    const future = new FutureSettings(this.#endpoint, options);
    setOptions({ style: "one-to-one", future: { future } }, options.options);
    const channel = this.#associate(options, future, localPort);
    const connection = new SctpConnection(channel, options, this.#inheritance(future));
    const giveUp = () => channel.abort("the application gave up");
    signal?.addEventListener("abort", giveUp, { once: true });
    try {
      await channel.established;
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
    return connection;
  }

  /**
   * Accepts associations on a port.
   * @throws RangeError if the port is taken or cannot be.
   */
  listen(options: ListenOptions): SctpListener {
    const { port } = options;
    this.#assertOpen();
    const future = this.#futureOf(port, options);
    const listener = new SctpListener(port, options, this.#inheritance(future), () => {
      this.#leavePort(port);
    });
    setOptions({ style: "listener", future: { future } }, options.options);
    this.#endpoint.listen(port, future.associationOptions);
    this.#owners.set(port, listener);
    return listener;
  }

  /**
   * A one-to-many socket (RFC 6458, section 3): all associations of a port through one object.
   * @throws RangeError if the port is taken or cannot be, or for options that cannot be.
   */
  openSocket(options: OpenSocketOptions): OneToManySocket {
    const { port, listen = true } = options;
    this.#assertOpen();
    if (this.#owners.has(port)) throw new RangeError(`SCTP port ${port} is taken`);
    const future = this.#futureOf(port, options);
    const socket = new OneToManySocket(port, options, {
      ...this.#inheritance(future),
      associate: (to: Destination) => this.#associate(to, future, port),
      close: () => this.#leavePort(port),
    });
    socket.setOptions(options.options);
    if (listen) this.#endpoint.listen(port, future.associationOptions);
    this.#owners.set(port, socket);
    return socket;
  }

  /**
   * Closes listeners and connections gracefully, then the transport.
   * @param grace milliseconds after which connections that are still open are aborted.
   */
  async close(grace = GRACE): Promise<void> {
    this.#closed = true;
    for (const owner of [...this.#owners.values()]) owner.fail(closedError());
    const channels = [...this.#channels.values()];
    for (const channel of channels) {
      channel.discardInput();
      channel.shutdown();
    }
    await within(Promise.all(channels.map(({ closed }) => closed)), grace);
    for (const channel of this.#channels.values()) channel.abort("the program ends");
    this.#driver.close();
    await this.#running;
    if (this.#failure) throw this.#failure;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #inheritance(future: FutureSettings): Inheritance {
    return { future, watchHost: () => this.#watchHost() };
  }

  /** What holds for associations of a port, and for its listener as long as there is one. */
  #futureOf(port: number, options: AssociationOptions): FutureSettings {
    return new FutureSettings(this.#endpoint, options, (future) => {
      const { parameters, authentication, adaptationIndication } = future;
      const listener = this.#endpoint.listenerOn(port);
      if (listener) Object.assign(listener, { parameters, authentication, adaptationIndication });
    });
  }

  /** From now on the engine is told when the host's addresses change. */
  #watchHost(): void {
    if (!ffiAvailable()) {
      throw new RangeError("followAddresses needs libc, by FFI: allow it, or do without");
    }
    this.#watch ??= new HostWatch(() => {
      this.#endpoint.handleNetworkChange(this.#driver.now(), this.#io.refreshAddresses());
      this.#driver.flush();
    });
  }

  #associate(to: Destination, future: FutureSettings, localPort: number | undefined): Channel {
    if (future.parameters.followAddresses === 1) this.#watchHost();
    const association = this.#endpoint.associate(this.#driver.now(), {
      ...future.associationOptions,
      remotePort: to.port,
      remoteAddresses: addressesOf(to),
      localPort,
      encapsulationPort: this.#remoteEncapsulationPort(to, future),
    });
    const channel = this.#addChannel(association);
    this.#driver.flush();
    return channel;
  }

  #remoteEncapsulationPort(
    { encapsulationPort }: Destination,
    future: FutureSettings,
  ): number {
    if (this.encapsulationPort === 0) return 0;
    return encapsulationPort ?? future.encapsulationPort ?? SCTP_UDP_PORT;
  }

  #addChannel(association: Association): Channel {
    const channel = new Channel(association, this.#driver);
    this.#channels.set(association, channel);
    return channel;
  }

  #handleEvent(event: SctpEvent): void {
    const { association, kind } = event;
    const channel = this.#channels.get(association) ?? this.#addChannel(association);
    // Whoever takes it is told that it is up.
    if (kind === "communication-up" && event.incoming) this.#handleIncoming(channel);
    channel.handleEvent(event);
    if (channel.end) this.#channels.delete(association);
  }

  #handleIncoming(channel: Channel): void {
    const owner = this.#owners.get(channel.association.localPort);
    if (owner) owner.handleIncoming(channel);
    else channel.abort("nobody listens any more");
  }

  async #run(): Promise<void> {
    try {
      await this.#driver.run();
    } catch (cause) {
      this.#failure = new SctpError("ERR_SCTP_CLOSED", "the SCTP stack failed", { cause });
    }
    this.#closed = true;
    this.#watch?.close();
    this.#io.close();
    this.#releaseAll();
  }

  /** Nobody may wait for a stack that has stopped. */
  #releaseAll(): void {
    const error = this.#failure ?? closedError();
    for (const owner of [...this.#owners.values()]) owner.fail(error);
    for (const channel of this.#channels.values()) channel.finish({ graceful: false, error });
    this.#channels.clear();
  }

  #leavePort(port: number): void {
    this.#endpoint.stopListening(port);
    this.#owners.delete(port);
  }

  #assertOpen(): void {
    if (this.#closed) throw this.#failure ?? closedError();
  }
}

function closedError(): SctpError {
  return new SctpError("ERR_SCTP_CLOSED", "the SCTP stack is closed");
}
