/** Asking the kernel about the TCP and UDP sockets of this network namespace (sock_diag(7)). */
import { IpAddress } from "../sctp/base/address.ts";
import {
  AF_INET,
  EINVAL,
  ENOENT,
  IPPROTO_UDP,
  NETLINK_SOCK_DIAG,
  SOCK_DGRAM,
} from "./constants.ts";
import { NetlinkReader, NetlinkWriter, NLM_F_DUMP, NLM_F_DUMP_INTR } from "./netlink.ts";
import { NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR } from "./netlink.ts";
import { NetlinkSocket } from "./netlink_socket.ts";
import type { SocketAddress } from "./sockaddr.ts";
import {
  ALL_STATES,
  LISTEN_ONLY,
  readDiagAnswer,
  SOCK_DIAG_BY_FAMILY,
  type TcpSocketStatus,
  writeDiagConnection,
  writeDiagRequest,
} from "./sock_diag_message.ts";
import { bindSocket, closeSocket, localName, openSocket } from "./socket.ts";
import { SystemError } from "./system_error.ts";

/** What is common to the sockets of both protocols. */
export type SocketStatus = Pick<
  TcpSocketStatus,
  "source" | "destination" | "interfaceIndex" | "uid" | "inode"
>;

/** Multicast groups that tell of TCP sockets that are gone: IPv4, IPv6. */
const TCP_DESTROY_GROUPS = [1, 3];

/** A listing that changed under the kernel's hands is asked for again, up to so many times. */
const DUMP_ATTEMPTS = 5;

