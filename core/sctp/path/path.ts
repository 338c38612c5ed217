/**
 * One path: a pair of local and remote address with everything that belongs to the pair.
 *
 * RFC 9260 keeps this state per destination address; a host with two uplinks has two paths to a peer
 * with one address, so here the pair is the key (Deviation, stricter: section 7.1 note on pairs).
 */
import type { IpAddress } from "../base/address.ts";
import type { Tsn } from "../base/serial.ts";
import { type Instant, NEVER } from "../base/time.ts";
import type { AckSummary, CongestionController } from "../congestion/controller.ts";
import { Reno } from "../congestion/reno.ts";
import { Ecn, type Route } from "../packet.ts";
import type { Parameters } from "../parameters.ts";
import { PathTimer, TimerTable } from "../timer/timer_table.ts";
import { COMMON_HEADER_LENGTH } from "../wire/common_header.ts";
import { DATA_HEADER_LENGTH } from "../wire/data.ts";
import { MtuSearch } from "./mtu_search.ts";
import { RtoEstimator } from "./rto.ts";

/**
 * `unconfirmed`: not yet proved to belong to the peer (RFC 9260, section 5.4), only probed;
 * `active`: usable; `inactive`: too many errors (section 8.2), only probed.
 */
export type PathStatus = "unconfirmed" | "active" | "inactive";

/**
 * What the local address is to the association (RFC 5061, section 5.3): `member`: part of it; `joining`:
 * the peer has not acknowledged it, nothing but ASCONF leaves from it (F1); `leaving`: the peer was asked
 * to forget it, packets are still taken but none leave (F4).
 */
export type PathStanding = "member" | "joining" | "leaving";

/** Counters of a path since it was made. */
export interface PathMetrics {
  packetsSent: number;
  bytesSent: number;
  packetsReceived: number;
  bytesReceived: number;
  /** DATA chunks sent again on this path. */
  chunksRetransmitted: number;
  /** Expirations of T3-rtx. */
  timeouts: number;
  fastRetransmits: number;
  heartbeatsSent: number;
  heartbeatsAcked: number;
  /** Congestion signals by ECN-Echo that were acted on. */
  ecnReductions: number;
  /** Probes for the path MTU (RFC 8899). */
  mtuProbesSent: number;
  mtuProbesAcked: number;
}

/** What tells the answer to a HEARTBEAT from a forged one. */
export interface Nonce {
  readonly nonceHigh: number;
  readonly nonceLow: number;
}

/** A HEARTBEAT that was sent and may still be acknowledged. */
export interface OutstandingHeartbeat extends Nonce {
  readonly sentAt: Instant;
}

/** A HEARTBEAT to another UDP port than the path's, from where packets have come. */
export interface Rebinding extends OutstandingHeartbeat {
  readonly port: number;
}

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;
const UDP_HEADER = 8;

export class Path {
  /** Packets with DATA leave by this route: it carries the ECN codepoint. */
  readonly route: Route;
  /** Packets without DATA. */
  readonly controlRoute: Route;
  /** Probes for the path MTU. */
  readonly probeRoute: Route;
  readonly rtt: RtoEstimator;
  readonly congestion: CongestionController;
  readonly timers = new TimerTable(Object.keys(PathTimer).length);
  readonly metrics: PathMetrics = {
    packetsSent: 0,
    bytesSent: 0,
    packetsReceived: 0,
    bytesReceived: 0,
    chunksRetransmitted: 0,
    timeouts: 0,
    fastRetransmits: 0,
    heartbeatsSent: 0,
    heartbeatsAcked: 0,
    ecnReductions: 0,
    mtuProbesSent: 0,
    mtuProbesAcked: 0,
  };

