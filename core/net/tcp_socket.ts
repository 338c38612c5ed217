/**
 * Nonblocking TCP by descriptors, for an epoll loop. On the data path nothing throws and nothing is
 * allocated: results are numbers.
 */
import type { IpAddress } from "../sctp/base/address.ts";
import {
  EAGAIN,
  ECONNABORTED,
  ECONNRESET,
  EINPROGRESS,
  EINTR,
  EPIPE,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  MSG_NOSIGNAL,
  MSG_OOB,
  MSG_PEEK,
  SHUT_WR,
  SIOCATMARK,
  SO_ERROR,
  SO_LINGER,
  SO_MARK,
  SO_OOBINLINE,
  SO_ORIGINAL_DST,
  SO_REUSEADDR,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_INFO,
  TCP_NODELAY,
} from "./constants.ts";
import { check, errno, type Libc, libc } from "./libc.ts";
import { addressOf, nativeBytes, writeWord64 } from "./native_memory.ts";
import type { SocketAddress } from "./sockaddr.ts";
import { SOCKADDR_BYTES, writeSockaddr } from "./sockaddr.ts";
import {
  bindSocket,
  closeSocket,
  describe,
  familyOf,
  getOption,
  localName,
  openSocket,
  optionName,
  orClose,
  readName,
  remoteName,
  setOption,
  setTransparent,
  trySetOption,
} from "./socket.ts";
import { SystemError } from "./system_error.ts";

/** What {@link TcpSocket.receive} and {@link TcpSocket.send} return instead of a number of bytes. */
export const TcpResult = {
  /** `receive` only: the peer has closed its sending side. */
  EndOfStream: 0,
  /** Nothing can be moved now: wait for EPOLLIN or EPOLLOUT. */
  WouldBlock: -1,
  /** The peer reset the connection, or it is closed for writing. */
  Reset: -2,
  /** Another error: see {@link TcpSocket.lastErrno}. */
  Failed: -3,
} as const;

/** Options of {@link TcpListener}. */
export interface TcpListenOptions {
  readonly address: IpAddress;
  /** 0 lets the kernel choose. */
  readonly port: number;
  /** Connections that may wait to be accepted; 1024 by default. */
  readonly backlog?: number;
  /** Accepts connections to foreign addresses that a rule has brought here (root only). */
  readonly transparent?: boolean;
}

/** Options of {@link TcpSocket.connect}. */
export interface TcpConnectOptions {
  readonly remoteAddress: IpAddress;
  readonly remotePort: number;
  readonly localAddress?: IpAddress;
  readonly localPort?: number;
  /** The local address need not be one of this host's (root only). */
  readonly transparent?: boolean;
  /** Firewall mark of the packets (root only). */
  readonly mark?: number;
}

/** One TCP connection, or the attempt at one. */
export class TcpSocket {
  readonly #libc: Libc = libc();
  /** errno of the last call that returned `Reset` or `Failed`; 0 before. */
  lastErrno = 0;
  #resetsOnDeath = false;
  /** False once it is closed: its number may be another's by then, even the runtime's own. */
  #isOpen = true;

  /** @param descriptor an open nonblocking TCP socket; this object now owns it. */
  constructor(readonly descriptor: number) {}

