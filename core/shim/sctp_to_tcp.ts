/**
 * The other direction of a bridge: messages of the association become bytes of the TCP connection.
 * While TCP takes no more, nothing is read, so that the advertised receiver window closes.
 */
import { TcpResult } from "../net/tcp_socket.ts";
import type { Instant } from "../sctp/base/time.ts";
import type { ReceiveInfo } from "../sctp/rx/reassembly.ts";
import {
  CONTROL_STREAM,
  type ControlMessage,
  DATA_STREAM,
  decodeControlMessage,
  URGENT_PPID,
} from "./control_message.ts";
import type { Carrier, StreamSocket, Turn } from "./stream_socket.ts";
import type { BufferPool } from "./transfer_buffers.ts";

/** Writes in one turn, so that one fast connection cannot keep the others waiting. */
const WRITES_PER_TURN = 4;

/** Room that must be left in the buffer for another message to be collected. */
const LEAST_ROOM = 4096;

/** Filled in by each read; nothing keeps it. */
const info: ReceiveInfo = { stream: 0, ssn: 0, ppid: 0, unordered: false, endOfMessage: false };

export class SctpToTcp {
  readonly #socket: StreamSocket;
  readonly #association: Carrier;
  readonly #buffers: BufferPool;
  readonly #peerIsShim: boolean;
  /** Bytes collected for TCP and not yet taken by it. */
  #held: Uint8Array | undefined;
  #start = 0;
  #end = 0;
  /** The last of the collected bytes is urgent. */
  #urgent = false;
  /** How many bytes the peer has announced in all, once it has. */
  #announced: number | undefined;
  #malformed = false;
  /** The reason that a RESET on the control stream gave. */
  resetReason: number | undefined;
  /** The peer has said that it takes trunks. */
  peerTakesTrunks = false;
  /** Bytes of data read from the association. */
  bytes = 0;

  /**
   * @param peerIsShim if not, every stream's messages are taken as bytes, in the order of arrival.
   */
  constructor(
    socket: StreamSocket,
    association: Carrier,
    buffers: BufferPool,
    peerIsShim: boolean,
  ) {
    this.#socket = socket;
    this.#association = association;
    this.#buffers = buffers;
    this.#peerIsShim = peerIsShim;
  }

  /** True while TCP refuses: nothing more is read from the association then. */
  get blocked(): boolean {
    return this.#held !== undefined;
  }

  /** True if nothing is held and nothing waits in the association. */
  get drained(): boolean {
    return this.#held === undefined && this.#association.readableBytes === 0;
  }

  /** Moves what can be moved. `ended` once every byte before the peer's HALF-CLOSE is with TCP. */
  run(now: Instant): Turn {
    for (let i = 0; i < WRITES_PER_TURN; i++) {
      if (!this.#held && !this.#collect(now)) return this.#whenEmpty();
      const count = this.#write(this.#held!);
      if (count >= 0) this.#start += count;
      else if (count !== TcpResult.WouldBlock) return "reset";
      if (this.#start === this.#end) this.release();
      else if (count < 0 || !this.#atUrgent) return "waiting";
    }
    return "more";
  }

  /** Gives back what is held. */
  release(): void {
    if (this.#held) this.#buffers.give(this.#held);
    this.#held = undefined;
  }

  /** The urgent byte is written by itself: the kernel sets the mark behind whatever it takes. */
  #write(held: Uint8Array): number {
    if (this.#atUrgent) return this.#socket.sendUrgent(held, this.#start);
    const end = this.#urgent ? this.#end - 1 : this.#end;
    return this.#socket.send(held, this.#start, end - this.#start);
  }

  /** The urgent byte is the next to be written. */
  get #atUrgent(): boolean {
    return this.#urgent && this.#start + 1 === this.#end;
  }

  #whenEmpty(): Turn {
    if (this.#malformed) return "malformed";
    if (this.resetReason !== undefined) return "reset";
    return this.bytes === this.#announced ? "ended" : "waiting";
  }

  /**
   * Reads messages into one buffer until it is full, an urgent byte is its last, or nothing waits;
   * false if there was no data.
   */
  #collect(now: Instant): boolean {
    const buffer = this.#buffers.take();
    let end = 0;
    this.#urgent = false;
    while (!this.#malformed && !this.#urgent && buffer.length - end >= LEAST_ROOM) {
      const target = end === 0 ? buffer : buffer.subarray(end);
      const count = this.#association.read(now, target, info);
      if (count === 0) break;
      if (!this.#peerIsShim) end += count;
      else if (info.stream === DATA_STREAM) {
        end += count;
        this.#urgent = info.ppid === URGENT_PPID && info.endOfMessage;
      } else this.#takeControl(target, count);
    }
    this.bytes += end;
    if (this.#announced !== undefined && this.bytes > this.#announced) this.#malformed = true;
    if (end === 0) {
      this.#buffers.give(buffer);
      return false;
    }
    this.#held = buffer;
    this.#start = 0;
    this.#end = end;
    return true;
  }

  /** A control message is one chunk, so it never comes in parts. */
  #takeControl(bytes: Uint8Array, length: number): void {
    if (info.stream !== CONTROL_STREAM || !info.endOfMessage) {
      this.#malformed = true;
      return;
    }
    const message = decodeControlMessage(bytes, 0, length);
    if (message.kind === "half-close" || message.kind === "reset") this.#obey(message);
    else if (message.kind === "connected") this.peerTakesTrunks = message.takesTrunks;
    else if (message.kind !== "unknown-type") this.#malformed = true;
  }

  #obey(message: Exclude<ControlMessage, { kind: "connected" }>): void {
    if (message.kind === "reset") this.resetReason = message.reason;
    else if (this.#announced === undefined) this.#announced = message.bytes;
    else this.#malformed = true;
  }
}
