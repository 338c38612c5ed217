/** Connecting to a server that has several addresses, one after the other. */
import type { SocketAddress } from "../net/sockaddr.ts";
import { TcpSocket } from "../net/tcp_socket.ts";
import { SystemError } from "../net/system_error.ts";
import { ECONNREFUSED, EPOLLERR, EPOLLHUP, EPOLLOUT } from "../net/constants.ts";
import type { IpAddress } from "../sctp/base/address.ts";
import type { Plane, Watch } from "./plane.ts";

/** How an attempt ended. */
export type DialResult =
  | {
    readonly kind: "connected";
    readonly socket: TcpSocket;
    readonly watch: Watch;
    /** What epoll has said of the socket already, and so will not say again. */
    readonly events: number;
  }
  /** Every address failed; the first refusal counts, else the last error. */
  | { readonly kind: "failed"; readonly refused: boolean; readonly error: SystemError };

/** Starts to connect to a server. @throws SystemError if the kernel refuses at once. */
export type Connect = (server: SocketAddress) => TcpSocket;

/** Connections of the shim's own, which it does not intercept itself. */
export function plainConnect({ mark }: Pick<Plane, "mark">, localAddress?: IpAddress): Connect {
  return ({ address, port }) =>
    TcpSocket.connect({ remoteAddress: address, remotePort: port, localAddress, mark });
}

export class TcpDial {
  readonly #plane: Plane;
  readonly #addresses: readonly IpAddress[];
  readonly #port: number;
  readonly #finished: (result: DialResult) => void;
  readonly #connect: Connect;
  #next = 0;
  #attempt: { readonly socket: TcpSocket; readonly watch: Watch } | undefined;
  #error: SystemError | undefined;

  /**
   * Starts at once.
   * @param finished is called once, perhaps before the constructor returns.
   * @param connect how; by default as {@link plainConnect}.
   */
  constructor(
    plane: Plane,
    addresses: readonly IpAddress[],
    port: number,
    finished: (result: DialResult) => void,
    connect: Connect = plainConnect(plane),
  ) {
    this.#plane = plane;
    this.#addresses = addresses;
    this.#port = port;
    this.#finished = finished;
    this.#connect = connect;
    this.#tryNext();
  }

  /** Gives up; `finished` is not called any more. */
  cancel(): void {
    this.#drop();
  }

  #tryNext(): void {
    while (this.#next < this.#addresses.length) {
      const address = this.#addresses[this.#next++];
      try {
        const socket = this.#connect({ address, port: this.#port });
        const watch = this.#plane.watch(socket, (events) => this.#handle(events));
        this.#attempt = { socket, watch };
        return;
      } catch (error) {
        if (!(error instanceof SystemError)) throw error;
        this.#remember(error);
      }
    }
    const error = this.#error!;
    this.#finished({ kind: "failed", refused: error.errno === ECONNREFUSED, error });
  }

  #handle(events: number): void {
    if (!this.#attempt || !(events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) return;
    const { socket, watch } = this.#attempt;
    const errno = socket.finishConnect();
    if (errno === 0) {
      socket.setNoDelay();
      socket.setUrgentInLine();
      socket.resetOnDeath();
      this.#attempt = undefined;
      this.#finished({ kind: "connected", socket, watch, events });
      return;
    }
    const address = this.#addresses[this.#next - 1];
    this.#remember(new SystemError(errno, `connect to ${address} port ${this.#port}`));
    this.#drop();
    this.#tryNext();
  }

  #remember(error: SystemError): void {
    if (this.#error?.errno !== ECONNREFUSED) this.#error = error;
  }

  #drop(): void {
    this.#attempt?.watch.forget();
    this.#attempt?.socket.close();
    this.#attempt = undefined;
  }
}
