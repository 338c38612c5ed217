/** `shimkit sctp` directly over IP, between two hosts of its own. */
import assert from "node:assert/strict";
import { needs } from "../core/net/testing/requirements.ts";
import { Lab } from "./e2e/lab/lab.ts";
import { twoPaths } from "./e2e/lab/namespaces.ts";
import { hashFile, writePayload } from "./e2e/lab/payload.ts";
import { reportOf, startSctp } from "./e2e/lab/shimkit.ts";

const PORT = 7;

for (const family of ["v4", "v6"] as const) {
  const name = `10 MB arrive over raw IP${family}, with both addresses of both sides as paths`;
  Deno.test(needs(["linux", "root", "netns", "raw-sockets", "ffi"], name, async () => {
    await using lab = Lab.open();
    const { client, server, wires } = await twoPaths(lab);
    const hash = await writePayload(lab.path("in"), 10_000_000, 4);
    const listener = await startSctp(
      server,
      { port: PORT, local: wires.map(({ b }) => b[family]), more: ["--once"] },
      { output: lab.path("out") },
    );
    const sender = await startSctp(
      client,
      {
        port: PORT,
        peer: [wires[0].b[family]],
        local: wires.map(({ a }) => a[family]),
        more: ["--json"],
      },
      { input: lab.path("in") },
    );
    await sender.succeeded();
    await listener.succeeded();
    assert.equal(await hashFile(lab.path("out")), hash);
    const report = JSON.parse(sender.lines.findLast((line) => line.startsWith("{")) ?? "");
    assert.deepEqual(report.remote, wires.map(({ b }) => b[family]));
    assert.equal(reportOf(sender).sent.bytes, 10_000_000);
  }));
}
