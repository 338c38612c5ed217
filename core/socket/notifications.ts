/** What a connection tells about itself besides data (RFC 6458, section 6.1), as one union. */
import type { SctpEvent } from "../sctp/events.ts";
import { rfcsOfExtensions } from "../sctp/extensions.ts";
import type { PathStatus } from "../sctp/path/path.ts";
import type { AbortedMessage } from "../sctp/rx/reassembly.ts";
import type { SendFailure } from "../sctp/tx/send_failure.ts";
import { describeCause, type ErrorCause } from "../sctp/wire/error_cause.ts";
import { ReconfigResult } from "../sctp/wire/reconfig.ts";
import type { SctpError } from "./errors.ts";
import { type PathInfo, pathInfo } from "./info.ts";

/** How an association ended. */
export type ConnectionEnd =
  /** By a completed shutdown: both sides have everything. */
  | { readonly graceful: true }
  /** By an abort from either side, or because the peer was lost. */
  | { readonly graceful: false; readonly error: SctpError };

/** What came of a change of streams: "failed" may be tried again. */
export type ChangeOutcome = "performed" | "denied" | "failed";

/** One notification: `NOTIFICATIONS` has the names that RFC 6458 gives them. */
export type ConnectionEvent =
  /** ASSOC_CHANGE, SCTP_COMM_UP: the association is there. Always the first one. */
  | {
    readonly kind: "up";
    readonly outboundStreams: number;
    readonly inboundStreams: number;
    /** Numbers of the RFCs whose extensions both sides have. */
    readonly extensions: readonly number[];
  }
  /**
   * PEER_ADDR_CHANGE: a path became confirmed, active or inactive; with
   * SCTP_EXPOSE_POTENTIALLY_FAILED_STATE also when it may have failed (RFC 7829, section 7.1).
   */
  | {
    readonly kind: "path-status";
    readonly path: PathInfo;
    readonly status: PathStatus | "potentially-failed";
  }
  /**
   * PEER_ADDR_CHANGE: the peer has changed its addresses (RFC 6458, section 6.1.2: SCTP_ADDR_ADDED,
   * SCTP_ADDR_REMOVED, SCTP_ADDR_MADE_PRIM). "path-status" tells when an added one is proved.
   */
  | {
    readonly kind: "peer-address";
    readonly address: string;
    readonly change: "added" | "removed" | "made-primary";
  }
  /** The peer has agreed to a change of this side's addresses, or refused it. */
  | {
    readonly kind: "local-address";
    readonly address: string;
    readonly change: "added" | "removed" | "made-primary" | "refused";
    /** Why it was refused, in words, if the peer told. */
    readonly reason: string | undefined;
  }
  /** ADAPTATION_INDICATION: what the peer says about its upper layer (RFC 6458, section 6.1.6). */
  | { readonly kind: "adaptation-indication"; readonly indication: number }
  /** The peer restarted: what had not been delivered, either way, is lost. */
  | { readonly kind: "restart" }
  /** The peer reported errors that do not end the association. */
  | { readonly kind: "remote-error"; readonly causes: readonly ErrorCause[] }
  /** A reset of streams, all if none is listed, is over (RFC 6525, section 6.1.1). */
  | {
    readonly kind: "streams-reset";
    /** This side's, or the peer's. */
    readonly direction: "outgoing" | "incoming";
    readonly streams: readonly number[];
    readonly outcome: ChangeOutcome;
  }
  /** A reset of all numbers of the association is over (RFC 6525, section 6.1.2). */
  | { readonly kind: "association-reset"; readonly outcome: ChangeOutcome }
  /** Streams were added or refused (RFC 6525, section 6.1.3): how many there are now. */
  | {
    readonly kind: "streams-changed";
    readonly outbound: number;
    readonly inbound: number;
    readonly outcome: ChangeOutcome;
  }
  /**
   * The peer used a shared key for the first time; a deactivated one is in use for nothing any more; or
   * the peer does not authenticate (RFC 6458, section 6.1.8).
   */
  | {
    readonly kind: "authentication";
    readonly indication: "new-key" | "free-key";
    readonly key: number;
  }
  | { readonly kind: "authentication"; readonly indication: "no-authentication" }
  /** A message was not delivered, for those who asked to be told (RFC 6458, section 6.1.11). */
  | { readonly kind: "send-failed"; readonly message: SendFailure }
  /**
   * Of a message that was read in part no more comes: its sender gave it up (RFC 6458, section 6.1.7).
   * What `read` gives next is of another one; `receive` has dropped it.
   */
  | { readonly kind: "partial-delivery-aborted"; readonly message: AbortedMessage }
  /** The peer wants to end: nothing more can be sent, what it sent before can still be read. */
  | { readonly kind: "shutdown-received" }
  /** Everything that was sent is acknowledged (RFC 6458, section 6.1.9); for those who asked to be told. */
  | { readonly kind: "sender-dry" }
  /**
   * Whoever listened did not keep up: nothing more comes but "closed" until it listens anew (RFC 6458,
   * section 6.1.10).
   */
  | { readonly kind: "notifications-stopped" }
  /** The association is over: SCTP_SHUTDOWN_COMP, SCTP_COMM_LOST. Always the last one. */
  | { readonly kind: "closed"; readonly end: ConnectionEnd };

