/** Several shims on one host: side by side where they have nothing in common, refused where they do. */
import assert from "node:assert/strict";
import { needs } from "../../core/net/testing/requirements.ts";
import { converse, enableAll, finalCounters, leave, NOTHING, ways } from "./lab/all_enabled.ts";
import { ApplicationHosts } from "./lab/application_hosts.ts";
import { startEcho, type Talker } from "./lab/conversation.ts";
import { HostShim } from "./lab/host_shim.ts";
import { PORT } from "./lab/intercepted.ts";
import { tracesIn } from "./lab/traces.ts";
import { shimkitCommand } from "./lab/shimkit.ts";

const REQUIREMENTS = ["linux", "root", "netns", "nft", "iptables", "ffi", "ipv6"] as const;
const FAMILIES = [4, 6] as const;

/** The second shim of a host has a port of its own, and finds the first ones of others. */
const SECOND = ["--instance", "1", "--udp", "9900", "--udp-remote", "9899"];

function shimTest(name: string, body: (hosts: ApplicationHosts) => Promise<void>): void {
  Deno.test(needs(REQUIREMENTS, name, async () => {
    await using hosts = await ApplicationHosts.open();
    await body(hosts);
  }));
}

shimTest("two shims of a host carry each connection once, in both directions", async (hosts) => {
  const { client, server } = hosts;
  const second = await HostShim.prepare(hosts.lab, client, "second");
  const shims = [hosts.shim("client"), second, hosts.shim("server")];
  for (const shim of shims) await enableAll(shim);
  for (const host of [client, server]) await startEcho(host, PORT);
  await hosts.startShim("client");
  await second.start("--intercept", ...SECOND);
  await hosts.startShim("server", "--intercept");
  const talkers: Talker[] = [];
  for (const family of FAMILIES) {
    talkers.push(await converse(client, hosts.address("server", family)));
    talkers.push(await converse(server, hosts.address("client", family)));
  }
  await leave(talkers);
  const counters = await finalCounters(shims);
  const [one, two, other] = counters;
  assert.equal(one.held + two.held, FAMILIES.length, "no SYN came to both");
  assert.equal(other.held, FAMILIES.length);
  assert.equal(one.associated + two.associated, FAMILIES.length);
  for (const what of ["carried", "closed"] as const) {
    const total = counters.reduce((sum, each) => sum + each[what], 0);
    assert.equal(total, 4 * FAMILIES.length, what);
  }
});

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  const name =
    `of two shims of a host, the second goes on after ${signal}, and leaves nothing behind`;
  shimTest(name, async (hosts) => {
    const { client, server } = hosts;
    const before = await tracesIn(client);
    const second = await enableAll(await HostShim.prepare(hosts.lab, client, "second"));
    await enableAll(hosts.shim("server"));
    for (const host of [client, server]) await startEcho(host, PORT);
    const first = await hosts.startShim("client");
    const daemon = await second.start("--intercept", ...SECOND);
    await hosts.startShim("server", "--intercept");
    first.signal(signal);
    await first.finished();
    const talkers = [
      await converse(client, hosts.address("server")),
      await converse(server, hosts.address("client")),
    ];
    await leave(talkers);
    const [{ held, carried }] = await finalCounters([second]);
    // The server looks for SCTP at the first shim's port alone, and so falls back to TCP.
    assert.deepEqual([held, carried], [1, 1]);
    daemon.signal("SIGTERM");
    await daemon.succeeded();
    if (signal === "SIGTERM") return assert.equal(await tracesIn(client), before);
    // Who is killed leaves something: the next one that starts removes it, and its own at the end.
    const third = await hosts.startShim("client");
    third.signal("SIGTERM");
    await third.succeeded();
    assert.equal(await tracesIn(client), before);
  });
}

shimTest("what one shim sends by TCP is not carried by another one", async (hosts) => {
  const { client } = hosts;
  const server = await startEcho(hosts.server, PORT);
  const shim = await enableAll(hosts.shim("client"));
  await hosts.startShim("client");
  // Nobody answers SCTP on that port, so it falls back.
  const front = `127.0.0.1:${PORT}=${hosts.address("server")}:${PORT}`;
  const places = ["--no-control", "--udp", "9900", "--udp-remote", "1"];
  const forwarding = client.spawn(shimkitCommand(["shimd", "--forward", front, ...places]));
  await forwarding.line(/^forwarding/);
  await leave([await converse(client, "127.0.0.1")]);
  await server.line(new RegExp(`^client ${hosts.address("client")} `));
  const [counters] = await finalCounters([shim]);
  assert.deepEqual(ways(counters), NOTHING);
});

shimTest("what two shims of a host cannot share is refused to the second one", async (hosts) => {
  const first = await hosts.startShim("client");
  const own = ["--file", hosts.lab.path("own.toml"), "--control", hosts.lab.path("own.control")];
  const { control } = hosts.shim("client");
  const refused: [words: string[], complaint: string][] = [
    [["--intercept", "--udp", "9900", ...own], `another shim of this host, process ${first.pid}, `],
    [["--serve-listeners", "--udp", "9900", ...own], `process ${first.pid}, has the number 0`],
    [["--serve-listeners", "--instance", "1", ...own], `is the port of process ${first.pid} `],
    [[...SECOND, "--intercept", "--control", control], `another shimd, process ${first.pid}, has `],
  ];
  for (const [words, complaint] of refused) {
    const second = hosts.client.spawn(shimkitCommand(["shimd", ...words]));
    const { code, lines } = await second.finished();
    assert.equal(code, 1);
    assert.ok(lines.join("\n").includes(complaint), `${words.join(" ")}: ${lines.join("\n")}`);
  }
  await startEcho(hosts.server, PORT);
  await hosts.rule("server", `-c local -p enable -s ${PORT}`);
  await hosts.startShim("server");
  await hosts.shim("client").ask(
    "shimrules",
    "-A",
    "-c",
    "remote",
    "-p",
    "enable",
    "-s",
    `${PORT}`,
  );
  await leave([await converse(hosts.client, hosts.address("server"))]);
  const [{ carried }] = await finalCounters([hosts.shim("client")]);
  assert.equal(carried, 1, "the first one works as before");
});

shimTest("SCTP over IP is one process's, for an address", async ({ client }) => {
  const listen = (local: string) =>
    client.spawn(shimkitCommand(["sctp", "listen", "7", "--raw", "--local", local]));
  const first = listen("127.0.0.1");
  await first.line(/listening/i);
  await listen("127.0.0.2,::1").line(/listening/i);
  const third = listen("127.0.0.3,127.0.0.1");
  const named = new RegExp(`at 127.0.0.3,127.0.0.1: .*It comes to process ${first.pid} `);
  assert.match((await third.finished()).lines.join("\n"), named);
  const shim = client.spawn(shimkitCommand(["shimd", "--no-control", "--serve", "8", "--raw"]));
  const { code, lines } = await shim.finished();
  assert.equal(code, 1);
  assert.match(lines.join("\n"), /at every address: .*It comes to process \d+ /);
});
