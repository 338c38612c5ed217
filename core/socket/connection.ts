/** A one-to-one socket: one association that feels like a `Deno.Conn`, with SCTP's messages on top. */
import type { Association } from "../sctp/association.ts";
import type { Path } from "../sctp/path/path.ts";
import type { ReceiveInfo } from "../sctp/rx/reassembly.ts";
import type { SendOptions } from "../sctp/tx/send_queue.ts";
import { AddressControl } from "./address_control.ts";
import type { Channel } from "./channel.ts";
import { SctpError } from "./errors.ts";
import { type ConnectionInfo, connectionInfo, type PathInfo, pathInfo } from "./info.ts";
import { ConnectionKeys } from "./keys.ts";
import { InterleavedAssembler } from "./interleaved_assembler.ts";
import {
  type Assembler,
  type Message,
  MessageAssembler,
  type MessageOptions,
  receiveInfo,
  sendOptions,
} from "./message.ts";
import type { ConnectionEnd, ConnectionEvent } from "./notifications.ts";
import { Serializer } from "./queue.ts";
import { ReliabilityControl } from "./reliability.ts";
import { StreamControl } from "./stream_control.ts";
import { readableBytes, writableBytes } from "./byte_streams.ts";

/** One end of an association. */
export interface SctpAddress {
  readonly transport: "sctp";
  /** The first of {@link addresses}. */
  readonly hostname: string;
  readonly port: number;
  readonly addresses: readonly string[];
}

/** How a connection treats its application. */
export interface ConnectionOptions {
  /** How the messages of `write` and `writable` are sent. */
  readonly send?: MessageOptions;
  /**
   * Bytes of the longest message that `receive` takes; by default 16 MiB. With interleaving all that are
   * not whole count together.
   */
  readonly maximumMessageSize?: number;
}

/** Bytes of the longest message that `receive` takes unless it is told otherwise. */
const MAXIMUM_MESSAGE = 16 << 20;

/** Bytes of the messages that a long `write` is cut into. */
const LONGEST_WRITE = 64 * 1024;