  /**
   * Starts to connect. EPOLLOUT tells when {@link finishConnect} has the result.
   * @throws SystemError if the kernel refuses at once: no route, local address not available, ...
   */
  static connect(options: TcpConnectOptions): TcpSocket {
    const { remoteAddress, remotePort, localAddress, localPort = 0 } = options;
    const family = familyOf(remoteAddress);
    const descriptor = openSocket(family, SOCK_STREAM, IPPROTO_TCP, "TCP socket");
    return orClose(descriptor, () => {
      if (options.transparent) setTransparent(descriptor, family);
      if (options.mark) setOption(descriptor, SOL_SOCKET, SO_MARK, options.mark, "SO_MARK");
      if (localAddress) {
        setOption(descriptor, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
        bindSocket(descriptor, localAddress, localPort, "TCP socket");
      }
      const sockaddr = nativeBytes(SOCKADDR_BYTES);
      const length = writeSockaddr(sockaddr, 0, remoteAddress, remotePort);
      if (libc().connect(descriptor, sockaddr, length) < 0 && errno() !== EINPROGRESS) {
        throw new SystemError(errno(), `connect to ${describe(remoteAddress, remotePort)}`);
      }
      return new TcpSocket(descriptor);
    });
  }

  /**
   * After EPOLLOUT of a {@link connect}: 0 if the connection stands, else the errno of its failure.
   * On a connection that stood, EPOLLERR's errno. It is given once.
   */
  finishConnect(): number {
    return getOption(this.descriptor, SOL_SOCKET, SO_ERROR, "SO_ERROR");
  }

  /**
   * Receives into `length` bytes of `buffer` from `offset`.
   * @returns bytes received, or a {@link TcpResult}.
   */
  receive(buffer: Uint8Array, offset: number, length: number): number {
    prepare(buffer, offset, length);
    const count = this.#libc.recvmsg(this.descriptor, message, 0);
    return count >= 0 ? count : this.#failure();
  }

  /**
   * Sends `length` bytes of `buffer` from `offset`.
   * @returns bytes taken by the kernel, perhaps fewer than asked, or a {@link TcpResult}.
   */
  send(buffer: Uint8Array, offset: number, length: number): number {
    prepare(buffer, offset, length);
    const count = this.#libc.sendmsg(this.descriptor, message, MSG_NOSIGNAL);
    return count >= 0 ? count : this.#failure();
  }

  /**
   * Sends `buffer[offset]` as urgent data (RFC 9293, section 3.8.5).
   * @returns 1, or a {@link TcpResult}.
   */
  sendUrgent(buffer: Uint8Array, offset: number): number {
    prepare(buffer, offset, 1);
    const count = this.#libc.sendmsg(this.descriptor, message, MSG_NOSIGNAL | MSG_OOB);
    return count >= 0 ? count : this.#failure();
  }

  /** What {@link receive} would return for one byte, which stays; an error is given once. */
  peek(): number {
    prepare(answer, 0, 1);
    const count = this.#libc.recvmsg(this.descriptor, message, MSG_PEEK);
    return count >= 0 ? count : this.#failure();
  }

  /** True if the next byte to be received is the urgent one, or will be when it comes. */
  get atMark(): boolean {
    return this.#libc.ioctl(this.descriptor, SIOCATMARK, answer) === 0 && answerWord[0] === 1;
  }

  /** Closes the sending side: the peer sees the end of the stream, receiving goes on. */
  shutdownWrite(): void {
    this.#libc.shutdown(this.descriptor, SHUT_WR);
  }

  /** After {@link shutdownWrite}: the peer's kernel has everything, though perhaps not its application. */
  get endIsAcknowledged(): boolean {
    const info = getOption(this.descriptor, IPPROTO_TCP, TCP_INFO, "TCP_INFO");
    return !FIN_ON_ITS_WAY.has(info & 0xff);
  }

  /**
   * Closes the connection; what was sent is still delivered, unless something that was received is
   * still unread: the kernel then resets the connection.
   */
  close(): void {
    if (!this.#isOpen) return;
    if (this.#resetsOnDeath) this.#setLinger(NO_LINGER);
    this.#release();
  }

  /** Closes the connection by a reset: the peer sees ECONNRESET. */
  reset(): void {
    if (!this.#isOpen) return;
    this.#setLinger(ABORTIVE_LINGER);
    this.#release();
  }

  #release(): void {
    this.#isOpen = false;
    closeSocket(this.descriptor);
  }

  /**
   * Has the peer see a reset if this process dies, and not the end of the stream: what it got is not
   * all that was to come. {@link close} closes in order as before.
   */
  resetOnDeath(): void {
    this.#resetsOnDeath = true;
    this.#setLinger(ABORTIVE_LINGER);
  }

  #setLinger(linger: Uint8Array<ArrayBuffer>): void {
    this.#libc.setsockopt(this.descriptor, SOL_SOCKET, SO_LINGER, linger, 8);
  }

  /** Switches off the delay of small segments (Nagle's algorithm). */
  setNoDelay(): void {
    trySetOption(this.descriptor, IPPROTO_TCP, TCP_NODELAY, 1);
  }

  /** Leaves urgent data where its sender put it in the stream; {@link atMark} tells which byte it is. */
  setUrgentInLine(): void {
    trySetOption(this.descriptor, SOL_SOCKET, SO_OOBINLINE, 1);
  }

  /** This end's address. */
  get localAddress(): SocketAddress {
    return localName(this.descriptor);
  }

  /**
   * The peer's address.
   * @throws SystemError if the socket is not connected.
   */
  get remoteAddress(): SocketAddress {
    return remoteName(this.descriptor);
  }

  /** Where a redirected connection was going before the firewall rewrote it, if it was redirected. */
  get originalDestination(): SocketAddress | undefined {
    const level = this.localAddress.address.family === 4 ? IPPROTO_IP : IPPROTO_IPV6;
    return optionName(this.descriptor, level, SO_ORIGINAL_DST);
  }

  #failure(): number {
    const error = errno();
    if (error === EAGAIN || error === EINTR) return TcpResult.WouldBlock;
    this.lastErrno = error;
    return error === ECONNRESET || error === EPIPE ? TcpResult.Reset : TcpResult.Failed;
  }
}

/** A TCP socket that accepts connections. */
export class TcpListener {
  readonly descriptor: number;
  /** False once it is closed: its number may be another's by then. */
  #isOpen = true;
  readonly #peer = nativeBytes(SOCKADDR_BYTES);
  readonly #peerLength = nativeBytes(4);

