/**
 * A host that datagrams are exchanged with: its association, or the attempt at one, and its flows.
 *
 * Datagrams never wait: as long as there is no association they go by plain UDP, and again when every
 * path of it is in doubt (RFC 7829, section 3). A flow moves to the association once the peer has said
 * that its server is there; flows after it to the same server go over the association from their first
 * datagram on.
 */
import type { Association } from "../../sctp/association.ts";
import type { IpAddress } from "../../sctp/base/address.ts";
import { after, elapsed, type Instant, isDue, NEVER } from "../../sctp/base/time.ts";
import type { SctpEvent } from "../../sctp/events.ts";
import type { ReceiveInfo } from "../../sctp/rx/reassembly.ts";
import { connectionInfo } from "../../socket/info.ts";
import type { Encapsulation } from "../../net/icmp.ts";
import { encodeControlMessage, ResetReason } from "../control_message.ts";
import { describeLoss } from "../loss.ts";
import type { Connection, Plane } from "../plane.ts";
import type { ConnectionStatus } from "../status.ts";
import type { Flow } from "./flow.ts";
import { PeerFlows, type PeerFlowsHost } from "./peer_flows.ts";
import { DATAGRAM_ADAPTATION, DATAGRAM_PORT, LONGEST_MESSAGE } from "./message.ts";
import { Setup } from "./setup.ts";

/** Messages read in one turn, so that one fast peer cannot keep the others waiting. */
const READS_PER_TURN = 64;

/** Milliseconds of the longest wait between two looks for idle flows. */
const LONGEST_SWEEP = 10_000;

/** Filled in by each read; nothing keeps it. */
const info: ReceiveInfo = { stream: 0, ssn: 0, ppid: 0, unordered: false, endOfMessage: false };

/** What a peer needs of the rest. */
export interface PeerHost extends PeerFlowsHost {
  readonly plane: Plane;
  /** {@link LONGEST_MESSAGE} bytes that messages are read into. */
  readonly inbound: Uint8Array;
  /** Milliseconds without a datagram after which a flow is forgotten. */
  readonly idle: number;
  /** Hands delivered datagrams to the kernel. */
  flush(): void;
  /** Nothing is left of the peer. */
  gone(peer: DatagramPeer): void;
}

export class DatagramPeer implements Connection {
  readonly flows: PeerFlows;
  readonly #host: PeerHost;
  readonly #setup: Setup;
  #association: Association | undefined;
  #incoming = false;
  #over = false;
  /** Bytes of the message being read that came in earlier parts. */
  #partial = 0;
  #sweepAt: Instant;
  #emptySince: Instant = NEVER;

  /** Follow it by {@link adopt} if the peer has set up the association. */
  constructor(host: PeerHost, readonly id: number, readonly address: IpAddress, now: Instant) {
    this.#host = host;
    this.#setup = new Setup(host.plane.cache, address, host.plane.encapsulations);
    this.flows = new PeerFlows(host);
    this.#sweepAt = this.#nextSweep(now);
  }

  get over(): boolean {
    return this.#over;
  }

  /** The association, if it is up. */
  get association(): Association | undefined {
    return this.#association?.state === "ESTABLISHED" ? this.#association : undefined;
  }

  /** Its association stands, but no path of it is known to work (RFC 7829). */
  get isInDoubt(): boolean {
    return this.association !== undefined && this.flows.isInDoubt;
  }

  /** Why datagrams go by plain UDP. */
  get reason(): string {
    return this.#setup.reason;
  }

  /** Takes an association that the peer has set up. */
  adopt(association: Association): void {
    this.#incoming = true;
    this.#association = association;
    this.#host.plane.own(association, this);
    this.flows.handleUp(association);
  }

  /**
   * Sends a datagram of one of the flows, or asks for the association.
   * @returns false if it is to go by plain UDP. The bytes in front of it may have been overwritten.
   */
  forward(
    now: Instant,
    flow: Flow,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): boolean {
    if (this.flows.forward(now, flow, bytes, offset, length)) return true;
    if (flow.isOurs && !this.#association && flow.stage !== "left") {
      const way = this.#setup.begin(now);
      if (way) this.#associate(now, way, flow.local.address);
    }
    return false;
  }

