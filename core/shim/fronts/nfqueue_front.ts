/**
 * The front of DESIGN.md, section 5: the kernel holds the SYN of an application until the shim says
 * what becomes of it, so that connect() keeps its meaning.
 */
import { ECONNREFUSED, EHOSTUNREACH, ENOTSOCK } from "../../net/constants.ts";
import { firewallMark, MarkKind, refusalKind } from "../../net/firewall_marks.ts";
import { type HeldPacket, NetfilterQueue, Verdict } from "../../net/nfqueue.ts";
import { SockDiag } from "../../net/sock_diag.ts";
import type { SocketAddress } from "../../net/sockaddr.ts";
import { SystemError } from "../../net/system_error.ts";
import type { TcpSocket } from "../../net/tcp_socket.ts";
import { parseSyn, type TcpSyn } from "../../net/tcp_syn.ts";
import { formatHostPort } from "../endpoint_spec.ts";
import type { FrontPlane } from "../plane.ts";
import { HeldConnection, type HeldSyn, type Holder, type Sentence } from "./held_connection.ts";

/** Receives in one turn, so that a flood of SYNs cannot keep the others waiting. */
const RECEIVES_PER_TURN = 8;

/** SYNs remembered after their verdict, so that their retransmissions share it. */
const DECIDED_KEPT = 8192;

/** Errors that TCP would have given. */
const ERRNO = { refused: ECONNREFUSED, unreachable: EHOSTUNREACH } as const;

export class NfqueueFront implements Holder {
  readonly #plane: FrontPlane;
  readonly #instance: number;
  readonly #number: number;
  readonly #diag = new SockDiag();
  #queue: NetfilterQueue;
  #unwatch: () => void;
  readonly #waiting = new Map<string, HeldConnection>();
  /** A watchdog has taken the queue away: nothing is held until {@link reopen}. */
  #lost = false;
  /** Sequence numbers of SYNs that TCP has, by connection. */
  readonly #decided = new Map<string, number>();

  /**
   * Takes the queue. @throws SystemError without CAP_NET_ADMIN, or if another process has it.
   * @param instance the shim's number, which is in the marks.
   */
  constructor(plane: FrontPlane, queue: number, instance: number) {
    this.#plane = plane;
    this.#number = queue;
    this.#instance = instance;
    this.#queue = new NetfilterQueue({ queue });
    this.#unwatch = this.#watch();
  }

  /** For the watchdog, which may take it away. */
  get descriptor(): number {
    return this.#queue.descriptor;
  }

  /** A connection that the kernel has brought to the shim's listener. */
  accept(socket: TcpSocket, source: SocketAddress, destination: SocketAddress): void {
    const held = this.#waiting.get(keyOf(source, destination));
    const connection = held?.accept(this.#plane.now(), socket);
    if (connection) this.#plane.adopt(connection);
    else socket.reset();
  }

  sentence({ packet, destination }: Pick<HeldSyn, "packet" | "destination">, sentence: Sentence) {
    switch (sentence) {
      case "direct":
        return this.#verdict(packet, Verdict.Accept);
      case "drop":
        return this.#verdict(packet, Verdict.Drop);
      case "carry":
        return this.#mark(packet, MarkKind.Carry);
      case "refused":
      case "unreachable":
        return this.#refuse(packet, destination.address.family, ERRNO[sentence]);
      default:
        return sentence satisfies never;
    }
  }

  stillWaits({ source, destination, interfaceIndex }: HeldSyn): boolean {
    return this.#diag.find(source, destination, interfaceIndex)?.state === "SYN-SENT";
  }

  release({ key, sequenceNumber }: HeldSyn): void {
    this.#waiting.delete(key);
    this.#decided.delete(key);
    this.#decided.set(key, sequenceNumber);
    for (const oldest of this.#decided.keys()) {
      if (this.#decided.size <= DECIDED_KEPT) break;
      this.#decided.delete(oldest);
    }
  }

  /**
   * A watchdog took the queue away, because this thread did not answer: the kernel has dropped what
   * was held, and TCP sends it again.
   */
  reopen(): void {
    this.#lost = true;
    for (const connection of [...this.#waiting.values()]) connection.stop(this.#plane.now());
    this.#lost = false;
    this.#unwatch();
    this.#queue.close();
    this.#queue = new NetfilterQueue({ queue: this.#number });
    this.#unwatch = this.#watch();
    this.#plane.log("warning", "held connections were let go, because they were not answered");
  }

  /** Everything that is held goes by TCP; the rules that bring more should be gone. */
  stop(): void {
    for (const connection of [...this.#waiting.values()]) connection.stop(this.#plane.now());
    this.#unlessTaken(() => this.#queue.acceptAll());
  }

  close(): void {
    this.#unwatch();
    this.#queue.close();
    this.#diag.close();
  }

  #refuse(packet: number, family: 4 | 6, errno: number): void {
    const kind = refusalKind(errno, family);
    this.#mark(packet, kind ?? MarkKind.Refuse);
  }

  #mark(packet: number, kind: MarkKind): void {
    this.#verdict(packet, Verdict.Accept, firewallMark(this.#instance, kind));
  }

  #verdict(packet: number, verdict: Verdict, mark?: number): void {
    this.#unlessTaken(() => this.#queue.verdict(packet, verdict, mark));
  }

  /** The watchdog's thread may take the queue away at any moment, also of a thread that is slow only. */
  #unlessTaken(use: () => void): void {
    if (this.#lost) return;
    try {
      use();
    } catch (error) {
      if (!(error instanceof SystemError && error.errno === ENOTSOCK)) throw error;
      this.#lost = true;
    }
  }

  #watch(): () => void {
    return this.#plane.input(
      this.#queue.descriptor,
      () => this.#unlessTaken(() => this.#receive()),
    );
  }

  #receive(): void {
    for (let turn = 0; turn < RECEIVES_PER_TURN; turn++) {
      const count = this.#queue.receive();
      for (let i = 0; i < count; i++) this.#hold(this.#queue.packet(i));
      if (count === 0) return;
    }
  }

