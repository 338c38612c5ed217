/**
 * A nonblocking netlink socket. The kernel answers a request before `send` returns, so an answer can
 * be received at once.
 *
 * Who sent a message is not looked at: to send to a process of these two families takes
 * CAP_NET_ADMIN, which could change the kernel's own tables as well.
 */
import {
  AF_NETLINK,
  EAGAIN,
  EINTR,
  ENOBUFS,
  NETLINK_ADD_MEMBERSHIP,
  SOCK_RAW,
  SOL_NETLINK,
} from "./constants.ts";
import { check, errno, type Libc, libc } from "./libc.ts";
import { MessageReceiver, SLOT_BYTES } from "./message_receiver.ts";
import { addressOf, nativeBytes, writeWord64 } from "./native_memory.ts";
import type { NetlinkWriter } from "./netlink.ts";
import { AddressCache, writeHostU16 } from "./sockaddr.ts";
import { closeSocket, openSocket, orClose, setBufferSizes, setOption } from "./socket.ts";
import { SystemError } from "./system_error.ts";

/** Options of {@link NetlinkSocket}. */
export interface NetlinkOptions {
  /** NETLINK_NETFILTER, NETLINK_SOCK_DIAG. */
  readonly protocol: number;
  /** What messages of errors call it. */
  readonly what: string;
  /** The most datagrams that one {@link NetlinkSocket.receive} takes; each costs 66 kB. */
  readonly slots: number;
  /** Bytes that the kernel may keep for us until they are received. */
  readonly receiveBuffer: number;
  /** Multicast groups to be in. */
  readonly groups?: readonly number[];
}

const SOCKADDR_NL_BYTES = 12;

/** One struct msghdr with one iovec behind it: offsets in 32-bit words. */
const MSGHDR_IOV = 4;
const MSGHDR_IOVLEN = 6;
const IOVEC = 14;

export class NetlinkSocket {
  readonly descriptor: number;
  /** Times that the kernel had more to tell than its buffer for us holds. */
  overruns = 0;
  readonly #libc: Libc = libc();
  readonly #what: string;
  readonly #receiver: MessageReceiver;
  readonly #header = nativeBytes(56 + 16);
  readonly #headerWords = new Uint32Array(this.#header.buffer);
  #filled = 0;
  /** False once it is closed: its number may be another's by then. */
  #isOpen = true;

  /** @throws SystemError if the kernel does not have this family, or does not allow it. */
  constructor(options: NetlinkOptions) {
    this.#what = options.what;
    writeWord64(this.#headerWords, MSGHDR_IOV, addressOf(this.#header) + IOVEC * 4);
    this.#headerWords[MSGHDR_IOVLEN] = 1;
    const noAddresses = new AddressCache(1);
    this.#receiver = new MessageReceiver(options.slots, nativeBytes, noAddresses, SLOT_BYTES);
    this.descriptor = openSocket(AF_NETLINK, SOCK_RAW, options.protocol, this.#what);
    orClose(this.descriptor, () => this.#configure(options));
  }

  /** Where received datagrams lie. */
  get memory(): Uint8Array {
    return this.#receiver.memory;
  }

  /** Where the datagram of a slot starts. */
  offset(slot: number): number {
    return this.#receiver.offset(slot);
  }

  /** Bytes of the datagram of a slot. */
  length(slot: number): number {
    return this.#receiver.length(slot);
  }

  /**
   * Sends a message. What the kernel thinks of it comes as an answer.
   * @throws SystemError if the kernel does not take it.
   */
  send({ bytes, length }: NetlinkWriter): void {
    writeWord64(this.#headerWords, IOVEC, addressOf(bytes));
    this.#headerWords[IOVEC + 2] = length;
    if (this.#libc.sendmsg(this.descriptor, this.#header, 0) < 0) {
      throw new SystemError(errno(), `send to a ${this.#what}`);
    }
  }

  /**
   * Receives what is there into the slots, over what was received before.
   * @returns how many datagrams: 0 if there is none now.
   * @throws SystemError with the code ENOTSOCK or EBADF if the descriptor was taken away.
   */
  receive(): number {
    for (let slot = 0; slot < this.#filled; slot++) this.#receiver.release(slot);
    this.#filled = 0;
    const count = this.#receiver.receive(this.descriptor, 0);
    if (count >= 0) return this.#filled = count;
    const error = errno();
    if (error === ENOBUFS) this.overruns++;
    else if (error !== EAGAIN && error !== EINTR) {
      throw new SystemError(error, `receive from a ${this.#what}`);
    }
    return 0;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSocket(this.descriptor);
  }

  #configure({ receiveBuffer, groups = [] }: NetlinkOptions): void {
    setBufferSizes(this.descriptor, receiveBuffer, 65536);
    const address = nativeBytes(SOCKADDR_NL_BYTES);
    writeHostU16(address, 0, AF_NETLINK);
    check(libc().bind(this.descriptor, address, SOCKADDR_NL_BYTES), `bind a ${this.#what}`);
    for (const group of groups) {
      setOption(this.descriptor, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group, "membership");
    }
  }
}