  status: PathStatus = "unconfirmed";
  standing: PathStanding = "member";
  /**
   * True once the path was proved to reach the peer, or the user named its address (RFC 9260,
   * section 5.4). A path can become inactive without: it still carries nothing but probes then.
   */
  isConfirmed = false;
  /** False while the local address is gone from the host or cannot send. */
  usable = true;
  /** Consecutive errors (RFC 9260, section 8.2). */
  errorCount = 0;
  /** Bytes of DATA chunks with headers and padding that are in flight here. */
  flightSize = 0;
  /** True if cwnd or more bytes were in flight after the last chance to send. */
  windowInUse = false;
  /** DATA chunks that wait to be sent again on this path. */
  awaitingRetransmission = 0;
  /** One packet of fast retransmissions may ignore cwnd (RFC 9260, section 7.2.4, 3). */
  fastRetransmitDue = false;
  /** T3-rtx expired: one packet at a time until an acknowledgement (RFC 9260, section 7.2.3). */
  oneInFlight = false;
  /** Bytes of new DATA chunks that may leave before the next SACK (Max.Burst, section 6.1, D). */
  burstBudget: number;
  /** Bytes that SACKs have acknowledged here since the last chance to send. */
  releasedBytes = 0;
  /** Lowest TSN in flight on this path, meaningful while {@link flightSize} is above 0. */
  earliestTsn: Tsn = 0 as Tsn;
  /** TSN whose acknowledgement gives the next RTT sample, while {@link rttSentAt} is not NEVER. */
  rttTsn: Tsn = 0 as Tsn;
  rttSentAt: Instant = NEVER;
  /** When a chunk that can be used to measure the RTT was last sent here (section 8.3, "idle"). */
  lastMeasuredSendAt: Instant;
  /** When DATA was last sent here, for the decay of an idle cwnd. */
  lastDataSentAt: Instant;
  /** Bytes in front of DATA in each packet: an AUTH chunk, where the peer wants one (RFC 4895). */
  dataOverhead = 0;
  heartbeat: OutstandingHeartbeat | undefined;
  /** The proof of a new UDP port of the peer that is awaited. */
  rebinding: Rebinding | undefined;
  /** Nobody has named the peer's address: packets came from it (see `nat_following.ts`). */
  isFound = false;
  /** The answer to the peer's last HEARTBEAT, for when the local address has joined. */
  owedHeartbeatAck: Uint8Array | undefined;
  /** True while the user has heartbeats switched on for this path. */
  heartbeatEnabled = true;
  /** Collected from one SACK, for the congestion controller. */
  readonly ack: AckSummary = {
    ackedBytes: 0,
    windowInUse: false,
    cumulativeAdvanced: false,
    inFastRecovery: false,
    everythingAcked: false,
  };
  /** A SACK acknowledged the earliest TSN in flight here (RFC 9260, section 6.3.2, R3). */
  earliestAcked = false;

  /** A SACK acknowledged a chunk that was sent on this path alone. */
  answered = false;

  /** What is known of the path MTU. */
  readonly mtuSearch: MtuSearch;
  /** Bytes of the largest SCTP packet, a multiple of four. */
  maximumPacket: number;
  /** The probe for the path MTU that may still be acknowledged. */
  mtuProbe: OutstandingHeartbeat | undefined;
  /** Expirations of T3-rtx for packets that may have been too large, since one arrived. */
  largeLosses = 0;

  constructor(
    /** Number of the path in its association, never used again. */
    readonly id: number,
    /** Position in the association's list of paths. */
    public index: number,
    readonly local: IpAddress,
    readonly remote: IpAddress,
    encapsulationPort: number,
    public parameters: Parameters,
    now: Instant,
  ) {
    this.route = { local, remote, encapsulationPort, ecn: Ecn.NotEct, unfragmented: 0 };
    this.controlRoute = { ...this.route };
    this.probeRoute = { ...this.route, unfragmented: Infinity };
    this.rtt = new RtoEstimator(parameters);
    this.mtuSearch = new MtuSearch(remote.family, parameters.pathMtu);
    this.maximumPacket = this.packetWithin(this.pmtu);
    this.congestion = new Reno(this.maximumChunk, remote.family);
    this.burstBudget = this.maximumBurst;
    this.lastMeasuredSendAt = now;
    this.lastDataSentAt = now;
    this.noteMtu();
  }

