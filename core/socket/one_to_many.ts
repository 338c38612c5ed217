/** A one-to-many socket (RFC 6458, section 3): the associations of one port, through one object. */
import { addressesOf, type Destination } from "./association_options.ts";
import type { Channel } from "./channel.ts";
import { type ConnectionOptions, SctpConnection } from "./connection.ts";
import { SctpError } from "./errors.ts";
import { IdleWatch } from "./idle_watch.ts";
import type { ConnectionInfo } from "./info.ts";
import type { Message, MessageOptions } from "./message.ts";
import { type ConnectionEvent, Notifier } from "./notifications.ts";
import { Serializer, Signal } from "./queue.ts";

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

/** A notification of one of the associations; "up" is SCTP_COMM_UP. */
export type SocketEvent =
  & { readonly association: number }
  & (ConnectionEvent | { readonly kind: "up" });

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
>;

/** What the socket wants of its stack. */
export interface SocketHost {
  /** Begins to set up an association. @throws RangeError or TypeError for what cannot be. */
  associate(to: Destination): Channel;
  /** The socket takes no more associations, and has no more use for its port. */
  close(): void;
}

interface Member {
  readonly channel: Channel;
  readonly connection: SctpConnection;
  /** Its last notification was handed out. */
  over: boolean;
}

export class OneToManySocket implements AsyncIterable<SocketMessage>, AsyncDisposable {
  readonly #host: SocketHost;
  readonly #options: OneToManyOptions;
  readonly #members = new Map<number, Member>();
  /** Associations that may have a message, the one that waits longest first. */
  readonly #ready = new Set<number>();
  readonly #readable = new Signal();
  readonly #reading = new Serializer();
  readonly #events = new Notifier<SocketEvent>();
  readonly #idle: IdleWatch<number> | undefined;
  #closed = false;

