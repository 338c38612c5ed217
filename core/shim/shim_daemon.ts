/** The control plane's side of a data plane: starts its thread, commands it, hears from it. */
import { Wakeup } from "../net/epoll.ts";
import { Heartbeat } from "../net/queue_watchdog.ts";
import type { ChangeData } from "../rules/change_data.ts";
import type { Snapshot } from "../rules/snapshot.ts";
import { CommandRing } from "../net/command_ring.ts";
import { DatagramInterception } from "./datagrams/datagram_interception.ts";
import { Interception } from "./interception.ts";
import type { LogLevel } from "./plane.ts";
import type { AvailabilityEntry } from "./policy/availability_cache.ts";
import type { Answer, Command, DataPlaneConfig, Report, StartMessage } from "./protocol.ts";
import { addressesOf } from "./resolve.ts";
import type { ListenerStatus, ShimStatus } from "./status.ts";

/** Changes in one command: as many long rules fit into the ring several times. */
const CHANGES_PER_COMMAND = 100;

/** Receives the data plane's log. */
export type LogSink = (level: LogLevel, message: string) => void;

export class ShimDaemon implements AsyncDisposable {
  readonly #config: DataPlaneConfig;
  readonly #worker: Worker;
  readonly #heartbeat = new Heartbeat();
  readonly #ring = new CommandRing(CommandRing.allocate());
  readonly #wakeup = new Wakeup();
  readonly #log: LogSink;
  readonly #ready = Promise.withResolvers<readonly ListenerStatus[]>();
  readonly #ended = Promise.withResolvers<void>();
  /** Who waits for an answer, in the order of their commands. */
  readonly #asking: PromiseWithResolvers<Answer>[] = [];
  #interception: Interception | undefined;
  #datagrams: DatagramInterception | undefined;
  #over = false;

