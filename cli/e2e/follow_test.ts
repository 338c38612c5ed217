/** Associations that follow their host's addresses (RFC 5061): an uplink comes or goes in mid-transfer. */
import assert from "node:assert/strict";
import { needs } from "../../core/net/testing/requirements.ts";
import { Capture, ChunkType, count } from "./lab/capture.ts";
import { Lab } from "./lab/lab.ts";
import { type TwoPathLab, twoPaths, type Wire } from "./lab/namespaces.ts";
import { fileSize, hashFile, writePayload } from "./lab/payload.ts";
import { type LabProcess, until } from "./lab/process.ts";
import {
  FAST_FAILOVER,
  parameterWords,
  reportOf,
  shimkitCommand,
  startSctp,
} from "./lab/shimkit.ts";
import { SshLab } from "./lab/ssh.ts";
import { CARRIERS } from "./lab/usrsctp_stage.ts";

const NEEDS = [
  "linux",
  "root",
  "netns",
  "nft",
  "raw-sockets",
  "ffi",
  "tcpdump",
  "tshark",
] as const;
const PORT = 7777;
const SIZE = 12_000_000;
/** Mbit/s: the transfer lasts some seconds. */
const RATE = 30;

/** A client with an address on the first wire only, in the midst of sending to a server with two. */
interface Scene {
  readonly wires: readonly [Wire, Wire];
  readonly client: LabProcess;
  /** Waits until so large a share of the file has arrived. */
  arrived(share: number): Promise<void>;
}

async function give({ a }: Wire): Promise<void> {
  await a.host.ip("address", "add", `${a.v4}/24`, "dev", a.device);
}

async function take({ a }: Wire): Promise<void> {
  await a.host.ip("address", "delete", `${a.v4}/24`, "dev", a.device);
}

function followTest(
  name: string,
  carrier: keyof typeof CARRIERS,
  happens: (scene: Scene) => Promise<void>,
): void {
  Deno.test(needs(NEEDS, `sctp --follow over ${carrier}: ${name}`, async () => {
    await using lab = Lab.open();
    const { client: host, server: far, wires } = await twoPaths(lab);
    for (const wire of wires) await wire.limit(RATE);
    await take(wires[1]);
    const capture = await Capture.start(far, lab.path("capture.pcap"));
    const [input, output] = [lab.path("input"), lab.path("output")];
    const hash = await writePayload(input, SIZE, 61);
    const { ours, theirs } = CARRIERS[carrier];
    const server = await startSctp(far, {
      port: PORT,
      local: wires.map(({ b }) => b.v4),
      udp: theirs,
      parameters: FAST_FAILOVER,
      more: ["--once"],
    }, { output });
    const client = await startSctp(host, {
      port: PORT,
      peer: [wires[0].b.v4],
      udp: ours,
      parameters: FAST_FAILOVER,
      more: ["--follow", "--json"],
    }, { input });
    const arrived = (share: number) =>
      until(`${share} of it arrives`, async () => await fileSize(output) >= share * SIZE);
    await arrived(0.1);
    await happens({ wires, client, arrived });
    await client.succeeded();
    await server.succeeded();
    assert.equal(await hashFile(output), hash);
    assert.ok(reportOf(client).association.extensions.includes(5061));
    const packets = await capture.assertClean();
    assert.ok(count(packets, ChunkType.asconf) >= 1, "the peer was asked");
    assert.ok(count(packets, ChunkType.asconfAck) >= 1, "and has answered");
    assert.equal(count(packets, ChunkType.abort), 0, "nobody aborts");
  }));
}

for (const carrier of ["UDP", "raw IP"] as const) {
  followTest("a second uplink comes, the first one goes", carrier, async ({ wires, arrived }) => {
    await give(wires[1]);
    await arrived(0.3);
    await take(wires[0]);
    await arrived(0.6);
  });

  followTest(
    "the only address is exchanged for another one",
    carrier,
    async ({ wires, arrived }) => {
      await take(wires[0]);
      await give(wires[1]);
      await arrived(0.6);
    },
  );
}

const FRONT = 2222;

/** Starts sshd with a shimd in front of it, and the client's shimd, which follows its host. */
async function startShims({ client, server, wires }: TwoPathLab, ssh: SshLab): Promise<void> {
  await ssh.startServer(server);
  const common = ["--no-control", ...parameterWords(FAST_FAILOVER)];
  // With IPv4 alone, as the client's IPv6 addresses stay.
  const local = ["--local", wires.map(({ b }) => b.v4).join()];
  const back = server.spawn(shimkitCommand(["shimd", "--serve", 22, ...local, ...common]));
  await back.line(/22/);
  // Without the fallback to TCP, whatever arrives came by SCTP.
  const forward = ["--forward", `127.0.0.1:${FRONT}=${wires[0].b.v4}:22`, "--no-fallback"];
  const front = client.spawn(shimkitCommand(["shimd", ...forward, "--follow", ...common]));
  await front.line(new RegExp(String(FRONT)));
}

Deno.test(
  needs([...NEEDS, "ssh"], "shimd --follow: scp goes on while uplinks come and go", async () => {
    await using lab = Lab.open();
    const net = await twoPaths(lab);
    const { client, wires } = net;
    for (const wire of wires) await wire.limit(RATE);
    await take(wires[1]);
    const ssh = await SshLab.create(lab);
    await startShims(net, ssh);
    const [input, output] = [lab.path("input"), lab.path("output")];
    const hash = await writePayload(input, SIZE, 62);
    const words = await ssh.clientOptions(FRONT);
    const scp = client.spawn(["scp", ...words, input, `127.0.0.1:${output}`]);
    const arrived = (share: number) =>
      until(`${share} of it arrives`, async () => await fileSize(output) >= share * SIZE);
    await arrived(0.1);
    await give(wires[1]);
    await arrived(0.3);
    await take(wires[0]);
    await arrived(0.5);
    await take(wires[1]);
    await give(wires[0]);
    await arrived(0.7);
    await scp.succeeded();
    assert.equal(await hashFile(output), hash);
  }),
);
