/** What `sctp listen` and `sctp connect` do with an association, and the counts of it. */
import { monotonicNow } from "../core/net/clock.ts";
import type { SendOptions } from "../core/sctp/tx/send_queue.ts";
import type { SctpConnection } from "../core/socket/connection.ts";
import { SctpError } from "../core/socket/errors.ts";
import { receiveInfo } from "../core/socket/message.ts";
import type { ConnectionEnd } from "../core/socket/notifications.ts";
import type { TransferMode } from "./sctp_options.ts";

/** What to do. */
export interface TransferPlan {
  readonly mode: TransferMode;
  /** How to send what comes from the pipe or is generated. */
  readonly message: SendOptions;
  readonly messageSize: number;
  /** Messages to generate. */
  readonly count: number;
  /** Milliseconds to generate for. */
  readonly duration: number;
  /** Milliseconds without anything from the peer before the end of the input ends the association. */
  readonly linger: number;
  /** Ends with an ABORT. */
  readonly abort: boolean;
  /** True if an input that had nothing at all leaves the end to the peer. */
  readonly emptyInputWaits: boolean;
}

/** What has been transferred. Times are instants of this thread's clock; 0 for never. */
export interface TransferCounts {
  messagesSent: number;
  bytesSent: number;
  messagesReceived: number;
  bytesReceived: number;
  startedAt: number;
  firstReceivedAt: number;
  lastReceivedAt: number;
  endedAt: number;
}

/** Where bytes come from and go to: the process's own, or a test's. */
export interface Pipe {
  read(target: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
}

/** Bytes that are taken from the association at once. */
const RECEIVE_BUFFER = 256 * 1024;

/** Bytes that are taken from a pipe at once. */
const PIPE_BUFFER = 256 * 1024;

/** Milliseconds between two looks at something that has no event. */
const POLL = 10;

/** Runs the plan on one association. */
export class Transfer {
  readonly counts: TransferCounts = {
    messagesSent: 0,
    bytesSent: 0,
    messagesReceived: 0,
    bytesReceived: 0,
    startedAt: 0,
    firstReceivedAt: 0,
    lastReceivedAt: 0,
    endedAt: 0,
  };
  readonly #buffer = new Uint8Array(RECEIVE_BUFFER);
  readonly #info = receiveInfo();
  #stopped = false;
  #failure: unknown;

  constructor(
    readonly connection: SctpConnection,
    readonly plan: TransferPlan,
    readonly pipe: Pipe,
  ) {}

  /**
   * Resolves when the association has ended and what it brought is dealt with; rejects only if the
   * pipe fails. An input that blocks, such as a terminal, is not waited for.
   */
  async run(): Promise<ConnectionEnd> {
    this.counts.startedAt = monotonicNow();
    this.#guard(this.#input());
    await this.#guard(this.#output());
    const end = await this.connection.closed;
    this.counts.endedAt = monotonicNow();
    if (this.#failure !== undefined) throw this.#failure;
    return end;
  }

  /** Ends the input: what was sent still arrives. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#guard(this.connection.close());
  }

  /** How the association ended is told by its `closed`, so errors of single calls add nothing. */
  async #guard(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (error instanceof SctpError) return;
      this.#failure ??= error;
      this.connection.abort("the other end of the pipe failed");
    }
  }

