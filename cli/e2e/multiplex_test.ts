/** Real applications whose connections share an association between two hosts. */
import assert from "node:assert/strict";
import { needs } from "../../core/net/testing/requirements.ts";
import type { ConnectionStatus } from "../../core/shim/status.ts";
import { curl } from "./applications/stage.ts";
import { converse, leave } from "./lab/all_enabled.ts";
import { ApplicationHosts } from "./lab/application_hosts.ts";
import { startApache } from "./lab/application_servers.ts";
import { startEcho } from "./lab/conversation.ts";
import { cutInTheMiddle, DISTURBED_RATE } from "./lab/cut.ts";
import { fileSize, hashFile, writePayload } from "./lab/payload.ts";
import { until } from "./lab/process.ts";

const NEEDS = ["linux", "root", "netns", "nft", "iptables", "ffi", "ipv6", "apache"] as const;
const SIZE = 8_000_000;
const ECHO_PORT = 7000;
/** The rules of the client enable it, those of the server do not. */
const CLOSED_PORT = 7001;

/** The connections of a host that share an association, and which one that is. */
async function sharing(hosts: ApplicationHosts, side: "client" | "server") {
  const { connections } = await hosts.status(side);
  const shared = connections.filter(({ stream }) => stream !== undefined);
  const ids = new Set(shared.map(({ association }) => association!.id));
  assert.ok(ids.size <= 1, "one association between two hosts");
  return shared;
}

/** The end of a connection that a client's shim shows: host and port of the application. */
const localsOf = (connections: readonly ConnectionStatus[]) =>
  connections.map(({ local }) => local).sort();

Deno.test(
  needs(
    NEEDS,
    "connections share an association: a slow reader and a lost path stop no other",
    async () => {
      await using hosts = await ApplicationHosts.open();
      for (const wire of hosts.wires) await wire.limit(DISTURBED_RATE);
      const root = hosts.lab.path("site");
      await Deno.mkdir(root);
      await Deno.writeTextFile(`${root}/page.html`, "<p>A page</p>\n");
      const hash = await writePayload(`${root}/large`, SIZE, 1);
      const log = await startApache(hosts, root);
      for (const port of [ECHO_PORT, CLOSED_PORT]) await startEcho(hosts.server, port);
      await hosts.rule("client", `-c remote -p enable -s ${CLOSED_PORT}`);
      await hosts.shim("client").set("multiplex=on");
      await hosts.startShims("80", String(ECHO_PORT));
      const page = () => hosts.client.run(...curl(hosts.url("http", "page.html", 4)));
      const large = hosts.url("http", "large", 4);

      await page();
      const isUp = async () => (await hosts.status("client")).counters.trunks === 1;
      await until("the association to share is up", isUp);
      const reluctant = hosts.client.spawn(
        curl("--limit-rate", "1k", "--output", "/dev/null", large),
      );
      const waits = async () =>
        (await sharing(hosts, "client")).some(({ reason }) => /application to read/.test(reason));
      await until("curl does not read what has come", waits);

      const talker = await converse(hosts.client, hosts.address("server"), ECHO_PORT);
      const output = hosts.lab.path("fetched");
      const fetch = hosts.client.spawn(curl("--output", output, large));
      // While the path to the server's address is cut, a new connection has the other one.
      await cutInTheMiddle(hosts.wires, SIZE, () => fileSize(output), async () => {
        assert.equal(await page(), "<p>A page</p>\n");
      });
      await fetch.succeeded();
      assert.equal(await hashFile(output), hash);
      await talker.talk();

      const [here, there] = [await sharing(hosts, "client"), await sharing(hosts, "server")];
      assert.ok(here.some(({ reason }) => /application to read/.test(reason)), "it still does not");
      // The servers see each client's own address and port.
      assert.deepEqual(localsOf(here), there.map(({ remote }) => remote).sort());
      assert.match(
        await hosts.shim("client").ask("status"),
        /by SCTP, stream \d+ of association \d+/,
      );

      await reluctant.kill();
      await until(
        "its connection is gone",
        async () => (await sharing(hosts, "client")).length === 1,
      );
      await talker.talk();
      const outsider = await converse(hosts.client, hosts.address("server"), CLOSED_PORT);
      await leave([talker, outsider]);
      const line = `${hosts.address("client")} `;
      assert.ok(
        (await Deno.readTextFile(log)).split("\n").slice(0, -1).every((one) =>
          one.startsWith(line)
        ),
      );
      const { counters, ended } = await hosts.status("client");
      assert.deepEqual([counters.carried, counters.multiplexed, counters.fellBack], [5, 5, 1]);
      const reasons = ended.map(({ reason }) => reason).join();
      assert.match(reasons, /fell back to TCP.*nothing is reachable over SCTP at this port/);
    },
  ),
);
