/** Everything that an application can see of TCP, with shims on both hosts and without any. */
import assert from "node:assert/strict";
import { needs } from "../../core/net/testing/requirements.ts";
import { DIFFERENCES, differingPlaces } from "./lab/differences.ts";
import { ObservedHosts, type Sightings } from "./lab/observed.ts";

const NEEDS = ["linux", "root", "netns", "nft", "iptables", "ffi", "ipv6", "gcc"] as const;
const DOCUMENTS = new URL("../../docs/", import.meta.url);

/** Scenes whose connections the shim has to leave to TCP. */
const NOT_CARRIED = /bound to a device|bound to an address of another interface|signed segments/;

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
    /: connect$/.test(place) && !NOT_CARRIED.test(place) && /^0\b/.test(saw)
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

/** The rows of a document's tables, without their heads; each is its cells. */
async function rowsOf(document: string): Promise<readonly string[][]> {
  const text = await Deno.readTextFile(new URL(document, DOCUMENTS));
  const tables = text.split(/\n(?!\|)/).map((part) => part.split("\n").filter(isRow));
  return tables.flatMap((lines) => lines.slice(2)).map((line) =>
    line.split("|").slice(1, -1).map((cell) => cell.trim())
  );
}

function isRow(line: string): boolean {
  return line.startsWith("|");
}

/** That the page on socket options names only scenes that were played. */
async function assertScenes(seen: readonly Sightings[]): Promise<void> {
  const places = seen.flatMap((one) => [...one.keys()]);
  const played = new Set(places.map((place) => /^\w+, (.*?): /.exec(place)![1]));
  const named = (await rowsOf("socket-options.md")).flatMap((cells) => cells[2].split("; "));
  const scenes = named.filter((name) => name !== "-" && !name.startsWith("every scene"));
  assert.ok(scenes.length > 0);
  assert.deepEqual(scenes.filter((scene) => !played.has(scene)), [], "scenes that nobody plays");
}

Deno.test(
  needs(NEEDS, "an application sees of the shim what is listed, and nothing else", async () => {
    const [plain, shimmed] = await Promise.all([overTcp(), throughShims()]);
    for (const family of [0, 1]) compare(plain[family], shimmed[family]);
    await assertScenes(plain);
  }),
);

Deno.test("the documentation lists the differences that the test allows", async () => {
  const listed = DIFFERENCES.map(({ what, tcp, shim, why }) => [what, tcp, shim, why]);
  assert.deepEqual(await rowsOf("differences.md"), listed);
});

Deno.test("the page on socket options has each that the observer looks at", async () => {
  const source = new URL("lab/c/observer/options.c", import.meta.url);
  const looked = (await Deno.readTextFile(source)).matchAll(/\{"(\w+)", /g);
  const rows = (await rowsOf("socket-options.md")).map(([option]) => option).join("\n");
  const missing = [...looked].filter(([, name]) => !rows.includes(`\`${name}\``));
  assert.deepEqual(missing.map(([, name]) => name), []);
});