/** The engine's notification in the terms of a connection; `undefined` for what it handles itself. */
export function connectionEvent(event: SctpEvent): ConnectionEvent | undefined {
  switch (event.kind) {
    case "communication-up": {
      const { outboundStreams, inboundStreams, extensions } = event.association;
      return {
        kind: "up",
        outboundStreams,
        inboundStreams,
        extensions: rfcsOfExtensions(extensions),
      };
    }
    case "path-status": {
      const path = pathInfo(event.association, event.path);
      return { kind: "path-status", path, status: event.status };
    }
    case "path-failing": {
      const path = pathInfo(event.association, event.path);
      return {
        kind: "path-status",
        path,
        status: event.isFailing ? "potentially-failed" : "active",
      };
    }
    case "peer-address":
      return { kind: event.kind, address: event.address.text, change: event.change };
    case "local-address": {
      const { kind, address, change } = event;
      const causes = event.change === "refused" ? event.causes : [];
      const reason = causes.length > 0 ? causes.map(describeCause).join(", ") : undefined;
      return { kind, address: address.text, change, reason };
    }
    case "adaptation-indication":
      return { kind: event.kind, indication: event.indication };
    case "authentication":
      return event.indication === "no-authentication"
        ? { kind: "authentication", indication: event.indication }
        : { kind: "authentication", indication: event.indication, key: event.key };
    case "remote-error":
      return { kind: "remote-error", causes: event.causes };
    case "streams-reset": {
      const { kind, direction, streams, result } = event;
      return { kind, direction, streams, outcome: outcomeOf(result) };
    }
    case "association-reset":
      return { kind: event.kind, outcome: outcomeOf(event.result) };
    case "streams-changed": {
      const { kind, outbound, inbound, result } = event;
      return { kind, outbound, inbound, outcome: outcomeOf(result) };
    }
    case "send-failed":
      return { kind: event.kind, message: event.failure };
    case "partial-delivery-aborted":
      return { kind: event.kind, message: event.message };
    case "restart":
    case "sender-dry":
    case "shutdown-received":
      return { kind: event.kind };
    default:
      return undefined;
  }
}

/** The kind of notification that an event of the engine becomes. */
export function kindOf({ kind }: SctpEvent): ConnectionEvent["kind"] | undefined {
  switch (kind) {
    case "communication-up":
      return "up";
    case "path-failing":
      return "path-status";
    case "readable":
    case "writable":
    case "communication-lost":
    case "shutdown-complete":
      return undefined;
    default:
      return kind;
  }
}

function outcomeOf(result: number): ChangeOutcome {
  switch (result) {
    case ReconfigResult.NothingToDo:
    case ReconfigResult.Performed:
      return "performed";
    case ReconfigResult.Denied:
      return "denied";
    default:
      return "failed";
  }
}
