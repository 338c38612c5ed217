/**
 * What the engine reports to its user: the notifications of RFC 9260, section 11.2, as values that
 * `Endpoint.pollEvent` hands out one by one.
 */
import type { Association } from "./association.ts";
import type { IpAddress } from "./base/address.ts";
import type { Tsn } from "./base/serial.ts";
import type { AbortedMessage } from "./rx/reassembly.ts";
import type { SendFailure } from "./tx/send_failure.ts";
import type { Path, PathStatus } from "./path/path.ts";
import type { AddressAction } from "./wire/asconf.ts";
import type { ErrorCause } from "./wire/error_cause.ts";

/** Why an association ended other than by a completed shutdown. */
export type LossReason =
  /** Max.Init.Retransmits, Association.Max.Retrans or the shutdown guard was reached. */
  | { readonly kind: "unreachable"; readonly during: "setup" | "transfer" | "shutdown" }
  /** The peer sent an ABORT. */
  | { readonly kind: "aborted-by-peer"; readonly causes: readonly ErrorCause[] }
  /** The local user aborted. */
  | { readonly kind: "aborted-locally" }
  /** The engine aborted because the peer broke the protocol. */
  | { readonly kind: "protocol-violation"; readonly causes: readonly ErrorCause[] }
  /** An ICMP error said that the peer has no SCTP (RFC 9260, section 10, ICMP8). */
  | { readonly kind: "no-sctp-at-peer" }
  /** ICMP errors said that none of the peer's addresses is reached (section 10, ICMP9). */
  | { readonly kind: "destination-unreachable" }
  /** The state cookie went stale again and again (RFC 9260, section 5.2.6). */
  | { readonly kind: "stale-cookie" }
  /** Messages were queued on streams that the peer then did not accept (section 5.1.1). */
  | { readonly kind: "too-few-streams"; readonly offered: number; readonly wanted: number }
  /** No local address can reach the peer. */
  | { readonly kind: "no-path" }
  /** Authentication is required here, and the peer has none (RFC 4895). */
  | { readonly kind: "no-authentication" }
  /** The peer wants COOKIE ECHO authenticated, and there is but the null key. */
  | { readonly kind: "no-shared-key" };

/** What is told about authentication. */
export type AuthenticationEvent =
  /**
   * `new-key`: the peer has used this shared key for the first time; `free-key`: a deactivated key is
   * in use for nothing of ours any more.
   */
  | {
    readonly kind: "authentication";
    readonly association: Association;
    readonly indication: "new-key" | "free-key";
    /** Shared Key Identifier. */
    readonly key: number;
  }
  /** The peer does not support authentication. */
  | {
    readonly kind: "authentication";
    readonly association: Association;
    readonly indication: "no-authentication";
  };

/** One notification. */
export type SctpEvent =
  /** COMMUNICATION UP: the association is ESTABLISHED. `incoming` if the peer asked for it. */
  | {
    readonly kind: "communication-up";
    readonly association: Association;
    readonly incoming: boolean;
  }
  /** COMMUNICATION LOST: it is over and its buffers are released. */
  | {
    readonly kind: "communication-lost";
    readonly association: Association;
    readonly reason: LossReason;
  }
  /** RESTART: the peer restarted; undelivered data of the old incarnation is gone. */
  | { readonly kind: "restart"; readonly association: Association }
  /** The peer asked for a shutdown: nothing more can be sent; data received before stays readable. */
  | { readonly kind: "shutdown-received"; readonly association: Association }
  /** SHUTDOWN COMPLETE: graceful end; data received before stays readable. */
  | { readonly kind: "shutdown-complete"; readonly association: Association }
  /** NETWORK STATUS CHANGE: a path changed its status, or became confirmed. */
  | {
    readonly kind: "path-status";
    readonly association: Association;
    readonly path: Path;
    readonly status: PathStatus;
  }
  /** A path that is active may have failed (RFC 7829, section 7.1), or has not after all. */
  | {
    readonly kind: "path-failing";
    readonly association: Association;
    readonly path: Path;
    readonly isFailing: boolean;
  }
  /** COMMUNICATION ERROR: the peer reported an error in an ERROR chunk. */
  | {
    readonly kind: "remote-error";
    readonly association: Association;
    readonly causes: readonly ErrorCause[];
  }
  /** AUTHENTICATION EVENT (RFC 6458, section 6.1.8). */
  | AuthenticationEvent
  /**
   * Of a message that was read in part no more comes: what is read next is another one (RFC 6458,
   * section 6.1.7).
   */
  | {
    readonly kind: "partial-delivery-aborted";
    readonly association: Association;
    readonly message: AbortedMessage;
  }
  /**
   * A message was given up, or was not acknowledged when the association was lost or its peer restarted;
   * for a user who wants to know (RFC 6458, section 6.1.11).
   */
  | {
    readonly kind: "send-failed";
    readonly association: Association;
    readonly failure: SendFailure;
  }
  /** DATA ARRIVE: `read` will return something. Reported again only after `read` ran dry. */
  | { readonly kind: "readable"; readonly association: Association }
  /**
   * A reset of streams, all if none is listed, is over (RFC 6525, section 6.1.1): carried out if
   * `result` is "performed" (1) or "nothing to do" (0).
   */
  | {
    readonly kind: "streams-reset";
    readonly association: Association;
    /** Ours, or the peer's. */
    readonly direction: "outgoing" | "incoming";
    readonly streams: readonly number[];
    /** A `ReconfigResult`. */
    readonly result: number;
  }
  /** A reset of all TSNs and streams is over (RFC 6525, section 6.1.2): the TSNs that come next. */
  | {
    readonly kind: "association-reset";
    readonly association: Association;
    /** A `ReconfigResult`. */
    readonly result: number;
    readonly localTsn: Tsn;
    readonly peerTsn: Tsn | undefined;
  }
  /** Streams were added, or `result` says why not (RFC 6525, section 6.1.3): how many there are. */
  | {
    readonly kind: "streams-changed";
    readonly association: Association;
    readonly outbound: number;
    readonly inbound: number;
    /** A `ReconfigResult`. */
    readonly result: number;
  }
  /**
   * The peer has changed its addresses (RFC 5061; RFC 6458, section 6.1.2, SCTP_ADDR_ADDED,
   * SCTP_ADDR_REMOVED and SCTP_ADDR_MADE_PRIM). An address that was added is proved before it is used:
   * "path-status" tells when.
   */
  | {
    readonly kind: "peer-address";
    readonly association: Association;
    readonly address: IpAddress;
    readonly change: "added" | "removed" | "made-primary";
  }
  /** The peer has carried out, or refused, what was asked about this side's addresses (RFC 5061). */
  | {
    readonly kind: "local-address";
    readonly association: Association;
    readonly address: IpAddress;
    readonly change: "added" | "removed" | "made-primary";
  }
  | {
    readonly kind: "local-address";
    readonly association: Association;
    readonly address: IpAddress;
    readonly change: "refused";
    /** What was asked for. */
    readonly action: AddressAction;
    /** Why; empty if the peer did not tell. */
    readonly causes: readonly ErrorCause[];
  }
  /** What the peer says about its upper layer (RFC 5061, section 4.2.6), behind "communication-up". */
  | {
    readonly kind: "adaptation-indication";
    readonly association: Association;
    readonly indication: number;
  }
  /** There is room in the send buffer again after `send` had to refuse. */
  | { readonly kind: "writable"; readonly association: Association }
  /** Everything that was sent is acknowledged; for a user who asked to be told. */
  | { readonly kind: "sender-dry"; readonly association: Association };
