/** Two hosts on which unmodified applications meet: their shims, and what their kernels say of TCP. */
import type { ShimStatus } from "../../../core/shim/status.ts";
import { IpAddress } from "../../../core/sctp/base/address.ts";
import { HostShim, type ShimMode } from "./host_shim.ts";
import { Lab } from "./lab.ts";
import { type Namespace, type TwoPathLab, twoPaths, type Wire } from "./namespaces.ts";
import { type LabProcess, until } from "./process.ts";

/** Which of the two hosts. */
export type Side = "client" | "server";

/** What a host's shim does with connections of its own host, and of others. */
const MODES = { client: "--intercept", server: "--serve-listeners" } as const;

/** A TCP connection as a kernel has it: its two ends as "host:port", and the process at the near end. */
export interface KernelConnection {
  readonly near: string;
  readonly far: string;
  readonly process: string;
}

/** The stage of the tests. */
export class ApplicationHosts implements AsyncDisposable {
  readonly lab = Lab.open();
  #net: TwoPathLab | undefined;
  #shims: Readonly<Record<Side, HostShim>> | undefined;

  static async open(): Promise<ApplicationHosts> {
    const hosts = new ApplicationHosts();
    // Servers give up root, and must reach their files all the same.
    await Deno.chmod(hosts.lab.folder, 0o755);
    hosts.#net = await twoPaths(hosts.lab);
    hosts.#shims = {
      client: await HostShim.prepare(hosts.lab, hosts.client, "client"),
      server: await HostShim.prepare(hosts.lab, hosts.server, "server"),
    };
    return hosts;
  }

  get client(): Namespace {
    return this.#net!.client;
  }

  get server(): Namespace {
    return this.#net!.server;
  }

  get wires(): readonly [Wire, Wire] {
    return this.#net!.wires;
  }

  /** An address of a host. */
  address(side: Side, family: 4 | 6 = 4): string {
    const end = side === "client" ? this.wires[0].a : this.wires[0].b;
    return IpAddress.parse(family === 4 ? end.v4 : end.v6).text;
  }

  /** Adds a rule of a host, as it is typed after `shimrules -A`. Before its shim starts. */
  async rule(side: Side, rule: string): Promise<void> {
    await this.#shims![side].rule(rule);
  }

  /**
   * Has a host's servers reached at all its addresses, whichever they have bound: those of FTP's
   * data connections bind that of the control connection. Before its shim starts.
   */
  async forceBindall(side: Side): Promise<void> {
    await this.#shims![side].set("force_bindall=1");
  }

  /** A host's shim, running or not. */
  shim(side: Side): HostShim {
    return this.#shims![side];
  }

  /** Starts a host's shim: the client's intercepts, the server's serves, unless told otherwise. */
  startShim(side: Side, mode: ShimMode = MODES[side]): Promise<LabProcess> {
    return this.#shims![side].start(mode);
  }

  /** Starts both hosts' shims, which carry connections to these ports ("P" or "P1:P2") of the server. */
  async startShims(...ports: readonly string[]): Promise<Record<Side, LabProcess>> {
    for (const port of ports) {
      const [from, to = from] = port.split(":");
      await this.rule("client", `-c remote -p enable -r ${from}:${to}`);
      await this.rule("server", `-c local -p enable -r ${from}:${to}`);
    }
    const [client, server] = await Promise.all([
      this.startShim("client"),
      this.startShim("server"),
    ]);
    return { client, server };
  }

  /** What a host's shim tells of itself. */
  status(side: Side): Promise<ShimStatus> {
    return this.#shims![side].status();
  }

  /** A URL on the server. */
  url(scheme: string, path: string, family: 4 | 6, port?: number): string {
    const address = this.address("server", family);
    const host = family === 6 ? `[${address}]` : address;
    return `${scheme}://${host}${port === undefined ? "" : `:${port}`}/${path}`;
  }

  /**
   * Waits until both kernels have the same TCP connections to `port` of the server, and gives them
   * as the client's has them. Throws if another process than the application `program` has one.
   */
  async ownConnections(program: string, port: number): Promise<readonly KernelConnection[]> {
    let own: readonly KernelConnection[] = [];
    await until(`${program} is connected`, async () => {
      const [client, server] = await Promise.all([
        this.kernelConnections("client", port),
        this.kernelConnections("server", port),
      ]);
      // One that has just been made has no process yet.
      const known = client.filter(({ process }) => process !== "");
      const other = known.find(({ process }) => process !== program);
      if (other) throw new Error(`not of ${program}: ${JSON.stringify(other)}`);
      own = client;
      const here = client.map(({ near, far }) => `${near} ${far}`).sort();
      const there = server.map(({ near, far }) => `${far} ${near}`).sort();
      return known.length > 0 && known.length === there.length && here.join() === there.join();
    });
    return own;
  }

  /** As {@link ownConnections}, for an application that has one. */
  async ownConnection(program: string, port: number): Promise<KernelConnection> {
    const own = await this.ownConnections(program, port);
    if (own.length !== 1) throw new Error(`a relay: ${JSON.stringify(own)}`);
    return own[0];
  }

  /** Has a host's shim forget what it knows about servers. */
  async forgetAvailability(side: Side): Promise<void> {
    await this.#shims![side].ask("cache", "--flush");
  }

  /** The established TCP connections between a host and others in which `port` is one end's. */
  async kernelConnections(side: Side, port: number): Promise<readonly KernelConnection[]> {
    const filter = `( sport = :${port} or dport = :${port} )`;
    const text = await this.#host(side).run("ss", "-HtnpO", "state", "established", filter);
    const lines = text.split("\n").filter((line) => line.trim() !== "");
    return lines.map(connectionIn).filter(({ far }) => !/^(127\.|\[::1\])/.test(far));
  }

  #host(side: Side): Namespace {
    return this.#net![side];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]();
  }
}

/** A line of `ss`: queues, both ends, and the processes that hold the socket. */
function connectionIn(line: string): KernelConnection {
  const [, , near, far, users = ""] = line.trim().split(/\s+/);
  const plain = (end: string) => end.replace("[::ffff:", "[").replace(/^\[([0-9.]+)\]/, "$1");
  return { near: plain(near), far: plain(far), process: /"([^"]+)"/.exec(users)?.[1] ?? "" };
}