  /** @throws SystemError that names the address and the port. */
  constructor(options: TcpListenOptions) {
    const { address, port, backlog = 1024 } = options;
    const family = familyOf(address);
    this.descriptor = openSocket(family, SOCK_STREAM, IPPROTO_TCP, "TCP socket");
    orClose(this.descriptor, () => {
      setOption(this.descriptor, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
      if (address.family === 6) {
        setOption(this.descriptor, IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY");
      }
      if (options.transparent) setTransparent(this.descriptor, family);
      bindSocket(this.descriptor, address, port, "TCP socket");
      check(libc().listen(this.descriptor, backlog), `listen on ${describe(address, port)}`);
    });
  }

  /**
   * Takes a connection that waits, with its peer's address; `undefined` if there is none.
   * @throws SystemError if the process has no descriptors left, and the like.
   */
  accept(): { socket: TcpSocket; peer: SocketAddress } | undefined {
    new Uint32Array(this.#peerLength.buffer)[0] = SOCKADDR_BYTES;
    const flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    const descriptor = libc().accept4(this.descriptor, this.#peer, this.#peerLength, flags);
    if (descriptor >= 0) return { socket: new TcpSocket(descriptor), peer: readName(this.#peer) };
    const error = errno();
    // A connection that its peer gave up while it waited is as good as none.
    if (error === EAGAIN || error === EINTR || error === ECONNABORTED) return undefined;
    throw new SystemError(error, "accept a TCP connection");
  }

  /** The address and port that connections come to. */
  get localAddress(): SocketAddress {
    return localName(this.descriptor);
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSocket(this.descriptor);
  }
}

/** States in which the FIN is not acknowledged: FIN_WAIT1, LAST_ACK, CLOSING. */
const FIN_ON_ITS_WAY: ReadonlySet<number> = new Set([4, 9, 11]);

/** struct linger { l_onoff = 1, l_linger = 0 }. */
const ABORTIVE_LINGER = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0);
const NO_LINGER = new Uint8Array(8);

/** One msghdr with one iovec, for every call of this thread: offsets in 32-bit words. */
const MSGHDR_IOV = 4;
const MSGHDR_IOVLEN = 6;
const IOVEC = 14;
const message = nativeBytes(56 + 16);
const messageWords = new Uint32Array(message.buffer);
let ready = false;

/** What the kernel answers with to a question, for every call of this thread. */
const answer = nativeBytes(4);
const answerWord = new Int32Array(answer.buffer);

/** Points the iovec at a stretch of `buffer`: sendmsg then takes no offset and no 64-bit argument. */
function prepare(buffer: Uint8Array, offset: number, length: number): void {
  if (!ready) {
    writeWord64(messageWords, MSGHDR_IOV, addressOf(message) + IOVEC * 4);
    messageWords[MSGHDR_IOVLEN] = 1;
    ready = true;
  }
  if (offset < 0 || length < 0 || offset + length > buffer.length) {
    throw new RangeError(`bytes ${offset} .. ${offset + length} of a buffer of ${buffer.length}`);
  }
  writeWord64(messageWords, IOVEC, addressOf(buffer) + offset);
  messageWords[IOVEC + 2] = length;
}
