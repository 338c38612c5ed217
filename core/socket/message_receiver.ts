/** Receives the messages of one association, whole or in parts, and with `recvv` what is told about it. */
import type { ReceiveInfo } from "../sctp/rx/reassembly.ts";
import type { Channel } from "./channel.ts";
import { SctpError } from "./errors.ts";
import { InterleavedAssembler } from "./interleaved_assembler.ts";
import { type Assembler, type Message, MessageAssembler, receiveInfo } from "./message.ts";
import type { EventSubscription } from "./options/events.ts";
import type { MessageSettings } from "./options/message_settings.ts";
import { Serializer } from "./queue.ts";
import type { NxtInfo, RcvInfo, Received } from "./vectors.ts";

export class MessageReceiver {
  readonly #channel: Channel;
  readonly #maximum: number;
  readonly #settings: MessageSettings;
  readonly #notifications: EventSubscription;
  readonly #reading = new Serializer();
  readonly #partInfo = receiveInfo();
  /** For associations with interleaving, or without. */
  #assembler: Assembler | undefined;
  #isInMessage = false;

  constructor(
    channel: Channel,
    maximum: number,
    settings: MessageSettings,
    notifications: EventSubscription,
  ) {
    this.#channel = channel;
    this.#maximum = maximum;
    this.#settings = settings;
    this.#notifications = notifications;
  }

  /** The last part that `recvv` gave was not the end of its message. */
  get isInMessage(): boolean {
    return this.#isInMessage;
  }

  /** True if something is left that `recvv` gives. */
  get hasNotifications(): boolean {
    return this.#notifications.first !== undefined;
  }

  /** See {@link SctpConnection.receive}. */
  receive(): Promise<Message | undefined> {
    return this.#wait(() => this.tryReceive());
  }

