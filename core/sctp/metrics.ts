/** Counters that the engine keeps; readers take them as they are, nothing resets them. */

/** Why an endpoint dropped a packet, or a chunk of one, that came from the network. */
export const DROP_REASONS = [
  "too-short",
  "bad-checksum",
  "bad-port",
  "not-unicast",
  "bad-tag",
  "unknown-source",
  "malformed-chunk",
  "malformed-parameter",
  "init-not-alone",
  "bad-init",
  "bad-cookie",
  "stale-cookie",
  "unexpected-chunk",
  "mixed-data",
  "unrecognized-chunk",
  "unauthenticated-chunk",
  "bad-auth",
  "unknown-key",
  "unsupported-hmac",
  "old-forward-tsn",
  "absurd-forward-tsn",
  "postponed-forward-tsn",
  "old-sack",
  "unsent-acknowledged",
  "no-room",
  "beyond-window",
  "duplicate-data",
  "invalid-stream",
  "useless-ssn",
  "behind-reset",
  "bad-sequence",
  "forged-heartbeat-ack",
  "bad-address",
  "unknown-address",
  "last-address",
  "source-address",
  "address-limit",
  "out-of-the-blue",
  "reply-queue-full",
  "icmp-not-ours",
  "useless-mtu",
  "association-limit",
] as const;
export type DropReason = (typeof DROP_REASONS)[number];

/** Counters of an endpoint since it was made. */
export interface EndpointMetrics {
  packetsReceived: number;
  packetsSent: number;
  bytesReceived: number;
  bytesSent: number;
  /** Associations that reached ESTABLISHED. */
  associationsEstablished: number;
  /** Associations that ended by ABORT or failure. */
  associationsLost: number;
  /** Associations that ended by a graceful shutdown. */
  associationsClosed: number;
  restarts: number;
  readonly dropped: Record<DropReason, number>;
}

/** Counters of an association since it was made. */
export interface AssociationMetrics {
  packetsSent: number;
  packetsReceived: number;
  bytesSent: number;
  bytesReceived: number;
  dataChunksSent: number;
  dataChunksReceived: number;
  dataChunksRetransmitted: number;
  duplicatesReceived: number;
  sacksSent: number;
  sacksReceived: number;
  forwardTsnsSent: number;
  forwardTsnsReceived: number;
  /** User messages accepted from the user, and bytes of them. */
  messagesSent: number;
  payloadSent: number;
  /** User messages handed to the user, and bytes of them. */
  messagesReceived: number;
  payloadReceived: number;
  timeouts: number;
  fastRecoveries: number;
  heartbeatsReceived: number;
  ecnEchoesReceived: number;
}

/** All counters at zero. */
export function newEndpointMetrics(): EndpointMetrics {
  return {
    packetsReceived: 0,
    packetsSent: 0,
    bytesReceived: 0,
    bytesSent: 0,
    associationsEstablished: 0,
    associationsLost: 0,
    associationsClosed: 0,
    restarts: 0,
    dropped: Object.fromEntries(DROP_REASONS.map((reason) => [reason, 0])) as Record<
      DropReason,
      number
    >,
  };
}

/** All counters at zero. */
export function newAssociationMetrics(): AssociationMetrics {
  return {
    packetsSent: 0,
    packetsReceived: 0,
    bytesSent: 0,
    bytesReceived: 0,
    dataChunksSent: 0,
    dataChunksReceived: 0,
    dataChunksRetransmitted: 0,
    duplicatesReceived: 0,
    sacksSent: 0,
    sacksReceived: 0,
    forwardTsnsSent: 0,
    forwardTsnsReceived: 0,
    messagesSent: 0,
    payloadSent: 0,
    messagesReceived: 0,
    payloadReceived: 0,
    timeouts: 0,
    fastRecoveries: 0,
    heartbeatsReceived: 0,
    ecnEchoesReceived: 0,
  };
}
