/** Sends the messages of one association: in the order of the callers, each when there is room. */
import type { Course } from "../sctp/tx/course.ts";
import type { SendOptions } from "../sctp/tx/send_queue.ts";
import type { Channel } from "./channel.ts";
import { SctpError } from "./errors.ts";
import { type MessageOptions, sendOptions } from "./message.ts";
import type { MessageSettings } from "./options/message_settings.ts";
import { findPath } from "./path_lookup.ts";
import { Serializer } from "./queue.ts";
import type { ReliabilityControl } from "./reliability.ts";
import { gather, SEND_FLAGS, type SendFlag, type SendvInfo } from "./vectors.ts";

/** Bytes of the messages that a long `write` is cut into. */
const LONGEST_WRITE = 64 * 1024;

const DONE: Promise<void> = Promise.resolve();

export class MessageSender {
  readonly #channel: Channel;
  readonly #settings: MessageSettings;
  readonly #reliability: ReliabilityControl;
  readonly #sending = new Serializer();
  /** Calls that wait for room. */
  #waiting = 0;
  /** Pieces of the messages that have no end yet, by stream (SCTP_EXPLICIT_EOR). */
  readonly #open = new Map<number, Uint8Array[]>();

  constructor(channel: Channel, settings: MessageSettings, reliability: ReliabilityControl) {
    this.#channel = channel;
    this.#settings = settings;
    this.#reliability = reliability;
  }

  /** See {@link SctpConnection.send}. */
  async send(data: Uint8Array, options: MessageOptions = {}): Promise<void> {
    const flags = this.#settings.sndinfo.flags;
    await this.#send(data, this.#complete(options));
    if (flags.includes("SCTP_EOF")) this.#channel.shutdown();
  }

