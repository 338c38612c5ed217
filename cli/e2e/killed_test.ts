/** A daemon that dies without a word: what applications see, and what it leaves. */
import assert from "node:assert/strict";
import { needs } from "../../core/net/testing/requirements.ts";
import { Fault } from "../../core/rules/fault.ts";
import { parseFile } from "../../core/rules/file_format.ts";
import { ControlClient } from "../../core/shim/control/client.ts";
import { ApplicationHosts, type Side } from "./lab/application_hosts.ts";
import { startEcho, Talker } from "./lab/conversation.ts";
import { PORT } from "./lab/intercepted.ts";
import { delay, type LabProcess, until } from "./lab/process.ts";
import { tracesIn } from "./lab/traces.ts";

const REQUIREMENTS = ["linux", "root", "netns", "nft", "iptables", "ffi", "ipv6"] as const;
const FAMILIES = [4, 6] as const;
/** No rule enables it. */
const PLAIN_PORT = PORT + 1;

function killTest(name: string, body: (hosts: ApplicationHosts) => Promise<void>): void {
  const run = async () => {
    await using hosts = await ApplicationHosts.open();
    await body(hosts);
  };
  Deno.test(needs(REQUIREMENTS, `killed: ${name}`, run));
}

/** Connects from the client to the server, and exchanges some words. */
async function converse(hosts: ApplicationHosts, family: 4 | 6, port = PORT): Promise<Talker> {
  const talker = await Talker.start(hosts.client, hosts.address("server", family), port);
  await talker.talk();
  return talker;
}

async function carried(hosts: ApplicationHosts, side: Side): Promise<number> {
  return (await hosts.status(side)).counters.carried;
}

async function stop(shim: LabProcess): Promise<void> {
  shim.signal("SIGTERM");
  await shim.succeeded();
}

killTest("the client's shim resets both ends, and what follows is TCP", async (hosts) => {
  const before = await tracesIn(hosts.client);
  const server = await startEcho(hosts.server, PORT);
  const shims = await hosts.startShims(String(PORT));
  const talkers = [await converse(hosts, 4), await converse(hosts, 6)];
  assert.equal(await carried(hosts, "client"), 2);
  shims.client.signal("SIGKILL");
  for (const talker of talkers) {
    assert.equal(await talker.ending(), "ConnectionReset");
    await server.line(new RegExp(`^left ${talker.local}: ConnectionReset$`));
  }
  for (const family of FAMILIES) {
    const { local } = await converse(hosts, family);
    await server.line(new RegExp(`^client ${local}$`));
  }
  const successor = await hosts.startShim("client");
  await converse(hosts, 4);
  assert.equal(await carried(hosts, "client"), 1);
  await stop(successor);
  assert.equal(await tracesIn(hosts.client), before);
});

killTest("the server's shim resets both ends, and TCP clients notice nothing", async (hosts) => {
  const before = await tracesIn(hosts.server);
  const [server, plain] = [
    await startEcho(hosts.server, PORT),
    await startEcho(hosts.server, PLAIN_PORT),
  ];
  const shims = await hosts.startShims(String(PORT));
  const bystander = await converse(hosts, 6, PLAIN_PORT);
  const talkers = [await converse(hosts, 4), await converse(hosts, 6)];
  assert.equal(await carried(hosts, "server"), 2);
  shims.server.signal("SIGKILL");
  for (const talker of talkers) {
    assert.equal(await talker.ending(), "ConnectionReset");
    await server.line(new RegExp(`^left ${talker.local}: ConnectionReset$`));
  }
  await bystander.talk();
  for (const family of FAMILIES) {
    await converse(hosts, family);
    const { local } = await converse(hosts, family, PLAIN_PORT);
    await plain.line(new RegExp(`^client ${local}$`));
  }
  await hosts.forgetAvailability("client");
  const successor = await hosts.startShim("server");
  for (const [index, family] of FAMILIES.entries()) {
    const { local } = await converse(hosts, family);
    await server.line(new RegExp(`^client ${local}$`));
    assert.equal(await carried(hosts, "server"), index + 1);
  }
  await stop(successor);
  assert.equal(await tracesIn(hosts.server), before);
});

killTest("what it left is removed by a successor that does something else", async (hosts) => {
  const before = await tracesIn(hosts.client);
  await hosts.rule("client", `-c remote -p enable -s ${PORT}`);
  const first = await hosts.startShim("client", "--intercept");
  first.signal("SIGKILL");
  await first.finished();
  assert.notEqual(await tracesIn(hosts.client), before);
  const second = await hosts.startShim("client", "--serve-listeners");
  await until("the rules are gone", async () => !/SHIMKIT/.test(await tracesIn(hosts.client)));
  await stop(second);
  assert.equal(await tracesIn(hosts.client), before);
});

killTest("while rules change: what was answered is kept, and the file is whole", async (hosts) => {
  const before = await tracesIn(hosts.client);
  await startEcho(hosts.server, PORT);
  const { control, file } = hosts.shim("client");
  let kept: readonly number[] = [];
  for (let round = 0; round < 4; round++) {
    const shim = await hosts.startShim("client");
    const ports = Array.from({ length: 1000 }, (_, i) => 10_000 * (round + 1) + i);
    const answered: number[] = [];
    const changing = addRules(control, ports, (port) => answered.push(port));
    await until("rules are added", () => answered.length >= 3);
    // At another moment of a change in each round.
    await delay(12 * round);
    shim.signal("SIGKILL");
    await changing;
    const inFile = enabledPorts(await Deno.readTextFile(file));
    const expected = [...kept, ...answered];
    assert.deepEqual(inFile.slice(0, expected.length), expected);
    assert.ok(inFile.length <= expected.length + 1, "at most the one that was not answered");
    kept = inFile;
    for (const family of FAMILIES) await converse(hosts, family);
  }
  await stop(await hosts.startShim("client"));
  assert.equal(await tracesIn(hosts.client), before);
});

killTest("without NFQUEUE the redirection goes with the daemon that served it", async (hosts) => {
  const server = await startEcho(hosts.server, PORT);
  await hosts.rule("client", `-c remote -p enable -s ${PORT}`);
  await hosts.rule("server", `-c local -p enable -s ${PORT}`);
  await hosts.startShim("server");
  const redirect = () => hosts.shim("client").start("--intercept", "--front", "redirect");
  const first = await redirect();
  await converse(hosts, 4);
  assert.equal(await carried(hosts, "client"), 1);
  first.signal("SIGKILL");
  await until("it is gone", async () => !/shimkit_0$/m.test(await tracesIn(hosts.client)));
  for (const family of FAMILIES) {
    const { local } = await converse(hosts, family);
    await server.line(new RegExp(`^client ${local}$`));
  }
  await redirect();
  await converse(hosts, 6);
  assert.equal(await carried(hosts, "client"), 1);
});

/** Adds rules one after the other until the daemon is gone. */
async function addRules(
  control: string,
  ports: readonly number[],
  answered: (port: number) => void,
): Promise<void> {
  using client = await ControlClient.connect(control);
  assert.ok(client);
  for (const port of ports) {
    const change = { kind: "add", rule: `-c remote -p enable -s ${port}` };
    const answer = await client.request("change", { change }).catch((error: Error) => error);
    if (answer instanceof Error) return;
    answered(port);
  }
}

/** The ports of the rules in a file. */
function enabledPorts(text: string): readonly number[] {
  const configuration = parseFile(text);
  assert.ok(!(configuration instanceof Fault), text);
  return configuration.table.chains.flatMap(({ entries }) => entries)
    .map(({ rule }) => rule.ports!.low);
}
