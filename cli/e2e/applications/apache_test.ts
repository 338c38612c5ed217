/** Apache and curl: a page, and a file large enough to lose a path in. */
import assert from "node:assert/strict";
import { cutInTheMiddle } from "../lab/cut.ts";
import { fileSize, hashFile, writePayload } from "../lab/payload.ts";
import { until } from "../lab/process.ts";
import { startApache } from "../lab/application_servers.ts";
import type { ApplicationHosts } from "../lab/application_hosts.ts";
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

/** Apache with a page and a large file, whose hash it gives. */
async function startSite(
  hosts: ApplicationHosts,
  size: number,
): Promise<{ log: string; hash: string }> {
  const root = hosts.lab.path("site");
  await Deno.mkdir(root);
  await Deno.writeTextFile(`${root}/page.html`, "<p>A page</p>\n");
  const hash = await writePayload(`${root}/large`, size, 1);
  return { log: await startApache(hosts, root), hash };
}

/** Fetches the page, and waits until Apache has seen the client as it sees itself. */
async function fetchPage(hosts: ApplicationHosts, log: string, family: Family): Promise<void> {
  const ends = "%{local_ip} %{local_port}";
  const words = curl("--write-out", ends, hosts.url("http", "page.html", family));
  const [page, local] = (await hosts.client.run(...words)).split("\n");
  assert.equal(page, "<p>A page</p>");
  const line = `${local} /page.html 200`;
  const seen = async () => (await Deno.readTextFile(log)).split("\n").includes(line);
  await until(`Apache logs ${line}`, seen);
}

applicationTest("apache", "Apache gives curl a page and, a path lost, a file", async (hosts) => {
  const { log, hash } = await startSite(hosts, SIZE);
  await hosts.startShims("80");
  for (const family of FAMILIES) {
    await fetchPage(hosts, log, family);
    const output = hosts.lab.path(`fetched${family}`);
    const fetch = hosts.client.spawn(curl("--output", output, hosts.url("http", "large", family)));
    await cutInTheMiddle(hosts.wires, SIZE, () => fileSize(output));
    await fetch.succeeded();
    assert.equal(await hashFile(output), hash);
  }
  await assertCarried(hosts, 4);
});

applicationTest("apache", "Apache without a shim has curl's own TCP", async (hosts) => {
  const { log } = await startSite(hosts, SHORT_SIZE);
  await startClientShim(hosts, 80);
  for (const family of FAMILIES) {
    await fetchPage(hosts, log, family);
    const words = curl("--output", "/dev/null", hosts.url("http", "large", family));
    const fetch = hosts.client.spawn(words);
    await hosts.ownConnection("curl", 80);
    await fetch.succeeded();
  }
  await assertDirect(hosts, 4);
});
