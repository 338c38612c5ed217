import assert from "node:assert/strict";
import { needs } from "../core/net/testing/requirements.ts";
import { describeChecks } from "./doctor.ts";
import type { HostCheck } from "./host_checks.ts";
import { runProgram } from "./program.ts";
import { collectingIo } from "./testing/collecting_io.ts";

async function checks(): Promise<readonly HostCheck[]> {
  const { io, out } = collectingIo();
  assert.equal(await runProgram(["doctor", "--json"], io), 0);
  return JSON.parse(out.join("\n")).checks;
}

function statusOf(all: readonly HostCheck[], name: string): string | undefined {
  return all.find((check) => check.name === name)?.status;
}

Deno.test("whatever is not there comes with its reason", async () => {
  const all = await checks();
  assert.ok(all.length > 0);
  for (const { name, found } of all) assert.ok(found.length > 0, name);
});

Deno.test(
  needs(["linux", "ffi", "root", "raw-sockets"], "root on Linux has raw sockets", async () => {
    const all = await checks();
    for (const name of ["kernel", "FFI", "root", "raw sockets"]) {
      assert.equal(statusOf(all, name), "ok", name);
    }
  }),
);

Deno.test("advice stands below the table, by name", () => {
  const lines = describeChecks([
    { name: "kernel", status: "ok", found: "linux" },
    { name: "nft", status: "missing", found: "nft is not installed", advice: "install it" },
  ]);
  assert.deepEqual(lines, [
    "kernel  ok       linux",
    "nft     missing  nft is not installed",
    "",
    "What can be done:",
    "  nft: install it",
  ]);
});
