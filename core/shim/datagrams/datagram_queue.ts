/** The datagrams that the kernel holds, and their verdicts. */
import { ENOTSOCK } from "../../net/constants.ts";
import { LONGEST_COPY, NetfilterQueue, Verdict } from "../../net/nfqueue.ts";
import { SystemError } from "../../net/system_error.ts";
import { UdpPacket } from "../../net/udp_packet.ts";
import type { FrontPlane } from "../plane.ts";

/** Receives in one turn, so that a flood of datagrams cannot keep the others waiting. */
const RECEIVES_PER_TURN = 8;

/** Says whether a datagram is carried; otherwise it goes on. `bytes` has it, and may be changed. */
export type Taker = (packet: UdpPacket, interfaceIndex: number, bytes: Uint8Array) => boolean;

export class DatagramQueue {
  readonly #plane: Pick<FrontPlane, "input" | "log">;
  readonly #number: number;
  readonly #take: Taker;
  readonly #packet = new UdpPacket();
  #queue: NetfilterQueue;
  #unwatch: () => void;
  /** A watchdog has taken the queue away: nothing is held until {@link reopen}. */
  #lost = false;
  #isOpen = true;

  /** Takes the queue. @throws SystemError without CAP_NET_ADMIN, or if another process has it. */
  constructor(plane: Pick<FrontPlane, "input" | "log">, number: number, take: Taker) {
    this.#plane = plane;
    this.#number = number;
    this.#take = take;
    this.#queue = this.#open();
    this.#unwatch = this.#watch();
  }

  /** For the watchdog, which may take it away. */
  get descriptor(): number {
    return this.#queue.descriptor;
  }

  /** A watchdog took the queue away, because this thread did not answer: what was held is lost. */
  reopen(): void {
    if (!this.#isOpen) return;
    this.#unwatch();
    this.#queue.close();
    this.#queue = this.#open();
    this.#lost = false;
    this.#unwatch = this.#watch();
    this.#plane.log("warning", "held datagrams were lost, because they were not answered");
  }

  /** Lets everything pass that is held, and gives the queue up; may be called twice. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#unlessTaken(() => this.#queue.acceptAll());
    this.#unwatch();
    this.#queue.close();
  }

  #open(): NetfilterQueue {
    return new NetfilterQueue({ queue: this.#number, copyBytes: LONGEST_COPY });
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
      if (count === 0) return;
      this.#judge(count);
    }
  }

  /** Datagrams in a row that have the same verdict get it at once. */
  #judge(count: number): void {
    let verdict = this.#verdictOf(0);
    for (let i = 1; i < count; i++) {
      const next = this.#verdictOf(i);
      if (next !== verdict) this.#queue.verdictUpTo(this.#queue.packet(i - 1).id, verdict);
      verdict = next;
    }
    this.#queue.verdictUpTo(this.#queue.packet(count - 1).id, verdict);
  }

  #verdictOf(index: number): Verdict {
    const { offset, length, outputInterface } = this.#queue.packet(index);
    const { memory } = this.#queue;
    const taken = this.#packet.read(memory, offset, length) &&
      this.#take(this.#packet, outputInterface, memory);
    return taken ? Verdict.Drop : Verdict.Accept;
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
}
