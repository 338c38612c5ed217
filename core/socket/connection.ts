/** A one-to-one socket: one association that feels like a `Deno.Conn`, with SCTP's messages on top. */
import type { Association } from "../sctp/association.ts";
import type { ReceiveInfo } from "../sctp/rx/reassembly.ts";
import type { SendOptions } from "../sctp/tx/send_queue.ts";
import { AddressControl } from "./address_control.ts";
import { readableBytes, writableBytes } from "./byte_streams.ts";
import type { Channel } from "./channel.ts";
import { type ConnectionInfo, connectionInfo, type PathInfo, pathInfo } from "./info.ts";
import { inherit, type Inheritance } from "./inheritance.ts";
import { ConnectionKeys } from "./keys.ts";
import type { ConnectionOptions, SctpAddress, WhereArguments } from "./connection_types.ts";
import type { Message, MessageOptions } from "./message.ts";
import { MessageReceiver } from "./message_receiver.ts";
import { MessageSender } from "./message_sender.ts";
import type { ConnectionEnd, ConnectionEvent } from "./notifications.ts";
import { getOption, type OptionScopes, setOption } from "./options/access.ts";
import { EventSubscription } from "./options/events.ts";
import { defaultMessageSettings, type MessageSettings } from "./options/message_settings.ts";
import type { AssociationScope } from "./options/scope.ts";
import type { OptionInput, OptionKey, OptionName, OptionValue } from "./options/table.ts";
import { findPath } from "./path_lookup.ts";
import { ReliabilityControl } from "./reliability.ts";
import { StreamControl } from "./stream_control.ts";
import { within } from "./timeout.ts";
import type { NxtInfo, Received, SendvInfo } from "./vectors.ts";

/** Bytes of the longest message that `receive` takes unless it is told otherwise. */
const MAXIMUM_MESSAGE = 16 << 20;

/**
 * One association. Use either the message calls (`send`, `receive`), or the byte calls (`read`,
 * `write`) or streams, which do not show where a message begins; each keeps its callers' order.
 *
 * SCTP has no half-close: once one side has begun to close, neither can send anything new.
 */
export class SctpConnection implements AsyncDisposable {
  /** Shared keys by which both sides authenticate what they send (RFC 4895). */
  readonly keys: ConnectionKeys;
  /** Messages that need not arrive (RFC 3758). */
  readonly reliability: ReliabilityControl;
  /** What socket options work on; for the sockets of this library. */
  readonly scope: AssociationScope;
  readonly #channel: Channel;
  readonly #byteOptions: MessageOptions;
  readonly #settings: MessageSettings;
  readonly #notifications: EventSubscription;
  readonly #receiver: MessageReceiver;
  readonly #sender: MessageSender;
  readonly #scopes: OptionScopes;
  #streams: StreamControl | undefined;
  #addresses: AddressControl | undefined;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Uint8Array> | undefined;

  /**
   * Connections come from `SctpStack.connect` and from listeners.
   * @param inheritance what the socket has set for its associations.
   */
  constructor(channel: Channel, options: ConnectionOptions = {}, inheritance?: Inheritance) {
    const { association, driver, events } = channel;
    this.#channel = channel;
    this.#byteOptions = options.send ?? {};
    this.#settings = { ...inheritance?.future.messages ?? defaultMessageSettings() };
    this.#notifications = new EventSubscription(events);
    this.keys = new ConnectionKeys(association, driver);
    this.reliability = new ReliabilityControl(association, events);
    this.#sender = new MessageSender(channel, this.#settings, this.reliability);
    const maximum = options.maximumMessageSize ?? MAXIMUM_MESSAGE;
    this.#receiver = new MessageReceiver(channel, maximum, this.#settings, this.#notifications);
    this.scope = this.#newScope(inheritance);
    this.#scopes = { style: "one-to-one", one: () => this.scope };
    if (inheritance) inherit(this.scope, inheritance.future);
  }

  /** This side's port and addresses. */
  get localAddr(): SctpAddress {
    const { paths, localPort } = this.#association;
    return sctpAddress(localPort, paths.map((path) => path.local.text));
  }

  /** The peer's port and addresses. */
  get remoteAddr(): SctpAddress {
    const { paths, remotePort } = this.#association;
    return sctpAddress(remotePort, paths.map((path) => path.remote.text));
  }

  /** Streams on which this side may send. */
  get outboundStreams(): number {
    return this.#association.outboundStreams;
  }