  /** See {@link SctpConnection.write}. */
  async write(data: Uint8Array, options: MessageOptions): Promise<number> {
    const limit = Math.min(LONGEST_WRITE, this.#channel.association.parameters.sendBuffer);
    const complete = this.#complete(options);
    for (let start = 0; start < data.length; start += limit) {
      await this.#send(data.subarray(start, start + limit), complete);
    }
    return data.length;
  }

  /** See {@link SctpConnection.sendv}. */
  async sendv(
    pieces: Uint8Array | readonly Uint8Array[],
    { sndinfo = {}, prinfo, authinfo, dstaddr }: SendvInfo,
  ): Promise<number> {
    const { sndinfo: fallback, explicitEor } = this.#settings;
    const data = gather(pieces);
    const flags = new Set<SendFlag>(checkFlags(sndinfo.flags ?? fallback.flags));
    if (flags.has("SCTP_ABORT")) {
      this.#channel.abort(data);
      return data.length;
    }
    if (flags.has("SCTP_ADDR_OVER") !== (dstaddr !== undefined)) {
      throw new TypeError("SCTP_ADDR_OVER and dstaddr go together: name both, or neither");
    }
    const options = this.#complete({
      stream: sndinfo.sid,
      ppid: sndinfo.ppid,
      context: sndinfo.context,
      unordered: flags.has("SCTP_UNORDERED"),
      immediate: flags.has("SCTP_SACK_IMMEDIATELY"),
      destination: dstaddr,
      keyId: authinfo?.keyNumber,
      prinfo,
    });
    const ends = !explicitEor || flags.has("SCTP_EOR") || flags.has("SCTP_EOF");
    if (flags.has("SCTP_EOF")) this.#assertFinished(options.stream);
    const whole = this.#collect(data, options.stream, ends);
    if (whole && !(whole.length === 0 && flags.has("SCTP_EOF"))) await this.#send(whole, options);
    if (flags.has("SCTP_EOF")) this.#channel.shutdown();
    return data.length;
  }

  /** See {@link SctpConnection.trySend}. */
  trySend(data: Uint8Array, options: SendOptions): boolean {
    return this.#waiting === 0 && this.#channel.trySend(data, options);
  }

  /** See {@link SctpConnection.waitWritable}. */
  waitWritable(): Promise<void> {
    return this.#channel.end ? DONE : this.#channel.writable.wait();
  }

  /**
   * Resolves when the engine has taken all that was to be sent before.
   * @throws SctpError `ERR_SCTP_OPTION_STATE` if a message has no end yet (SCTP_EXPLICIT_EOR).
   */
  async taken(): Promise<void> {
    this.#assertFinished();
    await this.#sending.run(() => DONE);
  }

  /** @param ending stream whose message ends now. */
  #assertFinished(ending?: number): void {
    const stream = this.#open.keys().find((each) => each !== ending);
    if (stream === undefined) return;
    throw new SctpError(
      "ERR_SCTP_OPTION_STATE",
      `the message on stream ${stream} has begun and has no end: send its last part with SCTP_EOR, or abort`,
    );
  }

  /** Every option with its value: those that the user gave, then the defaults of the socket. */
  #complete(options: MessageOptions): SendOptions {
    const { sid, flags, ppid, context } = this.#settings.sndinfo;
    const course = this.#courseFor(options);
    return {
      ...sendOptions({
        ...options,
        stream: options.stream ?? sid,
        ppid: options.ppid ?? ppid,
        context: options.context ?? context,
        unordered: options.unordered ?? flags.includes("SCTP_UNORDERED"),
        prinfo: options.prinfo ?? this.#reliability.default,
      }),
      ...(course && { course }),
    };
  }

  /** @throws RangeError for an address or a key that there is not. */
  #courseFor({ destination, keyId }: MessageOptions): Course | undefined {
    if (destination === undefined && keyId === undefined) return undefined;
    const { association } = this.#channel;
    if (keyId !== undefined && !association.keys.ids.includes(keyId)) {
      throw new RangeError(`there is no shared key ${keyId}; there are: ${association.keys.ids}`);
    }
    const path = destination === undefined ? undefined : findPath(association, destination).id;
    return { path, key: keyId };
  }

  /**
   * Adds to the message of a stream that has no end yet; gives it back once it is whole.
   * @throws SctpError `ERR_SCTP_MESSAGE_TOO_LONG` if it could never be sent.
   */
  #collect(data: Uint8Array, stream: number, ends: boolean): Uint8Array | undefined {
    const open = this.#open.get(stream);
    if (ends && !open) return data;
    const pieces = [...open ?? [], data.slice()];
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
    const { sendBuffer } = this.#channel.association.parameters;
    if (length > sendBuffer) {
      throw new SctpError(
        "ERR_SCTP_MESSAGE_TOO_LONG",
        `the message on stream ${stream} has ${length} bytes and no end: SO_SNDBUF is ${sendBuffer}`,
      );
    }
    if (!ends) {
      this.#open.set(stream, pieces);
      return undefined;
    }
    this.#open.delete(stream);
    return gather(pieces);
  }

  async #send(data: Uint8Array, options: SendOptions): Promise<void> {
    this.#checkLength(data);
    if (this.trySend(data, options)) return;
    this.#waiting++;
    try {
      await this.#sending.run(async () => {
        while (!this.#channel.trySend(data, options)) await this.waitWritable();
      });
    } finally {
      if (--this.#waiting === 0) this.#channel.writable.notify();
    }
  }

  #checkLength({ length }: Uint8Array): void {
    const { chunkPayload } = this.#channel.association.tx;
    if (!this.#settings.disableFragments || length <= chunkPayload) return;
    throw new SctpError(
      "ERR_SCTP_MESSAGE_TOO_LONG",
      `a message of ${length} bytes does not fit a packet, which takes ${chunkPayload}, and ` +
        "SCTP_DISABLE_FRAGMENTS is on",
    );
  }
}

/** @throws TypeError for a flag that there is not. */
function checkFlags(flags: readonly SendFlag[]): readonly SendFlag[] {
  const unknown = flags.find((flag) => !SEND_FLAGS.includes(flag));
  if (unknown === undefined) return flags;
  throw new TypeError(`${unknown} is no flag of a message; there are ${SEND_FLAGS.join(", ")}`);
}
