/** OpenSSH through two shimd between two hosts joined by two wires, one of which goes silent. */
import assert from "node:assert/strict";
import { needs } from "../../core/net/testing/requirements.ts";
import { Capture, ChunkType, count, countTo } from "./lab/capture.ts";
import { cutInTheMiddle, DISTURBED_RATE } from "./lab/cut.ts";
import { Lab } from "./lab/lab.ts";
import { type TwoPathLab, twoPaths } from "./lab/namespaces.ts";
import { fileSize, hashFile, writePayload } from "./lab/payload.ts";
import type { LabProcess } from "./lab/process.ts";
import { FAST_FAILOVER, parameterWords, shimkitCommand } from "./lab/shimkit.ts";
import { SshLab, withHosts } from "./lab/ssh.ts";

const SIZE = 25_000_000;
const FRONT = 2222;
const CARRIERS = { "UDP": ["--udp", "9899"], "raw IP": ["--raw"] } as const;

type Carrier = keyof typeof CARRIERS;

/** Starts sshd and the server's shimd on one host, the client's shimd on the other. */
async function startShims(lab: Lab, net: TwoPathLab, ssh: SshLab, carrier: Carrier): Promise<void> {
  const { client, server, wires } = net;
  const common = [...CARRIERS[carrier], ...parameterWords(FAST_FAILOVER)];
  await ssh.startServer(server);
  const back = server.spawn(shimkitCommand(["shimd", "--no-control", "--serve", 22, ...common]));
  await back.line(/22/);
  // Without the fallback to TCP, whatever arrives came by SCTP.
  const forward = ["--forward", `127.0.0.1:${FRONT}=server:22`, "--no-fallback"];
  const names = wires.map((wire) => `${wire.b.v4} server`);
  const command = shimkitCommand(["shimd", "--no-control", ...forward, ...common]);
  const front = client.spawn(await withHosts(lab, names, command));
  await front.line(new RegExp(String(FRONT)));
}

/** A shell on the server in a pseudo-terminal, to type into. */
class Terminal {
  readonly #ssh: LabProcess;
  #typed = 0;

  constructor(ssh: LabProcess) {
    this.#ssh = ssh;
  }

  /** Types an arithmetic question, and waits for the answer, which the terminal's echo is not. */
  async ask(): Promise<void> {
    const question = ++this.#typed;
    await this.#ssh.write(`echo answer $((${question} * 1000))\n`);
    await this.#ssh.line(new RegExp(`answer ${question}000`));
  }

  async leave(): Promise<void> {
    await this.#ssh.write("tty; exit 7\n");
    const { code, lines } = await this.#ssh.finished();
    assert.equal(code, 7, "the exit status of the remote shell arrives");
    assert.match(lines.join("\n"), /\/dev\/pts\//, "there was a terminal");
  }
}

async function sshOver(carrier: Carrier): Promise<void> {
  await using lab = Lab.open();
  const net = await twoPaths(lab);
  const { client, wires } = net;
  for (const wire of wires) await wire.limit(DISTURBED_RATE);
  const capture = await Capture.start(client, lab.path("capture.pcap"));
  const ssh = await SshLab.create(lab);
  await startShims(lab, net, ssh, carrier);
  const options = await ssh.clientOptions(FRONT);

  const shell = ["ssh", "-tt", ...options, "127.0.0.1", "exec sh"];
  const terminal = new Terminal(client.spawn(shell, { stdin: "piped" }));
  await terminal.ask();

  const [input, output] = [lab.path("input"), lab.path("output")];
  const hash = await writePayload(input, SIZE, 1);
  const scp = client.spawn(["scp", ...options, input, `127.0.0.1:${output}`]);
  const arrived = () => fileSize(output);
  const { cut, other } = await cutInTheMiddle(wires, SIZE, arrived, () => terminal.ask());
  await scp.succeeded();
  assert.equal(await hashFile(output), hash);
  await terminal.ask();
  await terminal.leave();

  const packets = await capture.assertClean();
  const chunks = (index: number) => countTo(packets, wires[index].b.v4, ChunkType.data);
  assert.ok(chunks(cut) > 100, "the path that was cut carried data before");
  assert.ok(chunks(other) > 1000, `the other path carried ${chunks(other)} chunks of the rest`);
  assert.equal(count(packets, ChunkType.abort), 0, "no association was aborted");
}

for (const carrier of Object.keys(CARRIERS) as Carrier[]) {
  const requirements = [
    "linux",
    "root",
    "netns",
    "nft",
    "raw-sockets",
    "ffi",
    "ssh",
    "tcpdump",
    "tshark",
  ] as const;
  const name = `ssh and scp through two shimd over ${carrier} survive the silent loss of a path`;
  Deno.test(needs(requirements, name, () => sshOver(carrier)));
}