  /** See {@link SctpConnection.tryReceive}. */
  tryReceive(): Message | undefined {
    if (this.#channel.broken.size > 0) this.#forgetBroken();
    this.#assembler ??= this.#channel.association.interleaves
      ? new InterleavedAssembler(this.#maximum)
      : new MessageAssembler(this.#maximum);
    try {
      return this.#assembler.next(this.#read);
    } catch (error) {
      if (error instanceof SctpError) this.#channel.abort(error.message);
      throw error;
    }
  }

  /** See {@link SctpConnection.read}. */
  read(target: Uint8Array): Promise<number | null> {
    return this.#reading.run(async () => {
      for (;;) {
        const count = this.tryRead(target, this.#partInfo);
        if (count > 0 || target.length === 0) return count;
        if (!await this.waitReadable()) return null;
      }
    });
  }

  /** See {@link SctpConnection.tryRead}. */
  tryRead(target: Uint8Array, info: ReceiveInfo): number {
    return this.#channel.tryRead(target, info);
  }

  /** See {@link SctpConnection.recvv}. */
  recvv(target?: Uint8Array): Promise<Received | undefined> {
    return this.#wait(() => this.tryRecvv(target), () => this.#tellsEnd);
  }

  /**
   * What `recvv` gives, if it is there now.
   * @param next what comes behind it on this socket; by default of this association.
   */
  tryRecvv(
    target?: Uint8Array,
    next: () => NxtInfo | undefined = this.nextInfo,
  ): Received | undefined {
    if (this.#channel.broken.size > 0) this.#forgetBroken();
    const notification = this.#notificationIsNext ? this.#notifications.take() : undefined;
    const told = notification ? { kind: "notification", notification } as const : undefined;
    const given = told ?? (target ? this.#readPart(target) : this.#readWhole());
    if (!given || !this.#settings.recvNxtInfo) return given;
    const nxtinfo = next();
    return nxtinfo ? { ...given, nxtinfo } : given;
  }

  /** NXTINFO of this association: what `recvv` gives next, if that is there. */
  readonly nextInfo = (): NxtInfo | undefined => {
    const { id: association, rx } = this.#channel.association;
    if (this.#notificationIsNext) {
      return { sid: 0, flags: ["SCTP_NOTIFICATION"], ppid: 0, length: 0, association };
    }
    const next = rx?.nextMessage;
    if (!next) return undefined;
    const { stream: sid, ppid, length } = next;
    const flags: NxtInfo["flags"][number][] = [];
    if (next.unordered) flags.push("SCTP_UNORDERED");
    if (next.complete) flags.push("SCTP_COMPLETE");
    return { sid, flags, ppid, length, association };
  };

  /**
   * See {@link SctpConnection.waitReadable}.
   * @param untilEnd the end itself is waited for, not only the last of the data.
   */
  async waitReadable(untilEnd = false): Promise<boolean> {
    const channel = this.#channel;
    if (channel.end?.graceful === false) throw channel.end.error;
    if (channel.end) return false;
    if (!untilEnd && channel.peerIsDone && channel.association.readableBytes === 0) return false;
    await channel.readable.wait();
    return true;
  }

  /** `recvv` gives a notification of the end. */
  get #tellsEnd(): boolean {
    return this.#notifications.has("SCTP_ASSOC_CHANGE");
  }

  #wait<Found>(
    find: () => Found | undefined,
    untilEnd: () => boolean = () => false,
  ): Promise<Found | undefined> {
    return this.#reading.run(async () => {
      for (;;) {
        const found = find();
        if (found !== undefined) return found;
        if (!await this.waitReadable(untilEnd())) return find();
      }
    });
  }

  /**
   * A notification comes before data, but not into a message that is given in parts at level 0 (RFC 6458,
   * section 8.1.20), and what tells of the end comes after all data.
   */
  get #notificationIsNext(): boolean {
    const { first } = this.#notifications;
    if (!first) return false;
    const hasData = this.#channel.association.readableBytes > 0;
    if (first.kind === "closed" || first.kind === "shutdown-received") return !hasData;
    return !(this.#isInMessage && hasData && this.#settings.fragmentInterleave === 0);
  }

  #readWhole(): Received | undefined {
    const message = this.tryReceive();
    if (!message || !this.#assembler) return undefined;
    return this.#describe(message.data, { ...this.#assembler.info, endOfMessage: true });
  }

  #readPart(target: Uint8Array): Received | undefined {
    const info = this.#partInfo;
    const count = this.tryRead(target, info);
    if (count === 0) return undefined;
    return this.#describe(target.subarray(0, count), info);
  }

  #describe(data: Uint8Array, info: ReceiveInfo): Received {
    this.#isInMessage = !info.endOfMessage;
    const { remotePort: port, primaryPath } = this.#channel.association;
    return {
      kind: "data",
      data,
      endOfRecord: info.endOfMessage,
      from: { hostname: primaryPath?.remote.text ?? "", port },
      ...(this.#settings.recvRcvInfo && { rcvinfo: this.#rcvinfo(info) }),
    };
  }

  #rcvinfo({ stream: sid, ssn, ppid, unordered }: ReceiveInfo): RcvInfo {
    const { id: association, rx } = this.#channel.association;
    return {
      sid,
      ssn,
      flags: unordered ? ["SCTP_UNORDERED"] : [],
      ppid,
      tsn: rx?.lastReadTsn ?? 0,
      cumtsn: rx?.tracker.cumulative ?? 0,
      context: this.#settings.context,
      association,
    };
  }

  #forgetBroken(): void {
    const { broken } = this.#channel;
    this.#isInMessage = false;
    // The peer may have come back without interleaving, or with it.
    if (broken.has("all")) this.#assembler = undefined;
    for (const stream of broken) if (stream !== "all") this.#assembler?.drop(stream);
    broken.clear();
  }

  readonly #read = (target: Uint8Array, info: ReceiveInfo): number => this.tryRead(target, info);
}
