/** A host whose connections are held: rules, queue, and the application's side of a connect(). */
import assert from "node:assert/strict";
import { EPOLLIN, EPOLLOUT } from "../constants.ts";
import { Epoll } from "../epoll.ts";
import type { InterceptionPlan, Selection } from "../interception_plan.ts";
import { KernelRules } from "../kernel_rules.ts";
import { type HeldPacket, NetfilterQueue, type QueueOptions } from "../nfqueue.ts";
import { TcpListener, type TcpListenOptions, TcpSocket } from "../tcp_socket.ts";
import { parseSyn, type TcpSyn } from "../tcp_syn.ts";
import { TwoHosts } from "./namespaces.ts";
import { address } from "./packet_io_support.ts";
import { tryTool } from "../system_tool.ts";

/** The addresses of the server's host. */
export const SERVERS = ["10.9.0.2", "fd09::2"];
export const REDIRECT_PORT = 9999;
const QUEUE = 7;

/** A plan for connections to port 8080, with what a test wants otherwise. */
export function planOf(wanted: Partial<InterceptionPlan> = {}): InterceptionPlan {
  return {
    front: "nfqueue",
    selections: [{ intercept: true, ports: { low: 8080, high: 8080 } }],
    otherwise: false,
    queue: QUEUE,
    redirectPort: REDIRECT_PORT,
    ...wanted,
  };
}

/** A selection written as `-n network -r low:high` would be. */
export function selection(intercept: boolean, network?: string, low?: number, high = low) {
  const [text, length] = network?.split("/") ?? [];
  const made: { -readonly [Key in keyof Selection]: Selection[Key] } = { intercept };
  if (text) made.network = { address: address(text), prefixLength: Number(length) };
  if (low !== undefined && high !== undefined) made.ports = { low, high };
  return made;
}

/** Waits until one of the events is there; false if it does not come in time. */
export function waitFor(descriptor: number, events: number, milliseconds = 5000): boolean {
  const epoll = new Epoll(1);
  epoll.add(descriptor, events);
  const ready = epoll.wait(milliseconds) > 0;
  epoll.close();
  return ready;
}

/** The errno of a connect(), 0 for success; `undefined` while it is under way. */
export function outcome(socket: TcpSocket, milliseconds = 5000): number | undefined {
  return waitFor(socket.descriptor, EPOLLOUT, milliseconds) ? socket.finishConnect() : undefined;
}

/** A packet that is held, as its connection's first. */
export interface HeldSyn {
  readonly packet: HeldPacket;
  readonly syn: TcpSyn;
}

/** Waits for the next packet of a queue. */
export function nextHeld(queue: NetfilterQueue, milliseconds = 5000): HeldSyn | undefined {
  const deadline = performance.now() + milliseconds;
  for (;;) {
    const count = queue.receive();
    assert.ok(count <= 1, "the tests hold one SYN at a time");
    if (count === 1) {
      const packet = queue.packet(0);
      const syn = parseSyn(queue.memory, packet.offset, packet.length, packet.outputInterface);
      assert.ok(typeof syn === "object", `held a packet that is ${syn}`);
      return { packet, syn };
    }
    const left = deadline - performance.now();
    if (left <= 0 || !waitFor(queue.descriptor, EPOLLIN, left)) return undefined;
  }
}

/** Two hosts; on the first SYNs are held, the second has servers. */
export class HoldingHost implements Disposable {
  readonly rules = new KernelRules();
  readonly #open: { close(): void }[] = [];

  static async make(): Promise<HoldingHost> {
    return new HoldingHost(
      await TwoHosts.make([[["10.9.0.1/24", "fd09::1/64"], ["10.9.0.2/24", "fd09::2/64"]]]),
    );
  }

  private constructor(readonly hosts: TwoHosts) {}

  get client(): string {
    return this.hosts.names[0];
  }

  get server(): string {
    return this.hosts.names[1];
  }

  apply(plan: InterceptionPlan): void {
    this.hosts.in(this.client, () => this.rules.apply(plan));
  }

  queue(options: Partial<QueueOptions> = {}): NetfilterQueue {
    return this.#keep(
      this.hosts.in(this.client, () => new NetfilterQueue({ queue: QUEUE, ...options })),
    );
  }

  /** Starts a connection from the holding host. */
  connect(to: string, port: number): TcpSocket {
    const options = { remoteAddress: address(to), remotePort: port };
    return this.#keep(this.hosts.in(this.client, () => TcpSocket.connect(options)));
  }

  listen(host: string, options: TcpListenOptions): TcpListener {
    return this.#keep(this.hosts.in(host, () => new TcpListener(options)));
  }

  /** Servers for both families on the second host. */
  serve(port: number): void {
    for (const server of SERVERS) this.listen(this.server, { address: address(server), port });
  }

  /** What a program prints in a namespace. */
  output(host: string, program: string, ...args: string[]): string {
    return this.hosts.in(host, () => tryTool(program, args).output);
  }

  /** Everything that interception may leave in the kernel. */
  traces(host: string): string {
    const ip = (family: string) =>
      this.output(host, "ip", family, "rule") +
      this.output(host, "ip", family, "route", "show", "table", "all");
    const names = ["ipv4.tcp_fwmark_accept", "ipv4.fwmark_reflect", "ipv6.fwmark_reflect"];
    const settings = this.output(host, "sysctl", ...names.map((name) => `net.${name}`));
    // A table that was replaced is listed last.
    const tables = this.output(host, "nft", "list", "ruleset").split(/^(?=table )/m).sort();
    return [...tables, ip("-4"), ip("-6"), settings].join("\n");
  }

  /** How many packets ever came to the queue. */
  queuedPackets(): number {
    const path = "/proc/thread-self/net/netfilter/nfnetlink_queue";
    const line = this.hosts.in(this.client, () => Deno.readTextFileSync(path)).trim();
    return Number(line.split(/\s+/)[7] ?? 0);
  }

  #keep<T extends { close(): void }>(resource: T): T {
    this.#open.push(resource);
    return resource;
  }

  [Symbol.dispose](): void {
    for (const each of this.#open) each.close();
    this.hosts[Symbol.dispose]();
  }
}
