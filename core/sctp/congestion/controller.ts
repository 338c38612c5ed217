/** How much may be in flight on a path: a small interface, so that algorithms can be exchanged. */

/** What one SACK meant for one path; reused from SACK to SACK. */
export interface AckSummary {
  /** Bytes of DATA chunks, with headers and padding, newly acknowledged on the path. */
  ackedBytes: number;
  /**
   * True if cwnd or more bytes were in flight when the sender last had the chance to send: the
   * window is in full use (several SACKs may arrive between two such chances).
   */
  windowInUse: boolean;
  /** True if the SACK moved the Cumulative TSN Ack Point. */
  cumulativeAdvanced: boolean;
  /** True if the association is in Fast Recovery. */
  inFastRecovery: boolean;
  /** True if nothing is outstanding on the association any more. */
  everythingAcked: boolean;
}

/** Congestion state of one path. All sizes in bytes of DATA chunks with headers and padding. */
export interface CongestionController {
  /** Name for status output. */
  readonly name: string;
  readonly cwnd: number;
  readonly ssthresh: number;
  /** Data on this path was acknowledged. */
  onAck(summary: AckSummary): void;
  /** A loss was found from gap reports; called once per Fast Recovery. */
  onLoss(): void;
  /** T3-rtx expired. */
  onTimeout(): void;
  /** Congestion was signalled without loss (ECN-Echo). */
  onCongestionExperienced(): void;
  /** The path was idle for one more RTO. */
  onIdle(): void;
  /** The largest DATA chunk for the path changed. */
  setMaximumChunk(bytes: number): void;
  /** Start again from the initial values (RFC 9260, section 7.2.5). */
  reset(): void;
}
