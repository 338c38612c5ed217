/** What a connection may ask of the data plane that it belongs to. */
import type { Encapsulation } from "../net/icmp.ts";
import type { TcpSocket } from "../net/tcp_socket.ts";
import type { Configuration } from "../rules/configuration.ts";
import type { Association } from "../sctp/association.ts";
import type { IpAddress } from "../sctp/base/address.ts";
import type { Instant } from "../sctp/base/time.ts";
import type { SctpEvent } from "../sctp/events.ts";
import type { Parameters } from "../sctp/parameters.ts";
import type { Link } from "./link.ts";
import type { AvailabilityCache } from "./policy/availability_cache.ts";
import type { ConnectionStatus, ShimCounters } from "./status.ts";
import type { TransferBuffers } from "./transfer_buffers.ts";

/** How serious a log message is. */
export type LogLevel = "debug" | "info" | "warning" | "error";

/** The watch that a data plane keeps over one socket. */
export interface Watch {
  /** Receives the epoll bits, edge-triggered; may be changed. */
  handler: (events: number) => void;
  /** Call once the socket is closed: events that are still under way reach nobody then. */
  forget(): void;
}

/** How a connection ended, by the name of the counter. */
export type Ending = "closed" | "broken" | "direct" | "refused";

/** What a data plane gives turns to. */
export interface Task {
  /** True once nothing is left of it. */
  readonly over: boolean;
  /** Moves what can be moved; true if there is more to do at once. */
  run(now: Instant): boolean;
}

/** Whom an association's notifications go to. */
export interface Owner extends Task {
  handleEvent(now: Instant, event: SctpEvent): void;
}

type WithoutAssociation<Event> = Event extends SctpEvent ? Omit<Event, "association"> : never;

/** A notification about what carries a connection. */
export type LinkEvent =
  | WithoutAssociation<SctpEvent>
  /** The trunk is lost before the server has taken the connection: another way may do. */
  | { readonly kind: "trunk-lost" };

/** A connection as the data plane sees it. */
export interface Connection extends Task {
  readonly id: number;
  handleEvent(now: Instant, event: LinkEvent): void;
  /** Takes it down on both sides, because the daemon stops. */
  stop(now: Instant): void;
  status(): ConnectionStatus;
}

/** The association that a connection wants. */
export interface AssociationWish {
  /** Addresses of the server, the preferred one first, and its port. */
  readonly addresses: readonly IpAddress[];
  readonly port: number;
  /** How packets are to travel. */
  readonly encapsulation: Encapsulation;
  /** The application's own port, by which the server is to know it; another one if it is taken, or none. */
  readonly localPort?: number;
  /** The application's own address, likewise, if SCTP can use it to reach the server. */
  readonly localAddress?: IpAddress;
  /** What the two ends are for each other; by default a TCP connection between shims. */
  readonly adaptation?: number;
  /** Protocol parameters that are not those of every association. */
  readonly parameters?: Partial<Parameters>;
}

export interface Plane {
  readonly buffers: TransferBuffers;
  readonly counters: ShimCounters;
  /** What is known about servers. */
  readonly cache: AvailabilityCache;
  /** Firewall mark of the shim's own TCP connections; 0 for none. */
  readonly mark: number;
  /** In which ways SCTP may travel, the preferred one first. */
  readonly encapsulations: readonly Encapsulation[];
  /** Rules and settings as they are now; the object stays the same, and is only read here. */
  readonly configuration: Configuration;
  now(): Instant;
  /** Sets up an association to the first of the addresses that answers; throws if there is no way. */
  associate(wish: AssociationWish): Association;
  /** From now on the association's notifications go to the owner. */
  own(association: Association, owner: Owner): void;
  /** A way for a connection: a stream of a trunk if one leads there, else as {@link associate}. */
  connect(wish: AssociationWish): Link;
  /** The peer that this wish has led to takes trunks: there is to be one if the settings want it. */
  welcomeTrunk(wish: AssociationWish): void;
  /** Watches a socket for everything. */
  watch(socket: TcpSocket, handler: Watch["handler"]): Watch;
  /** Has {@link Task.run} called before the plane waits again. */
  schedule(task: Task): void;
  /** Schedules the task at `at`, in place of an earlier wish of this kind; NEVER for none. */
  wake(task: Task, at: Instant): void;
  /** The connection is over; `last` is what its status shows from now on. */
  ended(connection: Connection, how: Ending, last: ConnectionStatus): void;
  log(level: LogLevel, message: string): void;
}

/** What a front may ask of the data plane beside that. */
export interface FrontPlane extends Plane {
  /** The kernel brings connections too that the rules do not enable: of applications by name. */
  readonly namedApplications: boolean;
  /** True if there are hardly any descriptors left: what can go by TCP should. */
  readonly isCrowded: boolean;
  /** Counts connections from 1. */
  nextId(): number;
  /** Has the connection in the status, and runs it, until it is over. */
  adopt(connection: Connection): void;
  /** Watches a descriptor for input, until what is returned is called: before it is closed. */
  input(descriptor: number, handler: () => void): () => void;
  /** Asks the control plane for the addresses of a host: they come to `found`, none if there are none. */
  resolve(host: string, found: (addresses: readonly IpAddress[]) => void): void;
}
