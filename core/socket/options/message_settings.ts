/** What a socket keeps for each association beside the engine's parameters: how messages are handed over. */

/** Flags of SNDINFO that may be a default (RFC 6458, section 8.1.31). */
export const DEFAULT_FLAGS = ["SCTP_UNORDERED", "SCTP_EOF", "SCTP_SENDALL"] as const;

/** SCTP_DEFAULT_SNDINFO: for messages that are sent without. */
export interface DefaultSndInfo {
  /** Stream. */
  readonly sid: number;
  readonly flags: readonly (typeof DEFAULT_FLAGS)[number][];
  readonly ppid: number;
  /** Given back with a message that is not delivered. */
  readonly context: number;
}

/** Level of SCTP_FRAGMENT_INTERLEAVE (RFC 6458, section 8.1.20). */
export type InterleaveLevel = 0 | 1 | 2;

/** The settings of one association, or of those to come. */
export interface MessageSettings {
  sndinfo: DefaultSndInfo;
  /** SCTP_CONTEXT: comes with each message of the peer. */
  context: number;
  /** SCTP_DISABLE_FRAGMENTS: a message that does not fit a packet is refused. */
  disableFragments: boolean;
  /** SCTP_EXPLICIT_EOR: a message ends where its sender says so. */
  explicitEor: boolean;
  /** SCTP_RECVRCVINFO and SCTP_RECVNXTINFO: what `recvv` tells beside the data. */
  recvRcvInfo: boolean;
  recvNxtInfo: boolean;
  fragmentInterleave: InterleaveLevel;
  /** SO_LINGER: seconds that closing waits for the peer; `undefined` for as long as it takes. */
  linger: number | undefined;
  /** SCTP_EXPOSE_POTENTIALLY_FAILED_STATE (RFC 7829, section 7.3). */
  exposePotentiallyFailed: boolean;
}

/** What holds where nobody has set anything. */
export function defaultMessageSettings(): MessageSettings {
  return {
    sndinfo: { sid: 0, flags: [], ppid: 0, context: 0 },
    context: 0,
    disableFragments: false,
    explicitEor: false,
    recvRcvInfo: false,
    recvNxtInfo: false,
    fragmentInterleave: 0,
    linger: undefined,
    exposePotentiallyFailed: false,
  };
}
