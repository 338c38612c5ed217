import assert from "node:assert/strict";
import { type ConnectionEvent, Notifier } from "./notifications.ts";

const CLOSED: ConnectionEvent = { kind: "closed", end: { graceful: true } };

async function kinds(notifier: Notifier): Promise<string[]> {
  const seen: string[] = [];
  for await (const { kind } of notifier) seen.push(kind);
  return seen;
}

Deno.test("each listener gets every event from its start on, and ends after closed", async () => {
  const notifier = new Notifier();
  const early = kinds(notifier);
  notifier.emit({ kind: "restart" });
  const late = kinds(notifier);
  notifier.emit({ kind: "shutdown-received" });
  notifier.end(CLOSED);
  assert.deepEqual(await early, ["restart", "shutdown-received", "closed"]);
  assert.deepEqual(await late, ["shutdown-received", "closed"]);
});

Deno.test("who begins to listen after the end learns of the end", async () => {
  const notifier = new Notifier();
  notifier.end(CLOSED);
  assert.deepEqual(await kinds(notifier), ["closed"]);
});

Deno.test("a listener that stops listening leaves nobody waiting and collects nothing", async () => {
  const notifier = new Notifier();
  const iterator = notifier[Symbol.asyncIterator]();
  const waiting = iterator.next();
  await iterator.return?.();
  assert.equal((await waiting).done, true);
  notifier.emit({ kind: "restart" });
  assert.equal((await iterator.next()).done, true);
});

Deno.test("a listener that does not keep up loses the oldest events, never the end", async () => {
  const notifier = new Notifier();
  const iterator = notifier[Symbol.asyncIterator]();
  notifier.emit({ kind: "shutdown-received" });
  for (let i = 0; i < 2000; i++) notifier.emit({ kind: "restart" });
  notifier.end(CLOSED);
  const seen: string[] = [];
  for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
    seen.push(next.value.kind);
  }
  assert.equal(seen.length, 1024);
  assert.equal(seen[0], "restart");
  assert.equal(seen.at(-1), "closed");
});
