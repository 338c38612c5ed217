/**
 * The control plane's side of interception: the kernel's rules, which follow the rules table, and
 * what gets a daemon that hangs out of the applications' way.
 */
import { monotonicNow } from "../net/clock.ts";
import { type Cgroup, makeApplicationsGroup } from "../net/cgroup.ts";
import { KernelRules } from "../net/kernel_rules.ts";
import type { ProcessGuard } from "../net/process_guard.ts";
import { guardQueue } from "../net/queue_guard.ts";
import { type Heartbeat, QueueWatchdog, takeAway } from "../net/queue_watchdog.ts";
import { guardRules } from "../net/rules_guard.ts";
import { Fault } from "../rules/fault.ts";
import { parseFile } from "../rules/file_format.ts";
import { type RemoteSelections, remoteSelections } from "./policy/selections.ts";
import { type InterceptConfig, type InterceptionReport, queueNumber } from "./protocol.ts";

/** Connections to nowhere. */
const NOTHING: RemoteSelections = { selections: [], otherwise: false };

/** Milliseconds after which a data plane that does not turn, or a process, counts as hung. */
const PATIENCE = 2000;

export class Interception {
  readonly #config: InterceptConfig;
  readonly #redirectPort: number;
  readonly #kernel: KernelRules;
  readonly #watchdog: QueueWatchdog;
  readonly #lost: () => void;
  #queue = -1;
  /** Applications that are intercepted whatever the rules say. */
  #group: Cgroup | undefined;
  #text = "";
  /** The redirect front's rules were taken away, because the daemon hung. */
  #withdrawn = false;
  /** The daemon is being stopped. */
  #retired = false;
  #guard: ProcessGuard | undefined;
  #beats: ReturnType<typeof setInterval> | undefined;

  /**
   * @param report what the data plane has opened.
   * @param lost is called when connections stay away, because the data plane hangs or did: it is to
   * say by {@link watch} when it is back.
   */
  constructor(
    config: InterceptConfig,
    { redirectPort, queue }: InterceptionReport,
    heartbeat: Heartbeat,
    lost: () => void,
  ) {
    this.#config = config;
    this.#redirectPort = redirectPort;
    this.#lost = lost;
    this.#kernel = new KernelRules(config.instance);
    this.#watchdog = new QueueWatchdog({
      heartbeat,
      patience: PATIENCE,
      now: monotonicNow,
      release: () => this.#release(),
    });
    this.watch(queue);
    this.#watchdog.start();
    this.#beats = setInterval(() => this.#guard?.beat(), PATIENCE / 4);
  }

  /**
   * Makes the kernel bring exactly the connections that the rules enable.
   * @param text of a rules file.
   * @throws Error with the words of nft or iptables. TypeError if the text has a fault.
   */
  apply(text: string): void {
    const configuration = parseFile(text);
    if (configuration instanceof Fault) throw new TypeError(configuration.message);
    this.#text = text;
    if (!this.#retired) this.#select(remoteSelections(configuration.table));
  }

  #select(selections: RemoteSelections): void {
    const { front, families } = this.#config;
    const group = this.#retired ? undefined : this.#group;
    this.#kernel.apply({
      front,
      families,
      queue: queueNumber(this.#config),
      redirectPort: this.#redirectPort,
      cgroups: group && [group.name],
      ...selections,
    });
  }

  /**
   * The folder of a group of processes whose connections are brought whatever the rules say.
   * @throws Error without cgroups, or with a front that cannot tell applications apart.
   */
  applications(): string {
    if (this.#config.front !== "nfqueue") {
      throw new Error("only the NFQUEUE front can tell one application from another");
    }
    if (!this.#group) {
      this.#group = makeApplicationsGroup();
      this.apply(this.#text);
    }
    return this.#group.path;
  }

  /** The data plane answers from now on, for this queue if there is one. */
  watch(descriptor: number): void {
    if (this.#retired) return;
    this.#queue = descriptor;
    const guard = this.#startGuard(descriptor);
    this.#guard = guard;
    void guard?.ended().then(() => this.#handleGuardEnded(guard));
    if (!this.#withdrawn) return;
    this.#withdrawn = false;
    this.apply(this.#text);
  }

  #startGuard(descriptor: number): ProcessGuard | undefined {
    const { front, instance } = this.#config;
    return front === "nfqueue"
      ? guardQueue({ descriptor, queue: queueNumber(this.#config) }, PATIENCE)
      : guardRules(instance, PATIENCE);
  }

  /**
   * Brings nothing any more. Connections that were brought need the rules until {@link close}: without
   * them the kernel translates their packets no more, not even that of a reset.
   */
  retire(): void {
    this.#retired = true;
    this.#watchdog.stop();
    clearInterval(this.#beats);
    void this.#dismissGuard();
    try {
      this.#select(NOTHING);
    } catch {
      // What cannot be made less must go.
      this.#kernel.remove();
    }
  }

  /** Leaves nothing in the kernel. */
  async close(): Promise<void> {
    this.#watchdog.stop();
    clearInterval(this.#beats);
    this.#kernel.remove();
    this.#group?.remove();
    await this.#dismissGuard();
  }

  /** The thread hangs: this one does not. */
  #release(): void {
    if (this.#config.front === "nfqueue") takeAway(this.#queue);
    // It shares the socket, which is gone only with it.
    void this.#dismissGuard();
    this.#handleLoss();
  }

  /** The whole process has been stopped for a while, and the guard has done its work. */
  #handleGuardEnded(guard: ProcessGuard): void {
    if (guard !== this.#guard) return;
    this.#guard = undefined;
    this.#handleLoss();
  }

  #handleLoss(): void {
    if (this.#config.front === "redirect") {
      this.#select(NOTHING);
      this.#withdrawn = true;
    }
    this.#lost();
  }

  async #dismissGuard(): Promise<void> {
    const guard = this.#guard;
    this.#guard = undefined;
    await guard?.stop();
  }
}