  async #input(): Promise<void> {
    const { mode } = this.plan;
    if (mode === "pipe") await this.#sendPipe();
    else if (mode === "send") await this.#generate();
    else return;
    if (this.counts.bytesSent === 0 && this.plan.emptyInputWaits) return;
    await this.#linger();
    await this.#finish();
  }

  #output(): Promise<void> {
    const { mode } = this.plan;
    if (mode === "pipe") return this.#receivePipe();
    return mode === "echo" ? this.#echo() : this.#discard();
  }

  async #sendPipe(): Promise<void> {
    const buffer = new Uint8Array(Math.max(this.plan.messageSize, PIPE_BUFFER));
    for (;;) {
      const count = await this.pipe.read(buffer);
      if (count === null || this.#stopped) return;
      await this.#sendParts(buffer.subarray(0, count));
    }
  }

  async #sendParts(bytes: Uint8Array): Promise<void> {
    const { message, messageSize } = this.plan;
    for (let start = 0; start < bytes.length; start += messageSize) {
      const part = bytes.subarray(start, start + messageSize);
      while (!this.connection.trySend(part, message)) await this.connection.waitWritable();
      this.#countSent(1, part.length);
    }
  }

  /** Fills the send buffer without a promise a message, then waits for room. */
  async #generate(): Promise<void> {
    const { message, messageSize, count, duration } = this.plan;
    const data = Uint8Array.from({ length: messageSize }, (_, i) => i);
    const deadline = monotonicNow() + duration;
    let sent = 0;
    while (!this.#stopped && sent < count && monotonicNow() < deadline) {
      const before = sent;
      while (sent < count && this.connection.trySend(data, message)) sent++;
      this.#countSent(sent - before, (sent - before) * messageSize);
      if (sent < count) await this.connection.waitWritable();
    }
  }

  async #discard(): Promise<void> {
    do {
      while (this.#receive(this.#buffer) > 0);
      this.#noteReceipt();
    } while (await this.connection.waitReadable());
  }

  /** Gathers what is readable, so that many small messages are one write. */
  async #receivePipe(): Promise<void> {
    do {
      for (let used = this.#fill(); used > 0; used = this.#fill()) {
        this.#noteReceipt();
        await this.#writeAll(this.#buffer.subarray(0, used));
      }
    } while (await this.connection.waitReadable());
  }

  async #echo(): Promise<void> {
    const { outboundStreams } = this.connection;
    do {
      for (
        let message = this.connection.tryReceive();
        message;
        message = this.connection.tryReceive()
      ) {
        const { data, stream, ppid, unordered } = message;
        this.#countReceived(data.length, true);
        this.#noteReceipt();
        await this.connection.send(data, { stream: stream % outboundStreams, ppid, unordered });
        this.#countSent(1, data.length);
      }
    } while (await this.connection.waitReadable());
  }

  #fill(): number {
    let used = this.#receive(this.#buffer);
    let count = used;
    while (count > 0 && used < this.#buffer.length) {
      count = this.#receive(this.#buffer.subarray(used));
      used += count;
    }
    return used;
  }

  #receive(target: Uint8Array): number {
    const count = this.connection.tryRead(target, this.#info);
    if (count > 0) this.#countReceived(count, this.#info.endOfMessage);
    return count;
  }

  async #writeAll(bytes: Uint8Array): Promise<void> {
    let written = 0;
    while (written < bytes.length) written += await this.pipe.write(bytes.subarray(written));
  }

  /** A shutdown stops the peer from sending, so wait until its answer to the input has come. */
  async #linger(): Promise<void> {
    const { linger } = this.plan;
    const start = monotonicNow();
    while (linger > 0 && this.#isOpen) {
      const quiet = monotonicNow() - Math.max(start, this.counts.lastReceivedAt);
      if (quiet >= linger) return;
      await pause(linger - quiet);
    }
  }

  async #finish(): Promise<void> {
    if (!this.plan.abort) return await this.connection.close();
    while (this.#isOpen && this.connection.info.bufferedBytes > 0) await pause(POLL);
    this.connection.abort("asked for by --abort");
  }

  get #isOpen(): boolean {
    return this.connection.info.state === "ESTABLISHED";
  }

  #countSent(messages: number, bytes: number): void {
    this.counts.messagesSent += messages;
    this.counts.bytesSent += bytes;
  }

  #countReceived(bytes: number, endOfMessage: boolean): void {
    this.counts.bytesReceived += bytes;
    if (endOfMessage) this.counts.messagesReceived++;
  }

  #noteReceipt(): void {
    const { counts } = this;
    counts.lastReceivedAt = monotonicNow();
    if (counts.firstReceivedAt === 0) counts.firstReceivedAt = counts.lastReceivedAt;
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