  run(now: Instant): boolean {
    if (this.#over) return false;
    const more = this.#read(now);
    if (isDue(this.#sweepAt, now)) this.#sweep(now);
    return more;
  }

  handleEvent(now: Instant, event: SctpEvent): void {
    switch (event.kind) {
      case "communication-up":
        return this.#handleUp(now, event.association);
      case "communication-lost":
        return this.#handleLost(now, event);
      case "restart":
        return this.#end(now, "the peer has restarted");
      case "shutdown-complete":
        this.#read(now);
        return this.#end(now, "the association was closed");
      case "partial-delivery-aborted":
        this.#partial = 0;
        return;
    }
  }

  /** Ends the association, or forgets the peer if there is none. */
  close(now: Instant): void {
    this.flows.closeAll();
    if (this.association) this.association.shutdown(now);
    else this.stop(now);
  }

  stop(now: Instant): void {
    const reason = encodeControlMessage({ kind: "reset", reason: ResetReason.Stopping });
    this.#association?.abort(now, reason);
    this.#end(now, "the shim was stopped");
    if (!this.#over) this.#finish();
  }

  status(): ConnectionStatus {
    const association = this.#association;
    const up = this.association !== undefined;
    const count = this.flows.count;
    return {
      id: this.id,
      side: this.#incoming ? "server" : "client",
      state: this.#incoming ? "NATIVE" : up ? "ACTIVE" : association ? "ENABLE_SRULES" : "READY",
      reason: up ? "carrying datagrams" : this.#setup.reason,
      carrier: up ? "sctp" : undefined,
      local: `${count} UDP ${count === 1 ? "flow" : "flows"}`,
      remote: this.address.text,
      bytesOut: this.flows.bytesOut,
      bytesIn: this.flows.bytesIn,
      association: association && {
        id: association.id,
        shimState: this.#incoming ? "NATIVE" : "HIDDEN",
        peerIsShim: true,
        ...connectionInfo(association),
      },
      stream: undefined,
    };
  }

  #associate(now: Instant, encapsulation: Encapsulation, localAddress: IpAddress): void {
    const { plane } = this.#host;
    try {
      this.#association = plane.associate({
        addresses: [this.address],
        port: DATAGRAM_PORT,
        encapsulation,
        localAddress,
        adaptation: DATAGRAM_ADAPTATION,
        parameters: { partialReliability: 1 },
      });
      plane.own(this.#association, this);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#setup.handleEnd(now, error.message);
    }
  }

  #handleUp(now: Instant, association: Association): void {
    if (association.peerAdaptationIndication === DATAGRAM_ADAPTATION) {
      this.#setup.handleUp(now);
      this.flows.handleUp(association);
      this.#log("info", "datagrams are carried over SCTP");
      return;
    }
    this.#setup.handleStranger(now);
    this.#association = undefined;
    association.abort(now);
  }

  #handleLost(now: Instant, event: Extract<SctpEvent, { kind: "communication-lost" }>): void {
    // An association that was given up already speaks for itself no more.
    if (event.association !== this.#association) return;
    const established = this.flows.isUp;
    if (this.#incoming) return this.#end(now, describeLoss(event.reason, this.address.text, true));
    this.#lose();
    const way = this.#setup.handleLoss(now, event.reason, established);
    if (way) this.#associate(now, way, event.association.primaryPath?.local ?? this.address);
    else this.#log(established ? "warning" : "info", `plain UDP: ${this.#setup.reason}`);
  }

  #end(now: Instant, why: string): void {
    if (!this.#association) return;
    this.#lose();
    this.#setup.handleEnd(now, why);
    this.#log("info", `plain UDP: ${why}`);
    if (this.#incoming) this.#finish();
  }

  #lose(): void {
    this.#association = undefined;
    this.#partial = 0;
    this.flows.handleLoss();
  }

  /** Nothing is left of it. */
  #finish(): void {
    this.flows.closeAll();
    this.#over = true;
    this.#host.gone(this);
    this.#host.plane.wake(this, NEVER);
    this.#host.plane.schedule(this);
  }

  /** Reads what has come; true if there may be more. */
  #read(now: Instant): boolean {
    const association = this.#association;
    if (!association || !this.flows.isUp) return false;
    let reads = 0;
    while (reads < READS_PER_TURN && this.#readMessage(now, association)) reads++;
    if (reads > 0) this.#host.flush();
    return reads === READS_PER_TURN;
  }

  /** Reads a message, or a part of one; false if there is none. */
  #readMessage(now: Instant, association: Association): boolean {
    const { inbound } = this.#host;
    const room = this.#partial < LONGEST_MESSAGE ? this.#partial : 0;
    const target = room === 0 ? inbound : inbound.subarray(room);
    const count = association.read(now, target, info);
    if (count === 0) return false;
    this.#partial += count;
    if (!info.endOfMessage) return true;
    const length = this.#partial;
    this.#partial = 0;
    this.flows.handleMessage(now, association, inbound, length);
    return true;
  }

  #sweep(now: Instant): void {
    const { idle } = this.#host;
    this.flows.sweep(now, idle);
    if (this.flows.count > 0) this.#emptySince = NEVER;
    else if (this.#emptySince === NEVER) this.#emptySince = now;
    if (this.#emptySince !== NEVER && elapsed(this.#emptySince, now) >= idle) {
      if (!this.#association) return this.#finish();
      // The host whose applications wanted the association ends it.
      if (!this.#incoming && this.association) this.#association.shutdown(now);
    }
    this.#sweepAt = this.#nextSweep(now);
  }

  #nextSweep(now: Instant): Instant {
    const { plane, idle } = this.#host;
    const at = after(now, Math.min(idle / 2, LONGEST_SWEEP));
    plane.wake(this, at);
    return at;
  }

  #log(level: "info" | "warning", what: string): void {
    this.#host.plane.log(level, `UDP to and from ${this.address.text}: ${what}`);
  }
}
