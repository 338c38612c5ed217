/** What the control plane and the data plane's thread say to each other. */
import type { ChangeData } from "../rules/change_data.ts";
import type { Snapshot } from "../rules/snapshot.ts";
import type { SharedKey } from "../sctp/auth/shared_keys.ts";
import type { Parameters } from "../sctp/parameters.ts";
import type { Encapsulation } from "../net/icmp.ts";
import type { FrontKind } from "../net/interception_plan.ts";
import type { LogLevel } from "./plane.ts";
import type { AvailabilityEntry } from "./policy/availability_cache.ts";
import type { ListenerStatus, ShimStatus } from "./status.ts";

/** How SCTP packets travel. */
export type TransportConfig =
  | {
    /** "both": over UDP where the peer has it, else directly over IP. */
    readonly kind: "udp" | "both";
    /** Our UDP port. */
    readonly port: number;
    /** The peers' UDP port. */
    readonly remotePort: number;
    /** Own addresses; every address of the host if there is none. */
    readonly addresses: readonly string[];
  }
  | { readonly kind: "raw"; readonly addresses: readonly string[] };

/** The ways in which associations are tried, in this order. */
export function encapsulationsOf({ kind }: TransportConfig): readonly Encapsulation[] {
  // Over UDP packets leave and come many at a time, so that between two shims it is the better way.
  return kind === "both" ? ["udp", "raw"] : [kind];
}

/** A front and its server, with all names resolved. */
export interface ForwardConfig {
  readonly listen: { readonly address: string; readonly port: number };
  /** The server for people. */
  readonly name: string;
  readonly addresses: readonly string[];
  readonly port: number;
}

/** Interception of the connections of this host, all as the rules say. */
export interface InterceptConfig {
  readonly front: FrontKind;
  readonly families: readonly (4 | 6)[];
  /** Tells the shims of one network namespace apart: 0 .. 15. */
  readonly instance: number;
}

/** The number of the netfilter queue of a shim: "SH" as a number, and its instance. */
export function queueNumber({ instance }: InterceptConfig): number {
  return 0x5348 + instance;
}

/** Carrying the datagrams of UDP applications, as the rules say. */
export interface DatagramConfig {
  /** Tells the shims of one network namespace apart: 0 .. 15. */
  readonly instance: number;
  /** Whether the remote rules count: those of applications of this host. */
  readonly remote: boolean;
  /** Whether the local rules count: those of servers of this host. */
  readonly local: boolean;
}

/** The number of the netfilter queue for datagrams: "UD" as a number, and the instance. */
export function datagramQueueNumber({ instance }: DatagramConfig): number {
  return 0x5544 + instance;
}

/** A served port and its TCP server, with all names resolved. */
export interface ServeConfig {
  readonly port: number;
  readonly name: string;
  readonly addresses: readonly string[];
  readonly hostPort: number;
}

/** Serving the TCP servers of this host that the rules enable, as they come and go. */
export interface ServeListenersConfig {
  /** Set if servers are to see the clients' addresses: number of the routing for that. */
  readonly transparent: number | undefined;
}

/** What a data plane does from its start on. */
export interface DataPlaneConfig {
  readonly transport: TransportConfig;
  readonly forwards: readonly ForwardConfig[];
  readonly serves: readonly ServeConfig[];
  readonly serveListeners?: ServeListenersConfig;
  /** SOCKS5 ports. */
  readonly socks?: readonly { readonly address: string; readonly port: number }[];
  readonly intercept?: InterceptConfig;
  readonly datagrams?: DatagramConfig;
  /** Protocol parameters of every association; those that are settings as well count as such. */
  readonly parameters: Partial<Parameters>;
  /** Keys shared with the peers; with any, whoever has none of them is refused. */
  readonly keys?: readonly SharedKey[];
  /** Whether connections that SCTP cannot make go over TCP. */
  readonly fallback: boolean;
  /** Rules and settings to begin with, as their file has them; the defaults if there is no text. */
  readonly rules?: string;
  /** Least serious messages that are reported, until the setting changes; by default the setting. */
  readonly logLevel?: LogLevel;
}

