/**
 * scp through two shims while its client's host changes: the interface of a second uplink appears, which is
 * behind a NAT and joins the live association (RFC 5061, section 4.2.1, the wildcard); that of the first
 * one goes; and the NAT gives the second one another address and port (RFC 6951, section 5.4).
 */
import assert from "node:assert/strict";
import { needs } from "../../core/net/testing/requirements.ts";
import type { ShimStatus } from "../../core/shim/status.ts";
import { Capture, ChunkType, count } from "./lab/capture.ts";
import { Lab } from "./lab/lab.ts";
import { limitRate, makeVeth, Namespace } from "./lab/namespaces.ts";
import { fileSize, hashFile, writePayload } from "./lab/payload.ts";
import { type LabProcess, run, until } from "./lab/process.ts";
import { FAST_FAILOVER, parameterWords, shimkitCommand } from "./lab/shimkit.ts";
import { SshLab } from "./lab/ssh.ts";

const NEEDS = [
  "linux",
  "root",
  "netns",
  "nft",
  "ffi",
  "ssh",
  "tcpdump",
  "tshark",
  "conntrack",
] as const;
/** Port of the client's shim that leads to the server's sshd. */
const FRONT = 2222;
const SIZE = 24_000_000;
/** Mbit/s: the transfer lasts some seconds. */
const RATE = 30;

/** Two uplinks of the client: one leads to the router in front of the server, the other to a NAT there. */
const SERVER = "203.0.113.2";
const HOME = "198.51.100.2";
const PRIVATE = "192.168.77.2";
const [HOME_GATEWAY, NAT_GATEWAY] = ["198.51.100.1", "192.168.77.1"] as const;
const [PUBLIC, PUBLIC_GATEWAY] = ["192.0.2.2", "192.0.2.1"] as const;
/** What the NAT gives once it has forgotten everything. */
const LATER = "192.0.2.3";
const SERVER_GATEWAY = "203.0.113.1";

const MASQUERADE = `table ip lab {
  chain out { type nat hook postrouting priority 100; oifname "out" masquerade; }
}
`;

const FORGETFUL = `flush ruleset
table ip lab {
  chain out { type nat hook postrouting priority 100; oifname "out" ip protocol udp snat to ${LATER}:50000-50999; }
}
`;

type End = readonly [host: Namespace, device: string, address: string];

async function wire(...ends: readonly [End, End]): Promise<void> {
  const [[a, deviceA], [b, deviceB]] = ends;
  await makeVeth(a, deviceA, b, deviceB);
  for (const [host, device, address] of ends) {
    await give(host, device, address);
    await host.ip("link", "set", device, "up");
  }
}

async function give(host: Namespace, device: string, address: string): Promise<void> {
  await host.ip("address", "add", `${address}/24`, "dev", device);
}

async function route(host: Namespace, to: string, via: string, metric = 0): Promise<void> {
  await host.ip("route", "add", `${to}/32`, "via", via, "metric", `${metric}`);
}

type Hosts = Readonly<Record<"client" | "nat" | "server", Namespace>>;

/** The client has its first uplink only. */
async function hosts(lab: Lab): Promise<Hosts> {
  const names = ["client", "nat", "router", "server"];
  const [client, nat, router, server] = await Promise.all(
    names.map((name) => Namespace.create(lab, name)),
  );
  await wire([client, "home", HOME], [router, "home", HOME_GATEWAY]);
  await wire([nat, "out", PUBLIC], [router, "nat", PUBLIC_GATEWAY]);
  await wire([router, "far", SERVER_GATEWAY], [server, "far", SERVER]);
  for (const host of [nat, router]) await host.run("sysctl", "-qw", "net.ipv4.ip_forward=1");
  await run(nat.inside(["nft", "-f", "-"]), MASQUERADE);
  await limitRate(router, "far", RATE);
  await limitRate(server, "far", RATE);
  await limitRate(client, "home", RATE);
  await route(client, SERVER, HOME_GATEWAY);
  await route(nat, SERVER, PUBLIC_GATEWAY);
  await give(nat, "out", LATER);
  for (const address of [HOME, PUBLIC, LATER]) await route(server, address, SERVER_GATEWAY);
  return { client, nat, server };
}

/** The interface of the second uplink appears, with its address and a route. */
async function plugIn({ client, nat }: Hosts): Promise<void> {
  await wire([client, "mobile", PRIVATE], [nat, "in", NAT_GATEWAY]);
  await limitRate(client, "mobile", RATE);
  await route(client, SERVER, NAT_GATEWAY, 10);
}

/** A NAT that was restarted: other packets of the same flow get another address and port. */
async function restart(nat: Namespace): Promise<void> {
  await run(nat.inside(["nft", "-f", "-"]), FORGETFUL);
  await nat.run("conntrack", "-F");
}

function shimd(host: Namespace, ...words: readonly (string | number)[]): LabProcess {
  const common = ["--no-control", ...parameterWords(FAST_FAILOVER)];
  return host.spawn(shimkitCommand(["shimd", ...words, ...common]));
}

/** Starts sshd with a shimd in front of it, which tells ten times a second how it is. */
async function serve({ server }: Hosts, ssh: SshLab): Promise<LabProcess> {
  await ssh.startServer(server);
  const telling = ["--json", "--status-interval", "100ms"];
  const shim = shimd(server, "--serve", 22, "--local", SERVER, ...telling);
  await shim.line(/"ready"/);
  return shim;
}

/** Addresses at which the server's shim reaches the client now, over paths that are proved. */
function reached({ lines }: LabProcess): string[] {
  const last = lines.findLast((line) => line.includes('"kind":"status"'));
  const status: ShimStatus | undefined = last && JSON.parse(last);
  const paths = status?.connections[0]?.association?.paths ?? [];
  return paths.filter((path) => path.status === "active").map(({ remote }) => remote);
}

Deno.test(
  needs(NEEDS, "shimd --follow: scp goes on when uplinks come and go, behind a NAT", async () => {
    await using lab = Lab.open();
    const all = await hosts(lab);
    const { client, nat, server } = all;
    const capture = await Capture.start(server, lab.path("capture.pcap"));
    const ssh = await SshLab.create(lab);
    const back = await serve(all, ssh);
    // Without the fallback to TCP, whatever arrives came by SCTP.
    const forward = ["--forward", `127.0.0.1:${FRONT}=${SERVER}:22`, "--no-fallback", "--follow"];
    await shimd(client, ...forward).line(new RegExp(String(FRONT)));
    const [input, output] = [lab.path("input"), lab.path("output")];
    const hash = await writePayload(input, SIZE, 63);
    const options = await ssh.clientOptions(FRONT);
    const scp = client.spawn(["scp", ...options, input, `127.0.0.1:${output}`]);
    const meanwhile = async (what: string, holds: (remotes: string[]) => boolean) => {
      await until(what, () => holds(reached(back)));
      assert.ok(await fileSize(output) < SIZE, `${what} while scp runs`);
    };

    await until("scp runs", async () => await fileSize(output) >= 0.1 * SIZE);
    await plugIn(all);
    await meanwhile("the uplink behind the NAT joins", (remotes) => remotes.includes(PUBLIC));
    await client.ip("link", "delete", "home");
    await meanwhile("the first uplink is deleted", (remotes) => remotes.join() === PUBLIC);
    await restart(nat);
    await meanwhile("the NAT's new address is followed", (remotes) => remotes.includes(LATER));
    await scp.succeeded();
    assert.equal(await hashFile(output), hash);
    const packets = await capture.assertClean();
    assert.ok(count(packets, ChunkType.asconfAck) >= 2, "both changes were answered");
  }),
);
