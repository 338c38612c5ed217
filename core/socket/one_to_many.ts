/** A one-to-many socket (RFC 6458, section 3): the associations of one port, through one object. */
import { addressesOf, type Destination } from "./association_options.ts";
import type { Channel } from "./channel.ts";
import { SctpConnection } from "./connection.ts";
import type { WhereArguments } from "./connection_types.ts";
import { SctpError } from "./errors.ts";
import type { ConnectionInfo } from "./info.ts";
import type { MessageOptions } from "./message.ts";
import { type Member, type MemberParts, Members, type SocketEvent } from "./members.ts";
import type {
  AssociationControl,
  OneToManyOptions,
  SocketHost,
  SocketMessage,
  SocketMessageOptions,
  SocketReceived,
  SocketSendvInfo,
} from "./one_to_many_types.ts";
import {
  getOption,
  type OptionScopes,
  type OptionTarget,
  setOption,
  setOptions,
} from "./options/access.ts";
import type {
  OptionInput,
  OptionKey,
  OptionName,
  OptionSettings,
  OptionValue,
} from "./options/table.ts";
import { Serializer } from "./queue.ts";
import { within } from "./timeout.ts";

export class OneToManySocket implements AsyncIterable<SocketMessage>, AsyncDisposable {
  readonly #host: SocketHost;
  readonly #options: OneToManyOptions;
  readonly #members = new Members();
  readonly #reading = new Serializer();
  readonly #scopes: OptionScopes;
  /** Whose message `recvv` has given in part, at level 0 of SCTP_FRAGMENT_INTERLEAVE. */
  #partOf: number | undefined;
  #closed = false;