  /** How the streams take turns, resets of them, and more of them. */
  get streams(): StreamControl {
    return this.#streams ??= new StreamControl(
      () => this.#association,
      () => this.#channel.driver.flush(),
    );
  }

  /** Addresses of both sides, and changes of this side's while the connection lives. */
  get addresses(): AddressControl {
    return this.#addresses ??= new AddressControl(this.#association, this.#channel.driver);
  }

  /** Every path as it is now. */
  get paths(): readonly PathInfo[] {
    return this.#association.paths.map((path) => pathInfo(this.#association, path));
  }

  /** State, counters and paths as they are now. */
  get info(): ConnectionInfo {
    return connectionInfo(this.#association);
  }

  /** What the peer said about the upper layer in its INIT (RFC 5061, section 4.2.6), if anything. */
  get peerAdaptationIndication(): number | undefined {
    return this.#association.peerAdaptationIndication;
  }

  /** Notifications from the moment of iteration on; ends when the association does. */
  get events(): AsyncIterable<ConnectionEvent> {
    return this.#channel.events;
  }

  /** Resolves with how the association ended; never rejects. */
  get closed(): Promise<ConnectionEnd> {
    return this.#channel.closed;
  }

  /**
   * The next message; `undefined` after a graceful end.
   * @throws SctpError if the association was aborted or lost, or the message is too long.
   */
  receive(): Promise<Message | undefined> {
    return this.#receiver.receive();
  }

  /** The next message if all of it is there now. After `undefined`, call {@link waitReadable}. */
  tryReceive(): Message | undefined {
    return this.#receiver.tryReceive();
  }

  /** Messages until the graceful end, for `for await`. */
  async *messages(): AsyncGenerator<Message, void, void> {
    for (let message = await this.receive(); message; message = await this.receive()) {
      yield message;
    }
  }

  /**
   * Sends a message of 1 byte up to the size of the send buffer. Resolves when the engine has taken
   * a copy of it, which waits while the send buffer is full.
   * @throws SctpError `ERR_SCTP_CLOSED` or what ended the association.
   * @throws RangeError for a stream that does not exist, or a message too long or empty.
   */
  async send(data: Uint8Array, options?: MessageOptions): Promise<void> {
    await this.#sender.send(data, options);
  }

  /**
   * Sends a message with the attributes of RFC 6458 (sctp_sendv): see {@link SendvInfo}. With
   * SCTP_EXPLICIT_EOR it may come in parts, of which none leaves before the last one.
   * @param data one message; several pieces are sent as one.
   * @returns the bytes that were taken.
   * @throws as {@link send}; TypeError for flags that do not go together; SctpError
   *   `ERR_SCTP_MESSAGE_TOO_LONG` with SCTP_DISABLE_FRAGMENTS.
   */
  sendv(data: Uint8Array | readonly Uint8Array[], info: SendvInfo = {}): Promise<number> {
    return this.#sender.sendv(data, info);
  }

  /**
   * The next message, or the next notification of a type that was subscribed to with SCTP_EVENT
   * (sctp_recvv); `undefined` after a graceful end. SCTP_RECVRCVINFO and SCTP_RECVNXTINFO have it tell more.
   * @param target takes as much of a message as it has room for and as is there, which may be a part;
   *   without it messages come whole.
   * @throws as {@link receive}.
   */
  recvv(target?: Uint8Array): Promise<Received | undefined> {
    return this.#receiver.recvv(target);
  }

  /** As {@link recvv}, if something is there now. @param next what a socket of many gives next. */
  tryRecvv(target?: Uint8Array, next?: () => NxtInfo | undefined): Received | undefined {
    return this.#receiver.tryRecvv(target, next);
  }

  /**
   * Reads a socket option of RFC 6458, section 8, and of the RFCs that extend it.
   * @param where what the option has to be told to be read, as the address that it is about.
   * @throws TypeError or RangeError for what cannot be; SctpError `ERR_SCTP_OPTION_ACCESS` or
   *   `ERR_SCTP_OPTION_LEVEL`.
   */
  getOption<Name extends OptionName>(
    name: Name,
    ...[where]: WhereArguments<OptionKey<Name>>
  ): OptionValue<Name> {
    return getOption(this.#scopes, name, (where ?? {}) as OptionKey<Name>, {});
  }

  /**
   * Sets a socket option, from the next packet or message on.
   * @throws as {@link getOption}; SctpError `ERR_SCTP_OPTION_STATE` or `ERR_SCTP_OPTION_NOT_AVAILABLE`.
   */
  setOption<Name extends OptionName>(name: Name, value: OptionInput<Name>): void {
    setOption(this.#scopes, name, value, {});
  }

  /** Reads bytes of the next message into `target`; `null` after a graceful end, as `Deno.Conn`. */
  read(target: Uint8Array): Promise<number | null> {
    return this.#receiver.read(target);
  }

  /** Sends the bytes as one message, or several if they are long; returns how many there were. */
  write(data: Uint8Array): Promise<number> {
    return this.#sender.write(data, this.#byteOptions);
  }

  /** The bytes of every message as they come, whatever its stream; the peer waits while nobody reads. */
  get readable(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#readable ??= readableBytes(this, this.#channel);
  }

  /** Takes bytes as fast as the peer takes them; closing it begins the graceful end. */
  get writable(): WritableStream<Uint8Array> {
    return this.#writable ??= writableBytes(this, this.#channel);
  }

  /**
   * Sends a message if there is room now; false if not. For loops that send much: no promise is
   * made. After false {@link waitWritable} tells when to go on.
   * @param options from `sendOptions`: no default is added to them.
   */
  trySend(data: Uint8Array, options: SendOptions): boolean {
    return this.#sender.trySend(data, options);
  }

  /** Resolves when there may be room to send again, or nothing can be sent any more. */
  waitWritable(): Promise<void> {
    return this.#sender.waitWritable();
  }

  /**
   * Reads into `target` what there is now, at most one message; 0 if there is nothing. For loops
   * that receive much. `info` says whether the message ends here: if not, the rest comes next or, with
   * interleaving, as the next that comes on its stream.
   */
  tryRead(target: Uint8Array, info: ReceiveInfo): number {
    return this.#receiver.tryRead(target, info);
  }

  /**
   * Call when {@link tryRead} returned 0. True when something may be readable again; false after a
   * graceful end.
   * @throws SctpError if the association was aborted or lost.
   */
  waitReadable(): Promise<boolean> {
    return this.#receiver.waitReadable();
  }

  /**
   * Makes a path carry new data.
   * @param remote the peer's address.
   * @param local this side's address; by default any that has a path to the peer's.
   * @throws RangeError if there is no such path.
   */
  setPrimary(remote: string, local?: string): void {
    this.#association.setPrimary(findPath(this.#association, remote, local));
    this.#channel.driver.flush();
  }

  /**
   * Ends gracefully, after everything handed to {@link send} has arrived. Resolves when both sides
   * are done, or after the seconds of SO_LINGER. Keep reading: what the peer still sends has to go
   * somewhere.
   * @throws SctpError if the association was lost before that, so that data may be missing, or
   *   `ERR_SCTP_OPTION_STATE` if a message has no end yet (SCTP_EXPLICIT_EOR).
   */
  async close(): Promise<void> {
    const { linger } = this.#settings;
    if (linger === 0) return this.abort("closed with SO_LINGER 0");
    await this.#sender.taken();
    this.#channel.shutdown();
    const end = await (linger === undefined ? this.closed : within(this.closed, linger * 1000));
    if (end && !end.graceful && end.error.code !== "ERR_SCTP_ABORTED") throw end.error;
  }

  /** Ends at once and tells the peer why; what has not arrived is lost. */
  abort(reason = ""): void {
    this.#channel.abort(reason);
  }

  /** Closes gracefully and drops what nobody has read; a loss meanwhile is no error here. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#channel.discardInput();
    // A message that has no end cannot be closed behind.
    await this.close().catch(() => this.abort());
  }

  get #association(): Association {
    return this.#channel.association;
  }

  #newScope(inheritance: Inheritance | undefined): AssociationScope {
    const settings = this.#settings;
    const channel = this.#channel;
    return {
      association: channel.association,
      driver: channel.driver,
      settings,
      keys: this.keys,
      reliability: this.reliability,
      streams: this.streams,
      addresses: this.addresses,
      notifications: this.#notifications,
      receiver: this.#receiver,
      setPrimary: (remote) => this.setPrimary(remote),
      exposePotentiallyFailed(exposed) {
        settings.exposePotentiallyFailed = exposed;
        channel.exposesFailing = exposed;
      },
      watchHost: () => inheritance?.watchHost(),
    };
  }
}

function sctpAddress(port: number, texts: readonly string[]): SctpAddress {
  const addresses = [...new Set(texts)];
  return { transport: "sctp", hostname: addresses[0], port, addresses };
}
