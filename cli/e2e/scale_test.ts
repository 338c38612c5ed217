/** Many connections at once, as fast as they can be made: all are served, and nothing is left of them. */
import assert from "node:assert/strict";
import { needs } from "../../core/net/testing/requirements.ts";
import type { ConnectionStatus } from "../../core/shim/status.ts";
import { ApplicationHosts, type Side } from "./lab/application_hosts.ts";
import { startEcho } from "./lab/conversation.ts";
import { PORT } from "./lab/intercepted.ts";
import { type LabProcess, until } from "./lab/process.ts";

const REQUIREMENTS = ["linux", "root", "netns", "nft", "iptables", "ffi", "ipv6"] as const;
const SIDES = ["client", "server"] as const;
const MODES = { client: "--intercept", server: "--serve-listeners" } as const;

/** Connections at once; those over TCP cost a test less. */
const CARRIED = 2000;
const PLAIN = 5000;
const PLAIN_PORT = PORT + 1;

/** Connections that are made and closed in a row, beside those. */
const RAPID = 400;

/** A busy machine takes its time for so many. */
const PATIENCE = 240_000;

/** Of a shim that soon has none left. */
const DESCRIPTORS = 200;

/** Two hosts whose shims let a busy peer be silent for long: nothing here is about lost packets. */
async function openHosts(): Promise<ApplicationHosts> {
  const hosts = await ApplicationHosts.open();
  for (const side of SIDES) {
    hosts.shim(side).parameters = {};
    await hosts.shim(side).set("init_rtx_max=8");
  }
  return hosts;
}

Deno.test(
  needs(
    [...REQUIREMENTS, "conntrack"],
    `${CARRIED} connections at once are carried, and leave nothing`,
    async () => {
      await using hosts = await openHosts();
      await startEcho(hosts.server, PORT);
      const shims = await hosts.startShims(String(PORT));
      // What a daemon needs once, it has after the first ones.
      await crowd(hosts, { port: PORT, count: 10, rapid: 10 });
      for (const side of SIDES) await connectionsGone(hosts, side);
      const before = await descriptorsOf(shims);
      const counted = await countersOf(hosts);
      await crowd(hosts, { port: PORT, count: CARRIED, rapid: RAPID }, async () => {
        for (const side of SIDES) {
          await until(`the ${side} has ${CARRIED} left`, async () => {
            const { connections } = await hosts.status(side);
            return connections.filter(isEstablished).length === CARRIED;
          });
        }
        assert.equal((await trackedConnections(hosts, "client")).length, CARRIED);
      });
      await nothingLeft(hosts, shims, before);
      const { client, server } = await countersOf(hosts);
      const made = CARRIED + RAPID;
      for (const what of ["held", "accepted", "carried", "closed"] as const) {
        assert.equal(client[what] - counted.client[what], made, `the client's ${what}`);
      }
      for (const what of ["associated", "carried", "closed"] as const) {
        assert.equal(server[what] - counted.server[what], made, `the server's ${what}`);
      }
    },
  ),
);

Deno.test(
  needs(REQUIREMENTS, `of ${PLAIN} connections that no rule enables no shim hears`, async () => {
    await using hosts = await openHosts();
    await startEcho(hosts.server, PLAIN_PORT);
    await hosts.startShims(String(PORT));
    await crowd(hosts, { port: PLAIN_PORT, count: PLAIN, rapid: RAPID });
    for (const counters of Object.values(await countersOf(hosts))) {
      assert.deepEqual([counters.held, counters.accepted, counters.associated], [0, 0, 0]);
    }
  }),
);

for (const [limited, other] of [["client", "server"], ["server", "client"]] as const) {
  const name = `what is beyond the descriptors of the ${limited}'s shim goes over TCP`;
  Deno.test(needs([...REQUIREMENTS, "prlimit"], name, async () => {
    await using hosts = await openHosts();
    await startEcho(hosts.server, PORT);
    await hosts.rule("client", `-c remote -p enable -s ${PORT}`);
    await hosts.rule("server", `-c local -p enable -s ${PORT}`);
    await hosts.startShim(other);
    await hosts.shim(limited).startWithin(DESCRIPTORS, MODES[limited]);
    await crowd(hosts, { port: PORT, count: 2 * DESCRIPTORS, rapid: 10 }, async () => {
      const { client: { carried, direct, broken } } = await countersOf(hosts);
      assert.ok(carried > 0 && carried < DESCRIPTORS, `${carried} are carried`);
      assert.deepEqual([carried + direct, broken], [2 * DESCRIPTORS + 10, 0]);
    });
  }));
}

/** What {@link crowd} does. */
interface Crowd {
  readonly port: number;
  /** Connections that are open at once. */
  readonly count: number;
  /** Those that come and go one after the other, beside them. */
  readonly rapid: number;
}

/** Opens so many connections, has a look while they are open, and closes them. */
async function crowd(
  hosts: ApplicationHosts,
  { port, count, rapid }: Crowd,
  look: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  const path = new URL("./lab/tcp_crowd.ts", import.meta.url).pathname;
  const words = [path, hosts.address("server"), port, count, rapid].map(String);
  const clients = hosts.client.spawn([Deno.execPath(), "run", "--quiet", "-A", ...words], {
    stdin: "piped",
  });
  await clients.line(/^made /, PATIENCE);
  await look();
  await clients.closeInput();
  const { lines } = await clients.succeeded(PATIENCE);
  assert.deepEqual(lines, [`open ${count}`, `made ${rapid}`, "closed"]);
}

async function countersOf(hosts: ApplicationHosts) {
  const [client, server] = await Promise.all(SIDES.map((side) => hosts.status(side)));
  return { client: client.counters, server: server.counters };
}

function descriptorsOf(shims: Record<Side, LabProcess>): Record<Side, number> {
  const count = ({ pid }: LabProcess) => [...Deno.readDirSync(`/proc/${pid}/fd`)].length;
  return { client: count(shims.client), server: count(shims.server) };
}

function isEstablished({ association }: ConnectionStatus): boolean {
  return association?.state === "ESTABLISHED";
}

/** The connections that a host's kernel has redirected and takes for alive: closed ones go by themselves. */
async function trackedConnections(hosts: ApplicationHosts, side: Side): Promise<string[]> {
  const words = ["conntrack", "-L", "-p", "tcp", "--state", "ESTABLISHED"];
  return (await hosts[side].run(...words)).split("\n").filter((line) => line !== "");
}

async function connectionsGone(hosts: ApplicationHosts, side: Side): Promise<void> {
  await until(`the ${side}'s connections and associations are gone`, async () => {
    const { connections, engine } = await hosts.status(side);
    return connections.length === 0 && engine.associations === 0;
  }, PATIENCE);
}

/** Waits until every connection is gone, and all that was needed for them. */
async function nothingLeft(
  hosts: ApplicationHosts,
  shims: Record<Side, LabProcess>,
  descriptors: Record<Side, number>,
): Promise<void> {
  for (const side of SIDES) {
    await connectionsGone(hosts, side);
    const { engine } = await hosts.status(side);
    assert.equal(engine.bufferedBytes, 0);
    const descriptorsBack = () => descriptorsOf(shims)[side] <= descriptors[side];
    await until(`the ${side}'s descriptors are back`, descriptorsBack);
    assert.deepEqual(await trackedConnections(hosts, side), []);
  }
}
