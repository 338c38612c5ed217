/** What is told about the datagrams of UDP applications: plain values. */
import type { ShimState } from "../shim_state.ts";

/** One flow at one moment. */
export interface FlowStatus {
  /** Which end this is: the application that sent first, or the server. */
  readonly side: "client" | "server";
  readonly state: ShimState;
  /** Why it is in that state. */
  readonly reason: string;
  /** What its next datagram goes by. */
  readonly carrier: "sctp" | "udp";
  /** Address and port of each end. */
  readonly local: string;
  readonly remote: string;
  /** Datagrams of this host: over SCTP, and by plain UDP. */
  readonly carriedOut: number;
  readonly plainOut: number;
  /** Datagrams of the far end that came over SCTP. */
  readonly carriedIn: number;
}

/** Counts since the start. */
export interface DatagramCounters {
  /** Flows that applications of this host began. */
  opened: number;
  /** Flows that were accepted for local servers. */
  accepted: number;
  /** Datagrams of this host: over SCTP, and by plain UDP though the rules enable SCTP. */
  carriedOut: number;
  plainOut: number;
  /** Datagrams that came over SCTP. */
  carriedIn: number;
}

/** Counts at the start. */
export function newDatagramCounters(): DatagramCounters {
  return { opened: 0, accepted: 0, carriedOut: 0, plainOut: 0, carriedIn: 0 };
}

/** Datagrams and messages that were thrown away, by the reason. */
export interface DroppedDatagrams {
  /** The association had no room for them. */
  sendBufferFull: number;
  /** What came was no message. */
  malformed: number;
  /** They came for a flow that is not known. */
  unknownFlow: number;
  /** They came for a flow that was refused. */
  refused: number;
  /** They are too long for the loopback. */
  tooLong: number;
  /** The kernel did not take them for the application. */
  notDelivered: number;
}

/** Counts at the start. */
export function newDroppedDatagrams(): DroppedDatagrams {
  return {
    sendBufferFull: 0,
    malformed: 0,
    unknownFlow: 0,
    refused: 0,
    tooLong: 0,
    notDelivered: 0,
  };
}

export interface DatagramStatus {
  readonly counters: DatagramCounters;
  readonly dropped: DroppedDatagrams;
  /** Flows in all. */
  readonly flowCount: number;
  /** Some of them, if there are many. */
  readonly flows: readonly FlowStatus[];
}
