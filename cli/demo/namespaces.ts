/**
 * Two hosts for the demonstration: network namespaces without a name, each held by a process that
 * ends with this one, so that nothing can stay behind.
 */
import type { Arena, Side } from "./arena.ts";
import type { Child, Children } from "../../core/net/child.ts";

/** Holds a namespace for as long as its standard input lasts. */
const HOLDER = ["unshare", "--net", "sh", "-c", "echo held; exec cat"];

const ADDRESSES = {
  client: ["10.77.0.1", "10.77.1.1"],
  server: ["10.77.0.2", "10.77.1.2"],
} as const;

/** Devices of the paths, the same on both hosts. */
const DEVICES = ["path0", "path1"] as const;

/** Where the cut is made: as a packet comes in, so that its sender cannot know. */
const FILTER = "table inet demo {\nchain cut {\ntype filter hook prerouting priority -300;\n}\n}\n";

/**
 * Makes two namespaces joined by two veth pairs.
 * @throws Error with what failed where a tool or a right is missing.
 */
export async function openNamespaces(children: Children, udpPort: number): Promise<Arena> {
  const [client, server] = [await hold(children), await hold(children)];
  await inside(client, ["ip", "link", "set", "lo", "up"]);
  await inside(server, ["ip", "link", "set", "lo", "up"]);
  for (const index of [0, 1] as const) await join(client, server, index);
  for (const host of [client, server]) await inside(host, ["nft", FILTER]);
  return {
    place: "two network namespaces joined by two veth pairs",
    knife: "nft drops in the prerouting hook of both receivers",
    client: sideOf(client, ADDRESSES.client),
    server: sideOf(server, ADDRESSES.server),
    udpPort,
    async cut(path) {
      const rule = ["add", "rule", "inet", "demo", "cut", "iifname", DEVICES[path], "drop"];
      for (const host of [client, server]) await inside(host, ["nft", ...rule]);
    },
  };
}

async function hold(children: Children): Promise<Child> {
  const holder = children.start(HOLDER);
  await holder.line(/^held$/);
  return holder;
}

async function join(client: Child, server: Child, index: 0 | 1): Promise<void> {
  const name = DEVICES[index];
  const peer = ["peer", "name", name, "netns", String(server.pid)];
  await inside(client, ["ip", "link", "add", name, "type", "veth", ...peer]);
  for (
    const [host, addresses] of [[client, ADDRESSES.client], [server, ADDRESSES.server]] as const
  ) {
    await inside(host, ["ip", "address", "add", `${addresses[index]}/24`, "dev", name]);
    await inside(host, ["ip", "link", "set", name, "up"]);
  }
}

function sideOf(host: Child, addresses: readonly [string, string]): Side {
  return { addresses, inside: (argv) => enter(host, argv) };
}

function enter(host: Child, argv: readonly string[]): string[] {
  return ["nsenter", `--net=/proc/${host.pid}/ns/net`, "--", ...argv];
}

/** Runs a short command on a host. */
async function inside(host: Child, argv: readonly string[]): Promise<void> {
  const [program, ...args] = enter(host, argv);
  const { success, stderr } = await new Deno.Command(program, { args, stdout: "null" }).output();
  if (!success) throw new Error(`${argv.join(" ")}: ${new TextDecoder().decode(stderr).trim()}`);
}
