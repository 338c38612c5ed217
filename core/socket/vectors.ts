/**
 * What `sendv` and `recvv` tell about messages (RFC 6458, sections 5.3, 9.12 and 9.13): its structures by
 * their names and those of their fields.
 */
import type { SctpAddress } from "./connection_types.ts";
import type { ConnectionEvent } from "./notifications.ts";
import type { PrInfo } from "./reliability.ts";

/**
 * Flags of SNDINFO (RFC 6458, section 5.3.4; RFC 7053) and of explicit ends of records:
 *
 * - SCTP_UNORDERED: may overtake the stream's other messages;
 * - SCTP_SACK_IMMEDIATELY: asks the peer to acknowledge without delay;
 * - SCTP_ADDR_OVER: goes to the address that is given, not to the primary one;
 * - SCTP_EOR: the message ends here, with SCTP_EXPLICIT_EOR;
 * - SCTP_EOF: the association ends gracefully after this, which may be empty;
 * - SCTP_ABORT: the association ends at once, and the peer is told these bytes as the reason;
 * - SCTP_SENDALL: goes to all associations of a one-to-many socket.
 */
export const SEND_FLAGS = [
  "SCTP_UNORDERED",
  "SCTP_SACK_IMMEDIATELY",
  "SCTP_ADDR_OVER",
  "SCTP_EOR",
  "SCTP_EOF",
  "SCTP_ABORT",
  "SCTP_SENDALL",
] as const;
export type SendFlag = (typeof SEND_FLAGS)[number];

/** SCTP_SNDINFO; what is left out is as SCTP_DEFAULT_SNDINFO says. */
export interface SndInfo {
  /** Stream. */
  readonly sid?: number;
  readonly flags?: readonly SendFlag[];
  readonly ppid?: number;
  /** Comes back in the "send-failed" event of this message. */
  readonly context?: number;
}

/** SCTP_AUTHINFO: the shared key that authenticates a message. */
export interface AuthInfo {
  readonly keyNumber: number;
}

/** Attributes of a message to be sent (struct sctp_sendv_spa). */
export interface SendvInfo {
  readonly sndinfo?: SndInfo;
  readonly prinfo?: PrInfo;
  readonly authinfo?: AuthInfo;
  /** SCTP_DSTADDR: the peer's address that SCTP_ADDR_OVER sends to. */
  readonly dstaddr?: string;
}

/** SCTP_RCVINFO: about a message that was received. */
export interface RcvInfo {
  /** Stream. */
  readonly sid: number;
  readonly ssn: number;
  readonly flags: readonly "SCTP_UNORDERED"[];
  readonly ppid: number;
  /** TSN of one of the message's chunks. */
  readonly tsn: number;
  /** Cumulative TSN at this moment. */
  readonly cumtsn: number;
  /** As SCTP_CONTEXT was set. */
  readonly context: number;
  readonly association: number;
}

/** SCTP_NXTINFO: about what is given next, if that is here already. */
export interface NxtInfo {
  /** Stream; means nothing for a notification, as do `ppid` and `length`. */
  readonly sid: number;
  readonly flags: readonly ("SCTP_UNORDERED" | "SCTP_COMPLETE" | "SCTP_NOTIFICATION")[];
  readonly ppid: number;
  /** Bytes that are here: all that is left of the message only with SCTP_COMPLETE. */
  readonly length: number;
  readonly association: number;
}

/** What `recvv` gives: a message or a part of one, or a notification (MSG_NOTIFICATION). */
export type Received =
  | {
    readonly kind: "data";
    readonly data: Uint8Array;
    /** MSG_EOR: the message ends here. */
    readonly endOfRecord: boolean;
    readonly from: Pick<SctpAddress, "hostname" | "port">;
    /** With SCTP_RECVRCVINFO. */
    readonly rcvinfo?: RcvInfo;
    /** With SCTP_RECVNXTINFO, if something is there. */
    readonly nxtinfo?: NxtInfo;
  }
  | {
    readonly kind: "notification";
    readonly notification: ConnectionEvent;
    readonly nxtinfo?: NxtInfo;
  };

/** One message of one or several pieces (struct iovec). */
export function gather(data: Uint8Array | readonly Uint8Array[]): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (data.length === 1) return data[0];
  const all = new Uint8Array(data.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of data) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
