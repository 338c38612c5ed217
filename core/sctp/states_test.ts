import assert from "node:assert/strict";
import { handlerFor, STATE_TABLE, STATES } from "./states.ts";
import { ChunkType } from "./wire/chunk_type.ts";

Deno.test("the table names its states, events and sections, each pair once", () => {
  const seen = new Set<string>();
  for (const { state, event, action, next, section } of STATE_TABLE) {
    assert.ok(STATES.includes(state));
    assert.ok(next === undefined || STATES.includes(next));
    assert.notEqual(action, "");
    assert.match(section, /^\d+(\.\d+)*/);
    assert.ok(!seen.has(`${state} ${event}`), `${event} twice in ${state}`);
    seen.add(`${state} ${event}`);
  }
});

Deno.test("every state can be reached and left", () => {
  for (const state of STATES) {
    assert.ok(STATE_TABLE.some((row) => row.next === state), `into ${state}`);
    assert.ok(
      STATE_TABLE.some((row) => row.state === state && row.next !== undefined),
      `out of ${state}`,
    );
  }
});

Deno.test("an ABORT is heeded in every state but CLOSED, DATA where RFC 9260, section 6, says", () => {
  const handles = (chunk: number) => STATES.filter((state) => handlerFor(state, chunk));
  assert.deepEqual(handles(ChunkType.Abort), STATES.slice(1));
  assert.deepEqual(handles(ChunkType.Data), ["ESTABLISHED", "SHUTDOWN-PENDING", "SHUTDOWN-SENT"]);
  assert.deepEqual(handles(ChunkType.CookieAck), ["COOKIE-ECHOED"]);
  assert.deepEqual(handles(ChunkType.InitAck), ["COOKIE-WAIT"]);
  assert.deepEqual(handles(ChunkType.ShutdownComplete), ["SHUTDOWN-ACK-SENT"]);
  assert.deepEqual(handles(200), []);
});
