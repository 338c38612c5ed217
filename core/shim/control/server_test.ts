/** The control socket as clients meet it: permissions, faults, files that dead daemons left. */
import assert from "node:assert/strict";
import { needs } from "../../net/testing/requirements.ts";
import { ControlClient } from "./client.ts";
import { ControlFault, formatRequest, MAX_REQUEST } from "./protocol.ts";
import { type ControlHandler, ControlServer } from "./server.ts";

const NEEDS = ["linux", "ffi"] as const;

/** A server of the test in a folder of its own. */
class Scene implements AsyncDisposable {
  readonly folder = Deno.makeTempDirSync();
  readonly path = `${this.folder}/run/shimkit.sock`;
  readonly handled: string[] = [];
  server: ControlServer | undefined;

  async start(handle?: ControlHandler): Promise<this> {
    this.server = await ControlServer.start(
      this.path,
      handle ?? ((request) => {
        this.handled.push(request.kind);
        return Promise.resolve({ did: request.kind });
      }),
    );
    return this;
  }

  async connect(): Promise<ControlClient> {
    const client = await ControlClient.connect(this.path);
    assert.ok(client);
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server?.close();
    Deno.removeSync(this.folder, { recursive: true });
  }
}

Deno.test(needs(NEEDS, "requests are answered one after the other, faults too", async () => {
  await using scene = await new Scene().start();
  using client = await scene.connect();
  assert.deepEqual(await client.request("status"), { did: "status" });
  const fault = await client.request("fly");
  assert.ok(fault instanceof ControlFault);
  assert.equal(fault.code, "bad-request");
  assert.deepEqual(await client.request("stop"), { did: "stop" });
  assert.deepEqual(scene.handled, ["status", "stop"]);
}));

Deno.test(needs(NEEDS, "what fails in the daemon is told to the client", async () => {
  await using scene = await new Scene().start(() => Promise.reject(new Error("no plane")));
  using client = await scene.connect();
  const fault = await client.request("status");
  assert.ok(fault instanceof ControlFault);
  assert.deepEqual([fault.code, fault.message], ["failed", "no plane"]);
}));

Deno.test(needs(NEEDS, "the socket is for its owner only, and gone after the end", async () => {
  await using scene = await new Scene().start();
  const { mode } = Deno.statSync(scene.path);
  assert.equal(mode! & 0o777, 0o600);
  await scene.server!.close();
  scene.server = undefined;
  assert.throws(() => Deno.lstatSync(scene.path), Deno.errors.NotFound);
  assert.equal(await ControlClient.connect(scene.path), undefined);
}));

Deno.test(
  needs(NEEDS, "a request without an end closes the connection, with a reason", async () => {
    await using scene = await new Scene().start();
    using conn = await Deno.connect({ transport: "unix", path: scene.path });
    const bytes = new Uint8Array(MAX_REQUEST + 1).fill(0x20);
    for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
    const answer = new Uint8Array(1000);
    const count = await conn.read(answer);
    assert.match(new TextDecoder().decode(answer.subarray(0, count ?? 0)), /"too-long"/);
  }),
);

Deno.test(needs(NEEDS, "a dead daemon's socket is replaced, a living one's is not", async () => {
  await using scene = new Scene();
  Deno.mkdirSync(`${scene.folder}/run`);
  await new Deno.Command(Deno.execPath(), {
    args: ["eval", `Deno.listen({ transport: "unix", path: "${scene.path}" }); Deno.exit(0);`],
    stderr: "null",
  }).output();
  assert.ok(Deno.lstatSync(scene.path).isSocket);
  await scene.start();
  await assert.rejects(
    ControlServer.start(scene.path, () => Promise.resolve()),
    /another shimd, process \d+, has the control socket/,
  );
  using client = await scene.connect();
  assert.deepEqual(await client.request("status"), { did: "status" });
}));

Deno.test(needs(NEEDS, "a file that is no socket is left alone", async () => {
  await using scene = new Scene();
  Deno.mkdirSync(`${scene.folder}/run`);
  Deno.writeTextFileSync(scene.path, "precious");
  await assert.rejects(scene.start(), /is no socket/);
  assert.equal(Deno.readTextFileSync(scene.path), "precious");
}));

Deno.test(
  needs(
    [...NEEDS, "root", "socat"],
    "another user may look where the file's mode lets it, but not change anything",
    async () => {
      await using scene = await new Scene().start();
      Deno.chmodSync(scene.folder, 0o755);
      const ask = async (kind: string) => {
        const socat = new Deno.Command("setpriv", {
          args: [
            ...["--reuid=65534", "--regid=65534", "--clear-groups"],
            ...["socat", "-t5", "-", `UNIX-CONNECT:${scene.path}`],
          ],
          stdin: "piped",
          stdout: "piped",
          stderr: "piped",
        }).spawn();
        const input = socat.stdin.getWriter();
        const request = new TextEncoder().encode(formatRequest(1, kind));
        // Who is denied is gone, maybe before it could be told what to ask.
        await input.write(request).then(() => input.close(), (error) => {
          assert.ok(error instanceof Deno.errors.BrokenPipe, String(error));
        });
        const { stdout, stderr } = await socat.output();
        return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      };
      assert.match(await ask("status"), /Permission denied/);
      Deno.chmodSync(scene.path, 0o666);
      assert.match(await ask("status"), /"did":"status"/);
      assert.match(await ask("stop"), /"not-allowed"/);
      assert.match(await ask("reload"), /"not-allowed"/);
      assert.deepEqual(scene.handled, ["status"]);
    },
  ),
);