/** What the thread gets first. */
export interface StartMessage {
  readonly config: DataPlaneConfig;
  /** Memory of the command ring. */
  readonly commands: SharedArrayBuffer;
  /** The eventfd that tells of commands. */
  readonly wakeup: number;
  /** Memory of the {@link Heartbeat}. */
  readonly heartbeat: SharedArrayBuffer;
}

/** What the kernel's rules need to know of the thread. */
export interface InterceptionReport {
  /** Where carried connections come to, on 127.0.0.1 and on ::1. */
  readonly redirectPort: number;
  /** Descriptor of the netfilter queue, for the watchdog; -1 if there is none. */
  readonly queue: number;
}

/** What the kernel's rules for datagrams need to know of the thread. */
export interface DatagramReport {
  /** Descriptor of the netfilter queue, for the watchdog; -1 if there is none. */
  readonly queue: number;
  /** Why there is none. */
  readonly lack: string | undefined;
}

/** A command in the ring. */
export type Command =
  /** Answered by one status report. */
  | { readonly kind: "status" }
  /** Answered by what is known about servers; forgets it afterwards if `flush`. */
  | { readonly kind: "availability"; readonly flush: boolean }
  /** The addresses of a host that was asked for; none if there are none. */
  | { readonly kind: "resolved"; readonly id: number; readonly addresses: readonly string[] }
  /** The watchdog has taken the queue away. */
  | { readonly kind: "queue-lost" }
  /** The same for the queue of datagrams. */
  | { readonly kind: "datagram-queue-lost" }
  /** Connections may come that the rules do not enable: those of applications that were named. */
  | { readonly kind: "applications" }
  /** Answered by one report of rules and settings. */
  | { readonly kind: "configuration" }
  /** Changes rules and settings, for what begins from now on; answered by one report. */
  | { readonly kind: "change"; readonly changes: readonly ChangeData[] }
  /**
   * Takes no more connections, lets those that are open finish for `drain` milliseconds, then
   * resets the rest.
   */
  | { readonly kind: "stop"; readonly drain: number }
  /** From now on packets from and to this address of a peer are lost. */
  | { readonly kind: "cut"; readonly remote: string }
  | { readonly kind: "heal"; readonly remote: string };

/** What the thread posts for each command that is answered, in the order of the commands. */
export type Answer =
  | { readonly kind: "status"; readonly status: ShimStatus }
  | { readonly kind: "configuration"; readonly snapshot: Snapshot }
  | { readonly kind: "availability"; readonly entries: readonly AvailabilityEntry[] }
  /** With what could not be changed, in words. */
  | { readonly kind: "changed"; readonly faults: readonly string[] };

/** What the thread posts. */
export type Report =
  /** Everything that was asked for is listened on. */
  | {
    readonly kind: "ready";
    readonly listeners: readonly ListenerStatus[];
    readonly interception: InterceptionReport | undefined;
    readonly datagrams: DatagramReport | undefined;
    /** The UDP port that SCTP has got; 0 if it has none. */
    readonly udpPort: number;
  }
  | { readonly kind: "log"; readonly level: LogLevel; readonly message: string }
  | Answer
  /** Wants the addresses of a host. */
  | { readonly kind: "resolve"; readonly id: number; readonly host: string }
  /** The queue is another one: see {@link InterceptionReport.queue}. */
  | { readonly kind: "queue"; readonly descriptor: number }
  /** The queue of datagrams is another one: see {@link DatagramReport.queue}. */
  | { readonly kind: "datagram-queue"; readonly descriptor: number }
  /** Every connection is gone and every socket closed. */
  | { readonly kind: "stopped" }
  /** It could not start, or broke; nothing follows. */
  | { readonly kind: "failed"; readonly message: string };
