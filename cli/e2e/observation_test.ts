/** Everything that an application can see of TCP, with shims on both hosts and without any. */
import assert from "node:assert/strict";
import { needs } from "../../core/net/testing/requirements.ts";
import { type Difference, DIFFERENCES, differingPlaces } from "./lab/differences.ts";
import { ObservedHosts, type Sightings } from "./lab/observed.ts";

/** The last one for the compiler that comes with it. */
const NEEDS = ["linux", "root", "netns", "nft", "iptables", "ffi", "ipv6", "usrsctp-dev"] as const;
const DOCUMENT = new URL("../../core/shim/DIFFERENCES.md", import.meta.url);

/** Both families at once: most of it is waiting. */
function observeBoth(hosts: ObservedHosts): Promise<readonly [Sightings, Sightings]> {
  return Promise.all([hosts.observe(4), hosts.observe(6)]);
}

async function overTcp(): Promise<readonly [Sightings, Sightings]> {
  await using hosts = await ObservedHosts.open();
  return await observeBoth(hosts);
}

async function throughShims(): Promise<readonly [Sightings, Sightings]> {
  await using hosts = await ObservedHosts.open();
  await hosts.startShims();
  const seen = await observeBoth(hosts);
  const { counters } = await hosts.status();
  const connections = seen.map(connected).reduce((sum, count) => sum + count);
  assert.ok(connections > 0);
  assert.ok(counters.carried >= connections, `${counters.carried} of ${connections} were carried`);
  return seen;
}

/** Connections that the record says were made. */
function connected(seen: Sightings): number {
  const made = ([place, saw]: [string, string]) => /: connect$/.test(place) && /^0\b/.test(saw);
  return [...seen].filter(made).length;
}

function compare(plain: Sightings, shimmed: Sightings): void {
  const places = differingPlaces(plain, shimmed);
  const unexplained = places.filter((place) => !DIFFERENCES.some(({ at }) => at.test(place)));
  const shown = unexplained.map((place) =>
    `${place}\n  TCP:  ${plain.get(place)}\n  shim: ${shimmed.get(place)}`
  );
  assert.deepEqual(shown, [], "differences that no list explains");
  const gone = DIFFERENCES.filter(({ at }) => !places.some((place) => at.test(place)));
  assert.deepEqual(gone.map(({ what }) => what), [], "listed differences that no longer occur");
}

Deno.test(
  needs(NEEDS, "an application sees of the shim what is listed, and nothing else", async () => {
    const [plain, shimmed] = await Promise.all([overTcp(), throughShims()]);
    for (const family of [0, 1]) compare(plain[family], shimmed[family]);
  }),
);

Deno.test("the documentation lists the differences that the test allows", async () => {
  const row = ({ what, tcp, shim, why }: Difference) => `| ${[what, tcp, shim, why].join(" | ")} |`;
  const lines = (await Deno.readTextFile(DOCUMENT)).split("\n");
  const rows = lines.filter((line) => line.startsWith("|")).slice(2);
  assert.deepEqual(rows.map((line) => line.replace(/ +/g, " ")), DIFFERENCES.map(row));
});
