/** Links with rate, delay, loss and all that between two network namespaces, for as long as wanted. */
import { CommandRing } from "../net/command_ring.ts";
import { Wakeup } from "../net/epoll.ts";
import { namespacePath } from "../net/network_namespace.ts";
import { runTool } from "../net/system_tool.ts";
import type { CutDirection, DirectionPlan } from "../sim/link_plan.ts";
import type {
  Command,
  EmulatorPlan,
  Report,
  StartMessage,
  WirePlan,
  WireReport,
} from "./protocol.ts";

/** A wire with what its ends are configured with. */
export interface NetemWire extends WirePlan {
  /** Addresses of the devices, each with its prefix length: "10.99.0.1/24". */
  readonly addresses: readonly [first: readonly string[], second: readonly string[]];
  /** Bytes of the longest packet that the devices take; 1,500 if absent. */
  readonly mtu?: number;
}

/** What is emulated. */
export interface NetemOptions extends EmulatorPlan {
  readonly wires: readonly NetemWire[];
}

export class Netem implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #ring = new CommandRing(CommandRing.allocate());
  readonly #wakeup = new Wakeup();
  readonly #ready = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<readonly WireReport[]>();
  /** Who waits for a report, in the order of asking. */
  readonly #asking: PromiseWithResolvers<readonly WireReport[]>[] = [];
  #isOver = false;

  private constructor(plan: EmulatorPlan) {
    this.#ended.promise.catch(() => {});
    this.#worker = new Worker(new URL("./emulator_worker.ts", import.meta.url), {
      type: "module",
    });
    this.#worker.onmessage = ({ data }: MessageEvent<Report>) => this.#hear(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#fail(event.message);
    };
    const { memory } = this.#ring;
    const start: StartMessage = { plan, commands: memory, wakeup: this.#wakeup.descriptor };
    this.#worker.postMessage(start);
  }

  /**
   * Lays the wires. They are there, with their addresses, when this resolves, and gone when the process
   * ends, however it ends.
   * @throws Error with what is not to be had: a namespace, a right, a name, an address.
   */
  static async start({ wires, ...plan }: NetemOptions): Promise<Netem> {
    const netem = new Netem({
      ...plan,
      wires: wires.map(({ name, forward, backward, cuts }) => ({ name, forward, backward, cuts })),
    });
    await netem.#ready.promise;
    try {
      for (const wire of wires) configure(plan.ends, wire);
    } catch (error) {
      await netem.stop();
      throw error;
    }
    return netem;
  }

  /** Settles when the emulator has ended, with its last numbers: rejects if it broke. */
  get ended(): Promise<readonly WireReport[]> {
    return this.#ended.promise;
  }

  /** What has passed until now. Rejects if it has ended. */
  report(): Promise<readonly WireReport[]> {
    const asking = Promise.withResolvers<readonly WireReport[]>();
    this.#asking.push(asking);
    this.#command({ kind: "report" });
    return asking.promise;
  }

  /** Cuts a wire silently, or one direction of it. @param wire its place among the wires. */
  cut(wire: number, direction: CutDirection = "both"): void {
    this.#command({ kind: "cut", wire, direction });
  }

  /** Ends a cut. */
  heal(wire: number, direction: CutDirection = "both"): void {
    this.#command({ kind: "heal", wire, direction });
  }

  /** Changes settings for the packets to come; those on their way keep their arrival. */
  change(wire: number, forward: DirectionPlan, backward: DirectionPlan = forward): void {
    this.#command({ kind: "change", wire, forward, backward });
  }

  /** Takes the wires away, and tells what has passed them. */
  async stop(): Promise<readonly WireReport[]> {
    if (!this.#isOver) this.#command({ kind: "stop" });
    return await this.#ended.promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop().catch(() => {});
  }

  #command(command: Command): void {
    if (this.#isOver) throw new Error("the emulator has ended");
    if (!this.#ring.push(command)) throw new Error("the emulator does not keep up with commands");
    this.#wakeup.signal();
  }

  #hear(report: Report): void {
    switch (report.kind) {
      case "ready":
        return this.#ready.resolve();
      case "report":
        return this.#asking.shift()?.resolve(report.wires);
      case "stopped":
        this.#ended.resolve(report.wires);
        return this.#close(new Error("the emulator was stopped"));
      case "failed":
        return this.#fail(report.message);
    }
  }

  #fail(message: string): void {
    const error = new Error(message);
    this.#ready.reject(error);
    this.#ended.reject(error);
    this.#close(error);
  }

  #close(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#worker.terminate();
    this.#wakeup.close();
    for (const asking of this.#asking.splice(0)) asking.reject(error);
  }
}

/** Gives both devices of a wire their addresses and puts them up. */
function configure(
  ends: readonly [string, string],
  { name, addresses, mtu = 1500 }: NetemWire,
): void {
  for (const [index, end] of ends.entries()) {
    const ip = (...words: readonly string[]) =>
      runTool("nsenter", [`--net=${namespacePath(end)}`, "ip", ...words]);
    for (const address of addresses[index]) {
      // Nobody else is on the wire who could have it already.
      const nodad = address.includes(":") ? ["nodad"] : [];
      ip("address", "add", address, "dev", name, ...nodad);
    }
    ip("link", "set", name, "mtu", String(mtu), "up");
  }
}
