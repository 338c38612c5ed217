/** `shimkit sctp` directly over IP, between two hosts of its own. */
import assert from "node:assert/strict";
import { needs } from "../core/net/testing/requirements.ts";
import { Lab } from "./e2e/lab/lab.ts";
import { twoPaths } from "./e2e/lab/namespaces.ts";
import { hashFile, writePayload } from "./e2e/lab/payload.ts";
import type { TransferReport } from "./sctp_report.ts";

const MAIN = new URL("./main.ts", import.meta.url).pathname;
const SCTP = [Deno.execPath(), "run", "--quiet", "-A", MAIN, "sctp"];

for (const family of ["v4", "v6"] as const) {
  const name = `10 MB arrive over raw IP${family}, with both addresses of both sides as paths`;
  Deno.test(needs(["linux", "root", "netns", "raw-sockets", "ffi"], name, async () => {
    await using lab = Lab.open();
    const { client, server, wires } = await twoPaths(lab);
    const hash = await writePayload(lab.path("in"), 10_000_000, 4);
    const [ours, theirs] = [wires.map(({ a }) => a[family]), wires.map(({ b }) => b[family])];
    const listener = server.spawn(
      [...SCTP, "listen", "7", "--raw", "--local", theirs.join(","), "--once"],
      { output: lab.path("out") },
    );
    await listener.line(/^listening/);
    const sender = client.spawn(
      [...SCTP, "connect", "7", "--raw", "--local", ours.join(","), "--peer", theirs[0], "--json"],
      { input: lab.path("in") },
    );
    await sender.succeeded();
    await listener.succeeded();
    assert.equal(await hashFile(lab.path("out")), hash);
    const line = sender.lines.findLast((line) => line.startsWith("{"));
    const report: TransferReport = JSON.parse(line ?? "{}");
    assert.deepEqual(report.remote.map(withoutZeros), theirs.map(withoutZeros));
    assert.equal(report.sent.bytes, 10_000_000);
  }));
}

/** The lab writes `fd00:77:0::2`, the shortest form is `fd00:77::2`. */
function withoutZeros(address: string): string {
  return address.replace(":0::", "::");
}
