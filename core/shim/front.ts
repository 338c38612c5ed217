/** A TCP listener of the shim's own, to which applications connect or are brought. */
import { SystemError } from "../net/system_error.ts";
import type { SocketAddress } from "../net/sockaddr.ts";
import { TcpListener, type TcpSocket } from "../net/tcp_socket.ts";
import { after, type Instant, isDue, NEVER } from "../sctp/base/time.ts";
import type { IpAddress } from "../sctp/base/address.ts";
import type { ListenerStatus } from "./status.ts";

/** Connections accepted at once, so that a flood of them cannot keep the others waiting. */
const ACCEPTS_PER_TURN = 64;

/** Milliseconds without accepting after the process ran out of descriptors. */
const PAUSE = 100;

/** Takes a connection that has just been accepted. */
export type Accepted = (socket: TcpSocket, peer: SocketAddress) => void;

export class Front {
  readonly #listener: TcpListener;
  readonly #accepted: Accepted;
  /** Where it listens, with the port that the kernel chose. */
  readonly address: SocketAddress;
  #pausedUntil: Instant = NEVER;
  #paused = false;

  /**
   * @param about what the status says of it.
   * @throws SystemError if the address or the port is not to be had.
   */
  constructor(
    address: IpAddress,
    port: number,
    readonly about: Pick<ListenerStatus, "kind" | "state" | "target">,
    accepted: Accepted,
  ) {
    this.#accepted = accepted;
    this.#listener = new TcpListener({ address, port });
    this.address = this.#listener.localAddress;
  }

  get descriptor(): number {
    return this.#listener.descriptor;
  }

  /** When to look again although nobody told that a connection waits; NEVER if not paused. */
  get resumesAt(): Instant {
    return this.#pausedUntil;
  }

  /**
   * Hands on waiting connections, up to a limit.
   * @returns a reason in words if the front has to pause.
   */
  accept(now: Instant): string | undefined {
    if (this.#paused && !isDue(this.#pausedUntil, now)) return undefined;
    this.#paused = false;
    this.#pausedUntil = NEVER;
    try {
      for (let i = 0; i < ACCEPTS_PER_TURN; i++) {
        const next = this.#listener.accept();
        if (!next) return undefined;
        next.socket.setNoDelay();
        next.socket.setUrgentInLine();
        next.socket.resetOnDeath();
        this.#accepted(next.socket, next.peer);
      }
      this.#pausedUntil = now;
      return undefined;
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      this.#paused = true;
      this.#pausedUntil = after(now, PAUSE);
      return error.message;
    }
  }

  status(): ListenerStatus {
    const { address, port } = this.address;
    return { ...this.about, address: address.text, port };
  }

  close(): void {
    this.#listener.close();
  }
}
