/** Redis: a pipelined load, and a connection that is typed into. */
import assert from "node:assert/strict";
import { cutInTheMiddle } from "../lab/cut.ts";
import type { LabProcess } from "../lab/process.ts";
import type { ApplicationHosts } from "../lab/application_hosts.ts";
import { startRedis } from "../lab/application_servers.ts";
import {
  applicationTest,
  assertCarried,
  assertDirect,
  FAMILIES,
  type Family,
  startClientShim,
} from "./stage.ts";

/** The words of Redis' own client. */
function redisClient(hosts: ApplicationHosts, family: Family): readonly string[] {
  return ["redis-cli", "-h", hosts.address("server", family)];
}

/** Has a client ask who it is, and gives its end of the connection as Redis sees it. */
async function askRedis(client: LabProcess): Promise<string> {
  client.lines.length = 0;
  await client.write("CLIENT INFO\n");
  return /addr=(\S+)/.exec(await client.line(/^id=/))![1];
}

/** Runs a command in Redis without leaving the server's host. */
function redisItself(hosts: ApplicationHosts, ...words: readonly string[]): Promise<string> {
  return hosts.server.run("redis-cli", ...words);
}

/** A file of commands that set `count` keys to values of 100 bytes. */
async function writeCommands(hosts: ApplicationHosts, count: number): Promise<string> {
  const commands = Array.from({ length: count }, (_, index) => {
    return `SET key${index} ${String(index * 7919).padStart(100, "x")}\r\n`;
  });
  const path = hosts.lab.path("commands");
  await Deno.writeTextFile(path, commands.join(""));
  return path;
}

applicationTest("redis", "Redis takes a pipelined load though a path is lost", async (hosts) => {
  const count = 80_000;
  const input = await writeCommands(hosts, count);
  await startRedis(hosts);
  await hosts.server.spawn(["redis-cli", "--pipe"], { input }).succeeded();
  const digest = await redisItself(hosts, "DEBUG", "DIGEST");
  await hosts.startShims("6379");
  const stored = async () => Number(await redisItself(hosts, "DBSIZE"));
  for (const family of FAMILIES) {
    await redisItself(hosts, "FLUSHALL");
    const typed = hosts.client.spawn(redisClient(hosts, family), { stdin: "piped" });
    const seen = await askRedis(typed);
    const load = hosts.client.spawn([...redisClient(hosts, family), "--pipe"], { input });
    await cutInTheMiddle(hosts.wires, count, stored);
    await load.succeeded();
    assert.match(load.lines.join("\n"), new RegExp(`errors: 0, replies: ${count}`));
    assert.equal(await redisItself(hosts, "DEBUG", "DIGEST"), digest);
    assert.equal(await askRedis(typed), seen, "the first connection is still the same");
  }
  await assertCarried(hosts, 4);
});

applicationTest("redis", "Redis without a shim has its client's own TCP", async (hosts) => {
  await startRedis(hosts);
  await startClientShim(hosts, 6379);
  for (const family of FAMILIES) {
    const typed = hosts.client.spawn(redisClient(hosts, family), { stdin: "piped" });
    const seen = await askRedis(typed);
    assert.equal(seen, (await hosts.ownConnection("redis-cli", 6379)).near);
    await typed.kill();
  }
  await assertDirect(hosts, 2);
});
