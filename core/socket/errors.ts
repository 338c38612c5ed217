/** What goes wrong with a socket, as one error class with stable codes and words that say what to do. */
import type { LossReason } from "../sctp/events.ts";
import { describeCause } from "../sctp/wire/error_cause.ts";

/** Stable names of what went wrong: compare these, the messages may change. */
export type SctpErrorCode =
  /** The peer answered the attempt to connect with an ABORT: nobody listens, or it does not want us. */
  | "ERR_SCTP_CONNECT_REFUSED"
  /** No answer within Max.Init.Retransmits attempts. */
  | "ERR_SCTP_CONNECT_TIMEOUT"
  /** The peer stopped answering on all paths. */
  | "ERR_SCTP_CONNECTION_LOST"
  /** The peer ended the association with an ABORT. */
  | "ERR_SCTP_ABORTED_BY_PEER"
  /** This side ended the association with an ABORT. */
  | "ERR_SCTP_ABORTED"
  /** The peer broke the protocol, so this side aborted. */
  | "ERR_SCTP_PROTOCOL_VIOLATION"
  /** The peer's host said by ICMP that it has no SCTP there. */
  | "ERR_SCTP_NOT_SUPPORTED"
  /** The network said by ICMP that the peer is not reached. */
  | "ERR_SCTP_UNREACHABLE"
  /** The peer's state cookie went stale again and again. */
  | "ERR_SCTP_STALE_COOKIE"
  /** No local address can reach the peer. */
  | "ERR_SCTP_NO_PATH"
  /** The peer takes fewer streams than the application needs. */
  | "ERR_SCTP_TOO_FEW_STREAMS"
  /** Authentication is wanted on one side, and the other one cannot give it. */
  | "ERR_SCTP_NOT_AUTHENTICATED"
  /** The peer restarted: bytes that were under way are lost. */
  | "ERR_SCTP_RESTARTED"
  /** The peer lacks the extension that a call needs. */
  | "ERR_SCTP_NOT_SUPPORTED_BY_PEER"
  /** Too many changes of the same kind wait for the peer: wait for the events about them. */
  | "ERR_SCTP_BUSY"
  /** A call that needs an open association came after its end began. */
  | "ERR_SCTP_CLOSED"
  /** A message is longer than the receiver was told to take, or than the sender may cut (EMSGSIZE). */
  | "ERR_SCTP_MESSAGE_TOO_LONG"
  /** A socket option can only be read, or only be set (EOPNOTSUPP). */
  | "ERR_SCTP_OPTION_ACCESS"
  /** A socket option is not for this kind of socket, or not for the associations that were named. */
  | "ERR_SCTP_OPTION_LEVEL"
  /** A socket option cannot be set so while others are as they are. */
  | "ERR_SCTP_OPTION_STATE"
  /** A socket option, or a part of it, is not to be had here. */
  | "ERR_SCTP_OPTION_NOT_AVAILABLE";

/** An SCTP socket's error. Misuse of a call throws TypeError or RangeError instead. */
export class SctpError extends Error {
  override readonly name = "SctpError";

  /** What the engine reported, where that is what ended the association. */
  readonly reason: LossReason | undefined;

  constructor(
    readonly code: SctpErrorCode,
    message: string,
    details: { readonly reason?: LossReason; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: details.cause });
    this.reason = details.reason;
  }
}

/**
 * The error for an association that was lost.
 * @param peer the peer in words, for the message.
 * @param established whether the association was up before.
 */
export function lossError(reason: LossReason, peer: string, established: boolean): SctpError {
  switch (reason.kind) {
    case "unreachable":
      return unreachableError(reason, peer);
    case "aborted-by-peer":
      return abortedByPeerError(reason, peer, established);
    case "aborted-locally":
      return new SctpError("ERR_SCTP_ABORTED", `aborted the association with ${peer}`, { reason });
    case "protocol-violation":
      return new SctpError(
        "ERR_SCTP_PROTOCOL_VIOLATION",
        `aborted the association with ${peer}: it broke the protocol${inWords(reason.causes)}`,
        { reason },
      );
    case "no-sctp-at-peer":
      return new SctpError(
        "ERR_SCTP_NOT_SUPPORTED",
        `${peer} says by ICMP that nothing receives SCTP there; check that the peer runs, that it ` +
          "uses the same transport (raw IP or UDP) and, for UDP, the encapsulation port",
        { reason },
      );
    case "destination-unreachable":
      return new SctpError(
        "ERR_SCTP_UNREACHABLE",
        `the network says by ICMP that ${peer} is not reached; check its address, routes and ` +
          "firewalls on the way",
        { reason },
      );
    case "stale-cookie":
      return new SctpError(
        "ERR_SCTP_STALE_COOKIE",
        `${peer} kept calling its state cookie stale; the path may be slower than its cookie lifetime`,
        { reason },
      );
    case "no-path":
      return new SctpError(
        "ERR_SCTP_NO_PATH",
        `no local address can reach ${peer}; check the address families of both sides and the ` +
          "local addresses that were chosen",
        { reason },
      );
    case "too-few-streams":
      return new SctpError(
        "ERR_SCTP_TOO_FEW_STREAMS",
        `${peer} takes ${reason.offered} streams, but a message waits for stream ` +
          `${reason.wanted}; send on fewer streams`,
        { reason },
      );
    case "no-authentication":
      return new SctpError(
        "ERR_SCTP_NOT_AUTHENTICATED",
        `${peer} does not authenticate its chunks (RFC 4895), which is required here`,
        { reason },
      );
    case "no-shared-key":
      return new SctpError(
        "ERR_SCTP_NOT_AUTHENTICATED",
        `${peer} wants to be asked with a shared key (RFC 4895), and there is none here`,
        { reason },
      );
    default:
      return reason satisfies never;
  }
}

function unreachableError(
  reason: LossReason & { kind: "unreachable" },
  peer: string,
): SctpError {
  if (reason.during === "setup") {
    return new SctpError(
      "ERR_SCTP_CONNECT_TIMEOUT",
      `${peer} did not answer; check its address, its transport (raw IP or UDP and its port) and ` +
        "firewalls on the way",
      { reason },
    );
  }
  const when = reason.during === "shutdown" ? " during the shutdown" : "";
  return new SctpError(
    "ERR_SCTP_CONNECTION_LOST",
    `${peer} stopped answering on every path${when}; data not yet acknowledged may be lost`,
    { reason },
  );
}

function abortedByPeerError(
  reason: LossReason & { kind: "aborted-by-peer" },
  peer: string,
  established: boolean,
): SctpError {
  const why = inWords(reason.causes);
  return established
    ? new SctpError("ERR_SCTP_ABORTED_BY_PEER", `${peer} aborted the association${why}`, { reason })
    : new SctpError(
      "ERR_SCTP_CONNECT_REFUSED",
      `${peer} refused the association${why}; check that something listens on that SCTP port`,
      { reason },
    );
}

function inWords(causes: (LossReason & { kind: "aborted-by-peer" })["causes"]): string {
  return causes.length === 0 ? "" : `: ${causes.map(describeCause).join(", ")}`;
}
