/** Snapshots of associations and paths: plain values, fit for JSON. */
import type { Association } from "../sctp/association.ts";
import { rfcsOfExtensions } from "../sctp/extensions.ts";
import type { AssociationState } from "../sctp/phase.ts";
import type { AssociationMetrics } from "../sctp/metrics.ts";
import type { Path, PathMetrics, PathStatus } from "../sctp/path/path.ts";

/** A path at one moment. */
export interface PathInfo {
  readonly local: string;
  readonly remote: string;
  /** UDP port of the peer, 0 for SCTP directly over IP. */
  readonly encapsulationPort: number;
  readonly status: PathStatus;
  /** True for the path that carries new data while it is active. */
  readonly primary: boolean;
  /** Smoothed round-trip time in milliseconds; `undefined` before the first sample. */
  readonly srtt: number | undefined;
  /** Retransmission time-out in milliseconds. */
  readonly rto: number;
  /** Congestion window in bytes. */
  readonly cwnd: number;
  /** Slow-start threshold in bytes. */
  readonly ssthresh: number;
  /** Bytes in flight. */
  readonly flightSize: number;
  /** Bytes of the largest IP packet. */
  readonly pmtu: number;
  /** Consecutive errors. */
  readonly errorCount: number;
  readonly metrics: Readonly<PathMetrics>;
}

/** An association at one moment. */
export interface ConnectionInfo {
  readonly state: AssociationState;
  readonly localPort: number;
  readonly remotePort: number;
  readonly inboundStreams: number;
  readonly outboundStreams: number;
  /** Numbers of the RFCs whose extensions both sides have. */
  readonly extensions: readonly number[];
  /** Bytes accepted for sending and not yet acknowledged. */
  readonly bufferedBytes: number;
  /** Bytes received and not yet read. */
  readonly readableBytes: number;
  readonly metrics: Readonly<AssociationMetrics>;
  readonly paths: readonly PathInfo[];
}

/** What a path is like now. */
export function pathInfo(association: Association, path: Path): PathInfo {
  const { status, rto, cwnd, ssthresh, flightSize, pmtu, errorCount } = path;
  return {
    local: path.local.text,
    remote: path.remote.text,
    encapsulationPort: path.route.encapsulationPort,
    status,
    primary: association.primaryPath === path,
    srtt: path.rtt.hasSample ? path.srtt : undefined,
    rto,
    cwnd,
    ssthresh,
    flightSize,
    pmtu,
    errorCount,
    metrics: { ...path.metrics },
  };
}

/** What an association is like now. */
export function connectionInfo(association: Association): ConnectionInfo {
  const { state, localPort, remotePort, inboundStreams, outboundStreams } = association;
  const { bufferedBytes, readableBytes } = association;
  return {
    state,
    localPort,
    remotePort,
    inboundStreams,
    outboundStreams,
    extensions: rfcsOfExtensions(association.extensions),
    bufferedBytes,
    readableBytes,
    metrics: { ...association.metrics },
    paths: association.paths.map((path) => pathInfo(association, path)),
  };
}
