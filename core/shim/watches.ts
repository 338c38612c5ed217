/** Who is told what epoll says of which descriptor. */
import { EPOLLET, EPOLLIN, EPOLLOUT, EPOLLPRI, EPOLLRDHUP } from "../net/constants.ts";
import { Epoll } from "../net/epoll.ts";
import type { TcpSocket } from "../net/tcp_socket.ts";
import type { Watch } from "./plane.ts";

/** Descriptors handled after one wait. */
const EVENTS_PER_WAIT = 256;

/** Everything that a TCP connection can tell, each thing once. */
const TCP_EVENTS = (EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET) >>> 0;
const LISTENER_EVENTS = (EPOLLIN | EPOLLET) >>> 0;

type Handler = Watch["handler"];

export class Watches {
  readonly #epoll = new Epoll(EVENTS_PER_WAIT);
  readonly #handlers = new Map<number, Handler>();
  #nextToken = 1;

  /** Descriptors that are watched. */
  get count(): number {
    return this.#handlers.size;
  }

  /** Watches a TCP connection for everything, edge-triggered. */
  socket({ descriptor }: TcpSocket, handler: Handler): Watch {
    const watch: Watch = { handler, forget: () => this.#handlers.delete(token) };
    const token = this.#add(descriptor, TCP_EVENTS, (events) => watch.handler(events));
    return watch;
  }

  /** Watches a TCP listener, edge-triggered. */
  listener(descriptor: number, handler: Handler): void {
    this.#add(descriptor, LISTENER_EVENTS, handler);
  }

  /**
   * Watches a descriptor for input, for as long as there is some.
   * @returns what ends the watch; to be called before the descriptor is closed.
   */
  input(descriptor: number, handler: Handler): () => void {
    const token = this.#add(descriptor, EPOLLIN, handler);
    return () => {
      this.#handlers.delete(token);
      this.#epoll.removeIfThere(descriptor);
    };
  }

  /** Blocks until something is ready, for `milliseconds` at the most; returns how much is. */
  wait(milliseconds: number): number {
    return this.#epoll.wait(milliseconds);
  }

  /** Tells the handlers of the last {@link wait}, which found `count`. */
  dispatch(count: number): void {
    for (let i = 0; i < count; i++) {
      this.#handlers.get(this.#epoll.token(i))?.(this.#epoll.events(i));
    }
  }

  close(): void {
    this.#epoll.close();
  }

  /** A token of its own for every watch: a descriptor's number comes back after it is closed. */
  #add(descriptor: number, events: number, handler: Handler): number {
    const token = this.#nextToken;
    this.#nextToken = (token + 1) >>> 0;
    this.#epoll.add(descriptor, events, token);
    this.#handlers.set(token, handler);
    return token;
  }
}