const DONE: Promise<void> = Promise.resolve();

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
  readonly #channel: Channel;
  /** For associations with interleaving, or without. */
  #assembler: Assembler | undefined;
  readonly #maximumMessage: number;
  readonly #byteOptions: MessageOptions;
  readonly #readInfo = receiveInfo();
  readonly #reading = new Serializer();
  readonly #sending = new Serializer();
  /** Calls of `send` and `write` that wait for room. */
  #senders = 0;
  #streams: StreamControl | undefined;
  #addresses: AddressControl | undefined;
  #readable: ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  #writable: WritableStream<Uint8Array> | undefined;

  /** Connections come from `SctpStack.connect` and from listeners. */
  constructor(channel: Channel, options: ConnectionOptions = {}) {
    this.#channel = channel;
    this.keys = new ConnectionKeys(channel.association, channel.driver);
    this.#maximumMessage = options.maximumMessageSize ?? MAXIMUM_MESSAGE;
    this.#byteOptions = options.send ?? {};
    this.reliability = new ReliabilityControl(channel.association);
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
    return this.#reading.run(async () => {
      for (;;) {
        const message = this.tryReceive();
        if (message) return message;
        if (!await this.waitReadable()) return undefined;
      }
    });
  }

  /** The next message if all of it is there now. After `undefined`, call {@link waitReadable}. */
  tryReceive(): Message | undefined {
    if (this.#channel.broken.size > 0) this.#forgetBroken();
    this.#assembler ??= this.#association.interleaves
      ? new InterleavedAssembler(this.#maximumMessage)
      : new MessageAssembler(this.#maximumMessage);
    try {
      return this.#assembler.next(this.#read);
    } catch (error) {
      if (error instanceof SctpError) this.abort(error.message);
      throw error;
    }
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
    await this.#send(data, this.#optionsFrom(options));
  }

  /** Reads bytes of the next message into `target`; `null` after a graceful end, as `Deno.Conn`. */
  read(target: Uint8Array): Promise<number | null> {
    return this.#reading.run(async () => {
      for (;;) {
        const count = this.tryRead(target, this.#readInfo);
        if (count > 0 || target.length === 0) return count;
        if (!await this.waitReadable()) return null;
      }
    });
  }

  /** Sends the bytes as one message, or several if they are long; returns how many there were. */
  async write(data: Uint8Array): Promise<number> {
    const limit = Math.min(LONGEST_WRITE, this.#association.parameters.sendBuffer);
    const options = this.#optionsFrom(this.#byteOptions);
    for (let start = 0; start < data.length; start += limit) {
      await this.#send(data.subarray(start, start + limit), options);
    }
    return data.length;
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
    return this.#senders === 0 && this.#channel.trySend(data, options);
  }

  /** Resolves when there may be room to send again, or nothing can be sent any more. */
  waitWritable(): Promise<void> {
    return this.#channel.end ? DONE : this.#channel.writable.wait();
  }

  /**
   * Reads into `target` what there is now, at most one message; 0 if there is nothing. For loops
   * that receive much. `info` says whether the message ends here: if not, the rest comes next or, with
   * interleaving, as the next that comes on its stream.
   */
  tryRead(target: Uint8Array, info: ReceiveInfo): number {
    return this.#channel.tryRead(target, info);
  }

  /**
   * Call when {@link tryRead} returned 0. True when something may be readable again; false after a
   * graceful end.
   * @throws SctpError if the association was aborted or lost.
   */
  async waitReadable(): Promise<boolean> {
    const channel = this.#channel;
    if (channel.end?.graceful === false) throw channel.end.error;
    if (channel.end) return false;
    if (channel.peerIsDone && this.#association.readableBytes === 0) return false;
    await channel.readable.wait();
    return true;
  }

  /**
   * Makes a path carry new data.
   * @param remote the peer's address.
   * @param local this side's address; by default any that has a path to the peer's.
   * @throws RangeError if there is no such path.
   */
  setPrimary(remote: string, local?: string): void {
    this.#association.setPrimary(this.#findPath(remote, local));
    this.#channel.driver.flush();
  }

  /**
   * Ends gracefully, after everything handed to {@link send} has arrived. Resolves when both sides
   * are done. Keep reading: what the peer still sends has to go somewhere.
   * @throws SctpError if the association was lost before that, so that data may be missing.
   */
  async close(): Promise<void> {
    await this.#sending.run(() => DONE);
    this.#channel.shutdown();
    const end = await this.closed;
    if (!end.graceful && end.error.code !== "ERR_SCTP_ABORTED") throw end.error;
  }

  /** Ends at once and tells the peer why; what has not arrived is lost. */
  abort(reason = ""): void {
    this.#channel.abort(reason);
  }

  /** Closes gracefully and drops what nobody has read; a loss meanwhile is no error here. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#channel.discardInput();
    await this.close().catch(() => {});
  }

  get #association(): Association {
    return this.#channel.association;
  }

  #forgetBroken(): void {
    const { broken } = this.#channel;
    // The peer may have come back without interleaving, or with it.
    if (broken.has("all")) this.#assembler = undefined;
    for (const stream of broken) if (stream !== "all") this.#assembler?.drop(stream);
    broken.clear();
  }

  #optionsFrom(options: MessageOptions = {}): SendOptions {
    return sendOptions({ ...options, prinfo: options.prinfo ?? this.reliability.default });
  }

  async #send(data: Uint8Array, options: SendOptions): Promise<void> {
    if (this.trySend(data, options)) return;
    this.#senders++;
    try {
      await this.#sending.run(async () => {
        while (!this.#channel.trySend(data, options)) await this.waitWritable();
      });
    } finally {
      if (--this.#senders === 0) this.#channel.writable.notify();
    }
  }

  readonly #read = (target: Uint8Array, info: ReceiveInfo): number => this.tryRead(target, info);

  #findPath(remote: string, local: string | undefined): Path {
    const path = this.#association.paths.find((path) =>
      path.remote.text === remote && (local === undefined || path.local.text === local)
    );
    if (!path) {
      const known = this.#association.paths.map((path) => `${path.local} to ${path.remote}`);
      throw new RangeError(
        `there is no path to ${remote}${local ? ` from ${local}` : ""}; there are ${
          known.join(", ")
        }`,
      );
    }
    return path;
  }
}

function sctpAddress(port: number, texts: readonly string[]): SctpAddress {
  const addresses = [...new Set(texts)];
  return { transport: "sctp", hostname: addresses[0], port, addresses };
}
