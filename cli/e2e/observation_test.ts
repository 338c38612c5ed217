/** Everything that an application can see of TCP, with shims on both hosts and without any. */
import assert from "node:assert/strict";
import { needs } from "../../core/net/testing/requirements.ts";
import { type Difference, DIFFERENCES, differingPlaces } from "./lab/differences.ts";
import { ObservedHosts, type Sightings } from "./lab/observed.ts";

const NEEDS = ["linux", "root", "netns", "nft", "iptables", "ffi", "ipv6", "gcc"] as const;
const DOCUMENT = new URL("../../docs/differences.md", import.meta.url);

/** The records of both versions of IP, with what is seen when the wires go silent in the end. */
async function observe(hosts: ObservedHosts): Promise<readonly Sightings[]> {
  const played = await Promise.all([hosts.observe(4), hosts.observe(6)]);
  const silence = await hosts.observeSilence();
  return played.map((seen, index) => new Map([...seen, ...silence[index]]));
}

async function overTcp(): Promise<readonly Sightings[]> {
  await using hosts = await ObservedHosts.open();
  return await observe(hosts);
}

async function throughShims(): Promise<readonly Sightings[]> {
  await using hosts = await ObservedHosts.open();
  await hosts.startShims();
  const seen = await observe(hosts);
  const { counters } = await hosts.status();
  const connections = seen.map(carriedIn).reduce((sum, count) => sum + count);
  assert.ok(connections > 0);
  assert.ok(counters.carried >= connections, `${counters.carried} of ${connections} were carried`);
  return seen;
}

/** Connections of a record that were made, but for those that must be the kernel's own. */
function carriedIn(seen: Sightings): number {
  const places = [...seen].filter(([place, saw]) =>
    /: connect$/.test(place) && !/bound to a device|signed segments/.test(place) && /^0\b/.test(saw)
  );
  return places.reduce((sum, [, saw]) => sum + saw.split("; ").length, 0);
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
