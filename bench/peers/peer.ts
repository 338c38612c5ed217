/**
 * One implementation of SCTP as a program: what each of its two processes is told, and what it
 * reports. `bench/usrsctp/bulk.c` keeps to the same.
 */

/**
 * The words behind the program's name. `receive` and `echo` print "ready" when they can be reached;
 * each of the four prints a report as a line of JSON when the association has ended.
 */
export type Role =
  | readonly ["receive", udpPort: number]
  | readonly [
    "send",
    udpPort: number,
    peerUdpPort: number,
    messageSize: number,
    milliseconds: number,
  ]
  | readonly ["echo", udpPort: number]
  | readonly ["ping", udpPort: number, peerUdpPort: number, messageSize: number, count: number];

/** The port of what waits. */
export const SCTP_PORT = 5001;

/** An implementation to measure. */
export interface Peer {
  readonly name: string;
  /** Program and words that start one of its processes. */
  command(role: Role): readonly string[];
}

/** What every process says about itself. CPU time is that of all its threads, user and system. */
export interface ProcessReport {
  /** Since the association came up. */
  readonly cpuSeconds: number;
  /** Since the process began. */
  readonly processCpuSeconds: number;
}

/** What a `send` process says. */
export interface SendReport extends ProcessReport {
  readonly messages: number;
  readonly bytes: number;
  /** From the first message to the end of the association. */
  readonly seconds: number;
  readonly packets: number;
  /** DATA chunks sent again. */
  readonly retransmitted: number;
}

/** What a `receive` process says. */
export interface ReceiveReport extends ProcessReport {
  readonly messages: number;
  readonly bytes: number;
  /** From the first message received to the last. */
  readonly seconds: number;
  /** Messages of which every byte was compared. */
  readonly checked: number;
  /** Messages that were not as sent. */
  readonly faults: number;
}

/** What a `ping` process says; times of round trips in microseconds. */
export interface PingReport extends ProcessReport {
  readonly roundTrips: number;
  readonly minimum: number;
  readonly p50: number;
  readonly p99: number;
  readonly maximum: number;
}
