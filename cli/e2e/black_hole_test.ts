/** A router whose far link is narrower and that says nothing about it: large packets vanish. */
import assert from "node:assert/strict";
import { needs } from "../../core/net/testing/requirements.ts";
import type { Namespace } from "./lab/namespaces.ts";
import { hashFile, writePayload } from "./lab/payload.ts";
import type { LabProcess } from "./lab/process.ts";
import { RoutedHosts } from "./lab/routed_hosts.ts";
import { reportOf, startSctp } from "./lab/shimkit.ts";

const REQUIREMENTS = ["linux", "root", "netns", "nft", "ffi", "ipv6"] as const;
const PORT = 5001;
const SIZE = 400_000;
const NARROW_MTU = 1400;
/** Found in two seconds, not in three. */
const PARAMETERS = { rtoInitial: 600, rtoMin: 500 };

/** Nothing that the router says about a packet that was too big leaves it. */
async function silence(router: Namespace): Promise<void> {
  const words = [
    "add table inet hole",
    "add chain inet hole out { type filter hook output priority 0; }",
    "add rule inet hole out icmp type destination-unreachable counter drop",
    "add rule inet hole out icmpv6 type packet-too-big counter drop",
  ];
  await router.run("nft", words.join("; "));
}

/** Packets that the rules of {@link silence} have dropped. */
async function silenced(router: Namespace): Promise<number> {
  const rules = await router.run("nft", "list", "table", "inet", "hole");
  return [...rules.matchAll(/packets (\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
}

async function narrow({ router, server, wires }: RoutedHosts): Promise<void> {
  const [, far] = wires;
  await router.ip("link", "set", far.a.device, "mtu", String(NARROW_MTU));
  await server.ip("link", "set", far.b.device, "mtu", String(NARROW_MTU));
}

/** PMTU of the primary path of the association that a process has had. */
function pmtuOf(process: LabProcess): number {
  return reportOf(process).association.paths[0].pmtu;
}

for (const carrier of ["UDP", "raw IP"] as const) {
  for (const family of ["v4", "v6"] as const) {
    const over = `${carrier} (${family === "v4" ? "IPv4" : "IPv6"})`;
    Deno.test(needs(REQUIREMENTS, `over ${over}, a black hole is found and passed`, async () => {
      await using hosts = await RoutedHosts.open();
      const { lab, client, router, server, wires } = hosts;
      await narrow(hosts);
      await silence(router);
      const hash = await writePayload(lab.path("input"), SIZE, 4);
      const udp = carrier === "UDP" ? { local: 9899, remote: 9899 } : undefined;
      const receiver = await startSctp(server, { port: PORT, udp, more: ["--once"] }, {
        output: lab.path("output"),
      });
      const peer = [wires[1].b[family]];
      const sender = await startSctp(
        client,
        { port: PORT, peer, udp, parameters: PARAMETERS, more: ["--json"] },
        { input: lab.path("input") },
      );
      await sender.finished();
      await receiver.finished();
      assert.equal(await hashFile(lab.path("output")), hash);
      assert.equal(pmtuOf(sender), NARROW_MTU);
      assert.ok(await silenced(router) > 0, "it was the router that swallowed packets");
    }));
  }
}
