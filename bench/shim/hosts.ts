/**
 * Two hosts for measurements: network namespaces joined by a veth pair, each held by a process that
 * ends with this one, so that nothing can stay behind.
 */
import type { Child, Children } from "../../core/net/child.ts";
import { runTool } from "../../core/net/system_tool.ts";

/** Holds a namespace for as long as its standard input lasts. */
const HOLDER = ["unshare", "--net", "sh", "-c", "echo held; exec cat"];

/** The device at both ends of the link. */
const DEVICE = "wire";

/** What the device driver and the kernel may do for many packets at once, by ethtool's names. */
const OFFLOADS = ["tso", "gso", "gro"] as const;

/** One end of the link. */
export class Host {
  readonly #holder: Child;

  private constructor(holder: Child, readonly address: string) {
    this.#holder = holder;
  }

  static async make(children: Children, address: string): Promise<Host> {
    const holder = children.start(HOLDER);
    await holder.line(/^held$/);
    const host = new Host(holder, address);
    host.run("ip", "link", "set", "lo", "up");
    return host;
  }

  /** The process that the namespace can be named by. */
  get pid(): number {
    return this.#holder.pid;
  }

  /** `argv` as a command that runs on this host. */
  inside(argv: readonly string[]): string[] {
    return ["nsenter", `--net=/proc/${this.pid}/ns/net`, "--", ...argv];
  }

  /** Runs a short command on this host. @throws Error with its own words if it fails. */
  run(...argv: readonly string[]): string {
    const [program, ...args] = this.inside(argv);
    return runTool(program, args);
  }
}

/** The two of them. */
export class Hosts {
  private constructor(readonly client: Host, readonly server: Host) {}

  /** @throws Error with what failed where a tool or a right is missing. */
  static async make(children: Children): Promise<Hosts> {
    const client = await Host.make(children, "10.77.0.1");
    const server = await Host.make(children, "10.77.0.2");
    const peer = ["peer", "name", DEVICE, "netns", String(server.pid)];
    client.run("ip", "link", "add", DEVICE, "type", "veth", ...peer);
    for (const host of [client, server]) {
      host.run("ip", "address", "add", `${host.address}/24`, "dev", DEVICE);
      host.run("ip", "link", "set", DEVICE, "up");
      // Many short connections in a row need many ports.
      host.run("sysctl", "-qw", "net.ipv4.ip_local_port_range=10000 65535");
    }
    return new Hosts(client, server);
  }

  /** Has both kernels keep track of connections, as for any stateful firewall. */
  trackConnections(): void {
    for (const host of [this.client, this.server]) {
      for (const hook of ["input", "output"]) {
        host.run(
          "nft",
          `add table inet filter; add chain inet filter ${hook} { type filter hook ${hook} priority 0; }`,
        );
        host.run("nft", `add rule inet filter ${hook} ct state established,related,new accept`);
      }
    }
  }

  /** Switches segmentation offload on or off, at both ends of the link. */
  setOffload(state: "on" | "off"): void {
    const words = OFFLOADS.flatMap((name) => [name, state]);
    for (const host of [this.client, this.server]) host.run("ethtool", "-K", DEVICE, ...words);
  }
}
