/** A daemon that is stopped while it carries connections: they go on to their end, new ones are TCP. */
import assert from "node:assert/strict";
import { needs } from "../../core/net/testing/requirements.ts";
import { ApplicationHosts, type Side } from "./lab/application_hosts.ts";
import { startEcho, Talker } from "./lab/conversation.ts";
import { PORT } from "./lab/intercepted.ts";
import { tracesIn } from "./lab/traces.ts";

const REQUIREMENTS = ["linux", "root", "netns", "nft", "iptables", "ffi", "ipv6"] as const;
const FAMILIES = [4, 6] as const;

/** Longer than any machine takes. */
const DRAIN = ["--drain", "10m"];

/** Who is stopped, and how it takes connections. */
const CASES: readonly [side: Side, words: readonly string[]][] = [
  ["client", ["--front", "nfqueue"]],
  ["client", ["--front", "redirect"]],
  ["server", []],
];

for (const [side, words] of CASES) {
  const title = ["stopped: the shim of the", side, ...words].join(" ");
  Deno.test(needs(REQUIREMENTS, `${title} lets connections come to their end`, async () => {
    await using hosts = await ApplicationHosts.open();
    const before = await tracesIn(hosts[side]);
    const server = await startEcho(hosts.server, PORT);
    const shims = await startShims(hosts, side, [...words, ...DRAIN]);
    const standing = await Promise.all(FAMILIES.map((family) => connect(hosts, family)));
    shims[side].signal("SIGTERM");
    const later: Talker[] = [];
    for (const family of [...FAMILIES, ...FAMILIES]) later.push(await connect(hosts, family));
    for (const talker of [...standing, ...later]) await talker.talk();
    assert.ok(shims[side].running, "it still carries connections");
    for (const talker of [...later, ...standing]) {
      await talker.process.closeInput();
      assert.equal(await talker.ending(), "end");
    }
    await shims[side].succeeded();
    const ends = server.lines.filter((line) => line.startsWith("left "));
    assert.deepEqual(ends.map((line) => line.split(": ")[1]), Array(6).fill("end"));
    assert.equal(await tracesIn(hosts[side]), before);
  }));

  Deno.test(needs(REQUIREMENTS, `${title} resets what is open, if it is not to wait`, async () => {
    await using hosts = await ApplicationHosts.open();
    const server = await startEcho(hosts.server, PORT);
    const shims = await startShims(hosts, side, words);
    const standing = await Promise.all(FAMILIES.map((family) => connect(hosts, family)));
    shims[side].signal("SIGTERM");
    for (const talker of standing) {
      assert.equal(await talker.ending(), "ConnectionReset");
      await server.line(new RegExp(`^left ${talker.local}: ConnectionReset$`));
    }
    await shims[side].succeeded();
  }));
}

/** Starts both shims; that of the one side with these words more. */
async function startShims(hosts: ApplicationHosts, side: Side, words: readonly string[]) {
  await hosts.rule("client", `-c remote -p enable -s ${PORT}`);
  await hosts.rule("server", `-c local -p enable -s ${PORT}`);
  const more = (one: Side) => one === side ? words : [];
  return {
    client: await hosts.shim("client").start("--intercept", ...more("client")),
    server: await hosts.shim("server").start("--serve-listeners", ...more("server")),
  };
}

/** Connects, and exchanges some words. */
async function connect(hosts: ApplicationHosts, family: 4 | 6): Promise<Talker> {
  const talker = await Talker.start(hosts.client, hosts.address("server", family), PORT);
  await talker.talk();
  return talker;
}
