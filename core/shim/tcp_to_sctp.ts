/** One direction of a bridge: bytes of the TCP connection become messages of the data stream. */
import { TcpResult } from "../net/tcp_socket.ts";
import type { Instant } from "../sctp/base/time.ts";
import type { SendOptions } from "../sctp/tx/send_queue.ts";
import { DATA_STREAM } from "./control_message.ts";
import type { Carrier, StreamSocket, Turn } from "./stream_socket.ts";
import type { BufferPool } from "./transfer_buffers.ts";

/** Reads in one turn, so that one fast connection cannot keep the others waiting. */
const READS_PER_TURN = 8;

/** How every message of a byte stream is sent; the same object for all. */
const DATA: SendOptions = { stream: DATA_STREAM, ppid: 0, unordered: false, immediate: false };

export class TcpToSctp {
  readonly #socket: StreamSocket;
  readonly #association: Carrier;
  readonly #buffers: BufferPool;
  /** Edge-triggered: true until a read has emptied the socket. */
  #readable = true;
  /** The peer has closed its side, so that a short read does not mean that nothing is left. */
  #closing = false;
  #ended = false;
  /** Bytes that the association refused; they go first once it has room. */
  #held: Uint8Array | undefined;
  #heldLength = 0;
  /** Bytes that the association has taken. */
  bytes = 0;

  constructor(socket: StreamSocket, association: Carrier, buffers: BufferPool) {
    this.#socket = socket;
    this.#association = association;
    this.#buffers = buffers;
  }

  /** True while the association refuses: nothing more is read from TCP then. */
  get blocked(): boolean {
    return this.#held !== undefined;
  }

  /** The socket has something: bytes, its end, or an error. */
  handleReadable(closing: boolean): void {
    this.#readable = true;
    if (closing) this.#closing = true;
  }

  /** Moves what can be moved. `ended` once the application has closed and all is handed over. */
  run(now: Instant): Turn {
    if (this.#held && !this.#sendHeld(now)) return "waiting";
    for (let i = 0; this.#readable && i < READS_PER_TURN; i++) {
      const buffer = this.#buffers.take();
      const count = this.#socket.receive(buffer, 0, buffer.length);
      if (count > 0) {
        if (!this.#handOver(now, buffer, count)) return "waiting";
        continue;
      }
      this.#buffers.give(buffer);
      this.#readable = false;
      if (count === TcpResult.EndOfStream) this.#ended = true;
      else if (count !== TcpResult.WouldBlock) return "reset";
    }
    if (this.#ended) return "ended";
    return this.#readable ? "more" : "waiting";
  }

  /** Gives back what is held; nothing is moved afterwards. */
  release(): void {
    if (this.#held) this.#buffers.give(this.#held);
    this.#held = undefined;
    this.#readable = false;
  }

  /** Sends what was read, or holds it; a short read has emptied the socket (epoll(7), Q9). */
  #handOver(now: Instant, buffer: Uint8Array, count: number): boolean {
    if (count < buffer.length && !this.#closing) this.#readable = false;
    if (this.#send(now, buffer, count)) {
      this.#buffers.give(buffer);
      return true;
    }
    this.#held = buffer;
    this.#heldLength = count;
    return false;
  }

  #sendHeld(now: Instant): boolean {
    const held = this.#held!;
    if (!this.#send(now, held, this.#heldLength)) return false;
    this.#held = undefined;
    this.#buffers.give(held);
    return true;
  }

  #send(now: Instant, buffer: Uint8Array, count: number): boolean {
    const data = count === buffer.length ? buffer : buffer.subarray(0, count);
    if (!this.#association.send(now, data, DATA)) return false;
    this.bytes += count;
    return true;
  }
}