  /** Sockets come from `SctpStack.openSocket`. */
  constructor(
    /** The SCTP port of this side. */
    readonly port: number,
    options: OneToManyOptions,
    host: SocketHost,
  ) {
    this.#options = options;
    this.#host = host;
    // RFC 6458, section 8.1.20: or one peer could keep those of all others from being received.
    const { messages } = host.future;
    messages.fragmentInterleave ||= 1;
    this.#scopes = {
      style: "one-to-many",
      one: (association) => this.#members.find(association).connection.scope,
      current: () => this.#members.all.map(({ connection }) => connection.scope),
      future: host,
      socket: this.#members,
    };
    this.setOption("SCTP_AUTOCLOSE", options.autoClose ?? 0);
  }

  /**
   * Reads a socket option of RFC 6458, section 8, and of the RFCs that extend it.
   * @param where which association is meant, by its number (SCTP_FUTURE_ASSOC is the default), and what
   *   else the option has to be told.
   * @throws as {@link SctpConnection.getOption}; RangeError for a number that none has.
   */
  getOption<Name extends OptionName>(
    name: Name,
    ...[where]: WhereArguments<OptionKey<Name> & OptionTarget>
  ): OptionValue<Name> {
    const { association, ...key } = where ?? {} as OptionTarget;
    return getOption(this.#scopes, name, key as OptionKey<Name>, { association });
  }

  /**
   * Sets a socket option.
   * @param target whose: an association by its number, those to come ("future"; the default), those that
   *   there are ("current"), or both ("all").
   * @throws as {@link SctpConnection.setOption}; RangeError for a number that none has.
   */
  setOption<Name extends OptionName>(
    name: Name,
    value: OptionInput<Name>,
    target: OptionTarget = {},
  ): void {
    setOption(this.#scopes, name, value, target);
  }

  /** Sets several options for the associations to come. @throws as {@link setOption}. */
  setOptions(settings: OptionSettings | undefined): void {
    setOptions(this.#scopes, settings);
  }

  /** Every association of the socket, by its number. */
  get associations(): ReadonlyMap<number, ConnectionInfo> {
    return new Map(this.#members.all.map(({ id, connection }) => [id, connection.info]));
  }

  /** Notifications of all associations from the moment of iteration on; ends with the socket. */
  get events(): AsyncIterable<SocketEvent> {
    return this.#members.events;
  }

  /**
   * What can be asked and set of an association.
   * @throws RangeError if there is none of that number.
   */
  control(association: number): AssociationControl {
    return this.#members.find(association).connection;
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
    const { id, connection } = association !== undefined
      ? this.#members.find(association)
      : this.#reach(destinationIn(to));
    this.#members.touch(id);
    await connection.send(data, message);
    return id;
  }

  /** Sends a message to every association (SCTP_SENDALL); returns how many took it. */
  async sendAll(data: Uint8Array, options: MessageOptions = {}): Promise<number> {
    const sent = await Promise.allSettled(
      this.#members.ids.map((association) => this.send(data, { ...options, association })),
    );
    return sent.filter(({ status }) => status === "fulfilled").length;
  }

  /**
   * Sends a message with the attributes of RFC 6458 (sctp_sendv), as {@link SctpConnection.sendv} does;
   * with SCTP_SENDALL to every association.
   * @returns the number of the association, the last one's with SCTP_SENDALL; `undefined` if there is none.
   * @throws as {@link send} and {@link SctpConnection.sendv}.
   */
  async sendv(
    data: Uint8Array | readonly Uint8Array[],
    { to, ...info }: SocketSendvInfo,
  ): Promise<number | undefined> {
    const { association, ...sndinfo } = info.sndinfo ?? {};
    const { flags = this.#host.future.messages.sndinfo.flags } = sndinfo;
    this.#assertOpen();
    const one = () => association === undefined ? this.#reach(destinationIn(to)).id : association;
    const targets = flags.includes("SCTP_SENDALL") ? this.#members.ids : [one()];
    for (const id of targets) {
      this.#members.touch(id);
      await this.#members.find(id).connection.sendv(data, { ...info, sndinfo });
    }
    return targets.at(-1);
  }

  /**
   * The next message, or the next notification that was subscribed to with SCTP_EVENT, of any association,
   * each in its turn (sctp_recvv); `undefined` once the socket is closed.
   * @param target as for {@link SctpConnection.recvv}. At level 0 of SCTP_FRAGMENT_INTERLEAVE nothing of
   *   other associations comes between the parts of a message.
   */
  recvv(target?: Uint8Array): Promise<SocketReceived | undefined> {
    return this.#wait(() => this.#tryRecvv(target));
  }

  /** The next message of any association, each in its turn; `undefined` once the socket is closed. */
  receive(): Promise<SocketMessage | undefined> {
    return this.#wait(() => this.tryReceive());
  }

  /** The next message if all of it is there now. */
  tryReceive(): SocketMessage | undefined {
    return this.#members.takeTurns(({ connection }) => connection.tryReceive());
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
    const { connection } = this.#members.find(association);
    this.#members.forget(association);
    return connection;
  }

  /**
   * Ends an association gracefully (SCTP_EOF); resolves when both sides are done.
   * @throws RangeError if there is none of that number; SctpError if it was lost before.
   */
  shutdown(association: number): Promise<void> {
    return this.#members.find(association).connection.close();
  }

  /** Ends an association at once (SCTP_ABORT). @throws RangeError if there is none of that number. */
  abort(association: number, reason?: string): void {
    this.#members.find(association).connection.abort(reason);
  }

  /** Ends every association gracefully, and resolves when all are over, or as SO_LINGER says. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#host.close();
    await Promise.all(this.#members.all.map(endOf));
    this.#members.finish();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Takes an association that a peer has set up. */
  handleIncoming(channel: Channel): void {
    this.#members.add(this.#connectionOn(channel));
  }

  /** The stack is closed, or has failed: so is the socket. */
  fail(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#host.close();
    this.#members.finish();
  }

  #wait<Found>(find: () => Found | undefined): Promise<Found | undefined> {
    return this.#reading.run(async () => {
      for (;;) {
        const found = find();
        if (found || this.#closed) return found;
        await this.#members.readable.wait();
      }
    });
  }

  #tryRecvv(target: Uint8Array | undefined): SocketReceived | undefined {
    const members = this.#members;
    const staysThere = this.#partOf !== undefined && members.isInMessage(this.#partOf);
    const taken = members.takeTurns(
      ({ connection }) => connection.tryRecvv(target, () => members.nextInfo(connection)),
      staysThere ? this.#partOf : undefined,
    );
    if (taken?.kind !== "data") return taken;
    const { fragmentInterleave } = this.#host.future.messages;
    const isBound = !taken.endOfRecord && fragmentInterleave === 0;
    this.#partOf = isBound ? taken.association : undefined;
    return taken;
  }

  /** The association with a peer; set up if there is none. */
  #reach(to: Destination): Member {
    const wanted = new Set(addressesOf(to).map(({ text }) => text));
    for (const member of this.#members.all) {
      const { remoteAddr } = member.connection;
      if (member.channel.end || remoteAddr.port !== to.port) continue;
      if (remoteAddr.addresses.some((address) => wanted.has(address))) return member;
    }
    return this.#members.add(this.#connectionOn(this.#host.associate(to)));
  }

  #connectionOn(channel: Channel): MemberParts {
    return { channel, connection: new SctpConnection(channel, this.#options, this.#host) };
  }

  #assertOpen(): void {
    if (this.#closed) throw new SctpError("ERR_SCTP_CLOSED", "the socket is closed");
  }
}

/** Ends an association for good: nobody reads from it any more. */
function endOf({ channel, connection: { scope } }: Member): Promise<unknown> {
  const { linger } = scope.settings;
  channel.discardInput();
  if (linger === 0) channel.abort("closed with SO_LINGER 0");
  else channel.shutdown();
  return linger === undefined ? channel.closed : within(channel.closed, linger * 1000);
}

function destinationIn(to: Destination | undefined): Destination {
  if (to) return to;
  throw new TypeError("a message needs an association, by its number, or a peer to go to");
}
