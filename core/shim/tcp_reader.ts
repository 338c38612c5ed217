/**
 * Reads a TCP connection by epoll's word, edge-triggered, and finds the mark of urgent data.
 *
 * Urgent data stays in line (SO_OOBINLINE), so that no byte is lost. The kernel ends a read before the
 * mark, but a read that begins at the mark goes on over it, and nothing tells afterwards where it was.
 * So a read may begin only where the next byte is known not to be urgent: because epoll has just
 * said EPOLLIN without EPOLLPRI, or because the kernel, asked, says that it is there and not at the
 * mark.
 */
import { EPOLLERR, EPOLLIN, EPOLLPRI, EPOLLRDHUP } from "../net/constants.ts";
import type { StreamSocket } from "./stream_socket.ts";

/** What a reader needs of the connection. */
export type ReadSocket = Pick<StreamSocket, "receive" | "peek" | "atMark">;

export class TcpReader {
  readonly #socket: ReadSocket;
  /** True until a read has emptied the socket. */
  #readable = true;
  /** The peer's end, or an error, is behind what is there. */
  #closing = false;
  /** The next byte may be urgent: the kernel is to be asked. */
  #mayBeUrgent = true;
  /** The last read gave one byte, the urgent one. */
  urgent = false;

  constructor(socket: ReadSocket) {
    this.#socket = socket;
  }

  /** False until epoll tells of something new. */
  get readable(): boolean {
    return this.#readable;
  }

  /** What epoll says of the socket, if it has something to read. */
  handleEvents(events: number): void {
    if (!(events & (EPOLLIN | EPOLLRDHUP | EPOLLERR))) return;
    this.#readable = true;
    this.#mayBeUrgent = (events & (EPOLLIN | EPOLLPRI)) !== EPOLLIN;
    if (events & (EPOLLRDHUP | EPOLLERR)) this.#closing = true;
  }

  /**
   * Reads what comes next.
   * @returns as the socket's `receive`: bytes, or a TcpResult.
   */
  read(buffer: Uint8Array): number {
    this.urgent = false;
    if (this.#mayBeUrgent) {
      const next = this.#socket.peek();
      if (next <= 0) return this.#end(next);
      this.urgent = this.#socket.atMark;
    }
    const count = this.#socket.receive(buffer, 0, this.urgent ? 1 : buffer.length);
    if (count <= 0) return this.#end(count);
    // A short read has emptied the socket (epoll(7), Q9), unless the mark or the end is behind it.
    if (count < buffer.length && !this.#closing && !this.#mayBeUrgent) this.#readable = false;
    this.#mayBeUrgent = true;
    return count;
  }

  #end(result: number): number {
    this.urgent = false;
    this.#readable = false;
    return result;
  }
}
