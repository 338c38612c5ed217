/**
 * The states of a shimmed socket, by the names of Bickhart 2005, section 2.3, and what they mean for
 * a connection that a daemon translates rather than a kernel.
 */

/** State of one TCP connection or listener, as `status` shows it. */
export type ShimState =
  /** Seen, held or accepted; no association has been asked for. */
  | "NOTINIT"
  /** SCTP is available but not used by this connection: it fell back to TCP. */
  | "READY"
  /** A rule has enabled the shim, and an association is being set up. */
  | "ENABLE_SRULES"
  /** A forward or SOCKS has enabled the shim, and an association is being set up. */
  | "ENABLE_MANUAL"
  /** Client side: an association carries the bytes. */
  | "ACTIVE"
  /** A listener that takes associations for a local TCP server. */
  | "LISTEN"
  /** Server side: made for an association that a peer has set up. */
  | "NATIVE";

/**
 * State of the association below a connection, constant for its lifetime: `HIDDEN` behind a
 * client's TCP connection, `NATIVE` where a peer has set it up.
 */
export type AssociationShimState = "HIDDEN" | "NATIVE";
