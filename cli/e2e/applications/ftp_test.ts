/**
 * FTP, whose every transfer has a connection of its own: from the client if it is passive, from the
 * server, port 20, if it is active.
 */
import assert from "node:assert/strict";
import type { ApplicationHosts } from "../lab/application_hosts.ts";
import { startFtp } from "../lab/application_servers.ts";
import { cutInTheMiddle } from "../lab/cut.ts";
import { fileSize, hashFile, writePayload } from "../lab/payload.ts";
import { until } from "../lab/process.ts";
import {
  applicationTest,
  assertCarried,
  assertDirect,
  curl,
  FAMILIES,
  type Family,
  SHORT_SIZE,
  SIZE,
  startClientShim,
} from "./stage.ts";

const PASSIVE_PORTS = { first: 50_000, last: 50_009 } as const;
const PORTS = ["21", `${PASSIVE_PORTS.first}:${PASSIVE_PORTS.last}`] as const;

/** An FTP server with a file to fetch, and a folder for files that are stored. */
interface FtpSite {
  readonly hash: string;
  /** The file on the server's host; also what is stored. */
  readonly file: string;
  /** Where the server puts what is stored under a name. */
  readonly stored: (name: string) => string;
}

async function startSite(
  hosts: ApplicationHosts,
  size: number,
  settings: Readonly<Record<string, string | number>> = {},
): Promise<FtpSite> {
  const root = hosts.lab.path("ftp");
  await Deno.mkdir(`${root}/incoming`, { recursive: true });
  await Deno.chmod(`${root}/incoming`, 0o777);
  const file = `${root}/large`;
  const hash = await writePayload(file, size, 3);
  await startFtp(hosts, root, PASSIVE_PORTS, settings);
  return { hash, file, stored: (name) => `${root}/incoming/${name}` };
}

/** The words of a client that fetches a URL into a file, and of one that stores a file there. */
interface FtpClient {
  fetch(url: string, into: string): readonly string[];
  store(file: string, url: string): readonly string[];
}

const PASSIVE: FtpClient = {
  fetch: (url, into) => curl("--output", into, url),
  store: (file, url) => curl("--upload-file", file, url),
};

const ACTIVE: FtpClient = {
  fetch: (url, into) => ["tnftp", "-A", "-V", "-o", into, url],
  store: (file, url) => ["tnftp", "-A", "-V", "-u", url, file],
};

/** Fetches the file, and stores it under another name; each time a path is lost. */
async function fetchAndStore(
  hosts: ApplicationHosts,
  { hash, file, stored }: FtpSite,
  client: FtpClient,
  family: Family,
): Promise<void> {
  const name = `name${family}`;
  const fetched = hosts.lab.path(name);
  const transfers = [
    [client.fetch(hosts.url("ftp", "large", family), fetched), fetched],
    [client.store(file, hosts.url("ftp", `incoming/${name}`, family)), stored(name)],
  ] as const;
  for (const [words, arrived] of transfers) {
    const transfer = hosts.client.spawn(words);
    await cutInTheMiddle(hosts.wires, SIZE, () => fileSize(arrived));
    await transfer.succeeded();
    assert.equal(await hashFile(arrived), hash, words.join(" "));
  }
}

applicationTest("ftp", "FTP, passive, goes on both ways though a path is lost", async (hosts) => {
  const site = await startSite(hosts, SIZE);
  await hosts.forceBindall("server");
  await hosts.startShims(...PORTS);
  for (const family of FAMILIES) await fetchAndStore(hosts, site, PASSIVE, family);
  await assertCarried(hosts, 8);
});

applicationTest("ftp", "FTP, active, goes on both ways though a path is lost", async (hosts) => {
  const site = await startSite(hosts, SIZE);
  for (const [near, far] of [["client", "server"], ["server", "client"]] as const) {
    await hosts.rule(near, "-c remote -p enable");
    await hosts.rule(far, "-c local -p enable");
    await hosts.forceBindall(far);
  }
  await Promise.all([hosts.startShim("client"), hosts.startShim("server", "--intercept")]);
  for (const family of FAMILIES) await fetchAndStore(hosts, site, ACTIVE, family);
  for (const side of ["client", "server"] as const) {
    const { counters: { held, carried, associated, broken } } = await hosts.status(side);
    assert.deepEqual([held, carried, associated, broken], [4, 8, 4, 0], side);
  }
});

// The client, interrupted, sends ABOR as urgent data; a signal tells the server of that, which is busy.
applicationTest("ftp", "FTP's ABOR ends a transfer that would last for minutes", async (hosts) => {
  await startSite(hosts, SIZE, { async_abor_enable: "YES", anon_max_rate: 100_000 });
  await hosts.forceBindall("server");
  await hosts.startShims(...PORTS);
  for (const family of FAMILIES) {
    const words = ["tnftp", "-v", hosts.url("ftp", "", family)];
    const client = hosts.client.spawn(words, { stdin: "piped" });
    await client.write("get large /dev/null\n");
    await until("a part of the file arrives", async () => {
      const { connections } = await hosts.status("client");
      return connections.some(({ bytesIn }) => bytesIn > 100_000);
    });
    client.signal("SIGINT");
    await client.write("quit\n");
    const { lines } = await client.finished();
    assert.ok(lines.includes("226 ABOR successful."), lines.join("\n"));
  }
  await assertCarried(hosts, 4);
});

applicationTest("ftp", "FTP without a shim has TCP of its own", async (hosts) => {
  const { hash, file, stored } = await startSite(hosts, SHORT_SIZE);
  await startClientShim(hosts);
  for (const family of FAMILIES) {
    const fetched = hosts.lab.path(`fetched${family}`);
    const fetch = hosts.client.spawn(PASSIVE.fetch(hosts.url("ftp", "large", family), fetched));
    await hosts.ownConnection("curl", 21);
    await fetch.succeeded();
    assert.equal(await hashFile(fetched), hash);
    const name = `name${family}`;
    const url = hosts.url("ftp", `incoming/${name}`, family);
    const store = hosts.client.spawn(ACTIVE.store(file, url));
    await hosts.ownConnection("tnftp", 21);
    await store.succeeded();
    assert.equal(await hashFile(stored(name)), hash);
  }
  // Active transfers' connections are the server's: not the shim's business.
  await assertDirect(hosts, 6);
});
