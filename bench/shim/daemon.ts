/** A shimd of this checkout on one of the hosts. */
import { fileURLToPath } from "node:url";
import type { Child, Children } from "../../core/net/child.ts";
import type { ShimCounters, ShimStatus } from "../../core/shim/status.ts";
import { cpuSecondsOf } from "./cpu_time.ts";
import type { Host } from "./hosts.ts";

const MAIN = fileURLToPath(new URL("../../cli/main.ts", import.meta.url));
const COMMAND = [Deno.execPath(), "run", "--quiet", "-A", MAIN, "shimd"];
const HABITS = ["--no-control", "--json", "--control-stdin"];

export class Daemon {
  readonly #child: Child;

  private constructor(child: Child) {
    this.#child = child;
  }

  /**
   * Starts it, and waits until it can be used.
   * @throws Error with what it says if it cannot.
   */
  static async start(children: Children, host: Host, words: readonly string[]): Promise<Daemon> {
    const child = children.start(host.inside([...COMMAND, ...HABITS, ...words]));
    await child.line(/^{"kind":"ready"/);
    return new Daemon(child);
  }

  /** User and system time in seconds since the start. */
  get cpuSeconds(): number {
    return cpuSecondsOf(this.#child.pid);
  }

  /** Bytes of it that are in memory now (proc(5), VmRSS). */
  get residentBytes(): number {
    const status = Deno.readTextFileSync(`/proc/${this.#child.pid}/status`);
    return Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)![1]) * 1024;
  }

  /** Files and sockets that it has open. */
  get descriptors(): number {
    return [...Deno.readDirSync(`/proc/${this.#child.pid}/fd`)].length;
  }

  /** What has become of connections since the start. */
  async counters(): Promise<ShimCounters> {
    const seen = this.#child.nextLine(/^{"kind":"status"/);
    await this.#child.write('{"kind":"status"}\n');
    const status: ShimStatus = JSON.parse(await seen);
    return status.counters;
  }
}
