/** A shim that has SCTP over UDP and directly over IP, and peers that have one of the two. */
import assert from "node:assert/strict";
import { needs } from "../../core/net/testing/requirements.ts";
import { startApache } from "./lab/application_servers.ts";
import { compileProgram } from "./lab/c_programs.ts";
import { HostShim } from "./lab/host_shim.ts";
import { Lab } from "./lab/lab.ts";
import { type Namespace, twoPaths } from "./lab/namespaces.ts";
import { type LabProcess, until } from "./lab/process.ts";

const UDP_PORT = "9899";
const BOTH = ["--udp", UDP_PORT, "--raw"] as const;
const PAGE = "<p>A page</p>\n";

/** Two hosts, the client with a shim, the server without, and a page to serve. */
interface Stage {
  readonly lab: Lab;
  readonly client: Namespace;
  readonly server: Namespace;
  /** The server's address. */
  readonly address: string;
  readonly site: string;
  /** The program of native peers: over raw IP unless told otherwise. */
  readonly native: string;
}

function dualTest(name: string, body: (stage: Stage) => Promise<void>): void {
  const requirements = [
    "linux",
    "root",
    "netns",
    "nft",
    "iptables",
    "ffi",
    "usrsctp-dev",
    "apache",
  ] as const;
  const test = async () => {
    await using lab = Lab.open();
    // Apache gives up root, and must reach its files all the same.
    await Deno.chmod(lab.folder, 0o755);
    const { client, server, wires } = await twoPaths(lab);
    const site = lab.path("site");
    await Deno.mkdir(site);
    await Deno.writeTextFile(`${site}/page.html`, PAGE);
    const native = lab.path(await compileProgram(lab, "native_http", "usrsctp"));
    await body({ lab, client, server, address: wires[0].b.v4, site, native });
  };
  Deno.test(needs(requirements, `UDP and raw IP: ${name}`, test));
}

/** Has curl fetch the page, and gives the UDP port by which the `count`th connection went; 0 for none. */
async function fetched({ client, address }: Stage, shim: HostShim, count: number): Promise<number> {
  const words = ["-q", "--noproxy", "*", "--silent", "--show-error", "--fail"];
  assert.equal(await client.run("curl", ...words, `http://${address}/page.html`), PAGE);
  const ended = async () => (await shim.status()).ended;
  await until("the connection has ended", async () => (await ended()).length === count);
  const { carrier, association } = (await ended())[count - 1];
  assert.equal(carrier, "sctp");
  return association!.paths[0].encapsulationPort;
}

dualTest("each server is reached the way it has, and remembered", async (stage) => {
  const { lab, client, server, site, native } = stage;
  const shim = await HostShim.prepare(lab, client, "client");
  await shim.rule("-c remote -p enable -s 80");
  await shim.start("--intercept", ...BOTH);
  const overIp: LabProcess = server.spawn([native, "serve", "80", site]);
  await overIp.line(/listening/);
  assert.equal(await fetched(stage, shim, 1), 0, "nobody is on the UDP port");
  const known = await shim.availability();
  assert.deepEqual(known.map(({ encapsulation }) => encapsulation), ["raw"]);
  assert.equal(await fetched(stage, shim, 2), 0);
  await overIp.kill();
  // Now a shim that has UDP alone, and a server that knows nothing of SCTP.
  await startApache({ lab, server }, site);
  const other = await HostShim.prepare(lab, server, "server");
  await other.rule("-c local -p enable -s 80");
  await other.start("--serve-listeners");
  assert.equal(await fetched(stage, shim, 3), Number(UDP_PORT));
});

dualTest("clients come either way to one shim", async (stage) => {
  const { lab, client, server, address, site, native } = stage;
  await startApache({ lab, server }, site);
  const shim = await HostShim.prepare(lab, server, "server");
  await shim.rule("-c local -p enable -s 80");
  await shim.start("--serve-listeners", ...BOTH);
  const ways = [[], ["--udp", UDP_PORT, "--udp-remote", UDP_PORT]];
  for (const way of ways) {
    const output = lab.path("page");
    const fetch = client.spawn([native, ...way, "fetch", address, "80", "/page.html", output]);
    await fetch.succeeded();
    assert.equal(await Deno.readTextFile(output), PAGE);
  }
  const { connections, ended, counters } = await shim.status();
  assert.equal(counters.carried, ways.length);
  const ports = [...connections, ...ended].map(({ association }) =>
    association!.paths[0].encapsulationPort
  );
  assert.deepEqual(ports.sort(), [0, Number(UDP_PORT)]);
});
