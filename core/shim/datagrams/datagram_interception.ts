/**
 * The control plane's side of carrying datagrams: the kernel's rules, which follow the rules table, and
 * what gets a daemon that hangs out of the applications' way.
 */
import { monotonicNow } from "../../net/clock.ts";
import { DatagramRules } from "../../net/datagram_rules.ts";
import type { Selection } from "../../net/interception_plan.ts";
import { SCTP_UDP_PORT } from "../../net/mod.ts";
import type { ProcessGuard } from "../../net/process_guard.ts";
import { guardQueue } from "../../net/queue_guard.ts";
import { type Heartbeat, QueueWatchdog, takeAway } from "../../net/queue_watchdog.ts";
import { Fault } from "../../rules/fault.ts";
import { parseFile } from "../../rules/file_format.ts";
import { type DatagramConfig, datagramQueueNumber, type DatagramReport } from "../protocol.ts";
import { udpSelections } from "../policy/selections.ts";

/** Milliseconds after which a data plane that does not turn, or a process, counts as hung. */
const PATIENCE = 2000;

/** What the kernel is to select. */
interface Selected {
  readonly remote: readonly Selection[];
  readonly local: readonly Selection[];
}

export class DatagramInterception {
  readonly #config: DatagramConfig;
  readonly #ownPorts: readonly number[];
  readonly #lack: string | undefined;
  readonly #rules: DatagramRules;
  readonly #watchdog: QueueWatchdog;
  readonly #lost: () => void;
  #queue: number;
  #active = false;
  #guard: ProcessGuard | undefined;
  #beats: ReturnType<typeof setInterval> | undefined;

  /**
   * @param report what the data plane has opened.
   * @param ownPorts UDP ports of SCTP itself, at either end.
   * @param lost is called when the queue was taken away, because the data plane hangs or did: it is to
   * say by {@link watch} when it is back.
   */
  constructor(
    config: DatagramConfig,
    { queue, lack }: DatagramReport,
    ownPorts: readonly number[],
    heartbeat: Heartbeat,
    lost: () => void,
  ) {
    this.#config = config;
    this.#ownPorts = [...new Set([SCTP_UDP_PORT, ...ownPorts])].filter((port) => port > 0);
    this.#lack = lack;
    this.#lost = lost;
    this.#queue = queue;
    this.#rules = new DatagramRules(config.instance);
    this.#watchdog = new QueueWatchdog({
      heartbeat,
      patience: PATIENCE,
      now: monotonicNow,
      release: () => this.#release(),
    });
  }

  /**
   * Makes the kernel bring exactly the datagrams that the rules enable.
   * @param text of a rules file.
   * @throws Error with the words of nft or iptables, or with what this host lacks. TypeError if the text
   * has a fault.
   */
  apply(text: string): void {
    const configuration = parseFile(text);
    if (configuration instanceof Fault) throw new TypeError(configuration.message);
    const { remote, local } = this.#config;
    const selected = {
      remote: remote ? udpSelections(configuration.table, "remote") : [],
      local: local ? udpSelections(configuration.table, "local") : [],
    };
    if (selected.remote.length + selected.local.length > 0) this.#activate(selected);
    else this.#deactivate();
  }

  /** The data plane answers from now on, for this queue. */
  watch(queue: number): void {
    this.#queue = queue;
    if (this.#active) this.#startGuard();
  }

  /** Brings nothing any more, and leaves nothing in the kernel. */
  async close(): Promise<void> {
    const guard = this.#guard;
    this.#deactivate();
    await guard?.ended();
  }

  #activate(selected: Selected): void {
    if (this.#lack !== undefined) {
      throw new Error(`this host cannot carry UDP: ${this.#lack}`);
    }
    const queue = datagramQueueNumber(this.#config);
    this.#rules.apply({ queue, ownPorts: this.#ownPorts, ...selected });
    if (this.#active) return;
    this.#active = true;
    this.#watchdog.start();
    this.#startGuard();
  }

  #deactivate(): void {
    if (!this.#active) return;
    this.#active = false;
    this.#watchdog.stop();
    this.#dismissGuard();
    this.#rules.remove();
  }

  #startGuard(): void {
    const queue = { descriptor: this.#queue, queue: datagramQueueNumber(this.#config) };
    const guard = guardQueue(queue, PATIENCE);
    this.#guard = guard;
    clearInterval(this.#beats);
    this.#beats = setInterval(() => guard?.beat(), PATIENCE / 4);
    void guard?.ended().then(() => this.#handleGuardEnded(guard));
  }

  #dismissGuard(): void {
    const guard = this.#guard;
    this.#guard = undefined;
    clearInterval(this.#beats);
    void guard?.stop();
  }

  /** The thread hangs: this one does not. */
  #release(): void {
    takeAway(this.#queue);
    // It shares the socket, which is gone only with it.
    this.#dismissGuard();
    this.#lost();
  }

  /** The whole process has been stopped for a while, and the guard has done its work. */
  #handleGuardEnded(guard: ProcessGuard): void {
    if (guard !== this.#guard) return;
    this.#dismissGuard();
    this.#lost();
  }
}
