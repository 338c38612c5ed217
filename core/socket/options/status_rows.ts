/** Options that only tell: how associations are, and which there are. */
import type { AssociationState } from "../../sctp/phase.ts";
import { ABANDON_POLICIES, type AbandonedCount } from "../../sctp/tx/partial_reliability.ts";
import { type PeerAddressInfo, peerAddressInfo } from "./path_rows.ts";
import { row } from "./row.ts";
import type { AssociationScope } from "./scope.ts";
import { oneOf, structure, whole } from "./shape.ts";

const policy = oneOf("all", ...ABANDON_POLICIES);
const stream = whole(0, 0xffff);

/** SCTP_STATUS. */
export interface AssociationStatus {
  readonly state: AssociationState;
  /** Bytes that the peer has room for. */
  readonly peerWindow: number;
  /** DATA chunks that are not acknowledged. */
  readonly unacknowledged: number;
  /** Bytes that were received and can be read (the RFC counts chunks). */
  readonly pendingBytes: number;
  readonly inboundStreams: number;
  readonly outboundStreams: number;
  /** Bytes of a message above which it is cut. */
  readonly fragmentationPoint: number;
  readonly primary: PeerAddressInfo | undefined;
}

export const STATUS_ROWS = {
  SCTP_STATUS: row(
    "RFC 6458, section 8.2.1",
    "State, windows, streams and primary address of an association.",
    {
      level: "association",
      output:
        "{ state; peerWindow; unacknowledged; pendingBytes; inboundStreams; outboundStreams; " +
        "fragmentationPoint; primary }",
      association: { get: statusOf },
    },
  ),
  SCTP_GET_ASSOC_STATS: row(
    "an option of Linux",
    "Counters of an association since it was set up.",
    {
      level: "association",
      output: "counters",
      association: { get: ({ association }) => ({ ...association.metrics }) },
    },
  ),
  SCTP_GET_ASSOC_NUMBER: row(
    "RFC 6458, section 8.2.5",
    "How many associations the socket has.",
    {
      level: "socket",
      style: "one-to-many",
      output: "a number",
      socket: { get: ({ ids }) => ids.length },
    },
  ),
  SCTP_GET_ASSOC_ID_LIST: row(
    "RFC 6458, section 8.2.6",
    "Numbers of the socket's associations.",
    {
      level: "socket",
      style: "one-to-many",
      output: "list of numbers",
      socket: { get: ({ ids }): readonly number[] => ids },
    },
  ),
  SCTP_AUTOCLOSE: row(
    "RFC 6458, section 8.1.8",
    "Seconds without user data after which an association is closed; 0 for never.",
    {
      level: "socket",
      style: "one-to-many",
      input: whole(0, 2_147_483, "s"),
      socket: {
        get: (socket) => socket.autoClose,
        set(socket, value) {
          socket.autoClose = value;
        },
      },
    },
  ),
  SCTP_PR_STREAM_STATUS: row(
    "RFC 7496, section 4.3",
    "How many messages on a stream were given up by a policy, or by any: before and after a part was sent.",
    {
      level: "association",
      key: structure({ stream, policy }),
      output: "{ unsent; sent }",
      association: {
        get: ({ reliability }, { stream, policy }): AbandonedCount =>
          reliability.abandoned(policy === "all" ? undefined : policy, stream),
      },
    },
  ),
  SCTP_PR_ASSOC_STATUS: row(
    "RFC 7496, section 4.4",
    "How many messages were given up by a policy, or by any: before and after a part was sent.",
    {
      level: "association",
      key: structure({ policy }),
      output: "{ unsent; sent }",
      association: {
        get: ({ reliability }, { policy }): AbandonedCount =>
          reliability.abandoned(policy === "all" ? undefined : policy),
      },
    },
  ),
};

function statusOf(scope: AssociationScope): AssociationStatus {
  const { association } = scope;
  const { state, tx, readableBytes, inboundStreams, outboundStreams, primaryPath } = association;
  return {
    state,
    peerWindow: Math.max(0, tx.peerWindow),
    unacknowledged: tx.outstanding.count,
    pendingBytes: readableBytes,
    inboundStreams,
    outboundStreams,
    fragmentationPoint: tx.chunkPayload,
    primary: primaryPath && peerAddressInfo(scope, primaryPath.remote.text),
  };
}
