/** `shimkit sctp` as its users meet it: processes, pipes, exit codes. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { hashFile, writePayload } from "./e2e/lab/payload.ts";
import { delay, LabProcess } from "./e2e/lab/process.ts";
import type { TransferReport } from "./sctp_report.ts";

const MAIN = new URL("./main.ts", import.meta.url).pathname;
const LISTEN = ["7", "--udp", "0", "--local", "127.0.0.1"];

interface Files {
  readonly input?: string;
  readonly output?: string;
}

function shimkit(args: readonly string[], files: Files = {}): LabProcess {
  const command = [Deno.execPath(), "run", "--quiet", "-A", MAIN, "sctp", ...args];
  return new LabProcess(command, files);
}

/** A listener on a free port, and what to connect to it with. */
class Listener implements AsyncDisposable {
  private constructor(readonly process: LabProcess, readonly target: readonly string[]) {}

  static async start(args: readonly string[], files: Files = {}): Promise<Listener> {
    const process = shimkit(["listen", ...LISTEN, ...args], files);
    const line = await process.line(/^listening/);
    const port = /UDP port (\d+)/.exec(line)?.[1] ?? "";
    return new Listener(process, [
      ...["127.0.0.1:7", "--udp-remote", port],
      ...["--udp", "0", "--local", "127.0.0.1"],
    ]);
  }

  connect(args: readonly string[] = [], files: Files = {}): LabProcess {
    return shimkit(["connect", ...this.target, ...args], files);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.kill();
  }
}

async function inTemporaryFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function reportOf(process: LabProcess): TransferReport {
  const line = process.lines.findLast((line) => line.startsWith("{"));
  assert.ok(line, `no report in ${process.lines.join("\n")}`);
  return JSON.parse(line);
}

Deno.test("10 MB through a pipe arrive with the same hash, and both sides end by themselves", async () => {
  await inTemporaryFolder(async (folder) => {
    const hash = await writePayload(`${folder}/in`, 10_000_000, 1);
    await using listener = await Listener.start(["--once"], { output: `${folder}/out` });
    await listener.connect([], { input: `${folder}/in` }).succeeded();
    await listener.process.succeeded();
    assert.equal(await hashFile(`${folder}/out`), hash);
  });
});

Deno.test("an echo comes back whole before the connecting side ends", async () => {
  await inTemporaryFolder(async (folder) => {
    const hash = await writePayload(`${folder}/in`, 1_000_000, 2);
    await using listener = await Listener.start(["--echo"]);
    const files = { input: `${folder}/in`, output: `${folder}/out` };
    await listener.connect(["--linger", "1s"], files).succeeded();
    assert.equal(await hashFile(`${folder}/out`), hash);
  });
});

