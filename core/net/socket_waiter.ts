/** Waits for the sockets of a transport on the runtime's event loop, and owns their closing. */
import { setImmediate } from "node:timers";
import { EPOLLIN, EPOLLOUT } from "./constants.ts";
import { Epoll, Wakeup } from "./epoll.ts";
import { closeSocket } from "./socket.ts";

/** For users whose own loop is not an epoll loop. One {@link wait} at a time. */
export class SocketWaiter {
  readonly #epoll: Epoll;
  readonly #wakeup = new Wakeup();
  #writing = -1;
  #waiting = false;
  #closed = false;

  /** @param descriptors sockets, which {@link close} closes. */
  constructor(readonly descriptors: readonly number[]) {
    this.#epoll = new Epoll(descriptors.length + 1);
    for (const descriptor of descriptors) this.#epoll.add(descriptor);
    this.#epoll.add(this.#wakeup.descriptor);
  }

  /** The next {@link wait} ends also when this socket can take a packet again. */
  watchWriting(descriptor: number): void {
    if (this.#writing === descriptor) return;
    this.#unwatchWriting();
    this.#epoll.modify(descriptor, EPOLLIN | EPOLLOUT);
    this.#writing = descriptor;
  }

  /** Resolves when a socket is ready, on {@link wake}, or after `milliseconds`. Never at once: other work gets its turn. */
  async wait(milliseconds: number): Promise<void> {
    if (this.#closed) return;
    this.#waiting = true;
    // Asking first is cheap, and a turn of the event loop is twenty times faster than a thread's answer.
    if (milliseconds <= 0 || this.#epoll.wait(0) > 0) {
      await new Promise<void>((resolve) => setImmediate(resolve));
    } else {
      await this.#epoll.waitAsync(milliseconds);
    }
    this.#waiting = false;
    if (this.#closed) return this.#release();
    this.#wakeup.drain();
    this.#unwatchWriting();
  }

  /** Ends the {@link wait} under way, or the next one. */
  wake(): void {
    if (!this.#closed) this.#wakeup.signal();
  }

  /** Closes the sockets, after the end of a {@link wait} under way. */
  close(): void {
    if (this.#closed) return;
    this.wake();
    this.#closed = true;
    if (!this.#waiting) this.#release();
  }

  #unwatchWriting(): void {
    if (this.#writing >= 0) this.#epoll.modify(this.#writing, EPOLLIN);
    this.#writing = -1;
  }

  #release(): void {
    for (const descriptor of this.descriptors) closeSocket(descriptor);
    this.#wakeup.close();
    this.#epoll.close();
  }
}
