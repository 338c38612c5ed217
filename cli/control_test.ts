/** `shimrules`, `sysctl`, `explain` and `status` on a running daemon, by its control socket. */
import assert from "node:assert/strict";
import { needs } from "../core/net/testing/requirements.ts";
import type { ShimStatus } from "../core/shim/status.ts";
import { LabProcess } from "./e2e/lab/process.ts";
import { runProgram } from "./program.ts";
import { collectingIo } from "./testing/collecting_io.ts";

const MAIN = new URL("./main.ts", import.meta.url).pathname;
const NEEDS = ["linux", "ffi"] as const;

/** A daemon with a socket and a file of its own, both gone after the test. */
class RunningDaemon implements AsyncDisposable {
  readonly #folder = Deno.makeTempDirSync();
  readonly file = `${this.#folder}/shimkit.toml`;
  readonly socket = `${this.#folder}/shimkit.sock`;
  readonly process: LabProcess;

  constructor(...options: readonly string[]) {
    const words = ["shimd", "--file", this.file, "--control", this.socket, "--udp", "0"];
    this.process = new LabProcess(
      [Deno.execPath(), "run", "--quiet", "-A", MAIN, ...words, ...options],
      { stdin: "piped" },
    );
  }

  /** Runs a command line against the daemon. */
  async run(line: string): Promise<[code: number, out: string, err: string]> {
    const { io, out, err } = collectingIo();
    const code = await runProgram([...line.split(" "), "--control", this.socket], io);
    return [code, out.join("\n"), err.join("\n")];
  }

  /** Standard output of a command line that is to succeed. */
  async out(line: string): Promise<string> {
    const [code, out, err] = await this.run(line);
    assert.equal(code, 0, err);
    return out;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.process.kill();
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

Deno.test(
  needs(NEEDS, "rules and settings are changed while the daemon runs, and kept", async () => {
    await using daemon = new RunningDaemon("--serve", "7", "--local", "127.0.3.3");
    await daemon.process.line(/^serving/);
    assert.equal(await daemon.out("shimrules -L"), "");
    await daemon.out("shimrules -A -c remote -p enable -n 10.1.2.0/24 -s 22");
    assert.match(await daemon.out("shimrules -L"), /-n 10\.1\.2\.0\/24 -s 22 +# .*, 0 hits$/);
    assert.match(await daemon.out("explain 10.1.2.3 22"), /: enabled/);
    const [code, , err] = await daemon.run("shimrules -A -c remote -p enable -n 10.1.2.0/24 -s 22");
    assert.equal(code, 1);
    assert.match(err, /is there already: rule 1/);
    assert.equal(
      await daemon.out("sysctl init_rtx_max=3"),
      "net.inet.sctp.shim.init_rtx_max: 1 -> 3",
    );
    const text = Deno.readTextFileSync(daemon.file);
    assert.match(text, /-n 10\.1\.2\.0\/24 -s 22/);
    assert.match(text, /init_rtx_max = 3/);
    const [failed, , why] = await daemon.run("run true");
    assert.equal(failed, 1);
    assert.match(why, /does not intercept: it needs --intercept/);
  }),
);

Deno.test(needs(NEEDS, "the log's level changes while the daemon runs", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serve = ["--serve", `7=${listener.addr.port}`, "--local", "127.0.3.4"];
  await using server = new RunningDaemon(...serve);
  const serving = await server.process.line(/^serving/);
  const udpPort = /UDP port (\d+)$/.exec(serving)![1];
  await server.out("sysctl log_level=info");
  await using client = new RunningDaemon(
    ...["--forward", "0=127.0.3.4:7", "--local", "127.0.3.5", "--udp-remote", udpPort],
  );
  const [, port] = /:(\d+) to /.exec(await client.process.line(/^forwarding/))!;
  using conn = await Deno.connect({ hostname: "127.0.0.1", port: Number(port) });
  using accepted = await listener.accept();
  await accepted.write(new TextEncoder().encode("hi"));
  assert.equal(await conn.read(new Uint8Array(10)), 2);
  assert.match(await server.process.line(/NATIVE/), /carried over SCTP from a shim/);
  assert.doesNotMatch(client.process.lines.join("\n"), /ACTIVE/);
  const status: ShimStatus = JSON.parse(await client.out("status --json"));
  const [{ state, association }] = status.connections;
  assert.equal(state, "ACTIVE");
  assert.equal(association?.paths[0].remote, "127.0.3.4");
  const text = await client.out("status");
  assert.match(text, /^up .*: 1 open, 1 carried/);
  assert.match(text, /ACTIVE, carrying/);
  assert.match(text, /rtt +[\d.]+ ms .* cwnd .* sent .* received/);
  assert.match(text, /forward 127\.0\.0\.1:\d+ - 127\.0\.3\.4:7: ENABLE_MANUAL/);
}));

Deno.test(
  needs(NEEDS, "without a daemon the status says so, and rules come from the file", async () => {
    const folder = Deno.makeTempDirSync();
    const { io, err } = collectingIo();
    try {
      assert.equal(await runProgram(["status", "--control", `${folder}/none`], io), 1);
      assert.match(err.join("\n"), /no shimd answers at .*none[^]*shimkit shimd/);
      const both = ["sysctl", "--file", `${folder}/f`, "--control", `${folder}/none`];
      assert.equal(await runProgram(both, io), 2);
      assert.match(err.join("\n"), /--file and --control do not go together/);
    } finally {
      Deno.removeSync(folder, { recursive: true });
    }
  }),
);

Deno.test(needs(NEEDS, "a watched status is shown again until it is interrupted", async () => {
  await using daemon = new RunningDaemon("--serve", "7", "--local", "127.0.3.6");
  await daemon.process.line(/^serving/);
  const controller = new AbortController();
  const { io, out } = collectingIo(controller.signal);
  const words = ["status", "--watch", "--json", "--interval", "10ms", "--control", daemon.socket];
  const watching = runProgram(words, {
    ...io,
    print: (line) => {
      out.push(line);
      if (out.length === 3) controller.abort();
    },
  });
  assert.equal(await watching, 0);
  assert.equal(out.length, 3);
  for (const line of out) assert.equal(JSON.parse(line).listeners[0].port, 7);
}));

Deno.test(needs(NEEDS, "a second daemon at the same named socket does not start", async () => {
  await using daemon = new RunningDaemon("--serve", "7", "--local", "127.0.3.7");
  await daemon.process.line(/^serving/);
  const { io, err } = collectingIo();
  const words = ["shimd", "--serve", "7", "--local", "127.0.3.8", "--udp", "0"];
  const place = ["--file", daemon.file, "--control", daemon.socket];
  assert.equal(await runProgram([...words, ...place], io), 1);
  assert.match(err.join("\n"), /another shimd, process \d+, has the control socket/);
  assert.match(await daemon.out("status"), /^up/);
}));
