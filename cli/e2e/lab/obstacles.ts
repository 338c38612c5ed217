/** Destinations that cannot be connected to, each in its own way. */
import { type Namespace, type TwoPathLab, wireAddresses } from "./namespaces.ts";
import { run } from "./process.ts";

/** A version of IP. */
export type Family = 4 | 6;

/** Hosts behind the first wire that the server's filter rejects: the end of the address, and how. */
const REJECTED = {
  "ICMP port unreachable": { host: 21, v4: "port-unreachable", v6: "port-unreachable" },
  "ICMP host unreachable": { host: 22, v4: "host-unreachable", v6: "addr-unreachable" },
  "ICMP network unreachable": { host: 23, v4: "net-unreachable", v6: "no-route" },
  "ICMP administratively prohibited": { host: 24, v4: "admin-prohibited", v6: "admin-prohibited" },
} as const;

/** One that it drops without a word, and one that is not there at all. */
const SILENT = 25;
const NOBODY = 26;

const PREFIX = { 4: "10.77.0.", 6: "fd00:77:0::" } as const;
const ELSEWHERE = { 4: "198.51.100.", 6: "2001:db8:51::" } as const;

/** Kinds of routes of the client that lead nowhere. */
const ROUTES = ["unreachable", "prohibit", "blackhole"] as const;

/** Times, a second apart, that a neighbour is asked for. */
const SOLICITATIONS = 9;

/** Queue of the packets that come late, and by how many milliseconds. */
const QUEUE = 40;
const DELAY = 300;

/** What cannot be connected to, as the observer's words: NAME=ADDRESS. */
export function obstacles(family: Family): readonly string[] {
  const near = Object.entries(REJECTED).map(([name, { host }]) => [name, host] as const);
  const silent = [["no answer", SILENT], ["no such neighbour", NOBODY]] as const;
  return [
    ...[...near, ...silent].map(([name, host]) => `${name}=${PREFIX[family]}${host}`),
    ...ROUTES.map((kind, index) => `${kind} route=${ELSEWHERE[family]}${index + 1}`),
    `no route=${ELSEWHERE[family]}9`,
  ];
}

/** Makes them; the port's TCP segments are dropped by the server's filter. */
export async function obstruct(net: TwoPathLab, filtered: Record<Family, number>): Promise<void> {
  const script = new URL("./slow_wire.ts", import.meta.url).pathname;
  const words = [Deno.execPath(), "run", "--quiet", "-A", script, `${QUEUE}`, `${DELAY}`];
  await net.server.spawn(words).line(/ready/);
  for (const family of [4, 6] as const) {
    await addAddresses(net, family);
    await slowDown(net.server, family);
    await filter(net.server, family, filtered[family]);
  }
}

async function addAddresses({ client, server, wires }: TwoPathLab, family: Family): Promise<void> {
  const hosts = [...Object.values(REJECTED).map(({ host }) => host), SILENT];
  const length = family === 4 ? 24 : 64;
  const flags = family === 4 ? [] : ["nodad"];
  for (const host of hosts) {
    const address = `${PREFIX[family]}${host}/${length}`;
    await server.ip("address", "add", address, "dev", wires[0].b.device, ...flags);
  }
  // A neighbour is asked for longer than anything takes that comes at once.
  const neighbour = `net.ipv${family}.neigh.${wires[0].a.device}.mcast_solicit`;
  await client.run("sysctl", "-q", "-w", `${neighbour}=${SOLICITATIONS}`);
  for (const [index, kind] of ROUTES.entries()) {
    await client.ip(`-${family}`, "route", "add", kind, `${ELSEWHERE[family]}${index + 1}`);
  }
}

/** What is rejected comes late: TCP's SYNs and, in UDP, SCTP's INITs. */
async function slowDown(server: Namespace, family: Family): Promise<void> {
  const table = family === 4 ? "iptables" : "ip6tables";
  for (const { host } of Object.values(REJECTED)) {
    for (const protocol of ["tcp", "udp"]) {
      const match = ["-d", `${PREFIX[family]}${host}`, "-p", protocol];
      const target = ["-j", "NFQUEUE", "--queue-num", `${QUEUE}`];
      await server.run(table, "-t", "mangle", "-A", "PREROUTING", ...match, ...target);
    }
  }
}

async function filter(server: Namespace, family: Family, port: number): Promise<void> {
  const [table, ip, icmp] = family === 4 ? ["ip", "ip", "icmp"] : ["ip6", "ip6", "icmpv6"];
  const to = (host: number) => `${ip} daddr ${PREFIX[family]}${host}`;
  const rejections = Object.values(REJECTED).map(({ host, v4, v6 }) =>
    `${to(host)} reject with ${icmp} type ${family === 4 ? v4 : v6}`
  );
  const silence = [`${to(SILENT)} drop`, `tcp dport ${port} iif != lo drop`];
  const hook = "type filter hook input priority 0;";
  const script = [`table ${table} stage {`, "chain enter {", hook, ...rejections, ...silence];
  await run(server.inside(["nft", "-f", "-"]), [...script, "}", "}", ""].join("\n"));
  // An error for each packet, not one a second.
  const limit = family === 4 ? "ipv4.icmp_ratelimit" : "ipv6.icmp.ratelimit";
  await server.run("sysctl", "-q", "-w", `net.${limit}=0`);
}

/** The server's address on the first wire. */
export function serverAddress(family: Family): string {
  return wireAddresses(0, 2)[family === 4 ? "v4" : "v6"];
}
