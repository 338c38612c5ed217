import assert from "node:assert/strict";
import { STATE_TABLE } from "../core/sctp/states.ts";
import { runProgram } from "./program.ts";
import { collectingIo } from "./testing/collecting_io.ts";

async function states(...args: string[]): Promise<string> {
  const { io, out } = collectingIo();
  assert.equal(await runProgram(["sctp", "states", ...args], io), 0);
  return out.join("\n");
}

Deno.test("every row of the engine's table is shown under its state", async () => {
  const text = await states();
  const shown = text.split("\n").filter((line) => line.startsWith("  "));
  assert.equal(shown.length, STATE_TABLE.length);
  assert.match(
    text,
    /^CLOSED\n {2}ASSOCIATE +send INIT, start T1-init +-> COOKIE-WAIT +section 5\.1, A$/m,
  );
});

Deno.test("one state can be shown alone, in capitals or not", async () => {
  const text = await states("--state", "cookie-wait");
  assert.match(text, /^COOKIE-WAIT\n/);
  assert.doesNotMatch(text, /^CLOSED$/m);
});

Deno.test("as JSON a row says where it leads and which section says so", async () => {
  const rows = JSON.parse(await states("--json"));
  assert.equal(rows.length, STATE_TABLE.length);
  assert.deepEqual(rows[0], {
    state: "CLOSED",
    event: "ASSOCIATE",
    action: "send INIT, start T1-init",
    next: "COOKIE-WAIT",
    section: "RFC 9260, section 5.1, A",
  });
});
