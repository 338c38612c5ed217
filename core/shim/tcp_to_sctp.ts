/** One direction of a bridge: bytes of the TCP connection become messages of the data stream. */
import { TcpResult } from "../net/tcp_socket.ts";
import type { Instant } from "../sctp/base/time.ts";
import type { SendOptions } from "../sctp/tx/send_queue.ts";
import { DATA_STREAM, URGENT_PPID } from "./control_message.ts";
import type { Carrier, Turn } from "./stream_socket.ts";
import { type ReadSocket, TcpReader } from "./tcp_reader.ts";
import type { BufferPool } from "./transfer_buffers.ts";

/** Reads in one turn, so that one fast connection cannot keep the others waiting. */
const READS_PER_TURN = 8;

/** How every message of a byte stream is sent; the same object for all. */
const DATA: SendOptions = { stream: DATA_STREAM, ppid: 0, unordered: false, immediate: false };

/** How urgent data is sent to a shim. A native peer gets it as {@link DATA}: in line. */
const URGENT: SendOptions = {
  stream: DATA_STREAM,
  ppid: URGENT_PPID,
  unordered: false,
  immediate: true,
};

export class TcpToSctp {
  readonly #reader: TcpReader;
  readonly #association: Carrier;
  readonly #buffers: BufferPool;
  readonly #urgent: SendOptions;
  #ended = false;
  /** Bytes that the association refused; they go first once it has room. */
  #held: Uint8Array | undefined;
  #heldLength = 0;
  #heldOptions = DATA;
  /** Bytes that the association has taken. */
  bytes = 0;
  /** Bytes that {@link discard} has thrown away. */
  discarded = 0;

  /** @param peerIsShim whether the mark of urgent data means something to the peer. */
  constructor(
    socket: ReadSocket,
    association: Carrier,
    buffers: BufferPool,
    peerIsShim: boolean,
  ) {
    this.#reader = new TcpReader(socket);
    this.#association = association;
    this.#buffers = buffers;
    this.#urgent = peerIsShim ? URGENT : DATA;
  }

  /** True while the association refuses: nothing more is read from TCP then. */
  get blocked(): boolean {
    return this.#held !== undefined;
  }

  /** What epoll says of the socket. */
  handleEvents(events: number): void {
    this.#reader.handleEvents(events);
  }

  /** Moves what can be moved. `ended` once the application has closed and all is handed over. */
  run(now: Instant): Turn {
    if (this.#held && !this.#sendHeld(now)) return "waiting";
    const reader = this.#reader;
    for (let i = 0; reader.readable && i < READS_PER_TURN; i++) {
      const buffer = this.#buffers.take();
      const count = reader.read(buffer);
      if (count > 0) {
        if (!this.#handOver(now, buffer, count)) return "waiting";
        continue;
      }
      this.#buffers.give(buffer);
      if (count === TcpResult.EndOfStream) this.#ended = true;
      else if (count !== TcpResult.WouldBlock) return "reset";
    }
    if (this.#ended) return "ended";
    return reader.readable ? "more" : "waiting";
  }

  /** True once the application has closed and everything before that was read. */
  get ended(): boolean {
    return this.#ended;
  }

  /**
   * Reads and throws away: nobody takes it any more, and the application may have to come to an end
   * with sending before it reads. Instead of {@link run}.
   */
  discard(): Turn {
    if (this.#held) this.discarded += this.#heldLength;
    this.release();
    const reader = this.#reader;
    const buffer = this.#buffers.take();
    let turn: Turn = "more";
    for (let i = 0; turn === "more" && i < READS_PER_TURN; i++) {
      const count = reader.readable ? reader.read(buffer) : TcpResult.WouldBlock;
      if (count > 0) this.discarded += count;
      else if (count === TcpResult.EndOfStream) this.#ended = true;
      else if (count !== TcpResult.WouldBlock) turn = "reset";
      if (this.#ended) turn = "ended";
      else if (count === TcpResult.WouldBlock) turn = "waiting";
    }
    this.#buffers.give(buffer);
    return turn;
  }

  /** Gives back what is held; nothing is moved afterwards. */
  release(): void {
    if (this.#held) this.#buffers.give(this.#held);
    this.#held = undefined;
  }

  /** Sends what was read, or holds it. */
  #handOver(now: Instant, buffer: Uint8Array, count: number): boolean {
    const options = this.#reader.urgent ? this.#urgent : DATA;
    if (this.#send(now, buffer, count, options)) {
      this.#buffers.give(buffer);
      return true;
    }
    this.#held = buffer;
    this.#heldLength = count;
    this.#heldOptions = options;
    return false;
  }

  #sendHeld(now: Instant): boolean {
    const held = this.#held!;
    if (!this.#send(now, held, this.#heldLength, this.#heldOptions)) return false;
    this.#held = undefined;
    this.#buffers.give(held);
    return true;
  }

  #send(now: Instant, buffer: Uint8Array, count: number, options: SendOptions): boolean {
    const data = count === buffer.length ? buffer : buffer.subarray(0, count);
    if (!this.#association.send(now, data, options)) return false;
    this.bytes += count;
    return true;
  }
}
