/** Unmodified applications on a host whose shimd intercepts their connections. */
import assert from "node:assert/strict";
import { needs } from "../../core/net/testing/requirements.ts";
import type { AvailabilityEntry } from "../../core/shim/policy/availability_cache.ts";
import type { ShimStatus } from "../../core/shim/status.ts";
import { ApplicationHosts } from "./lab/application_hosts.ts";
import { startEcho, Talker } from "./lab/conversation.ts";
import { Intercepted, PORT, probed } from "./lab/intercepted.ts";
import { until } from "./lab/process.ts";
import { tracesIn } from "./lab/traces.ts";

const REQUIREMENTS = ["linux", "root", "netns", "nft", "iptables", "ffi", "ipv6"] as const;
const FAMILIES = [4, 6] as const;

/** Settings by which a SYN stays held while SCTP gets no answer. */
const HELD = { head_start: 600_000, init_rtx_max: 1000 };

function interceptTest(name: string, body: () => Promise<void>): void {
  Deno.test(needs(REQUIREMENTS, `interception: ${name}`, body));
}

async function statusOf(stage: Intercepted): Promise<ShimStatus> {
  return JSON.parse(await stage.shimkit("status", "--json"));
}

interceptTest(
  "a connection is carried, and the application sees the peer it asked for",
  async () => {
    await using stage = await Intercepted.open([PORT]);
    await stage.startServer();
    await stage.startServerShim();
    await stage.startClientShim();
    for (const family of FAMILIES) {
      const { error, remote, greeting } = await stage.probe(family);
      assert.equal(error, "");
      assert.equal(remote, `${stage.address(family)} ${PORT}`, "getpeername()");
      assert.notEqual(greeting, "", "the server's bytes arrive");
    }
    const { counters, ended } = await statusOf(stage);
    assert.equal(counters.carried, 2);
    assert.deepEqual(ended.map(({ state, carrier }) => [state, carrier]), [
      ["ACTIVE", "sctp"],
      ["ACTIVE", "sctp"],
    ]);
  },
);

interceptTest("a SYN that TCP has to send again on its way to the shim is carried", async () => {
  await using stage = await Intercepted.open([PORT]);
  await stage.startServer();
  await stage.startServerShim();
  await stage.loseFirstGrantedSyn();
  await stage.startClientShim();
  const { error, greeting, milliseconds } = await stage.probe(4);
  assert.equal(error, "");
  assert.notEqual(greeting, "", "the server's bytes arrive");
  assert.ok(milliseconds >= 900, `a SYN was lost, and yet connected after ${milliseconds} ms`);
  const { counters } = await statusOf(stage);
  assert.deepEqual([counters.held, counters.carried, counters.broken], [1, 1, 0]);
});

interceptTest("what no rule enables never reaches the daemon", async () => {
  await using stage = await Intercepted.open([PORT + 1]);
  const server = await stage.startServer();
  await stage.startServerShim();
  await stage.startClientShim();
  for (const family of FAMILIES) {
    const { local } = await stage.probe(family);
    await server.line(new RegExp(`client (::ffff:)?${local}$`));
  }
  const { counters } = await statusOf(stage);
  assert.deepEqual([counters.held, counters.direct, counters.accepted], [0, 0, 0]);
});

interceptTest(
  "a peer without a shim gets the application's own TCP, the next time at once",
  async () => {
    await using stage = await Intercepted.open([PORT]);
    const server = await stage.startServer();
    await stage.startClientShim();
    for (const family of FAMILIES) {
      for (const why of [/nothing receives SCTP/, /remembered that the peer has no SCTP/]) {
        const { error, local } = await stage.probe(family);
        assert.equal(error, "");
        await server.line(new RegExp(`client (::ffff:)?${local}$`));
        const last = (await statusOf(stage)).ended.at(-1)!;
        assert.deepEqual([last.state, last.carrier], ["READY", "tcp"]);
        assert.match(last.reason, why);
      }
    }
    assert.equal((await statusOf(stage)).counters.direct, 4);
  },
);

interceptTest("a server that nobody listens on refuses, as it does over TCP", async () => {
  await using stage = await Intercepted.open([PORT]);
  await stage.startServerShim();
  await stage.startClientShim();
  for (const family of FAMILIES) {
    assert.match((await stage.probe(family)).error, /Connection refused \(os error 111\)/);
  }
  const { counters } = await statusOf(stage);
  assert.deepEqual([counters.refused, counters.direct], [2, 0]);
});

interceptTest(
  "where SCTP is lost in silence TCP has the connection after the head start",
  async () => {
    await using stage = await Intercepted.open([PORT], { head_start: 300, init_rtx_max: 0 });
    const server = await stage.startServer();
    await stage.silenceSctp();
    await stage.startClientShim();
    const { error, local, milliseconds } = await stage.probe(4);
    assert.equal(error, "");
    assert.ok(milliseconds >= 300, `connected after ${milliseconds} ms`);
    await server.line(new RegExp(`client (::ffff:)?${local}$`));
    const learnt = async () => (await statusOf(stage)).ended.length === 1;
    await until("the attempt goes on for what can be learnt", learnt);
    assert.match((await statusOf(stage)).ended[0].reason, /TCP has the connection/);
  },
);

