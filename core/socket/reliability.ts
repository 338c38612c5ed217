/** Messages that may be given up (RFC 3758, RFC 7496), and what became of them. */
import type { Association } from "../sctp/association.ts";
import {
  type AbandonedCount,
  type AbandonPolicy,
  checkReliability,
  type PartialReliability,
} from "../sctp/tx/partial_reliability.ts";

/** PRINFO (RFC 6458, section 5.3.7): when a message is given up; with "none" never. */
export type PrInfo = PartialReliability | { readonly policy: "none" };

/** What tells of messages that were not delivered. */
export interface FailureEvents {
  setOnDemand(kind: "send-failed", onDemand: boolean): void;
}

/** Comes from {@link SctpConnection.reliability}. */
export class ReliabilityControl {
  readonly #association: Association;
  readonly #events: FailureEvents;
  #default: PrInfo = { policy: "none" };
  #reportsFailures = false;

  constructor(association: Association, events: FailureEvents) {
    this.#association = association;
    this.#events = events;
  }

  /**
   * SCTP_PR_SUPPORTED of an association (RFC 7496, section 4.5): both sides have it. Otherwise every
   * message is reliable, whatever its PRINFO. The parameter `partialReliability` switches it.
   */
  get isSupported(): boolean {
    return this.#association.isPartiallyReliable;
  }

  /** SCTP_DEFAULT_PRINFO (RFC 6458, section 8.1.32): for messages that are sent without one. */
  get default(): PrInfo {
    return this.#default;
  }

  /** @throws RangeError if its value is out of range. */
  set default(prinfo: PrInfo) {
    const fault = prinfo.policy === "none" ? undefined : checkReliability(prinfo);
    if (fault) throw new RangeError(`this cannot be the default: ${fault}`);
    this.#default = prinfo;
  }

  /**
   * Messages that were given up, before and after a part of them was sent: SCTP_PR_ASSOC_STATUS, and
   * for one stream SCTP_PR_STREAM_STATUS (RFC 7496, sections 4.3 and 4.4).
   * @param policy by which; by default any.
   */
  abandoned(policy?: AbandonPolicy, stream?: number): AbandonedCount {
    return this.#association.countAbandoned(policy, stream);
  }

  /**
   * True if "send-failed" events tell of each message that is given up, or not acknowledged when the
   * association is lost or its peer restarts; false at first.
   */
  get reportsFailures(): boolean {
    return this.#reportsFailures;
  }

  /**
   * Whether SCTP_SEND_FAILED_EVENT (RFC 6458, section 6.1.11) is among the `events`: while somebody listens
   * it costs a copy of each such message.
   */
  set reportsFailures(wanted: boolean) {
    this.#reportsFailures = wanted;
    this.#events.setOnDemand("send-failed", !wanted);
  }
}
