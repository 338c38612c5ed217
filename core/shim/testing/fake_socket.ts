/** A TCP connection without a network. */
import { TcpResult } from "../../net/tcp_socket.ts";
import type { BridgeSocket } from "../bridge.ts";

/** A TCP connection whose application is the test. */
export class FakeSocket implements BridgeSocket {
  readonly input: (string | "end" | "reset")[] = [];
  written = "";
  /** Bytes that `send` still takes. */
  room = Infinity;
  broken = false;
  ended = false;
  closed: "no" | "close" | "reset" = "no";
  lastErrno = 0;

  receive(buffer: Uint8Array, offset: number): number {
    const next = this.input.shift();
    if (next === undefined) return TcpResult.WouldBlock;
    if (next === "end") return TcpResult.EndOfStream;
    if (next === "reset") return TcpResult.Reset;
    buffer.set(new TextEncoder().encode(next), offset);
    return next.length;
  }

  send(buffer: Uint8Array, offset: number, length: number): number {
    if (this.broken) return TcpResult.Reset;
    const count = Math.min(length, this.room);
    if (count === 0) return TcpResult.WouldBlock;
    this.room -= count;
    this.written += new TextDecoder().decode(buffer.subarray(offset, offset + count));
    return count;
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