  /** Starts again from the initial values: the peer is a new one (RFC 9260, section 5.2.4, A). */
  reset(now: Instant): void {
    this.timers.stopAll();
    this.status = "unconfirmed";
    this.standing = "member";
    this.isConfirmed = false;
    this.rtt.reset();
    this.congestion.reset();
    this.errorCount = 0;
    this.flightSize = 0;
    this.awaitingRetransmission = 0;
    this.fastRetransmitDue = false;
    this.oneInFlight = false;
    this.windowInUse = false;
    this.burstBudget = this.maximumBurst;
    this.releasedBytes = 0;
    this.rttSentAt = NEVER;
    this.heartbeat = undefined;
    this.rebinding = undefined;
    this.owedHeartbeatAck = undefined;
    this.mtuSearch.reset();
    this.mtuProbe = undefined;
    this.largeLosses = 0;
    this.noteMtu();
    this.lastMeasuredSendAt = now;
    this.lastDataSentAt = now;
  }

  /** Path MTU: bytes of the largest IP packet. */
  get pmtu(): number {
    return this.mtuSearch.mtu;
  }

  /** Takes over what {@link mtuSearch} has found, or another encapsulation. */
  noteMtu(): void {
    this.maximumPacket = this.packetWithin(this.pmtu);
    this.congestion.setMaximumChunk(this.maximumChunk);
    this.route.unfragmented = this.maximumPacket;
    this.controlRoute.unfragmented = this.maximumPacket;
  }

  /** Bytes of the largest SCTP packet in an IP packet of `mtu` bytes, a multiple of four. */
  packetWithin(mtu: number): number {
    const ip = this.remote.family === 4 ? IPV4_HEADER : IPV6_HEADER;
    const udp = this.route.encapsulationPort === 0 ? 0 : UDP_HEADER;
    return (mtu - ip - udp) & ~3;
  }

  /** PMDCS: bytes of the largest DATA chunk (RFC 9260, section 1.4). */
  get maximumChunk(): number {
    return this.maximumPacket - COMMON_HEADER_LENGTH;
  }

  /** Max.Burst in bytes; without a limit if it is 0. */
  get maximumBurst(): number {
    const { maxBurst } = this.parameters;
    return maxBurst === 0 ? Infinity : maxBurst * this.maximumChunk;
  }

  /** Bytes of user data in the largest DATA chunk. */
  get maximumPayload(): number {
    return this.maximumChunk - this.dataOverhead - DATA_HEADER_LENGTH;
  }

  /**
   * True if a packet with DATA chunks of so many bytes may be too large for the path (RFC 8899): more
   * than passes wherever anything does.
   */
  isLarge(bytes: number): boolean {
    return bytes >
      this.packetWithin(this.mtuSearch.safe) - COMMON_HEADER_LENGTH - this.dataOverhead;
  }

  /** UDP port of the peer for this path, or 0 (RFC 6951, section 5.4). */
  set encapsulationPort(port: number) {
    this.route.encapsulationPort = port;
    this.controlRoute.encapsulationPort = port;
    this.probeRoute.encapsulationPort = port;
    this.noteMtu();
  }

  /** Retransmission time-out in milliseconds. */
  get rto(): number {
    return this.rtt.rto;
  }

  /** Smoothed round-trip time in milliseconds; 0 before the first sample. */
  get srtt(): number {
    return this.rtt.srtt;
  }

  get cwnd(): number {
    return this.congestion.cwnd;
  }

  get ssthresh(): number {
    return this.congestion.ssthresh;
  }

  /** True if packets may leave from the local address. */
  get maySend(): boolean {
    return this.usable && this.standing === "member";
  }

  /**
   * True if data may go here at all: to an address that is confirmed (RFC 9260, section 5.4), from one
   * that is the association's.
   */
  get isProven(): boolean {
    return this.isConfirmed && this.standing === "member";
  }

  /** True if user data may be sent here. */
  get carriesData(): boolean {
    return this.status === "active" && this.maySend;
  }

  /** Errors were counted beyond PotentiallyFailed.Max.Retrans (RFC 7829, section 3.2). */
  get isPotentiallyFailed(): boolean {
    return this.errorCount > this.parameters.potentiallyFailedMaxRetrans;
  }

  /** True if this is the path between these two addresses. */
  joins(local: IpAddress, remote: IpAddress): boolean {
    return this.local.equals(local) && this.remote.equals(remote);
  }
}
