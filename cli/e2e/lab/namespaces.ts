/** Hosts of a lab: network namespaces, joined by wires that can be cut silently. */
import { inNamespace } from "../../../core/net/testing/namespaces.ts";
import { type Lab, runNow } from "./lab.ts";
import { type LabProcess, run, type SpawnOptions } from "./process.ts";

/** Where a packet filter sees packets: entering a host, or passing a bridge. */
type FilterFamily = "inet" | "bridge";

const FILTER_HOOK = { inet: "prerouting", bridge: "forward" } as const;

/**
 * A host with interfaces, addresses and processes of its own.
 *
 * Entered with nsenter, not `ip netns exec`: that one would hide the rest of /sys.
 */
export class Namespace {
  readonly name: string;
  readonly #lab: Lab;
  /** Of how many packets in a thousand, by device, the filter drops. */
  readonly #losses = new Map<string, number>();
  readonly #filter: FilterFamily;

  private constructor(lab: Lab, label: string, filter: FilterFamily) {
    this.#lab = lab;
    this.name = `${lab.id}-${label}`;
    this.#filter = filter;
  }

  /** Makes a namespace; `filter` says where {@link drop} drops: entering the host or passing its bridges. */
  static async create(lab: Lab, label: string, filter: FilterFamily = "inet"): Promise<Namespace> {
    const namespace = new Namespace(lab, label, filter);
    await run(["ip", "netns", "add", namespace.name]);
    lab.defer(() => runNow(["ip", "netns", "delete", namespace.name]));
    await namespace.ip("link", "set", "lo", "up");
    return namespace;
  }

  /** `argv` as a command that runs inside. */
  inside(argv: readonly string[]): readonly string[] {
    return ["nsenter", `--net=/run/netns/${this.name}`, "--", ...argv];
  }

  /** Runs `action` inside, on this very thread: sockets that it opens stay there. */
  enter<T>(action: () => T): T {
    return inNamespace(this.name, action);
  }

  /** Runs a short command inside and gives its output; throws if it fails. */
  run(...argv: readonly string[]): Promise<string> {
    return run(this.inside(argv));
  }

  /** Starts a process inside that ends with the lab. */
  spawn(argv: readonly string[], options: SpawnOptions = {}): LabProcess {
    return this.#lab.spawn(this.inside(argv), options);
  }

  ip(...argv: readonly string[]): Promise<string> {
    return run(["ip", "-n", this.name, ...argv]);
  }

  /**
   * Drops, in silence, what enters by `device`, or so many in a thousand packets of it, at random.
   * Neighbour discovery passes, so that the loss is seen by nobody but the transport.
   */
  async drop(device: string, perMille = 1000): Promise<void> {
    this.#losses.set(device, perMille);
    await this.#applyFilter();
  }

  /** Undoes {@link drop}. */
  async heal(device: string): Promise<void> {
    this.#losses.delete(device);
    await this.#applyFilter();
  }

  async #applyFilter(): Promise<void> {
    const table = `table ${this.#filter} lab`;
    const rules = [...this.#losses].map(([device, perMille]) => {
      const which = perMille === 1000 ? "" : `numgen random mod 1000 < ${perMille}`;
      const match = `iifname "${device}" meta protocol { ip, ip6 } meta l4proto != ipv6-icmp`;
      return `${match} ${which} counter drop`;
    });
    const hook = `type filter hook ${FILTER_HOOK[this.#filter]} priority -300;`;
    const chain = ["chain cut {", hook, ...rules, "}"];
    const script = [table, `delete ${table}`, `${table} {`, ...chain, "}", ""].join("\n");
    await run(this.inside(["nft", "-f", "-"]), script);
  }
}

/** One end of a wire. */
export interface WireEnd {
  readonly host: Namespace;
  readonly device: string;
  readonly v4: string;
  readonly v6: string;
}

/** A path between two hosts that can be cut without either noticing. */
export interface Wire {
  readonly a: WireEnd;
  readonly b: WireEnd;
  /** Drops everything in both directions, in the receivers. */
  cut(): Promise<void>;
  /** Drops so many in a thousand packets, at random, in both directions, in the receivers. */
  lose(perMille: number): Promise<void>;
  /** Undoes {@link cut} and {@link lose}. */
  heal(): Promise<void>;
  /** Limits the rate, in Mbit/s, so that a transfer lasts long enough to be disturbed. */
  limit(megabits: number): Promise<void>;
}

/** The addresses of end `side` (1 or 2) of wire `index`. */
export function wireAddresses(index: number, side: 1 | 2): { v4: string; v6: string } {
  return { v4: `10.77.${index}.${side}`, v6: `fd00:77:${index}::${side}` };
}

/** Gives `device` its addresses and puts it up, without waiting for duplicate address detection. */
export async function configureDevice(end: WireEnd): Promise<void> {
  await end.host.ip("address", "add", `${end.v4}/24`, "dev", end.device);
  await end.host.ip("address", "add", `${end.v6}/64`, "dev", end.device, "nodad");
  await end.host.ip("link", "set", end.device, "up");
}

/**
 * Makes a veth pair. Segmentation offload is off, so that a capture shows the packets that a real
 * wire would carry.
 */
export async function makeVeth(
  a: Namespace,
  deviceA: string,
  b: Namespace,
  deviceB: string,
): Promise<void> {
  const peer = ["type", "veth", "peer", "name", deviceB, "netns", b.name];
  await a.ip("link", "add", deviceA, ...peer);
  await a.ip("link", "set", deviceA, "gso_max_segs", "1");
  await b.ip("link", "set", deviceB, "gso_max_segs", "1");
}

/** Limits what `host` sends on `device`. The queue holds a large window, so that senders are slowed, not robbed. */
export async function limitRate(host: Namespace, device: string, megabits: number): Promise<void> {
  const bucket = ["tbf", "rate", `${megabits}mbit`, "burst", "32k", "limit", "4m"];
  await host.run("tc", "qdisc", "replace", "dev", device, "root", ...bucket);
}

/** Joins two hosts by a veth pair; `index` distinguishes the wires and their subnets. */
export async function join(a: Namespace, b: Namespace, index: number): Promise<Wire> {
  const device = `path${index}`;
  await makeVeth(a, device, b, device);
  const ends = {
    a: { host: a, device, ...wireAddresses(index, 1) },
    b: { host: b, device, ...wireAddresses(index, 2) },
  };
  await configureDevice(ends.a);
  await configureDevice(ends.b);
  return {
    ...ends,
    async cut() {
      await a.drop(device);
      await b.drop(device);
    },
    async lose(perMille) {
      await a.drop(device, perMille);
      await b.drop(device, perMille);
    },
    async heal() {
      await a.heal(device);
      await b.heal(device);
    },
    async limit(megabits) {
      await limitRate(a, device, megabits);
      await limitRate(b, device, megabits);
    },
  };
}

/** Two hosts joined by two wires: the smallest multihomed network. */
export interface TwoPathLab {
  readonly client: Namespace;
  readonly server: Namespace;
  readonly wires: readonly [Wire, Wire];
}

/** Builds a {@link TwoPathLab}. The client is end `a` of both wires. */
export async function twoPaths(lab: Lab): Promise<TwoPathLab> {
  const client = await Namespace.create(lab, "client");
  const server = await Namespace.create(lab, "server");
  return { client, server, wires: [await join(client, server, 0), await join(client, server, 1)] };
}