  private constructor(config: DataPlaneConfig, log: LogSink) {
    this.#config = config;
    this.#log = log;
    this.#ended.promise.catch(() => {});
    this.#worker = new Worker(new URL("./data_plane_worker.ts", import.meta.url), {
      type: "module",
    });
    this.#worker.onmessage = ({ data }: MessageEvent<Report>) => this.#hear(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(event.message);
    };
    const start: StartMessage = {
      config,
      commands: this.#ring.memory,
      wakeup: this.#wakeup.descriptor,
      heartbeat: this.#heartbeat.memory,
    };
    this.#worker.postMessage(start);
  }

  /**
   * Starts a data plane; resolves once it listens on everything.
   * @throws Error with what was not to be had.
   */
  static async start(config: DataPlaneConfig, log: LogSink = () => {}): Promise<ShimDaemon> {
    const daemon = new ShimDaemon(config, log);
    await daemon.#ready.promise;
    return daemon;
  }

  /** What is listened on, with the ports that the kernel chose. */
  get listeners(): Promise<readonly ListenerStatus[]> {
    return this.#ready.promise;
  }

  /** Settles when the data plane has ended: rejects if it broke. */
  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** What the data plane is doing now. Rejects if it has ended. */
  async status(): Promise<ShimStatus> {
    return (await this.#ask({ kind: "status" }, "status")).status;
  }

  /** Rules and settings as the data plane has them, with the hits so far. Rejects as {@link status}. */
  async configuration(): Promise<Snapshot> {
    return (await this.#ask({ kind: "configuration" }, "configuration")).snapshot;
  }

  /**
   * Changes rules and settings for what begins from now on. Rejects as {@link status}.
   * @returns in words what could not be changed.
   */
  async change(changes: readonly ChangeData[]): Promise<readonly string[]> {
    const faults: string[] = [];
    for (let at = 0; at < changes.length; at += CHANGES_PER_COMMAND) {
      const part = changes.slice(at, at + CHANGES_PER_COMMAND);
      const answer = await this.#ask({ kind: "change", changes: part }, "changed");
      faults.push(...answer.faults);
    }
    if (!this.#interception && !this.#datagrams) return faults;
    const { text } = await this.configuration();
    this.#interception?.apply(text);
    this.#datagrams?.apply(text);
    return faults;
  }

  /** Whether servers are known to have SCTP. Rejects as {@link status}. */
  async availability(): Promise<readonly AvailabilityEntry[]> {
    return (await this.#ask({ kind: "availability", flush: false }, "availability")).entries;
  }

  /** Forgets that, and tells what it was. Rejects as {@link status}. */
  async flushAvailability(): Promise<readonly AvailabilityEntry[]> {
    return (await this.#ask({ kind: "availability", flush: true }, "availability")).entries;
  }

  /**
   * The folder of the cgroup whose processes are intercepted whatever the rules say.
   * @throws Error if nothing is intercepted, or not by application.
   */
  applications(): string {
    if (!this.#interception) throw new Error("this shimd does not intercept: it needs --intercept");
    const path = this.#interception.applications();
    this.#command({ kind: "applications" });
    return path;
  }

  /** Loses every packet from and to this address of a peer until {@link heal}. */
  cut(remote: string): void {
    this.#command({ kind: "cut", remote });
  }

  heal(remote: string): void {
    this.#command({ kind: "heal", remote });
  }

  /**
   * Takes no more connections, waits up to `drain` milliseconds for those that are open, resets the
   * rest, and ends the data plane.
   */
  async stop(drain = 0): Promise<void> {
    // First, so that nothing more comes to be held.
    this.#interception?.retire();
    void this.#datagrams?.close();
    if (!this.#over) this.#command({ kind: "stop", drain });
    await this.#ended.promise.catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #ask<Kind extends Answer["kind"]>(
    command: Command,
    kind: Kind,
  ): Promise<Extract<Answer, { kind: Kind }>> {
    const answer = Promise.withResolvers<Answer>();
    if (!this.#command(command)) throw new Error("the data plane does not answer");
    this.#asking.push(answer);
    const given = await answer.promise;
    if (isOfKind(given, kind)) return given;
    throw new Error(`the data plane answered ${kind} by ${given.kind}`);
  }

  #command(command: Command): boolean {
    if (this.#over || !this.#ring.push(command)) return false;
    this.#wakeup.signal();
    return true;
  }

  #hear(report: Report): void {
    switch (report.kind) {
      case "ready":
        return this.#beReady(report);
      case "log":
        return this.#log(report.level, report.message);
      case "status":
      case "configuration":
      case "changed":
      case "availability":
        return this.#asking.shift()?.resolve(report);
      case "resolve":
        return void this.#resolve(report.id, report.host);
      case "queue":
        return this.#interceptAgain(report.descriptor);
      case "datagram-queue":
        return this.#datagrams?.watch(report.descriptor);
      case "stopped":
        return this.#end();
      case "failed":
        return this.#fail(report.message);
      default:
        return report satisfies never;
    }
  }

  #beReady(report: Extract<Report, { kind: "ready" }>): void {
    const { intercept, rules = "" } = this.#config;
    try {
      if (intercept && report.interception) {
        const lost = () => void this.#command({ kind: "queue-lost" });
        this.#interception = new Interception(
          intercept,
          report.interception,
          this.#heartbeat,
          lost,
        );
        this.#interception.apply(rules);
      }
      this.#carryDatagrams(report);
      this.#ready.resolve(report.listeners);
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
    }
  }

  /** A host that cannot has plain UDP, as it had before: that is no reason not to carry TCP. */
  #carryDatagrams({ datagrams, udpPort }: Extract<Report, { kind: "ready" }>): void {
    const { datagrams: config, transport, rules = "" } = this.#config;
    if (!config || !datagrams) return;
    const ports = transport.kind === "raw" ? [] : [udpPort, transport.remotePort];
    const lost = () => void this.#command({ kind: "datagram-queue-lost" });
    this.#datagrams = new DatagramInterception(config, datagrams, ports, this.#heartbeat, lost);
    try {
      this.#datagrams.apply(rules);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      this.#log("warning", `UDP applications are not carried: ${error.message}`);
    }
  }

  /** The data plane has hung, and is back. */
  #interceptAgain(queue: number): void {
    try {
      this.#interception?.watch(queue);
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error));
    }
  }

  async #resolve(id: number, host: string): Promise<void> {
    const addresses = await addressesOf(host).catch(() => []);
    this.#command({ kind: "resolved", id, addresses });
  }

  #stopIntercepting(): void {
    void this.#interception?.close();
    void this.#datagrams?.close();
    this.#interception = this.#datagrams = undefined;
  }

  #fail(message: string): void {
    const error = new Error(message);
    this.#ready.reject(error);
    this.#ended.reject(error);
    this.#end();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#stopIntercepting();
    this.#ended.resolve();
    this.#rejectAll("the data plane has ended");
    this.#worker.terminate();
    this.#wakeup.close();
  }

  #rejectAll(message: string): void {
    for (const asking of this.#asking.splice(0)) asking.reject(new Error(message));
  }
}

function isOfKind<Kind extends Answer["kind"]>(
  answer: Answer,
  kind: Kind,
): answer is Extract<Answer, { kind: Kind }> {
  return answer.kind === kind;
}