  #hold(packet: HeldPacket): void {
    const { id, offset, length, outputInterface } = packet;
    const syn = parseSyn(this.#queue.memory, offset, length, outputInterface);
    if (typeof syn === "string") return this.#verdict(id, Verdict.Accept);
    const key = keyOf(syn.source, syn.destination);
    const sentence = this.#sentenceBefore(key, syn);
    if (sentence) return this.sentence({ ...syn, packet: id }, sentence);
    const { address, port } = syn.destination;
    const { enabled } = this.#plane.configuration.table.match("remote", address, port);
    // What the rules leave out comes here only if it is an application's that was named.
    if (!enabled && !this.#plane.namedApplications) {
      this.#plane.counters.direct++;
      return this.#verdict(id, Verdict.Accept);
    }
    const why = this.#whyNotCarried(syn, outputInterface);
    if (why) return this.#leave(id, key, why);
    const enabledBy = enabled ? "rules" : "manual";
    this.#try({ ...syn, enabledBy, key, packet: id, interfaceIndex: outputInterface });
  }

  /** Why a connection must be the kernel's own, in words. */
  #whyNotCarried(syn: TcpSyn, interfaceIndex: number): string | undefined {
    if (this.#plane.isCrowded) return "shimd has hardly any descriptors left";
    // The server's kernel wants signatures with the application's key, which the shim has not.
    if (syn.signed) return "its segments are signed";
    // Its packets leave by that interface and no other, so they do not come to the shim either.
    const socket = this.#diag.find(syn.source, syn.destination, interfaceIndex);
    return socket?.interfaceIndex ? "its socket is bound to an interface" : undefined;
  }

  #leave(packet: number, key: string, why: string): void {
    this.#plane.counters.direct++;
    this.#plane.log("info", `connection ${key.replace(" ", " to ")}: left to TCP, ${why}`);
    this.#verdict(packet, Verdict.Accept);
  }

  /** A retransmission follows its first SYN; the same ports with another number are a new connection. */
  #sentenceBefore(key: string, syn: TcpSyn): Sentence | undefined {
    const waiting = this.#waiting.get(key);
    if (waiting?.isRetransmittedBy(syn)) return waiting.retransmissionSentence;
    return !waiting && this.#decided.get(key) === syn.sequenceNumber ? "direct" : undefined;
  }

  #try(held: HeldSyn): void {
    this.#waiting.get(held.key)?.stop(this.#plane.now());
    this.#plane.counters.held++;
    const connection = new HeldConnection(this.#plane, this.#plane.nextId(), held, this);
    this.#waiting.set(held.key, connection);
    this.#plane.adopt(connection);
    connection.begin(this.#plane.now());
  }
}

function keyOf(source: SocketAddress, destination: SocketAddress): string {
  const from = formatHostPort(source.address.text, source.port);
  return `${from} ${formatHostPort(destination.address.text, destination.port)}`;
}
