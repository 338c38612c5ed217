/** Servers that are full, late, gone or refusing: a client sees of them what it sees over TCP. */
import assert from "node:assert/strict";
import { needs } from "../../core/net/testing/requirements.ts";
import { ApplicationHosts } from "./lab/application_hosts.ts";
import { Talker } from "./lab/conversation.ts";
import { PORT } from "./lab/intercepted.ts";
import type { LabProcess } from "./lab/process.ts";
import { until } from "./lab/process.ts";

const REQUIREMENTS = ["linux", "root", "netns", "nft", "iptables", "ffi", "ipv6"] as const;

/** Over TCP and through two shims. */
const WAYS = { TCP: PORT + 1, SCTP: PORT } as const;

/** Clients at once, more than the server has room for. */
const CROWD = 4;

for (const [way, port] of Object.entries(WAYS)) {
  /** `served` is how many of the connections reach the server. */
  const backlogTest = (
    name: string,
    served: number,
    body: (hosts: ApplicationHosts) => Promise<void>,
  ) => {
    Deno.test(needs(REQUIREMENTS, `over ${way}, ${name}`, async () => {
      await using hosts = await ApplicationHosts.open();
      await hosts.startShims(String(WAYS.SCTP));
      // By a SYN cookie a client is connected of whom the full server knows nothing, and says nothing.
      await hosts.server.run("sysctl", "-qw", "net.ipv4.tcp_syncookies=0");
      await body(hosts);
      const { counters } = await hosts.status("client");
      assert.equal(counters.carried, way === "SCTP" ? served : 0);
    }));
  };
  const startServer = async (hosts: ApplicationHosts) => await startBacklog(hosts, port);
  const begin = (hosts: ApplicationHosts) =>
    Talker.begin(hosts.client, hosts.address("server"), port);

  backlogTest("a client of a full server waits until that accepts", 2, async (hosts) => {
    const server = await startServer(hosts);
    const first = begin(hosts);
    await first.line(/^connected/);
    const second = begin(hosts);
    await synRepeated(hosts, port);
    assert.deepEqual(second.lines, []);
    await server.write("accept\n");
    await second.line(/^connected/);
    for (const client of [first, second]) await client.line(/^welcome$/);
  });

  backlogTest(
    "clients that come together are all served by a server that is slow",
    CROWD,
    async (hosts) => {
      const server = await startServer(hosts);
      await server.write("accept\n");
      const clients = Array.from({ length: CROWD }, () => begin(hosts));
      const locals: string[] = [];
      for (const client of clients) {
        await client.line(/^welcome$/);
        locals.push((await Talker.of(client)).local);
      }
      const seen = locals.map((local) => server.line(new RegExp(`^client ${local}$`)));
      await Promise.all(seen);
    },
  );

  backlogTest("a client of a full server gives up as it always did", 1, async (hosts) => {
    await hosts.client.run("sysctl", "-qw", "net.ipv4.tcp_syn_retries=1");
    const server = await startServer(hosts);
    const first = begin(hosts);
    const { local } = await Talker.of(first);
    const second = begin(hosts);
    const { lines } = await second.finished();
    assert.deepEqual(lines, ["Connection timed out (os error 110)"]);
    await until("nobody tries any more", async () => (await attempts(hosts, port)) === 0);
    await server.write("accept\n");
    await server.line(new RegExp(`^client ${local}$`));
    assert.equal(server.lines.filter((line) => line.startsWith("client")).length, 1);
  });

  backlogTest("a server that closes resets who waits, and refuses the next", 1, async (hosts) => {
    const server = await startServer(hosts);
    const waiting = begin(hosts);
    await waiting.line(/^connected/);
    await server.write("close\n");
    await server.line(/^close obeyed$/);
    assert.equal((await waiting.finished()).lines.at(-1), "ConnectionReset");
    const { lines } = await begin(hosts).finished();
    assert.deepEqual(lines, ["Connection refused (os error 111)"]);
  });
}

async function startBacklog(hosts: ApplicationHosts, port: number): Promise<LabProcess> {
  const path = new URL("./lab/tcp_backlog.ts", import.meta.url).pathname;
  const words = [Deno.execPath(), "run", "--quiet", "-A", path, String(port)];
  const server = hosts.server.spawn(words, { stdin: "piped" });
  await server.line(/^listening$/);
  return server;
}

/** TCP connections to the port that either host is trying to make. */
async function attempts(hosts: ApplicationHosts, port: number): Promise<number> {
  const words = ["ss", "-Htn", "state", "syn-sent", "dport", "=", `:${port}`];
  const texts = await Promise.all([hosts.client, hosts.server].map((host) => host.run(...words)));
  return texts.join("").split("\n").filter((line) => line !== "").length;
}

/** Waits until somebody, the client or a shim for it, has sent a SYN in vain. */
async function synRepeated({ client, server }: ApplicationHosts, port: number): Promise<void> {
  const words = ["ss", "-Htnio", "state", "syn-sent", "dport", "=", `:${port}`];
  await until("a SYN is sent again", async () => {
    const texts = await Promise.all([client, server].map((host) => host.run(...words)));
    return /timer:\(on,[^,]*,[1-9]/.test(texts.join(""));
  });
}
