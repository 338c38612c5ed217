/** Every way by which applications come to a data plane: forwards, SOCKS, interception. */
import { Conntrack } from "../../net/conntrack.ts";
import { firewallMark, MarkKind } from "../../net/firewall_marks.ts";
import { Capability, hasCapability } from "../../net/host.ts";
import type { SocketAddress } from "../../net/sockaddr.ts";
import { SystemError } from "../../net/system_error.ts";
import type { TcpSocket } from "../../net/tcp_socket.ts";
import { IpAddress } from "../../sctp/base/address.ts";
import { earlier, type Instant, isDue, NEVER } from "../../sctp/base/time.ts";
import { ClientConnection } from "../client_connection.ts";
import { Front } from "../front.ts";
import type { FrontPlane } from "../plane.ts";
import {
  type DataPlaneConfig,
  type ForwardConfig,
  type InterceptConfig,
  type InterceptionReport,
  queueNumber,
} from "../protocol.ts";
import type { ListenerStatus } from "../status.ts";
import { NfqueueFront } from "./nfqueue_front.ts";
import { acceptRedirected } from "./redirect_front.ts";
import { SocksConnection } from "./socks_connection.ts";

/** Ports tried until one is free on 127.0.0.1 and on ::1. */
const PORT_ATTEMPTS = 16;

/**
 * The mark by which the kernel knows the shim's own connections, so that neither this shim nor another
 * one of this host intercepts them; 0 without the right to set one.
 */
export function ownMark({ intercept }: DataPlaneConfig): number {
  if (!hasCapability(Capability.netAdmin)) return 0;
  return firewallMark(intercept?.instance ?? 0, MarkKind.Own);
}

export class ClientFronts {
  readonly #plane: FrontPlane;
  readonly #config: DataPlaneConfig;
  readonly #fronts: Front[] = [];
  #nfqueue: NfqueueFront | undefined;
  #conntrack: Conntrack | undefined;
  #redirectPort = 0;

  constructor(plane: FrontPlane, config: DataPlaneConfig) {
    this.#plane = plane;
    this.#config = config;
  }

  /**
   * Opens all of them; close them whether it throws or not.
   * @param listen has {@link accept} called when a connection waits.
   * @throws SystemError if one is not to be had.
   */
  open(listen: (front: Front) => void): void {
    for (const forward of this.#config.forwards) this.#forward(forward);
    for (const { address, port } of this.#config.socks ?? []) {
      this.#socks(IpAddress.parse(address), port);
    }
    if (this.#config.intercept) this.#intercept(this.#config.intercept);
    for (const front of this.#fronts) listen(front);
  }

  /** When {@link resume} is wanted. */
  get resumesAt(): Instant {
    let at = NEVER;
    for (const front of this.#fronts) at = earlier(at, front.resumesAt);
    return at;
  }

  /** What the kernel's rules need to know. */
  get interception(): InterceptionReport | undefined {
    const queue = this.#nfqueue?.descriptor ?? -1;
    return this.#config.intercept && { redirectPort: this.#redirectPort, queue };
  }

  resume(now: Instant): void {
    for (const front of this.#fronts) if (isDue(front.resumesAt, now)) this.accept(front);
  }

  /** Takes the connections that wait. */
  accept(front: Front): void {
    if (!this.#fronts.includes(front)) return;
    const trouble = front.accept(this.#plane.now());
    if (trouble) this.#plane.log("error", `no connection accepted for a while: ${trouble}`);
  }

  /** The watchdog has taken the queue away; the answer is the new one. */
  reopenQueue(): number {
    this.#nfqueue?.reopen();
    return this.#nfqueue?.descriptor ?? -1;
  }

  statuses(): ListenerStatus[] {
    return this.#fronts.map((front) => front.status());
  }

  /** Takes no more connections. */
  close(): void {
    this.#nfqueue?.stop();
    this.#nfqueue?.close();
    this.#conntrack?.close();
    this.#nfqueue = this.#conntrack = undefined;
    for (const front of this.#fronts.splice(0)) front.close();
  }

  #forward({ listen, name, addresses, port }: ForwardConfig): void {
    const { fallback } = this.#config;
    const target = { name, addresses: addresses.map(IpAddress.parse), port, fallback };
    const about = { kind: "forward", state: "ENABLE_MANUAL", target: name } as const;
    const accepted = (socket: TcpSocket, peer: SocketAddress) => {
      const connection = new ClientConnection(
        this.#plane,
        this.#plane.nextId(),
        socket,
        peer,
        target,
      );
      this.#plane.counters.accepted++;
      this.#plane.adopt(connection);
      // Whoever named the server wants SCTP: TCP is for the case that there is none.
      const plan = { enabledBy: "manual", headStart: Infinity, awaitServer: false } as const;
      connection.begin(this.#plane.now(), plan);
    };
    this.#fronts.push(new Front(IpAddress.parse(listen.address), listen.port, about, accepted));
  }

  #socks(address: IpAddress, port: number): void {
    const about = { kind: "socks", state: "ENABLE_MANUAL", target: "any" } as const;
    const { fallback } = this.#config;
    const accepted = (socket: TcpSocket, peer: SocketAddress) => {
      this.#plane.counters.accepted++;
      const id = this.#plane.nextId();
      this.#plane.adopt(new SocksConnection(this.#plane, id, socket, peer, fallback));
    };
    this.#fronts.push(new Front(address, port, about, accepted));
  }

  #intercept(intercept: InterceptConfig): void {
    const { front, families, instance } = intercept;
    this.#conntrack = new Conntrack();
    if (front === "nfqueue") {
      this.#nfqueue = new NfqueueFront(this.#plane, queueNumber(intercept), instance);
    }
    const about = { kind: front, state: "ENABLE_SRULES", target: "as the rules say" } as const;
    const accepted = (socket: TcpSocket, peer: SocketAddress) => this.#brought(socket, peer);
    const addresses = families.map((family) => IpAddress.parse(family === 4 ? "127.0.0.1" : "::1"));
    const opened = listenOnOnePort(
      addresses,
      (address, port) => new Front(address, port, about, accepted),
    );
    this.#fronts.push(...opened);
    this.#redirectPort = opened[0].address.port;
  }

  /** A connection that the kernel's rules have redirected; others have no business here. */
  #brought(socket: TcpSocket, peer: SocketAddress): void {
    const destination = socket.originalDestination;
    if (!destination || isOwn(socket, destination)) return socket.reset();
    this.#plane.counters.accepted++;
    const port = this.#conntrack?.originalSourcePort(peer, socket.localAddress) ?? peer.port;
    const source = { address: peer.address, port };
    if (this.#nfqueue) this.#nfqueue.accept(socket, source, destination);
    else acceptRedirected(this.#plane, socket, source, destination);
  }
}

function isOwn(socket: TcpSocket, { address, port }: SocketAddress): boolean {
  const own = socket.localAddress;
  return own.port === port && own.address.equals(address);
}

/** Opens a listener on each address, all with the same port. */
function listenOnOnePort(
  addresses: readonly IpAddress[],
  open: (address: IpAddress, port: number) => Front,
): Front[] {
  for (let attempt = 1;; attempt++) {
    const opened: Front[] = [];
    try {
      for (const address of addresses) opened.push(open(address, opened[0]?.address.port ?? 0));
      return opened;
    } catch (error) {
      for (const front of opened) front.close();
      if (!(error instanceof SystemError) || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}
