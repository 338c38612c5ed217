/** One side of one association in a seeded run: what it sends, and what it makes of what it reads. */
import type { Association } from "../../sctp/association.ts";
import type { Instant } from "../../sctp/base/time.ts";
import type { LossReason } from "../../sctp/events.ts";
import { DeliveryChecker, type FailureInfo, type PartInfo } from "../delivery_checker.ts";
import type { Workload, WorkloadSender } from "../workload.ts";

/** Workloads are told apart by the upper half of the PPID: the number of the session that sent them. */
export const PPIDS_PER_SESSION = 65_536;

export class RunSession {
  readonly sender: WorkloadSender;
  /** Judges what the peer's session sends; exists once something has arrived. */
  checker: DeliveryChecker | undefined;
  /** Number of the peer's session, by the first message. */
  peerNumber: number | undefined;
  isUp = false;
  /** How it ended; "replaced" by the session of a restarted peer or host. */
  ended: "shutdown" | "replaced" | LossReason | undefined;
  readonly faults: string[] = [];
  /** What was given up of what this session has sent. */
  readonly failures: FailureInfo[] = [];
  readonly #target: Uint8Array;
  readonly #info: PartInfo = {
    stream: 0,
    ssn: 0,
    ppid: 0,
    unordered: false,
    endOfMessage: false,
  };

  /**
   * @param peerWorkload the workload that the peer's session of a number sends.
   * @param mayFail false if every message has to arrive.
   */
  constructor(
    readonly number: number,
    readonly association: Association,
    workload: Workload,
    private readonly peerWorkload: (number: number) => Workload,
    readSize: number,
    private readonly mayFail: boolean,
  ) {
    this.sender = workload.sender();
    this.#target = new Uint8Array(readSize);
  }

  /** Sends what there is room for. */
  pump(now: Instant): void {
    if (this.ended === undefined) this.sender.pump(now, this.association);
  }

  /** Reads all that is there. */
  pull(now: Instant): void {
    for (;;) {
      const length = this.association.read(now, this.#target, this.#info);
      if (length === 0) return;
      this.#checkerOf(this.#info.ppid).take(this.#target, length, this.#info);
    }
  }

  #checkerOf(ppid: number): DeliveryChecker {
    const number = Math.floor(ppid / PPIDS_PER_SESSION);
    if (this.checker === undefined) {
      this.peerNumber = number;
      this.checker = this.#newChecker(number);
    }
    if (number !== this.peerNumber) {
      this.faults.push(`data of the peer's session ${number} came into that of ${this.peerNumber}`);
    }
    return this.checker;
  }

  #newChecker(number: number): DeliveryChecker {
    const { interleaves } = this.association;
    return new DeliveryChecker(this.peerWorkload(number), undefined, this.mayFail, interleaves);
  }

  /** What is wrong after a graceful end: each message of the peer's session came or was given up. */
  wrongAtEnd(peer: RunSession): string | undefined {
    const checker = this.checker ?? this.#newChecker(peer.number);
    for (const failure of peer.failures) checker.fail(failure);
    const verdict = checker.complete();
    return verdict.ok ? undefined : verdict.text;
  }

  /** True if all that has to come of what the peer's session `number` sends has been received. */
  hasAllOf(number: number): boolean {
    const { messages } = this.peerWorkload(number);
    if (messages.every(({ reliability }) => reliability && this.mayFail)) return this.isUp;
    return this.peerNumber === number && this.checker !== undefined && this.checker.isComplete;
  }

  /** What is wrong with what was received; whether something is missing does not matter. */
  get wrong(): string | undefined {
    if (this.faults.length > 0) return this.faults[0];
    const verdict = this.checker?.partial();
    return verdict === undefined || verdict.ok ? undefined : verdict.text;
  }

  /** Where the session stands, in words. */
  get status(): string {
    const { association, sender } = this;
    const end = typeof this.ended === "object" ? JSON.stringify(this.ended) : this.ended ?? "open";
    const received = this.checker ? `${this.checker.received} received` : "nothing received";
    const paths = association.paths.map((path) =>
      `${path.local}>${path.remote} ${path.status} errors ${path.errorCount} cwnd ${path.cwnd} ` +
      `flight ${path.flightSize} rto ${path.rto}`
    );
    return `session ${this.number}: ${association.state}, ${end}, ` +
      `${sender.sent}/${sender.workload.messages.length} sent, ${received} of ` +
      `session ${this.peerNumber}, buffered ${association.bufferedBytes}, ` +
      `readable ${association.readableBytes}; ${paths.join("; ")}`;
  }
}
