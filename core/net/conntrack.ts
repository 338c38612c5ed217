/**
 * Asking the kernel what it rewrote a connection from (linux/netfilter/nfnetlink_conntrack.h).
 *
 * A redirected connection keeps its source, unless another one with the same source has been
 * redirected before: an application may connect from one port to many servers, as that of FTP's
 * active transfers does, but behind the redirection all servers are one. The kernel then gives it
 * another port.
 */
import { readU16, writeU16 } from "../sctp/base/bytes.ts";
import { AF_INET, AF_INET6, EINVAL, ENOENT, IPPROTO_TCP, NETLINK_NETFILTER } from "./constants.ts";
import {
  AttributeReader,
  NetlinkReader,
  NetlinkWriter,
  NLM_F_REQUEST,
  NLMSG_ERROR,
} from "./netlink.ts";
import { NetlinkSocket } from "./netlink_socket.ts";
import type { SocketAddress } from "./sockaddr.ts";
import { SystemError } from "./system_error.ts";

const SUBSYSTEM = 1 << 8;
const [ANSWER, GET] = [0, 1].map((message) => SUBSYSTEM | message);

/** struct nfgenmsg: family, version, resource. */
const NFGENMSG_BYTES = 4;

/** Attributes of a connection, of a tuple, of its addresses and of its ports. */
const [TUPLE_ORIGINAL, TUPLE_REPLY] = [1, 2];
const [TUPLE_IP, TUPLE_PROTOCOL] = [1, 2];
const ADDRESSES = { 4: { source: 1, destination: 2 }, 6: { source: 3, destination: 4 } } as const;
const [PROTOCOL_NUMBER, SOURCE_PORT, DESTINATION_PORT] = [1, 2, 3];

export class Conntrack {
  readonly #socket = new NetlinkSocket({
    protocol: NETLINK_NETFILTER,
    what: "connection-tracking socket",
    slots: 1,
    receiveBuffer: 1 << 16,
  });
  readonly #message = new NetlinkWriter(128);
  readonly #reader = new NetlinkReader();
  readonly #attributes = new AttributeReader();
  #sequence = 0;

  /**
   * The port that a TCP connection comes from which is now one from `source` to `destination`;
   * `undefined` if the kernel does not track it. Takes some 20 us.
   */
  originalSourcePort(source: SocketAddress, destination: SocketAddress): number | undefined {
    const { family } = source.address;
    this.#message.begin(GET, NLM_F_REQUEST, ++this.#sequence);
    const at = this.#message.reserve(NFGENMSG_BYTES);
    this.#message.bytes[at] = family === 4 ? AF_INET : AF_INET6;
    // Its answers go the other way.
    this.#message.nest(TUPLE_REPLY, () => this.#writeTuple(destination, source));
    this.#socket.send(this.#message);
    return this.#answer();
  }

  close(): void {
    this.#socket.close();
  }

  #writeTuple(source: SocketAddress, destination: SocketAddress): void {
    const message = this.#message;
    const types = ADDRESSES[source.address.family];
    message.nest(TUPLE_IP, () => {
      this.#writeBytes(types.source, source.address.bytes);
      this.#writeBytes(types.destination, destination.address.bytes);
    });
    message.nest(TUPLE_PROTOCOL, () => {
      this.#writeBytes(PROTOCOL_NUMBER, [IPPROTO_TCP]);
      this.#writePort(SOURCE_PORT, source.port);
      this.#writePort(DESTINATION_PORT, destination.port);
    });
  }

  #writeBytes(type: number, bytes: ArrayLike<number>): void {
    this.#message.bytes.set(bytes, this.#message.attribute(type, bytes.length));
  }

  #writePort(type: number, port: number): void {
    writeU16(this.#message.bytes, this.#message.attribute(type, 2), port);
  }

  /** The kernel has answered already. */
  #answer(): number | undefined {
    let port: number | undefined;
    while (this.#socket.receive() > 0) {
      this.#reader.reset(this.#socket.memory, this.#socket.offset(0), this.#socket.length(0));
      while (this.#reader.next()) {
        if (this.#reader.sequence !== this.#sequence) continue;
        if (this.#reader.type === NLMSG_ERROR) refuse(this.#reader.error);
        else if (this.#reader.type === ANSWER) port = this.#readSourcePort();
      }
    }
    return port;
  }

  #readSourcePort(): number | undefined {
    const { memory } = this.#socket;
    const attributes = this.#attributes;
    attributes.reset(memory, this.#reader.start + NFGENMSG_BYTES, this.#reader.end);
    const found = attributes.find(TUPLE_ORIGINAL) && attributes.enter(TUPLE_PROTOCOL) &&
      attributes.enter(SOURCE_PORT) && attributes.length >= 2;
    return found ? readU16(memory, attributes.start) : undefined;
  }
}

/** No such connection is an answer; so is a kernel that cannot be asked. */
function refuse(error: number): void {
  if (error === ENOENT || error === EINVAL || error === 0) return;
  throw new SystemError(error, "ask about a redirected connection");
}
