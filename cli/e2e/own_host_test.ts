/** Connections of a host to itself, with rules that enable everything: no loop, and nothing left. */
import assert from "node:assert/strict";
import { needs } from "../../core/net/testing/requirements.ts";
import { converse, enableAll, finalCounters, leave, NOTHING, ways } from "./lab/all_enabled.ts";
import { ApplicationHosts } from "./lab/application_hosts.ts";
import { startEcho } from "./lab/conversation.ts";
import { PORT } from "./lab/intercepted.ts";

const REQUIREMENTS = ["linux", "root", "netns", "nft", "iptables", "ffi", "ipv6"] as const;
const FAMILIES = [4, 6] as const;

for (const front of ["nfqueue", "redirect"]) {
  const name = `with ${front}, connections of a host to itself stay its own TCP`;
  Deno.test(needs(REQUIREMENTS, name, async () => {
    await using hosts = await ApplicationHosts.open();
    const { client } = hosts;
    const shim = await enableAll(hosts.shim("client"));
    await startEcho(client, PORT);
    await shim.start("--intercept", "--front", front);
    const own = FAMILIES.map((family) => hosts.address("client", family));
    for (const address of ["127.0.0.1", "::1", ...own]) {
      await leave([await converse(client, address)]);
    }
    const [counters] = await finalCounters([shim]);
    assert.deepEqual(ways(counters), NOTHING);
  }));
}

Deno.test(
  needs(REQUIREMENTS, "a host that is told to forward to itself carries it to itself", async () => {
    await using hosts = await ApplicationHosts.open();
    const { client } = hosts;
    const shim = await enableAll(hosts.shim("client"));
    const echo = await startEcho(client, PORT);
    const own = FAMILIES.map((family) => hosts.address("client", family));
    const servers = [own[0], `[${own[1]}]`];
    const forwards = servers.flatMap((server, index) => {
      return ["--forward", `127.0.0.1:${PORT + 1 + index}=${server}:${PORT}`];
    });
    await shim.start("--intercept", ...forwards);
    const talkers = await Promise.all(
      own.map((_, index) => converse(client, "127.0.0.1", PORT + 1 + index)),
    );
    for (const address of own) await echo.line(new RegExp(`^client ${address} `));
    await leave(talkers);
    const [counters] = await finalCounters([shim]);
    const count = own.length;
    const expected = { ...NOTHING, accepted: count, associated: count, carried: 2 * count };
    assert.deepEqual(ways(counters), expected);
    assert.equal(counters.closed, 2 * count);
  }),
);
