/** A TCP connection without a network. */
import { EPOLLERR, EPOLLIN, EPOLLPRI, EPOLLRDHUP } from "../../net/constants.ts";
import { TcpResult } from "../../net/tcp_socket.ts";
import type { BridgeSocket } from "../bridge.ts";

/** What comes from the application: bytes, one of them urgent, its end, its reset. */
export type FakeInput = string | { readonly urgent: string } | "end" | "reset";

/** A TCP connection whose application is the test. A read gives one piece of input at the most. */
export class FakeSocket implements BridgeSocket {
  readonly input: FakeInput[] = [];
  /** Urgent bytes stand in brackets. */
  written = "";
  /** Bytes that `send` still takes. */
  room = Infinity;
  broken = false;
  ended = false;
  /** The application's kernel has everything, the end included. */
  endIsAcknowledged = true;
  closed: "no" | "close" | "reset" = "no";
  lastErrno = 0;

  /** What epoll says while the input is as it is. */
  get events(): number {
    const { input } = this;
    const reset = input.includes("reset");
    return (input.length > 0 ? EPOLLIN : 0) | (reset ? EPOLLERR : 0) |
      (reset || input.includes("end") ? EPOLLRDHUP : 0) |
      (input.some((one) => typeof one === "object") ? EPOLLPRI : 0);
  }

  peek(): number {
    const [next] = this.input;
    if (next === "reset") this.input.shift();
    return resultOf(next);
  }

  get atMark(): boolean {
    return typeof this.input[0] === "object";
  }

  receive(buffer: Uint8Array, offset: number, length: number): number {
    const next = this.input.shift();
    const result = resultOf(next);
    if (result <= 0) return result;
    const text = textOf(next!);
    const bytes = new TextEncoder().encode(text.slice(0, length));
    buffer.set(bytes, offset);
    if (bytes.length < text.length) this.input.unshift(text.slice(length));
    return bytes.length;
  }

  send(buffer: Uint8Array, offset: number, length: number): number {
    if (this.broken) return TcpResult.Reset;
    const count = Math.min(length, this.room);
    if (count === 0) return TcpResult.WouldBlock;
    this.room -= count;
    this.written += new TextDecoder().decode(buffer.subarray(offset, offset + count));
    return count;
  }

  sendUrgent(buffer: Uint8Array, offset: number): number {
    if (this.room === 0) return TcpResult.WouldBlock;
    this.room--;
    this.written += `[${String.fromCharCode(buffer[offset])}]`;
    return 1;
  }

  shutdownWrite(): void {
    this.ended = true;
  }

  close(): void {
    this.closed = "close";
  }

  reset(): void {
    this.closed = "reset";
  }
}

/** What a read of one byte returns. */
function resultOf(next: FakeInput | undefined): number {
  if (next === undefined) return TcpResult.WouldBlock;
  if (next === "end") return TcpResult.EndOfStream;
  return next === "reset" ? TcpResult.Reset : 1;
}

function textOf(input: FakeInput): string {
  return typeof input === "object" ? input.urgent : input;
}
