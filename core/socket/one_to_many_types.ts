/** What a one-to-many socket is told, and tells. */
import type { Destination } from "./association_options.ts";
import type { Channel } from "./channel.ts";
import type { SctpConnection } from "./connection.ts";
import type { ConnectionOptions } from "./connection_types.ts";
import type { Inheritance } from "./inheritance.ts";
import type { Message, MessageOptions } from "./message.ts";
import type { Received, SendvInfo, SndInfo } from "./vectors.ts";

/** How a one-to-many socket treats its associations. */
export interface OneToManyOptions extends ConnectionOptions {
  /** SCTP_AUTOCLOSE: seconds without user data after which an association is closed; 0, the default, never. */
  readonly autoClose?: number;
  /** Whether peers may set up associations; by default true. */
  readonly listen?: boolean;
}

/** Where a message goes: to an association by its number, or to a peer, with which one is set up if need be. */
export interface SocketMessageOptions extends MessageOptions {
  /** SNDINFO: number of the association. */
  readonly association?: number;
  /** The peer. */
  readonly to?: Destination;
}

/** A message, and which association it came by (RCVINFO). */
export interface SocketMessage extends Message {
  readonly association: number;
}

/** What `recvv` gives, and which association it is of. */
export type SocketReceived = Received & { readonly association: number };

/** Attributes of a message, and where it goes. */
export interface SocketSendvInfo extends Omit<SendvInfo, "sndinfo"> {
  readonly sndinfo?: SndInfo & {
    /** Number of the association. */
    readonly association?: number;
  };
  /** The peer, with which an association is set up if there is none. */
  readonly to?: Destination;
}

/** What can be asked and set of an association without taking its messages. */
export type AssociationControl = Pick<
  SctpConnection,
  | "localAddr"
  | "remoteAddr"
  | "outboundStreams"
  | "keys"
  | "reliability"
  | "streams"
  | "addresses"
  | "paths"
  | "info"
  | "peerAdaptationIndication"
  | "setPrimary"
  | "getOption"
  | "setOption"
>;

/** What the socket wants of its stack. */
export interface SocketHost extends Inheritance {
  /** Begins to set up an association. @throws RangeError or TypeError for what cannot be. */
  associate(to: Destination): Channel;
  /** The socket takes no more associations, and has no more use for its port. */
  close(): void;
}
