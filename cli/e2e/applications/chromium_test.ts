/** A browser, which opens several connections: a page of Apache's with many pictures. */
import assert from "node:assert/strict";
import type { ApplicationHosts } from "../lab/application_hosts.ts";
import { startApache } from "../lab/application_servers.ts";
import { carriedBytes, cutInTheMiddle } from "../lab/cut.ts";
import { type LabProcess, until } from "../lab/process.ts";
import { findingsIn, makeAlbum, pageOf } from "./pictures.ts";
import { applicationTest, FAMILIES, type Family, startClientShim } from "./stage.ts";

const PICTURES = 100;

/** Connections that the browser opens to a server that has so much to give. */
const CONNECTIONS = 6;

/** Milliseconds for a page, with the browser's start: a busy machine takes a while. */
const PATIENCE = 120_000;

/** Headless, with a profile of its own, and without what a browser asks of its maker's servers. */
const OPTIONS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--no-proxy-server",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
] as const;

/** What the page finds if all is well, and the bytes of its pictures. */
interface Site {
  readonly findings: string;
  readonly bytes: number;
}

async function startSite(hosts: ApplicationHosts): Promise<Site> {
  const root = hosts.lab.path("site");
  await Deno.mkdir(root);
  const { pictures, findings } = makeAlbum(PICTURES);
  const names = pictures.map((_, index) => `${index}.png`);
  await Deno.writeTextFile(`${root}/page.html`, pageOf(names));
  for (const [index, name] of names.entries()) {
    await Deno.writeFile(`${root}/${name}`, pictures[index]);
  }
  await startApache(hosts, root);
  return { findings, bytes: pictures.reduce((sum, { length }) => sum + length, 0) };
}

/** Starts a browser that prints the page as it is once every picture has been loaded. */
function browse(hosts: ApplicationHosts, family: Family): LabProcess {
  const home = hosts.lab.path(`home${family}`);
  const url = hosts.url("http", "page.html", family);
  const words = ["chromium", ...OPTIONS, `--user-data-dir=${home}`, "--dump-dom", url];
  return hosts.client.spawn(words, { environment: { HOME: home } });
}

/** That the browser has seen every pixel of every picture. */
async function assertComplete(browser: LabProcess, { findings }: Site): Promise<void> {
  const { lines } = await browser.succeeded(PATIENCE);
  assert.equal(findingsIn(lines.join("\n")), findings);
}

applicationTest(
  "chromium",
  "a page of pictures is complete though a path is lost",
  async (hosts) => {
    const site = await startSite(hosts);
    await hosts.startShims("80");
    for (const family of FAMILIES) {
      const before = await carriedBytes(hosts.wires);
      const browser = browse(hosts, family);
      // One that begins when the path has gone silent goes over TCP: it knows no other address.
      const all = async () => (await hosts.kernelConnections("client", 80)).length >= CONNECTIONS;
      await until("all connections are there", all);
      const arrived = async () => await carriedBytes(hosts.wires) - before;
      await cutInTheMiddle(hosts.wires, site.bytes, arrived);
      await assertComplete(browser, site);
    }
    const { counters: { carried, direct, fellBack }, ended } = await hosts.status("client");
    const others = ended.filter(({ carrier }) => carrier !== "sctp");
    assert.deepEqual([direct, fellBack], [0, 0], others.map(({ reason }) => reason).join("\n"));
    assert.ok(carried >= FAMILIES.length * CONNECTIONS, `${carried} connections`);
  },
);

applicationTest("chromium", "a browser without a shim has TCP of its own", async (hosts) => {
  const site = await startSite(hosts);
  await startClientShim(hosts, 80);
  for (const family of FAMILIES) {
    const browser = browse(hosts, family);
    await hosts.ownConnections("chromium", 80);
    await assertComplete(browser, site);
  }
  const { counters: { carried, accepted } } = await hosts.status("client");
  assert.deepEqual([carried, accepted], [0, 0]);
});
