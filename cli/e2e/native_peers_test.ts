/**
 * Legacy applications behind a shim and programs that speak SCTP themselves, both ways round: curl
 * and a native web server, a native client and Apache (Bickhart 2005, section 3.1.2).
 */
import assert from "node:assert/strict";
import { startApache } from "./lab/application_servers.ts";
import { cutInTheMiddle, DISTURBED_RATE } from "./lab/cut.ts";
import type { Lab } from "./lab/lab.ts";
import { KERNEL_SCTP, type NativeProcess, USRSCTP } from "./lab/native_hosts.ts";
import { nativeTest, type Scene } from "./testing/native_scene.ts";
import { fileSize, hashFile, writePayload } from "./lab/payload.ts";
import { until } from "./lab/process.ts";

const SIZE = 10_000_000;
const PAGE = "<p>A page</p>\n";

/** Writes a page and a large file, whose hash it gives. */
async function writeSite(lab: Lab): Promise<{ root: string; hash: string }> {
  const root = lab.path("site");
  await Deno.mkdir(root, { recursive: true });
  await Deno.writeTextFile(`${root}/page.html`, PAGE);
  return { root, hash: await writePayload(`${root}/large`, SIZE, 1) };
}

/** Where a file is fetched to. The tests of a stack share a folder: what another one fetched is removed. */
async function target(lab: Lab): Promise<string> {
  const path = lab.path("fetched");
  await Deno.writeTextFile(path, "");
  await Deno.remove(path);
  return path;
}

/** The addresses of Apache's first `count` clients, as it has logged them. */
async function loggedClients(log: string, count: number): Promise<readonly string[]> {
  const lines = async () => (await Deno.readTextFile(log)).trimEnd().split("\n");
  await until(`Apache logs ${count} requests`, async () => (await lines()).length >= count);
  return (await lines()).map((line) => line.split(" ")[0]);
}

function url(address: string, path: string): string {
  return `http://${address.includes(":") ? `[${address}]` : address}/${path}`;
}

/** `curl` without the settings and proxies of the machine. */
function curl(...words: readonly string[]): readonly string[] {
  return ["curl", "-q", "--noproxy", "*", "--silent", "--show-error", "--fail", ...words];
}

/** curl fetches pages over both families, then a file during which a path is lost, from the native server. */
async function fetchFromNative(scene: Scene): Promise<void> {
  const { lab, host } = scene;
  const { hash } = await writeSite(lab);
  const server = await scene.startNative("native_http", "serve", "80", host.path("site"));
  await server.line(/listening/);
  await scene.startShim("--intercept", "-c remote -p enable -s 80");
  for (const family of [4, 6] as const) {
    const words = curl("--write-out", "%{local_ip} %{local_port}");
    const page = url(scene.addresses("native", family)[0], "page.html");
    const [text, local] = (await host.other.run(...words, page)).split("\n");
    assert.equal(`${text}\n`, PAGE);
    await server.line(new RegExp(`^${local} /page.html 200$`));
  }
  for (const wire of host.wires) await wire.limit(DISTURBED_RATE);
  const fetched = await target(lab);
  const file = url(scene.addresses("native", 4)[0], "large");
  const fetch = host.other.spawn(curl("--output", fetched, file));
  await cutInTheMiddle(host.wires, SIZE, () => fileSize(fetched));
  await fetch.succeeded();
  assert.equal(await hashFile(fetched), hash);
  await scene.assertCarried(3);
}

/** The native client fetches the same from Apache. */
async function fetchFromApache(scene: Scene): Promise<void> {
  const { lab, host } = scene;
  const { root, hash } = await writeSite(lab);
  const log = await startApache({ lab, server: host.other }, root);
  await scene.startShim("--serve-listeners", "-c local -p enable -s 80");
  const fetch = async (path: string, file: string, family: 4 | 6) => {
    const words = ["fetch", scene.addresses("legacy", family)[0], "80", path, host.path(file)];
    return await scene.startNative("native_http", ...words);
  };
  for (const family of [4, 6] as const) {
    await succeeded(await fetch("/page.html", "page", family));
    assert.equal(await Deno.readTextFile(lab.path("page")), PAGE);
  }
  // usrsctp may send from its address on the other wire.
  const [first, second] = await loggedClients(log, 2);
  assert.ok(scene.addresses("native", 4).includes(first), `Apache sees ${first}`);
  assert.ok(scene.addresses("native", 6).includes(second), `Apache sees ${second}`);
  for (const wire of host.wires) await wire.limit(DISTURBED_RATE);
  const fetched = await target(lab);
  const large = await fetch("/large", "fetched", 4);
  await cutInTheMiddle(host.wires, SIZE, () => fileSize(fetched));
  await succeeded(large);
  assert.equal(await hashFile(fetched), hash);
  await scene.assertCarried(3);
}

async function succeeded(process: NativeProcess): Promise<void> {
  assert.equal(await process.exitStatus(), 0, process.lines.join("\n"));
}

for (const stack of [USRSCTP, KERNEL_SCTP]) {
  for (const carrier of ["raw IP", "UDP"] as const) {
    const what = "pages, and a file though a path is lost,";
    nativeTest(stack, carrier, `curl gets ${what} from its web server`, fetchFromNative, [
      "apache",
    ]);
    nativeTest(stack, carrier, `its client gets ${what} from Apache`, fetchFromApache, ["apache"]);
  }
}
