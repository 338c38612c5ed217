/**
 * The control plane's side of interception: the kernel's rules, which follow the rules table, and the
 * watchdog over the thread that answers for held connections.
 */
import { monotonicNow } from "../net/clock.ts";
import { KernelRules } from "../net/kernel_rules.ts";
import { type Heartbeat, QueueWatchdog, takeAway } from "../net/queue_watchdog.ts";
import { Fault } from "../rules/fault.ts";
import { parseFile } from "../rules/file_format.ts";
import { remoteSelections } from "./policy/selections.ts";
import { type InterceptConfig, type InterceptionReport, queueNumber } from "./protocol.ts";

/** Milliseconds after which a data plane that does not turn counts as hung. */
const PATIENCE = 2000;

export class Interception {
  readonly #config: InterceptConfig;
  readonly #redirectPort: number;
  readonly #kernel: KernelRules;
  readonly #watchdog: QueueWatchdog;
  #queue: number;

  /**
   * @param report what the data plane has opened.
   * @param lost is called when the queue was taken away, because the data plane hangs.
   */
  constructor(
    config: InterceptConfig,
    { redirectPort, queue }: InterceptionReport,
    heartbeat: Heartbeat,
    lost: () => void,
  ) {
    this.#config = config;
    this.#redirectPort = redirectPort;
    this.#queue = queue;
    this.#kernel = new KernelRules(config.instance);
    this.#watchdog = new QueueWatchdog({
      heartbeat,
      patience: PATIENCE,
      now: monotonicNow,
      release: () => {
        takeAway(this.#queue);
        lost();
      },
    });
    if (queue >= 0) this.#watchdog.start();
  }

  /**
   * Makes the kernel bring exactly the connections that the rules enable.
   * @param text of a rules file.
   * @throws Error with the words of nft or iptables. TypeError if the text has a fault.
   */
  apply(text: string): void {
    const configuration = parseFile(text);
    if (configuration instanceof Fault) throw new TypeError(configuration.message);
    const { front, families } = this.#config;
    this.#kernel.apply({
      front,
      families,
      queue: queueNumber(this.#config),
      redirectPort: this.#redirectPort,
      ...remoteSelections(configuration.table),
    });
  }

  /** The data plane answers again, for another queue. */
  watch(queue: number): void {
    this.#queue = queue;
  }

  /** Brings nothing any more; connections that stand are not touched. */
  close(): void {
    this.#watchdog.stop();
    this.#kernel.remove();
  }
}