export class SockDiag {
  readonly #socket = new NetlinkSocket({
    protocol: NETLINK_SOCK_DIAG,
    what: "socket-diagnosis socket",
    slots: 4,
    receiveBuffer: 1 << 20,
  });
  readonly #message = new NetlinkWriter(128);
  readonly #reader = new NetlinkReader();
  #sequence = 0;

  /**
   * The socket of a connection, in whatever state, or `undefined` if there is none any more. Takes
   * some 10 us however many sockets there are.
   * @param source the end whose socket is meant.
   * @param interfaceIndex the interface that its packets leave by: a socket that is bound to an
   * interface is not found without.
   */
  find(
    source: SocketAddress,
    destination: SocketAddress,
    interfaceIndex = 0,
  ): TcpSocketStatus | undefined {
    this.#begin(NLM_F_REQUEST);
    const { family } = source.address;
    const at = writeDiagRequest(this.#message, family, ALL_STATES, { info: true });
    writeDiagConnection(this.#message.bytes, at, source, destination, interfaceIndex);
    this.#socket.send(this.#message);
    let found: TcpSocketStatus | undefined;
    this.#readAnswers((status) => found = status);
    // Where there is no connection the kernel gives the listener that a new one would come to.
    return found?.state === "LISTEN" ? undefined : found;
  }

  /**
   * The UDP socket that gets datagrams from one address and port to another one, or `undefined` if there
   * is none, or the kernel cannot tell.
   * @param interfaceIndex the interface that they come in by.
   */
  findReceiver(
    source: SocketAddress,
    destination: SocketAddress,
    interfaceIndex: number,
  ): SocketStatus | undefined {
    this.#begin(NLM_F_REQUEST);
    const { family } = source.address;
    const options = { info: false, protocol: IPPROTO_UDP };
    const at = writeDiagRequest(this.#message, family, ALL_STATES, options);
    // For UDP the kernel takes both ends as the datagram has them, not as the socket has.
    writeDiagConnection(this.#message.bytes, at, source, destination, interfaceIndex);
    this.#socket.send(this.#message);
    let found: SocketStatus | undefined;
    this.#readAnswers((status) => found = status);
    return found;
  }

  /**
   * Whether {@link findReceiver} finds what is there: a kernel without `udp_diag` finds nothing.
   * @throws SystemError if there is no UDP socket to be had for the trial.
   */
  canFindReceivers(): boolean {
    const address = IpAddress.parse("127.0.0.1");
    const descriptor = openSocket(AF_INET, SOCK_DGRAM, IPPROTO_UDP, "UDP socket");
    try {
      bindSocket(descriptor, address, 0, "UDP socket");
      return this.findReceiver({ address, port: 1 }, localName(descriptor), 0) !== undefined;
    } finally {
      closeSocket(descriptor);
    }
  }

  /** Every TCP socket that listens, IPv4 and IPv6. */
  listeners(): TcpSocketStatus[] {
    return [...this.#list(4, LISTEN_ONLY), ...this.#list(6, LISTEN_ONLY)];
  }

  close(): void {
    this.#socket.close();
  }

  #list(family: 4 | 6, states: number): TcpSocketStatus[] {
    for (let attempt = 1;; attempt++) {
      const found: TcpSocketStatus[] = [];
      this.#begin(NLM_F_REQUEST | NLM_F_DUMP);
      writeDiagRequest(this.#message, family, states, { info: false });
      this.#socket.send(this.#message);
      const consistent = this.#readAnswers((status) => found.push(status));
      if (consistent || attempt === DUMP_ATTEMPTS) return found;
    }
  }

  #begin(flags: number): void {
    this.#message.begin(SOCK_DIAG_BY_FAMILY, flags, ++this.#sequence);
  }

  /** Reads the answer to the last request; false if the tables changed while they were listed. */
  #readAnswers(take: (status: TcpSocketStatus) => void): boolean {
    let consistent = true;
    for (let count = this.#socket.receive(); count > 0; count = this.#socket.receive()) {
      for (let slot = 0; slot < count; slot++) {
        if (!this.#readDatagram(slot, take)) consistent = false;
      }
    }
    return consistent;
  }

  #readDatagram(slot: number, take: (status: TcpSocketStatus) => void): boolean {
    const { memory } = this.#socket;
    const reader = this.#reader;
    let consistent = true;
    reader.reset(memory, this.#socket.offset(slot), this.#socket.length(slot));
    while (reader.next()) {
      if (reader.sequence !== this.#sequence) continue;
      if (reader.flags & NLM_F_DUMP_INTR) consistent = false;
      if (reader.type === NLMSG_ERROR) refuse(reader.error);
      else if (reader.type !== NLMSG_DONE) {
        const status = readDiagAnswer(memory, reader.start, reader.end);
        if (status) take(status);
      }
    }
    return consistent;
  }
}

/** No such socket is an answer; so is a kernel without IPv6. */
function refuse(error: number): void {
  if (error === ENOENT || error === EINVAL || error === 0) return;
  throw new SystemError(error, "ask about sockets");
}

/** Tells of TCP sockets of this namespace that are gone, whoever had them. */
export class DestroyedSockets {
  readonly #socket = new NetlinkSocket({
    protocol: NETLINK_SOCK_DIAG,
    what: "socket-diagnosis socket",
    slots: 16,
    receiveBuffer: 1 << 20,
    groups: TCP_DESTROY_GROUPS,
  });
  readonly #reader = new NetlinkReader();

  /** For an epoll set. */
  get descriptor(): number {
    return this.#socket.descriptor;
  }

  /** Times that events were lost, because they came faster than they were received. */
  get overruns(): number {
    return this.#socket.overruns;
  }

  /** Hands on what came since the last call, up to a limit; returns how many that were. */
  receive(take: (status: TcpSocketStatus) => void): number {
    const datagrams = this.#socket.receive();
    let events = 0;
    for (let slot = 0; slot < datagrams; slot++) {
      const { memory } = this.#socket;
      this.#reader.reset(memory, this.#socket.offset(slot), this.#socket.length(slot));
      while (this.#reader.next()) {
        const status = readDiagAnswer(memory, this.#reader.start, this.#reader.end);
        if (!status) continue;
        take(status);
        events++;
      }
    }
    return events;
  }

  close(): void {
    this.#socket.close();
  }
}
