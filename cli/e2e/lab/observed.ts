/** What a TCP application sees (c/observer.c) between two hosts, over TCP alone or with shims. */
import { IpAddress } from "../../../core/sctp/base/address.ts";
import type { ShimStatus } from "../../../core/shim/status.ts";
import { Lab } from "./lab.ts";
import { type Namespace, type TwoPathLab, twoPaths } from "./namespaces.ts";
import { run, until } from "./process.ts";
import { shimkitCommand } from "./shimkit.ts";

const SOURCES = ["observer.c", "observing.c"].map((name) =>
  new URL(`c/${name}`, import.meta.url).pathname
);

/** What was seen, by where it was: each place is in the record once. */
export type Sightings = ReadonlyMap<string, string>;

/** The first of the ports that the observer uses. Rules enable them, and not that of its meetings. */
const PORTS = { 4: 8000, 6: 8020 } as const;
const ENABLED = "8000:8039";
/** Offset of the port whose TCP segments the server's packet filter drops. */
const FILTERED = 4;
/** Offsets of the ports that it listens on. */
const LISTENERS = [0, 2, 3, FILTERED];

/** Addresses that cannot be connected to, and the end of them on a host of {@link PREFIX}. */
const REJECTED = {
  "ICMP port unreachable": { host: 21, v4: "port-unreachable", v6: "port-unreachable" },
  "ICMP host unreachable": { host: 22, v4: "host-unreachable", v6: "addr-unreachable" },
  "ICMP network unreachable": { host: 23, v4: "net-unreachable", v6: "no-route" },
  "ICMP administratively prohibited": { host: 24, v4: "admin-prohibited", v6: "admin-prohibited" },
} as const;
const SILENT = 25;
const NOBODY = 26;

const PREFIX = { 4: "10.77.0.", 6: "fd00:77:0::" } as const;
const ELSEWHERE = { 4: "198.51.100.", 6: "2001:db8:51::" } as const;
/** Kinds of routes of the client that lead nowhere. */
const ROUTES = ["unreachable", "prohibit", "blackhole"] as const;

type Family = keyof typeof PORTS;

/** Two hosts with everything that the observer can fail at. */
export class ObservedHosts implements AsyncDisposable {
  readonly #lab = Lab.open();
  readonly #observer = this.#lab.path("observer");
  #net: TwoPathLab | undefined;
  #shimmed = false;

