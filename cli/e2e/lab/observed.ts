/** What a TCP application sees (c/observer) between two hosts, over TCP alone or with shims. */
import type { ShimStatus } from "../../../core/shim/status.ts";
import { HostShim } from "./host_shim.ts";
import { Lab } from "./lab.ts";
import { type Namespace, type TwoPathLab, twoPaths } from "./namespaces.ts";
import { type Family, obstacles, obstruct, serverAddress } from "./obstacles.ts";
import { type LabProcess, run, until } from "./process.ts";

const FOLDER = new URL("c/observer/", import.meta.url).pathname;

/** What was seen, by where it was: each place is in the record once. */
export type Sightings = ReadonlyMap<string, string>;

/** The first of the ports that the observer uses. Rules enable them, and not that of its meetings. */
const PORTS = { 4: 8000, 6: 8020 } as const;
const ENABLED = "8000:8039";
/** Offset of the port whose TCP segments the server's packet filter drops. */
const FILTERED = 4;
/** Offsets of the ports that it listens on. */
const LISTENERS = [0, 2, 3, FILTERED, 5, 6];

/** Milliseconds for everything, on a busy machine: the observer gives up before. */
const PATIENCE = 320_000;

/** Packets of the client's first wire that have what the observer's options ask for. */
const WIRE_MARKS = {
  4: { "IP_TOS": "ip dscp ef", "IP_TTL": "ip ttl 77" },
  6: { "IPV6_TCLASS": "ip6 dscp ef", "IPV6_UNICAST_HOPS": "ip6 hoplimit 77" },
} as const;

/** Two hosts with everything that the observer can fail at. */
export class ObservedHosts implements AsyncDisposable {
  readonly #lab = Lab.open();
  readonly #observer = this.#lab.path("observer");
  #net: TwoPathLab | undefined;
  #shims: { readonly client: HostShim; readonly server: HostShim } | undefined;

  static async open(): Promise<ObservedHosts> {
    const hosts = new ObservedHosts();
    const sources = [...Deno.readDirSync(FOLDER)].map(({ name }) => `${FOLDER}${name}`);
    const warnings = ["-Wall", "-Wextra", "-Werror"];
    const files = sources.filter((path) => path.endsWith(".c"));
    await run(["gcc", "-O2", ...warnings, "-o", hosts.#observer, ...files]);
    hosts.#net = await twoPaths(hosts.#lab);
    const filtered = { 4: PORTS[4] + FILTERED, 6: PORTS[6] + FILTERED };
    await obstruct(hosts.#net, filtered);
    await countWireMarks(hosts.#net.server);
    return hosts;
  }

  /** Starts a shim on each host; until then there is TCP alone. */
  async startShims(): Promise<void> {
    const { client, server } = this.#net!;
    const [clientShim, serverShim] = await Promise.all([
      HostShim.prepare(this.#lab, client, "client"),
      HostShim.prepare(this.#lab, server, "server"),
    ]);
    await clientShim.rule(`-c remote -p enable -r ${ENABLED}`);
    // INITs enough that a busy machine does not decide what carries a connection.
    await clientShim.set("init_rtx_max=6");
    await serverShim.rule(`-c local -p enable -r ${ENABLED}`);
    await Promise.all([clientShim.start("--intercept"), serverShim.start("--serve-listeners")]);
    this.#shims = { client: clientShim, server: serverShim };
  }

  /** What the client's shim says of itself. */
  status(): Promise<ShimStatus> {
    return this.#shims!.client.status();
  }

  /** Has the observer play everything, by one version of IP. */
  async observe(family: Family): Promise<Sightings> {
    const listening = this.#start("server", "server", family);
    await this.#listens(listening, family, LISTENERS);
    const played = [
      listening,
      this.#start("client", "client", family),
      this.#start("client", "failures", family, obstacles(family)),
    ];
    const ends = await Promise.all(played.map((process) => process.succeeded(PATIENCE)));
    const lines = ends.flatMap(({ lines }) => lines);
    return sightingsOf([...lines, ...await wireMarks(this.#net!.server, family)]);
  }

  /** Has it play what is to be seen when both wires go silent, by both versions of IP at once. */
  async observeSilence(): Promise<readonly [Sightings, Sightings]> {
    const both = [4, 6] as const;
    const clients = await Promise.all(both.map((family) => this.#connectForSilence(family)));
    for (const wire of this.#net!.wires) await wire.cut();
    const observe = async (client: LabProcess) => {
      await client.write("cut\n");
      await client.closeInput();
      return sightingsOf((await client.succeeded(PATIENCE)).lines);
    };
    const [four, six] = await Promise.all(clients.map(observe));
    return [four, six];
  }

  async #connectForSilence(family: Family): Promise<LabProcess> {
    await this.#listens(this.#start("server", "silent-server", family), family, [0]);
    const client = this.#start("client", "silent-client", family);
    await client.line(/^connected$/);
    return client;
  }

  #start(
    host: "client" | "server",
    role: string,
    family: Family,
    more: readonly string[] = [],
  ): LabProcess {
    const place = [serverAddress(family), `${PORTS[family]}`, this.#net!.wires[0].a.device];
    const words = [this.#observer, role, ...place, ...more];
    return this.#net![host].spawn(words, { stdin: "piped" });
  }

  /** Waits until the observer listens, and the server's shim has found that. */
  async #listens(
    observer: LabProcess,
    family: Family,
    offsets: readonly number[],
  ): Promise<void> {
    await observer.line(/^listening$/);
    if (!this.#shims) return;
    const { server } = this.#shims;
    await until("the servers are found", async () => {
      const { listeners } = await server.status();
      const ports = listeners.map(({ port }) => port);
      return offsets.every((offset) => ports.includes(PORTS[family] + offset));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lab[Symbol.asyncDispose]();
  }
}

async function countWireMarks(server: Namespace): Promise<void> {
  const marks = [...Object.entries(WIRE_MARKS[4]), ...Object.entries(WIRE_MARKS[6])];
  const rules = marks.map(([name, match]) => `iifname "path*" ${match} counter comment "${name}"`);
  const hook = "type filter hook prerouting priority -300;";
  const script = ["table inet marks {", "chain enter {", hook, ...rules, "}", "}", ""].join("\n");
  await run(server.inside(["nft", "-f", "-"]), script);
}

/** Whether such packets have come, as lines of the record. */
async function wireMarks(server: Namespace, family: Family): Promise<readonly string[]> {
  const text = await server.run("nft", "list", "table", "inet", "marks");
  return Object.keys(WIRE_MARKS[family]).map((name) => {
    const packets = Number(new RegExp(`packets (\\d+).*"${name}"`).exec(text)![1]);
    return JSON.stringify({ what: `wire, options: ${name}`, saw: packets > 0 ? "yes" : "no" });
  });
}

function sightingsOf(lines: readonly string[]): Sightings {
  const sightings = new Map<string, string>();
  for (const line of lines.filter((one) => one.startsWith("{"))) {
    const { what, saw }: { what: string; saw: string } = JSON.parse(line);
    const before = sightings.get(what);
    sightings.set(what, before === undefined ? saw : `${before}; ${saw}`);
  }
  return sightings;
}
