/** What the shim needs of a TCP connection and of an association: tests give their own. */
import type { TcpSocket } from "../net/tcp_socket.ts";
import type { Association } from "../sctp/association.ts";

/** The part of a {@link TcpSocket} that moves bytes; closing is the owner's business. */
export type StreamSocket = Pick<
  TcpSocket,
  "receive" | "peek" | "atMark" | "send" | "sendUrgent" | "shutdownWrite" | "lastErrno"
>;

/** The part of an {@link Association} that a bridge uses. */
export type Carrier = Pick<
  Association,
  | "state"
  | "send"
  | "bufferedBytes"
  | "notifyWhenDry"
  | "read"
  | "readableBytes"
  | "shutdown"
  | "abort"
>;

/** What a direction of a connection can do after its turn. */
export type Turn =
  /** Nothing until an event comes. */
  | "waiting"
  /** Go on at once; it stopped only to let others have their turn. */
  | "more"
  /** Its last byte has been handed over. */
  | "ended"
  /** The TCP side is broken. */
  | "reset"
  /** The peer broke the rules that two shims follow. */
  | "malformed";