interceptTest(
  "an application that dies while its SYN is held leaves no SYN on the wire",
  async () => {
    await using stage = await Intercepted.open([PORT], HELD);
    await stage.startServer();
    const syns = await stage.countSyns();
    await stage.silenceSctp();
    await stage.startClientShim();
    const application = await stage.startProbe(4);
    await until("the SYN is held", async () => (await statusOf(stage)).connections.length === 1);
    await application.kill();
    await until("it is let go", async () => (await statusOf(stage)).connections.length === 0);
    const [last] = (await statusOf(stage)).ended;
    assert.match(last.reason, /the application gave up while its SYN was held/);
    assert.equal(await syns(), 0);
  },
);

interceptTest(
  "a daemon that is killed leaves TCP working, and its successor cleans up",
  async () => {
    await using stage = await Intercepted.open([PORT], HELD);
    const before = await tracesIn(stage.client);
    await stage.startServer();
    await stage.silenceSctp();
    const first = await stage.startClientShim();
    const held = await stage.startProbe(4);
    await until("the SYN is held", async () => (await statusOf(stage)).connections.length === 1);
    await first.kill();
    assert.equal((await probed(held)).error, "", "the kernel's next SYN passes");
    assert.equal((await stage.probe(6)).error, "", "new connections pass");
    const second = await stage.startClientShim();
    second.signal("SIGTERM");
    await second.finished();
    assert.equal(await tracesIn(stage.client), before);
  },
);

interceptTest(
  "what is known about servers is shown, flushed, and forgotten elsewhere",
  async () => {
    await using stage = await Intercepted.open([PORT]);
    await stage.startServer();
    await stage.startClientShim();
    const known = async (...args: readonly string[]) =>
      JSON.parse(await stage.shimkit("cache", "--json", ...args)) as AvailabilityEntry[];
    await stage.probe(4);
    const [entry] = await known("--flush");
    assert.deepEqual([entry.address, entry.port], [stage.address(4), PORT]);
    assert.equal(entry.available, "no");
    assert.deepEqual(await known(), []);
    await stage.probe(4);
    assert.equal((await known()).length, 1);
    await stage.client.ip("address", "add", "10.99.0.1/24", "dev", "lo");
    await until("the network has changed", async () => (await known()).length === 0);
  },
);

interceptTest("a stopped daemon lets held connections go by TCP", async () => {
  await using stage = await Intercepted.open([PORT], HELD);
  await stage.startServer();
  await stage.silenceSctp();
  const shim = await stage.startClientShim();
  const held = await stage.startProbe(6);
  await until("the SYN is held", async () => (await statusOf(stage)).connections.length === 1);
  shim.signal("SIGTERM");
  const { error, milliseconds } = await probed(held);
  assert.equal(error, "");
  assert.ok(milliseconds < 60_000);
  await shim.finished();
});

interceptTest("a rule that is added or deleted counts from the next connection on", async () => {
  await using stage = await Intercepted.open([]);
  await stage.startServer();
  await stage.startServerShim();
  await stage.startClientShim();
  const carried = async () => (await statusOf(stage)).counters.carried;
  const rule = ["-c", "remote", "-p", "enable", "-s", String(PORT)];
  await stage.probe(4);
  assert.equal(await carried(), 0);
  await stage.shimkit("shimrules", "-A", ...rule);
  await stage.probe(4);
  assert.equal(await carried(), 1);
  await stage.shimkit("shimrules", "-D", ...rule);
  await stage.probe(4);
  assert.equal(await carried(), 1);
});

for (const front of ["nfqueue", "redirect"]) {
  interceptTest(`with ${front}, connections that stand outlive changed rules`, async () => {
    await using hosts = await ApplicationHosts.open();
    await startEcho(hosts.server, PORT);
    for (const side of ["client", "server"] as const) {
      const chain = side === "client" ? "remote" : "local";
      await hosts.rule(side, `-c ${chain} -p enable -s ${PORT}`);
    }
    const shim = hosts.shim("client");
    await Promise.all([hosts.startShim("server"), shim.start("--intercept", "--front", front)]);
    const carried = await Talker.start(hosts.client, hosts.address("server"), PORT);
    await carried.talk();
    await shim.ask("shimrules", "-F");
    const direct = await Talker.start(hosts.client, hosts.address("server"), PORT);
    for (const talker of [carried, direct]) await talker.talk();
    await shim.ask("shimrules", "-S", "-c", "remote", "-p", "enable");
    for (const talker of [carried, direct]) await talker.talk();
    assert.equal((await hosts.status("client")).counters.carried, 1);
  });
}

interceptTest("without NFQUEUE connections are redirected, carried or relayed", async () => {
  await using stage = await Intercepted.open([PORT, PORT + 1]);
  await stage.startServer();
  const other = await stage.startServer(PORT + 1);
  await stage.startServerShim();
  await stage.startClientShim("--front", "redirect");
  for (const family of FAMILIES) {
    const carried = await stage.probe(family);
    assert.equal(carried.remote, `${stage.address(family)} ${PORT}`);
    assert.notEqual(carried.greeting, "");
    const relayed = await stage.probe(family, PORT + 1);
    const [host] = relayed.local.split(" ");
    await other.line(new RegExp(`client (::ffff:)?${host} `));
    assert.ok(relayed.greeting.includes(host), "the server sees the address, if not the port");
  }
  const { counters } = await statusOf(stage);
  assert.deepEqual([counters.carried, counters.fellBack], [2, 2]);
});