  /** Sockets come from `SctpStack.openSocket`. */
  constructor(
    /** The SCTP port of this side. */
    readonly port: number,
    options: OneToManyOptions,
    host: SocketHost,
  ) {
    const { autoClose = 0 } = options;
    if (!Number.isInteger(autoClose) || autoClose < 0) {
      throw new RangeError(
        `autoClose is ${autoClose}; it is a number of whole seconds, 0 for never`,
      );
    }
    this.#options = options;
    this.#host = host;
    if (autoClose > 0) {
      this.#idle = new IdleWatch(
        autoClose * 1000,
        (id) => this.#members.get(id)?.channel.shutdown(),
      );
    }
  }

  /** Every association of the socket, by its number. */
  get associations(): ReadonlyMap<number, ConnectionInfo> {
    return new Map([...this.#members].map(([id, { connection }]) => [id, connection.info]));
  }

  /** Notifications of all associations from the moment of iteration on; ends with the socket. */
  get events(): AsyncIterable<SocketEvent> {
    return this.#events;
  }

  /**
   * What can be asked and set of an association.
   * @throws RangeError if there is none of that number.
   */
  control(association: number): AssociationControl {
    return this.#find(association).connection;
  }

  /**
   * Sets up an association (sctp_connectx), or finds the one that there is.
   * @returns its number, once it is up.
   * @throws SctpError as `SctpStack.connect`; RangeError or TypeError for what cannot be.
   */
  async connect(to: Destination): Promise<number> {
    this.#assertOpen();
    const { channel } = this.#reach(to);
    await channel.established;
    return channel.association.id;
  }

  /**
   * Sends a message. To a peer without an association it sets one up, and the message goes along with
   * the COOKIE ECHO (RFC 6458, section 3.1.4). Resolves as `SctpConnection.send` does.
   * @returns the number of the association.
   * @throws SctpError if the association is, or comes to, its end; RangeError for a number that none has,
   *   and as `SctpConnection.send`.
   */
  async send(data: Uint8Array, options: SocketMessageOptions): Promise<number> {
    const { association, to, ...message } = options;
    this.#assertOpen();
    const { channel, connection } = association !== undefined
      ? this.#find(association)
      : this.#reach(destinationIn(to));
    const { id } = channel.association;
    this.#idle?.touch(id);
    await connection.send(data, message);
    return id;
  }

  /** Sends a message to every association (SCTP_SENDALL); returns how many took it. */
  async sendAll(data: Uint8Array, options: MessageOptions = {}): Promise<number> {
    const all = [...this.#members.keys()];
    const sent = await Promise.allSettled(
      all.map((association) => this.send(data, { ...options, association })),
    );
    return sent.filter(({ status }) => status === "fulfilled").length;
  }

  /** The next message of any association, each in its turn; `undefined` once the socket is closed. */
  receive(): Promise<SocketMessage | undefined> {
    return this.#reading.run(async () => {
      for (;;) {
        const message = this.tryReceive();
        if (message || this.#closed) return message;
        await this.#readable.wait();
      }
    });
  }

  /** The next message if all of it is there now. */
  tryReceive(): SocketMessage | undefined {
    for (const id of this.#ready) {
      this.#ready.delete(id);
      const member = this.#members.get(id);
      const message = member && this.#take(member);
      if (message) {
        this.#ready.add(id);
        this.#idle?.touch(id);
        return { ...message, association: id };
      }
    }
    return undefined;
  }

  /** Messages until the socket is closed. */
  async *[Symbol.asyncIterator](): AsyncGenerator<SocketMessage, void, void> {
    for (let message = await this.receive(); message; message = await this.receive()) yield message;
  }

  /**
   * Makes an association a connection of its own (sctp_peeloff), with what has come on it and was not
   * received yet. The socket has nothing to do with it any more.
   * @throws RangeError if there is none of that number.
   */
  peelOff(association: number): SctpConnection {
    const { connection } = this.#find(association);
    this.#forget(association);
    return connection;
  }

  /**
   * Ends an association gracefully (SCTP_EOF); resolves when both sides are done.
   * @throws RangeError if there is none of that number; SctpError if it was lost before.
   */
  shutdown(association: number): Promise<void> {
    return this.#find(association).connection.close();
  }

  /** Ends an association at once (SCTP_ABORT). @throws RangeError if there is none of that number. */
  abort(association: number, reason?: string): void {
    this.#find(association).connection.abort(reason);
  }

  /** Ends every association gracefully, and resolves when all are over. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#host.close();
    const members = [...this.#members.values()];
    for (const { channel } of members) {
      channel.discardInput();
      channel.shutdown();
    }
    await Promise.all(members.map(({ channel }) => channel.closed));
    this.#finish();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Takes an association that a peer has set up. */
  handleIncoming(channel: Channel): void {
    this.#add(channel);
  }

  /** The stack is closed, or has failed: so is the socket. */
  fail(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#host.close();
    this.#finish();
  }

  #finish(): void {
    this.#idle?.stop();
    this.#events.end();
    this.#readable.notify();
  }

  /** The association with a peer; set up if there is none. */
  #reach(to: Destination): Member {
    const wanted = new Set(addressesOf(to).map(({ text }) => text));
    for (const member of this.#members.values()) {
      const { remoteAddr } = member.connection;
      if (member.channel.end || remoteAddr.port !== to.port) continue;
      if (remoteAddr.addresses.some((address) => wanted.has(address))) return member;
    }
    return this.#add(this.#host.associate(to));
  }

  #add(channel: Channel): Member {
    const { id } = channel.association;
    const connection = new SctpConnection(channel, this.#options);
    const member: Member = { channel, connection, over: false };
    this.#members.set(id, member);
    this.#idle?.touch(id);
    void this.#watchInput(id, member);
    void this.#watchEvents(id, member);
    return member;
  }

  async #watchInput(id: number, member: Member): Promise<void> {
    const { channel } = member;
    while (this.#members.get(id) === member) {
      this.#ready.add(id);
      this.#readable.notify();
      if (channel.end) return;
      await channel.readable.wait();
    }
  }

  async #watchEvents(id: number, member: Member): Promise<void> {
    const { channel } = member;
    channel.established.then(() => this.#emit(id, member, { kind: "up" }), () => {});
    for await (const event of channel.events) this.#emit(id, member, event);
    member.over = true;
    // What has come before the end can still be received.
    if (channel.association.readableBytes === 0) this.#forget(id);
  }

  #emit(id: number, member: Member, event: ConnectionEvent | { readonly kind: "up" }): void {
    if (this.#members.get(id) === member) this.#events.emit({ association: id, ...event });
  }

  #take({ channel, connection, over }: Member): Message | undefined {
    const message = this.#tryTake(connection);
    if (!message && over) this.#forget(channel.association.id);
    return message;
  }

  /** A message that is too long ends its association, as "closed" tells, and no other. */
  #tryTake(connection: SctpConnection): Message | undefined {
    try {
      return connection.tryReceive();
    } catch (error) {
      if (error instanceof SctpError) return undefined;
      throw error;
    }
  }

  #forget(id: number): void {
    this.#members.delete(id);
    this.#ready.delete(id);
    this.#idle?.forget(id);
  }

  #find(association: number): Member {
    const member = this.#members.get(association);
    if (member) return member;
    const known = [...this.#members.keys()].join(", ") || "none";
    throw new RangeError(
      `there is no association ${association} on this socket; there are: ${known}`,
    );
  }

  #assertOpen(): void {
    if (this.#closed) throw new SctpError("ERR_SCTP_CLOSED", "the socket is closed");
  }
}

function destinationIn(to: Destination | undefined): Destination {
  if (to) return to;
  throw new TypeError("a message needs an association, by its number, or a peer to go to");
}