Deno.test("an echo works without FFI", async () => {
  await inTemporaryFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/in`, "hello\n");
    await using listener = await Listener.start(["--echo", "--no-ffi"]);
    const client = listener.connect(["--no-ffi"], { input: `${folder}/in` });
    await client.succeeded();
    assert.ok(client.lines.includes("hello"));
  });
});

Deno.test("a measurement counts the same messages on both sides, in text and in JSON", async () => {
  await using listener = await Listener.start(["--discard", "--json", "--once"]);
  const sender = listener.connect(
    ["--send", "--count", "2000", "--message-size", "1KiB", "--stream", "3", "--json"],
  );
  await sender.succeeded();
  await listener.process.succeeded();
  const [sent, received] = [reportOf(sender), reportOf(listener.process)];
  assert.deepEqual(sent.end, { graceful: true });
  assert.equal(sent.sent.messages, 2000);
  assert.equal(received.received.messages, 2000);
  assert.equal(received.received.bytes, 2000 * 1024);
  assert.ok(received.received.megabytesPerSecond > 0);
  assert.ok(received.association.paths.length > 0);
  assert.ok(received.transport.packetsReceived > 0);
});

Deno.test("--abort ends with an ABORT that the peer reports as a failure", async () => {
  await using listener = await Listener.start(["--discard", "--once"]);
  await listener.connect(["--send", "--count", "10", "--abort"]).succeeded();
  const { code, lines } = await listener.process.finished();
  assert.equal(code, 1);
  assert.ok(lines.some((line) => /aborted the association.*--abort/.test(line)), lines.join("\n"));
});

Deno.test("a port where nobody listens is told in words, with exit code 1", async () => {
  await using listener = await Listener.start(["--echo"]);
  const [, ...rest] = listener.target;
  const { code, lines } = await shimkit(["connect", "127.0.0.1:8", ...rest]).finished();
  assert.equal(code, 1);
  assert.match(lines.join("\n"), /refused the association.*something listens/);
});

Deno.test("a peer that does not answer is told in words, with exit code 1", async () => {
  const silent = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const { port } = silent.addr as Deno.NetAddr;
  const fast = ["rtoInitial=50", "rtoMin=20", "rtoMax=100", "maxInitRetransmits=2"];
  const { code, lines } = await shimkit([
    ...["connect", "127.0.0.1:7", "--udp", "0", "--udp-remote", String(port)],
    ...fast.flatMap((setting) => ["--param", setting]),
  ]).finished();
  silent.close();
  assert.equal(code, 1);
  assert.match(lines.join("\n"), /did not answer/);
});

Deno.test("wrong usage is told in words, with exit code 2", async () => {
  for (
    const [args, words] of [
      [["listen"], /port is missing/],
      [["connect", "7"], /peer is missing/],
      [["connect", "127.0.0.1:7", "--param", "rtoMin=x"], /rtoMin/],
    ] as const
  ) {
    const { code, lines } = await shimkit(args).finished();
    assert.equal(code, 2, lines.join("\n"));
    assert.match(lines.join("\n"), words);
  }
});

Deno.test("a UDP port that is taken is told in words", async () => {
  await using listener = await Listener.start(["--echo"]);
  const port = listener.target[2];
  const other = shimkit(["listen", "7", "--udp", port, "--local", "127.0.0.1"]);
  const { code, lines } = await other.finished();
  assert.equal(code, 1);
  assert.match(lines.join("\n"), /in use.*\n.*--udp PORT/);
});

Deno.test("--trace shows the handshake and the shutdown packet by packet", async () => {
  await using listener = await Listener.start(["--discard"]);
  const client = listener.connect(["--trace"]);
  const { lines } = await client.succeeded();
  for (const chunk of ["INIT", "INIT ACK", "COOKIE ECHO", "COOKIE ACK", "SHUTDOWN COMPLETE"]) {
    assert.ok(lines.some((line) => line.includes(`[${chunk}`)), `${chunk} in ${lines.join("\n")}`);
  }
});

Deno.test("an interrupted listener ends its associations and exits with 0", async () => {
  await using listener = await Listener.start(["--echo"]);
  const client = listener.connect(["--linger", "60s", "--json"]);
  await listener.process.line(/is up/);
  listener.process.signal("SIGINT");
  await listener.process.succeeded();
  await client.succeeded();
});

Deno.test("a reader that stops holds up the sender, and nothing is lost", async () => {
  const size = 48_000_000;
  await inTemporaryFolder(async (folder) => {
    const hash = await writePayload(`${folder}/in`, size, 3);
    const command = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", MAIN, "sctp", "listen", ...LISTEN, "--once"],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    });
    await using receiver = command.spawn();
    const port = await portOf(receiver);
    const sender = shimkit([
      ...["connect", "127.0.0.1:7", "--udp-remote", port, "--udp", "0", "--local", "127.0.0.1"],
      "--json",
    ], { input: `${folder}/in` });
    await delay(2500);
    assert.ok(sender.running, "the sender must wait for the reader");
    const received = createHash("sha256");
    for await (const part of receiver.stdout) received.update(part);
    assert.equal(received.digest("hex"), hash);
    await sender.succeeded();
    assert.equal((await receiver.status).code, 0);
    assert.equal(reportOf(sender).sent.bytes, size);
  });
});

/** The UDP port that a listener says it has. */
async function portOf(process: Deno.ChildProcess): Promise<string> {
  let said = "";
  for await (
    const part of process.stderr.pipeThrough(new TextDecoderStream()).values({
      preventCancel: true,
    })
  ) {
    said += part;
    const port = /UDP port (\d+)/.exec(said)?.[1];
    if (port) return port;
  }
  throw new Error(`no port in: ${said}`);
}

/** A key in a file that only we can read. */
async function writeKey(folder: string, name: string, byte: string): Promise<string> {
  const path = `${folder}/${name}`;
  await Deno.writeTextFile(path, byte.repeat(32), { mode: 0o600 });
  return path;
}

Deno.test("two sides with one key talk, and neither has any chunk of the other's to drop", async () => {
  await inTemporaryFolder(async (folder) => {
    const key = ["--auth-key", `3:${await writeKey(folder, "key", "5a")}`, "--json"];
    await writePayload(`${folder}/input`, 1_000_000, 7);
    await using listener = await Listener.start(["--once", ...key], { output: `${folder}/output` });
    const client = listener.connect(key, { input: `${folder}/input` });
    await client.succeeded();
    await listener.process.succeeded();
    assert.equal(await hashFile(`${folder}/output`), await hashFile(`${folder}/input`));
    for (const { association, endpoint } of [client, listener.process].map(reportOf)) {
      assert.ok(association.extensions.includes(4895));
      assert.equal(endpoint.dropped["unauthenticated-chunk"], 0);
      assert.equal(endpoint.dropped["bad-auth"], 0);
    }
  });
});

Deno.test("without the key, with another one, or without authentication, nobody is accepted", async () => {
  await inTemporaryFolder(async (folder) => {
    const key = await writeKey(folder, "key", "5a");
    const other = await writeKey(folder, "other", "a5");
    await using listener = await Listener.start(["--echo", "--auth-key", `3:${key}`]);
    const hasty = ["--param", "maxInitRetransmits=1", "--param", "rtoInitial=200"];
    const strangers: [args: string[], message: RegExp][] = [
      [[], /did not answer/],
      [["--auth-key", `4:${key}`], /did not answer/],
      [["--auth-key", `3:${other}`], /did not answer/],
      [["--param", "authentication=0"], /refused.*Missing Mandatory Parameter/],
    ];
    for (const [args, message] of strangers) {
      const stranger = listener.connect([...hasty, "--param", "rtoMin=200", ...args]);
      assert.equal((await stranger.finished()).code, 1);
      assert.match(stranger.lines.join("\n"), message);
    }
    await listener.connect(["--auth-key", `3:${key}`, "--send", "--count", "1"]).succeeded();
  });
});
