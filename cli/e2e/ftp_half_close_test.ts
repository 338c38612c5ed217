/**
 * The end of FTP's data connection where the server closes first (Bickhart 2005, section 3.2.2,
 * figures 3.1 to 3.3), with a real server: the same over TCP alone and with shims.
 */
import assert from "node:assert/strict";
import { needs } from "../../core/net/testing/requirements.ts";
import { ApplicationHosts } from "./lab/application_hosts.ts";
import { startFtp } from "./lab/application_servers.ts";
import { writePayload } from "./lab/payload.ts";
import { type LabProcess, run, until } from "./lab/process.ts";

const NEEDS = ["linux", "root", "netns", "nft", "iptables", "ffi", "ipv6", "ftp"] as const;
const PASSIVE_PORTS = { first: 50_000, last: 50_009 } as const;
const SIZE = 30_000;

/** The filter of the client's host by which a reply is lost. */
class LostReply {
  readonly #hosts: ApplicationHosts;

  constructor(hosts: ApplicationHosts) {
    this.#hosts = hosts;
  }

  /**
   * Drops what begins with "150 ": a TCP segment, with the header that it has with time stamps, or a
   * DATA chunk in UDP, perhaps behind a SACK.
   */
  async begin(): Promise<void> {
    const begins = (offset: number) => `@th,${offset * 8},32 0x31353020 counter drop`;
    const [udp, common, chunk, sack] = [8, 12, 16, 16];
    const rules = [
      `tcp sport 21 ${begins(32)}`,
      `udp sport 9899 ${begins(udp + common + chunk)}`,
      `udp sport 9899 ${begins(udp + common + sack + chunk)}`,
    ];
    const hook = "type filter hook prerouting priority -300;";
    const script = ["table inet lost {", "chain enter {", hook, ...rules, "}", "}", ""].join("\n");
    await run(this.#hosts.client.inside(["nft", "-f", "-"]), script);
  }

  async happened(): Promise<boolean> {
    const text = await this.#hosts.client.run("nft", "list", "table", "inet", "lost");
    return /packets [1-9]/.test(text);
  }

  async end(): Promise<void> {
    await this.#hosts.client.run("nft", "delete", "table", "inet", "lost");
  }
}

interface Stage {
  readonly hosts: ApplicationHosts;
  /** Hash of the server's file "small". */
  readonly hash: string;
  startClient(mode: "active" | "passive"): LabProcess;
}

/** That the client has had the whole file. */
async function assertFetched(client: LabProcess, hash: string): Promise<void> {
  const { lines } = await client.succeeded();
  const text = lines.findLast((line) => line.startsWith("{"));
  assert.deepEqual(JSON.parse(text!), { bytes: SIZE, sha256: hash });
}

/** A connection of the client's host in CLOSE-WAIT that holds the whole file, accepted by nobody. */
async function fileWaits({ client }: ApplicationHosts): Promise<boolean> {
  const text = await client.run("ss", "-Htnp", "state", "close-wait");
  return text.split("\n").some((line) => {
    const [unread] = line.trim().split(/\s+/);
    return Number(unread) >= SIZE && !line.includes("users:");
  });
}

/** Runs a case with shims on both hosts, and without. */
function halfCloseTest(name: string, body: (stage: Stage) => Promise<void>): void {
  for (const carrier of ["TCP", "shims"] as const) {
    const run = async () => {
      await using hosts = await ApplicationHosts.open();
      const root = hosts.lab.path("ftp");
      await Deno.mkdir(root);
      const hash = await writePayload(`${root}/small`, SIZE, 4);
      await startFtp(hosts, root, PASSIVE_PORTS);
      if (carrier === "shims") await startShims(hosts);
      const script = new URL("./lab/ftp_client.ts", import.meta.url).pathname;
      const startClient = (mode: string) => {
        const words = ["run", "--quiet", "-A", script, hosts.address("server"), mode, "small"];
        return hosts.client.spawn([Deno.execPath(), ...words]);
      };
      await body({ hosts, hash, startClient });
      if (carrier === "shims") await assertCarried(hosts);
    };
    Deno.test(needs(NEEDS, `FTP half-close over ${carrier}: ${name}`, run));
  }
}

/** Each host's shim intercepts, and serves its host's listeners: the data come either way. */
async function startShims(hosts: ApplicationHosts): Promise<void> {
  for (const [near, far] of [["client", "server"], ["server", "client"]] as const) {
    await hosts.rule(near, "-c remote -p enable");
    await hosts.rule(far, "-c local -p enable");
    await hosts.forceBindall(far);
  }
  await Promise.all([
    hosts.startShim("client", "--intercept"),
    hosts.startShim("server", "--intercept"),
  ]);
}

/** That control and data connection went over SCTP. */
async function assertCarried(hosts: ApplicationHosts): Promise<void> {
  const { counters } = await hosts.status("client");
  assert.deepEqual([counters.carried, counters.fellBack, counters.direct], [2, 0, 0]);
}

halfCloseTest("the client accepts the data and reads them (figure 3.1)", async (stage) => {
  await assertFetched(stage.startClient("active"), stage.hash);
});

halfCloseTest(
  "the server closes before the client, its 150 reply lost, accepts (figures 3.2, 3.3)",
  async (stage) => {
    const { hosts } = stage;
    const lost = new LostReply(hosts);
    await lost.begin();
    const client = stage.startClient("active");
    await until("the reply is lost", () => lost.happened());
    await until("the server has sent everything and closed", () => fileWaits(hosts));
    assert.ok(!client.lines.some((line) => line.startsWith("150")), client.lines.join("\n"));
    await lost.end();
    await assertFetched(client, stage.hash);
  },
);

halfCloseTest("the server closes before the client, which connected, reads", async (stage) => {
  await assertFetched(stage.startClient("passive"), stage.hash);
});
