/** Unmodified servers on a host whose shimd serves them over SCTP. */
import assert from "node:assert/strict";
import { needs } from "../../core/net/testing/requirements.ts";
import type { ShimStatus } from "../../core/shim/status.ts";
import { PORT } from "./lab/intercepted.ts";
import { until } from "./lab/process.ts";
import { Served } from "./lab/served.ts";

const REQUIREMENTS = ["linux", "root", "netns", "nft", "iptables", "ffi", "ipv6"] as const;
const FAMILIES = [4, 6] as const;

function serveTest(name: string, body: () => Promise<void>): void {
  Deno.test(needs(REQUIREMENTS, `servers: ${name}`, body));
}

async function statusOf(stage: Served): Promise<ShimStatus> {
  return JSON.parse(await stage.shimkit("status", "--json"));
}

serveTest("started before and after shimd, they see the client's address and port", async () => {
  await using stage = await Served.open();
  await stage.startServer(["::"], PORT);
  await stage.startShims(`-A -c local -p enable -r ${PORT}:${PORT + 1}`);
  await stage.startServer(["0.0.0.0", "fd00:77:0::2"], PORT + 1);
  await until("the second server is found", async () => {
    return (await statusOf(stage)).listeners.some(({ port }) => port === PORT + 1);
  });
  for (const port of [PORT, PORT + 1]) {
    for (const family of FAMILIES) {
      const { error, local, greeting } = await stage.probe(family, port);
      assert.equal(error, "");
      assert.equal(greeting.replace("::ffff:", ""), local);
    }
  }
  const { counters } = await statusOf(stage);
  assert.deepEqual([counters.associated, counters.carried], [4, 4]);
  assert.match(await stage.shimkit("shimrules", "-L"), /3 hits/);
});

serveTest("TCP clients are served beside, by the same server", async () => {
  await using stage = await Served.open();
  await stage.startServer(["::"], PORT);
  await stage.startServerShim(`-A -c local -p enable -s ${PORT}`);
  for (const family of FAMILIES) {
    const { error, local, greeting } = await stage.probe(family, PORT);
    assert.equal(error, "");
    assert.equal(greeting.replace("::ffff:", ""), local);
  }
  assert.equal((await statusOf(stage)).counters.associated, 0);
});

serveTest(
  "where nobody listens, or no rule enables it, the client falls back at once",
  async () => {
    await using stage = await Served.open();
    await stage.startServer(["::"], PORT);
    await stage.startShims(`-A -c local -p enable -s ${PORT + 1}`);
    for (const family of FAMILIES) {
      const carriedBefore = (await statusOf(stage)).counters.associated;
      const { error, local, greeting } = await stage.probe(family, PORT);
      assert.equal(error, "");
      assert.equal(greeting.replace("::ffff:", ""), local, "the client's own TCP connection");
      assert.match((await stage.probe(family, PORT + 1)).error, /refused/);
      assert.equal((await statusOf(stage)).counters.associated, carriedBefore);
    }
  },
);

serveTest("a changed rule holds for the next client", async () => {
  await using stage = await Served.open();
  await stage.startServer(["::"], PORT);
  await stage.startShims();
  await stage.probe(4, PORT);
  await stage.shimkit(..."shimrules -S -c local -p enable".split(" "));
  await stage.forgetAvailability();
  const { local, greeting } = await stage.probe(4, PORT);
  assert.equal(greeting.replace("::ffff:", ""), local);
  assert.equal((await statusOf(stage)).counters.associated, 1);
});

serveTest("one that has bound the loopback only is reached with force_bindall", async () => {
  await using stage = await Served.open();
  await stage.startServer(["127.0.0.1", "::1"], PORT);
  await stage.startShims(`-A -c local -p enable -s ${PORT}`);
  for (const family of FAMILIES) {
    assert.match((await stage.probe(family, PORT)).error, /refused/);
  }
  await stage.shimkit("sysctl", "force_bindall=1");
  await stage.forgetAvailability();
  for (const family of FAMILIES) {
    const { error, local, greeting } = await stage.probe(family, PORT);
    assert.equal(error, "");
    assert.equal(greeting, local);
  }
});

serveTest("one that has bound an address is not reached at others", async () => {
  await using stage = await Served.open();
  await stage.startServer(["10.77.1.2"], PORT);
  await stage.startShims(`-A -c local -p enable -s ${PORT}`);
  assert.match((await stage.probe(4, PORT)).error, /refused/);
  await stage.shimkit("sysctl", "force_bindall=1");
  await stage.forgetAvailability();
  const { local, greeting } = await stage.probe(4, PORT);
  assert.equal(greeting, local);
});

serveTest("after shimd nothing of it is left in the server's host", async () => {
  await using stage = await Served.open();
  const before = await stage.traces();
  const shim = await stage.startServerShim();
  assert.notEqual(await stage.traces(), before);
  shim.signal("SIGTERM");
  await shim.finished();
  assert.equal(await stage.traces(), before);
});
