/** User messages as the socket hands them over, and their assembly from the engine's reads. */
import type { ReceiveInfo } from "../sctp/rx/reassembly.ts";
import type { SendOptions } from "../sctp/tx/send_queue.ts";
import { SctpError } from "./errors.ts";
import type { PrInfo } from "./reliability.ts";

/** A message from the peer. */
export interface Message {
  /** The whole message, the receiver's own copy. */
  readonly data: Uint8Array<ArrayBuffer>;
  /** Stream on which it came. */
  readonly stream: number;
  /** Payload protocol identifier: what the sender's application wrote, 0 if nothing. */
  readonly ppid: number;
  /** True if it was sent outside the stream's order. */
  readonly unordered: boolean;
}

/** How to send a message. */
export interface MessageOptions {
  /** Stream, 0 to `outboundStreams - 1`; by default 0. */
  readonly stream?: number;
  /** Payload protocol identifier, 0 to 2^32 - 1; by default 0. */
  readonly ppid?: number;
  /** True to let it overtake the stream's other messages; by default false. */
  readonly unordered?: boolean;
  /** True to ask the peer for an acknowledgement without delay (RFC 9260, section 4); by default false. */
  readonly immediate?: boolean;
  /** Comes back in the "send-failed" event of this message, 0 to 2^32 - 1; by default 0. */
  readonly context?: number;
  /** Address of the peer that it goes to, while that can be used; by default the primary one. */
  readonly destination?: string;
  /** Shared key that authenticates it, where the peer wants that; by default the active one. */
  readonly keyId?: number;
  /** When it is given up (RFC 6458, section 5.3.7); by default as `reliability.default` says. */
  readonly prinfo?: PrInfo;
}

/** Every option of a message with its value, but for those that mean one association. */
export function sendOptions(options: MessageOptions = {}): SendOptions {
  const { stream = 0, ppid = 0, unordered = false, immediate = false } = options;
  const { context = 0, prinfo } = options;
  const reliability = prinfo?.policy === "none" ? undefined : prinfo;
  return { stream, ppid, unordered, immediate, reliability, context };
}

/** An object for the engine to fill in. */
export function receiveInfo(): ReceiveInfo {
  return { stream: 0, ssn: 0, ppid: 0, unordered: false, endOfMessage: false };
}

/** Reads into `target`; returns the number of bytes, 0 if nothing is readable now. */
export type Read = (target: Uint8Array, info: ReceiveInfo) => number;

/** Bytes of the first buffer: longer messages make it grow. */
const INITIAL_BUFFER = 64 * 1024;

/** Puts messages together, across reads that end in the middle of one. */
export interface Assembler {
  /** About the message that {@link next} gave last. */
  readonly info: ReceiveInfo;
  /**
   * The next whole message, or `undefined` until more of it can be read.
   * @throws SctpError `ERR_SCTP_MESSAGE_TOO_LONG`.
   */
  next(read: Read): Message | undefined;
  /** Forgets what has begun: the rest of it will never come. */
  reset(): void;
  /** The same of one stream. */
  drop(stream: number): void;
}

/** For messages that come one after the other. */
export class MessageAssembler implements Assembler {
  readonly info = receiveInfo();
  #buffer = new Uint8Array(0);
  #used = 0;

  /** @param maximum bytes of the longest message to take. */
  constructor(readonly maximum: number) {}

  next(read: Read): Message | undefined {
    for (;;) {
      if (this.#used === this.#buffer.length) this.#grow();
      const target = this.#used === 0 ? this.#buffer : this.#buffer.subarray(this.#used);
      const count = read(target, this.info);
      if (count === 0) return undefined;
      this.#used += count;
      if (this.info.endOfMessage) return this.#take();
    }
  }

  reset(): void {
    this.#used = 0;
  }

  /** No two are under way: the one that is, is of this stream. */
  drop(): void {
    this.reset();
  }

  #take(): Message {
    const { stream, ppid, unordered } = this.info;
    const data = this.#buffer.slice(0, this.#used);
    this.#used = 0;
    return { data, stream, ppid, unordered };
  }

  #grow(): void {
    if (this.#used >= this.maximum) {
      throw new SctpError(
        "ERR_SCTP_MESSAGE_TOO_LONG",
        `a message of more than ${this.maximum} bytes arrived; raise maximumMessageSize, or take ` +
          "the bytes in parts with read()",
      );
    }
    const size = Math.min(this.maximum, Math.max(INITIAL_BUFFER, this.#buffer.length * 2));
    const grown = new Uint8Array(size);
    grown.set(this.#buffer.subarray(0, this.#used));
    this.#buffer = grown;
  }
}
