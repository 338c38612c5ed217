/** What a data plane tells about itself: plain values, fit for JSON and for another thread. */
import type { ConnectionInfo } from "../socket/info.ts";
import type { TransportConfig } from "./protocol.ts";
import type { DatagramStatus } from "./datagrams/status.ts";
import type { AssociationShimState, ShimState } from "./shim_state.ts";

/** One connection at one moment. */
export interface ConnectionStatus {
  /** Counts connections of the data plane from 1. */
  readonly id: number;
  /** Which end of the shim this is: the application's client, or the server. */
  readonly side: "client" | "server";
  readonly state: ShimState;
  /** Why it is in that state. */
  readonly reason: string;
  /** What carries the bytes; `undefined` while that is being found out. */
  readonly carrier: "sctp" | "tcp" | undefined;
  /** The near end: the application that connected, or the local server. */
  readonly local: string;
  /** The far end: host and port. */
  readonly remote: string;
  /** Bytes from the local TCP connection to the peer. */
  readonly bytesOut: number;
  /** Bytes from the peer to the local TCP connection. */
  readonly bytesIn: number;
  readonly association: AssociationStatus | undefined;
  /** Number of its stream, if the association is a trunk that carries other connections too. */
  readonly stream: number | undefined;
}

/** What a connection's status tells of what carries it. */
export type LinkStatus = Pick<ConnectionStatus, "association" | "stream">;

/** A connection that nothing carries. */
export const NO_LINK: LinkStatus = { association: undefined, stream: undefined };

/** The association below a connection. */
export interface AssociationStatus extends ConnectionInfo {
  readonly id: number;
  readonly shimState: AssociationShimState;
  /** The peer is a shim too, so half-close and reset are carried. */
  readonly peerIsShim: boolean;
}

/** An association that connections share, or may share. */
export interface TrunkStatus {
  /** Which end set it up. */
  readonly side: "client" | "server";
  /** The far end: host and port. */
  readonly remote: string;
  /** How many connections it carries now. */
  readonly connections: number;
  readonly association: AssociationStatus;
}

/** A port that is listened on. */
export interface ListenerStatus {
  readonly kind: "forward" | "serve" | "socks" | "nfqueue" | "redirect";
  /** `LISTEN` for a served port; the other fronts are ordinary TCP listeners. */
  readonly state: ShimState;
  /** TCP address and port of a front; the SCTP port of a served one. */
  readonly address: string;
  readonly port: number;
  /** Where its connections go. */
  readonly target: string;
}

/** Counts since the start. */
export interface ShimCounters {
  /** TCP connections accepted by fronts. */
  accepted: number;
  /** SYNs held. */
  held: number;
  /** Associations accepted for served ports. */
  associated: number;
  /** Connections that an association carried. */
  carried: number;
  /** Connections for which a stream of a trunk was opened, by this side or by the peer. */
  multiplexed: number;
  /** Trunks that were set up, by this side or by the peer. */
  trunks: number;
  /** Trunks that were taken down because the peer broke their rules. */
  malformedTrunks: number;
  /** Connections that fell back to TCP, by a relay or end to end. */
  fellBack: number;
  /** Held connections that the kernel got back: its own TCP, end to end. */
  direct: number;
  /** Held connections that were refused as the peer's host refused them. */
  refused: number;
  /** Connections closed by both ends. */
  closed: number;
  /** Connections that were reset or lost. */
  broken: number;
}

/** A data plane at one moment. */
export interface ShimStatus {
  /** Milliseconds since the data plane started. */
  readonly uptime: number;
  readonly transport: TransportStatus;
  readonly engine: EngineStatus;
  readonly listeners: readonly ListenerStatus[];
  readonly counters: ShimCounters;
  readonly connections: readonly ConnectionStatus[];
  readonly trunks: readonly TrunkStatus[];
  /** UDP applications; `undefined` if none can be carried. */
  readonly datagrams: DatagramStatus | undefined;
  /** The last connections that ended, the latest last, as they were at their end. */
  readonly ended: readonly ConnectionStatus[];
}

/** What the SCTP engine holds. */
export interface EngineStatus {
  /** Associations that are not closed: one that is shut down outlives its connection a little. */
  readonly associations: number;
  /** Bytes of memory that user data occupies, sent or received. */
  readonly bufferedBytes: number;
}

/** The packet transport. */
export interface TransportStatus {
  readonly kind: TransportConfig["kind"];
  /** UDP port, 0 for raw IP alone. */
  readonly port: number;
  readonly addresses: readonly string[];
  readonly packetsSent: number;
  readonly bytesSent: number;
  readonly packetsReceived: number;
  readonly bytesReceived: number;
  /** Packets that cut paths have swallowed (demonstrations only). */
  readonly cutPackets: number;
}
