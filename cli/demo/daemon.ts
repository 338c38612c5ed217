/** A `shimkit shimd` as a child process: what it reports, and commands to it. */
import type { ConnectionStatus, ListenerStatus, ShimStatus } from "../../core/shim/status.ts";
import type { Command } from "../../core/shim/protocol.ts";
import type { Side } from "./arena.ts";
import type { Child, Children } from "../../core/net/child.ts";
import { selfCommand } from "./self_command.ts";

/** Milliseconds between two reports. */
const REPORT_EVERY = 100;

const STATUS = /^\{"kind":"status"/;

/** A report in which a connection has ended. */
const ENDED = /^\{"kind":"status".*"ended":\[\{/;

export class Daemon {
  readonly #child: Child;
  /** What it listens on. */
  readonly listeners: readonly ListenerStatus[];

  private constructor(child: Child, listeners: readonly ListenerStatus[]) {
    this.#child = child;
    this.listeners = listeners;
  }

  /**
   * Starts a daemon and waits until it is ready.
   * @throws Error with what it said if it does not start.
   */
  static async start(children: Children, side: Side, options: readonly string[]): Promise<Daemon> {
    const argv = selfCommand([
      "shimd",
      "--json",
      "--control-stdin",
      "--no-control",
      `--status-interval=${REPORT_EVERY}ms`,
      `--local=${side.addresses.join(",")}`,
      ...options,
    ]);
    const child = children.start(side.inside(argv));
    const ready = await child.line(/^\{"kind":"ready"/);
    return new Daemon(child, JSON.parse(ready).listeners);
  }

  /** The demonstration's connection as it was reported last; `undefined` before there is one. */
  get connection(): ConnectionStatus | undefined {
    const line = this.#child.latest(STATUS);
    return line === undefined ? undefined : connectionIn(line);
  }

  /** The connection as it was at its end. */
  async lastWords(): Promise<ConnectionStatus> {
    return connectionIn(await this.#child.line(ENDED))!;
  }

  async command(command: Command): Promise<void> {
    await this.#child.write(`${JSON.stringify(command)}\n`);
  }
}

function connectionIn(report: string): ConnectionStatus | undefined {
  const { connections, ended }: ShimStatus = JSON.parse(report);
  return connections.at(-1) ?? ended.at(-1);
}
