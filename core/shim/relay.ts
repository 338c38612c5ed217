/** Plain TCP on both sides: what carries a connection whose peer has no SCTP. */
import { EPOLLERR } from "../net/constants.ts";
import { TcpResult } from "../net/tcp_socket.ts";
import type { BridgeOutcome, BridgeSocket } from "./bridge.ts";
import type { StreamSocket, Turn } from "./stream_socket.ts";
import { TcpReader } from "./tcp_reader.ts";
import type { BufferPool, TransferBuffers } from "./transfer_buffers.ts";

/** Buffers moved in one turn, so that one fast connection cannot keep the others waiting. */
const MOVES_PER_TURN = 4;

/** Bytes of one socket become bytes of the other, urgent data with its mark. */
class RelayDirection {
  readonly #from: TcpReader;
  readonly #to: StreamSocket;
  readonly #buffers: BufferPool;
  #ended = false;
  #held: Uint8Array | undefined;
  #start = 0;
  #end = 0;
  bytes = 0;

  constructor(from: StreamSocket, to: StreamSocket, buffers: BufferPool) {
    this.#from = new TcpReader(from);
    this.#to = to;
    this.#buffers = buffers;
  }

  /** False while a read would not show a reset: something is held, or the end was read. */
  get reads(): boolean {
    return this.#held === undefined && !this.#ended;
  }

  handleEvents(events: number): void {
    this.#from.handleEvents(events);
  }

  run(): Turn {
    for (let i = 0; i < MOVES_PER_TURN; i++) {
      if (!this.#held) {
        const turn = this.#receive();
        if (turn !== "more") return turn;
      }
      const turn = this.#send();
      if (turn !== "more") return turn;
    }
    return "more";
  }

  release(): void {
    if (this.#held) this.#buffers.give(this.#held);
    this.#held = undefined;
  }

  /** `more` if there is something to send now. */
  #receive(): Turn {
    if (this.#ended) return "ended";
    if (!this.#from.readable) return "waiting";
    const buffer = this.#buffers.take();
    const count = this.#from.read(buffer);
    if (count > 0) {
      this.#held = buffer;
      this.#start = 0;
      this.#end = count;
      return "more";
    }
    this.#buffers.give(buffer);
    if (count === TcpResult.WouldBlock) return "waiting";
    if (count !== TcpResult.EndOfStream) return "reset";
    this.#ended = true;
    this.#to.shutdownWrite();
    return "ended";
  }

  /** `more` once all that was held is with the other socket. */
  #send(): Turn {
    const count = this.#from.urgent
      ? this.#to.sendUrgent(this.#held!, this.#start)
      : this.#to.send(this.#held!, this.#start, this.#end - this.#start);
    if (count < 0) return count === TcpResult.WouldBlock ? "waiting" : "reset";
    this.#start += count;
    this.bytes += count;
    if (this.#start < this.#end) return "waiting";
    this.release();
    return "more";
  }
}

export class Relay {
  readonly #local: BridgeSocket;
  readonly #remote: BridgeSocket;
  readonly #outbound: RelayDirection;
  readonly #inbound: RelayDirection;
  /** Set once both sockets are closed. */
  outcome: BridgeOutcome | undefined;

  /** @param local the application's socket, @param remote the server's; both connected. */
  constructor(local: BridgeSocket, remote: BridgeSocket, buffers: TransferBuffers) {
    this.#local = local;
    this.#remote = remote;
    this.#outbound = new RelayDirection(local, remote, buffers.inbound);
    this.#inbound = new RelayDirection(remote, local, buffers.inbound);
  }

  /** Bytes of the application that the server's socket has taken. */
  get bytesOut(): number {
    return this.#outbound.bytes;
  }

  /** Bytes of the server that the application's socket has taken. */
  get bytesIn(): number {
    return this.#inbound.bytes;
  }

  /** What epoll says of the application's socket. */
  handleLocal(events: number): void {
    this.#handle(this.#outbound, events);
  }

  /** What epoll says of the server's socket. */
  handleRemote(events: number): void {
    this.#handle(this.#inbound, events);
  }

  /** Moves what can be moved both ways; true if there is more to do at once. */
  run(): boolean {
    if (this.outcome) return false;
    const out = this.#outbound.run();
    const back = this.#inbound.run();
    if (out === "reset" || back === "reset") {
      this.reset("one end reset the connection");
      return false;
    }
    if (out === "ended" && back === "ended") this.#close();
    return out === "more" || back === "more";
  }

  /** Resets both connections. */
  reset(reason: string): void {
    this.#finish({ clean: false, reason }, (socket) => socket.reset());
  }

  #handle(direction: RelayDirection, events: number): void {
    const failed = (events & EPOLLERR) !== 0;
    if (failed && !direction.reads) this.reset("one end reset the connection");
    else direction.handleEvents(events);
  }

  #close(): void {
    this.#finish({ clean: true, reason: "closed by both ends" }, (socket) => socket.close());
  }

  #finish(outcome: BridgeOutcome, close: (socket: BridgeSocket) => void): void {
    if (this.outcome) return;
    this.outcome = outcome;
    this.#outbound.release();
    this.#inbound.release();
    close(this.#local);
    close(this.#remote);
  }
}