  static async open(): Promise<ObservedHosts> {
    const hosts = new ObservedHosts();
    const warnings = ["-Wall", "-Wextra", "-Werror"];
    await run(["gcc", "-O2", ...warnings, "-o", hosts.#observer, ...SOURCES]);
    hosts.#net = await twoPaths(hosts.#lab);
    for (const family of [4, 6] as const) await hosts.#obstruct(family);
    return hosts;
  }

  /** Starts a shim on each host; until then there is TCP alone. */
  async startShims(): Promise<void> {
    // A longer head start, so that a busy machine does not decide what carries a connection.
    await this.#configure("client", `rules = ["-c remote -p enable -r ${ENABLED}"]`, 1500);
    await this.#configure("server", `rules = ["-c local -p enable -r ${ENABLED}"]`, 0);
    const { client, server } = this.#net!;
    const serving = server.spawn(this.#words("server", "shimd", "--serve-listeners"));
    const intercepting = client.spawn(this.#words("client", "shimd", "--intercept"));
    await serving.line(/serving this host's TCP servers/);
    await intercepting.line(/intercepting IPv6/);
    this.#shimmed = true;
  }

  /** What the client's shim says of itself. */
  status(): Promise<ShimStatus> {
    return this.#status("client");
  }

  async #status(name: "client" | "server"): Promise<ShimStatus> {
    const words = ["status", "--json", "--control", this.#lab.path(`${name}.control`)];
    return JSON.parse(await this.#net![name].run(...shimkitCommand(words)));
  }

  /** Has the observer play everything, by one version of IP. */
  async observe(family: Family): Promise<Sightings> {
    const place = [this.#address(family), `${PORTS[family]}`];
    const { client, server } = this.#net!;
    const listening = server.spawn([this.#observer, "server", ...place]);
    await listening.line(/^listening$/);
    if (this.#shimmed) await until("the servers are found", () => this.#serves(family));
    const played = [
      listening,
      client.spawn([this.#observer, "client", ...place]),
      client.spawn([this.#observer, "failures", ...place, ...failures(family)]),
    ];
    const ends = await Promise.all(played.map((process) => process.succeeded()));
    return sightingsOf(ends.flatMap(({ lines }) => lines));
  }

  /** Whether the server's shim has found all that the observer listens on. */
  async #serves(family: Family): Promise<boolean> {
    const { listeners } = await this.#status("server");
    return LISTENERS.every((beyond) =>
      listeners.some(({ port }) => port === PORTS[family] + beyond)
    );
  }

  #address(family: Family): string {
    const { v4, v6 } = this.#net!.wires[0].b;
    return IpAddress.parse(family === 4 ? v4 : v6).text;
  }

  async #configure(name: string, rules: string, headStart: number): Promise<void> {
    const text = `${rules}\n[net.inet.sctp.shim]\nhead_start = ${headStart}\n`;
    await Deno.writeTextFile(this.#lab.path(`${name}.toml`), text);
  }

  #words(name: string, ...command: readonly string[]): readonly string[] {
    const places = ["--file", `${name}.toml`, "--control", `${name}.control`];
    const paths = places.map((word) => word.startsWith("--") ? word : this.#lab.path(word));
    return shimkitCommand([...command, ...paths]);
  }

  /** Addresses of the server that its filter rejects or drops, and routes that lead nowhere. */
  async #obstruct(family: Family): Promise<void> {
    const { client, server, wires: [wire] } = this.#net!;
    const hosts = [...Object.values(REJECTED).map(({ host }) => host), SILENT];
    const length = family === 4 ? 24 : 64;
    const flags = family === 4 ? [] : ["nodad"];
    for (const host of hosts) {
      const address = `${PREFIX[family]}${host}/${length}`;
      await server.ip("address", "add", address, "dev", wire.b.device, ...flags);
    }
    for (const [index, kind] of ROUTES.entries()) {
      await client.ip(`-${family}`, "route", "add", kind, `${ELSEWHERE[family]}${index + 1}`);
    }
    await filter(server, family);
    // An error for each packet, not one a second.
    const limit = family === 4 ? "ipv4.icmp_ratelimit" : "ipv6.icmp.ratelimit";
    await server.run("sysctl", "-q", "-w", `net.${limit}=0`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lab[Symbol.asyncDispose]();
  }
}

async function filter(server: Namespace, family: Family): Promise<void> {
  const [table, ip, icmp] = family === 4 ? ["ip", "ip", "icmp"] : ["ip6", "ip6", "icmpv6"];
  const to = (host: number) => `${ip} daddr ${PREFIX[family]}${host}`;
  const rejections = Object.values(REJECTED).map(({ host, v4, v6 }) =>
    `${to(host)} reject with ${icmp} type ${family === 4 ? v4 : v6}`
  );
  const silence = [`${to(SILENT)} drop`, `tcp dport ${PORTS[family] + FILTERED} iif != lo drop`];
  const hook = "type filter hook input priority 0;";
  const script = [`table ${table} stage {`, "chain enter {", hook, ...rejections, ...silence];
  await run(server.inside(["nft", "-f", "-"]), [...script, "}", "}", ""].join("\n"));
}

/** The observer's words for what it shall fail to connect to. */
function failures(family: Family): readonly string[] {
  const near = Object.entries(REJECTED).map(([name, { host }]) => [name, host] as const);
  const silent = [["no answer at all", SILENT], ["no such neighbour", NOBODY]] as const;
  return [
    ...[...near, ...silent].map(([name, host]) => `${name}=${PREFIX[family]}${host}`),
    ...ROUTES.map((kind, index) => `${kind} route=${ELSEWHERE[family]}${index + 1}`),
    `no route=${ELSEWHERE[family]}9`,
  ];
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
