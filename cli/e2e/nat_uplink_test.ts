/**
 * A second uplink that is behind a NAT joins a live association (RFC 5061, section 4.2.1, the wildcard),
 * and is followed when the NAT gives it another address and port (RFC 6951, section 5.4).
 */
import assert from "node:assert/strict";
import { needs } from "../../core/net/testing/requirements.ts";
import { Capture, ChunkType, count } from "./lab/capture.ts";
import { Lab } from "./lab/lab.ts";
import { limitRate, makeVeth, Namespace } from "./lab/namespaces.ts";
import { fileSize, hashFile, writePayload } from "./lab/payload.ts";
import { run, until } from "./lab/process.ts";
import { FAST_FAILOVER, startSctp } from "./lab/shimkit.ts";

const NEEDS = ["linux", "root", "netns", "nft", "ffi", "tcpdump", "tshark", "conntrack"] as const;
const PORT = 7777;
const SIZE = 12_000_000;
/** Mbit/s: the transfer lasts some seconds. */
const RATE = 30;
const UDP = { local: 9899, remote: 9899 };

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

type End = readonly [host: Namespace, device: string, address: string | undefined];

async function wire(...ends: readonly [End, End]): Promise<void> {
  const [[a, deviceA], [b, deviceB]] = ends;
  await makeVeth(a, deviceA, b, deviceB);
  for (const [host, device, address] of ends) {
    if (address) await give(host, device, address);
    await host.ip("link", "set", device, "up");
  }
}

async function give(host: Namespace, device: string, address: string): Promise<void> {
  await host.ip("address", "add", `${address}/24`, "dev", device);
}

async function route(host: Namespace, to: string, via: string, metric = 0): Promise<void> {
  await host.ip("route", "add", `${to}/32`, "via", via, "metric", `${metric}`);
}

/** The second uplink has no address yet. */
async function hosts(lab: Lab): Promise<Record<"client" | "nat" | "server", Namespace>> {
  const names = ["client", "nat", "router", "server"];
  const [client, nat, router, server] = await Promise.all(
    names.map((name) => Namespace.create(lab, name)),
  );
  await wire([client, "home", HOME], [router, "home", HOME_GATEWAY]);
  await wire([client, "mobile", undefined], [nat, "in", NAT_GATEWAY]);
  await wire([nat, "out", PUBLIC], [router, "nat", PUBLIC_GATEWAY]);
  await wire([router, "far", SERVER_GATEWAY], [server, "far", SERVER]);
  for (const host of [nat, router]) await host.run("sysctl", "-qw", "net.ipv4.ip_forward=1");
  await run(nat.inside(["nft", "-f", "-"]), MASQUERADE);
  await limitRate(router, "far", RATE);
  await limitRate(server, "far", RATE);
  await limitRate(client, "home", RATE);
  await limitRate(client, "mobile", RATE);
  await route(client, SERVER, HOME_GATEWAY);
  await route(nat, SERVER, PUBLIC_GATEWAY);
  await give(nat, "out", LATER);
  for (const address of [HOME, PUBLIC, LATER]) await route(server, address, SERVER_GATEWAY);
  return { client, nat, server };
}

/** A NAT that was restarted: other packets of the same flow get another address and port. */
async function restart(nat: Namespace): Promise<void> {
  await run(nat.inside(["nft", "-f", "-"]), FORGETFUL);
  await nat.run("conntrack", "-F");
}

Deno.test(
  needs(
    NEEDS,
    "sctp --follow: an uplink behind a NAT comes, the first one goes, the NAT forgets",
    async () => {
      await using lab = Lab.open();
      const { client: host, nat, server: far } = await hosts(lab);
      const capture = await Capture.start(far, lab.path("capture.pcap"));
      const [input, output] = [lab.path("input"), lab.path("output")];
      const hash = await writePayload(input, SIZE, 63);
      const server = await startSctp(far, {
        port: PORT,
        local: [SERVER],
        udp: UDP,
        parameters: FAST_FAILOVER,
        more: ["--once", "--json"],
      }, { output });
      const client = await startSctp(host, {
        port: PORT,
        peer: [SERVER],
        udp: UDP,
        parameters: FAST_FAILOVER,
        more: ["--follow"],
      }, { input });
      const arrived = (share: number) =>
        until(`${share} of it arrives`, async () => await fileSize(output) >= share * SIZE);
      await arrived(0.1);
      await give(host, "mobile", PRIVATE);
      await route(host, SERVER, NAT_GATEWAY, 10);
      await arrived(0.3);
      await host.ip("address", "delete", `${HOME}/24`, "dev", "home");
      await arrived(0.6);
      await restart(nat);
      await client.succeeded();
      await server.succeeded();
      assert.equal(await hashFile(output), hash);
      const report = server.lines.findLast((line) => line.startsWith("{")) ?? "";
      const seen = "what the NAT makes of the address, before and after";
      assert.deepEqual(JSON.parse(report).remote, [PUBLIC, LATER], seen);
      const packets = await capture.assertClean();
      assert.ok(count(packets, ChunkType.asconfAck) >= 2, "both changes were answered");
    },
  ),
);
