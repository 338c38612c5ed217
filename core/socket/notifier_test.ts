import assert from "node:assert/strict";
import type { ConnectionEvent } from "./notifications.ts";
import { BACKLOG, Notifier } from "./notifier.ts";

const CLOSED: ConnectionEvent = { kind: "closed", end: { graceful: true } };

const STOPPED: ConnectionEvent = { kind: "notifications-stopped" };

function newNotifier(onChange?: () => void): Notifier<ConnectionEvent> {
  return new Notifier({ stopped: STOPPED, onDemand: ["sender-dry"], onChange });
}

async function kinds(events: AsyncIterable<ConnectionEvent>): Promise<string[]> {
  const seen: string[] = [];
  for await (const { kind } of events) seen.push(kind);
  return seen;
}

Deno.test("each listener gets every event from its start on, and ends after closed", async () => {
  const notifier = newNotifier();
  const early = kinds(notifier);
  notifier.emit({ kind: "restart" });
  const late = kinds(notifier);
  notifier.emit({ kind: "shutdown-received" });
  notifier.end(CLOSED);
  assert.deepEqual(await early, ["restart", "shutdown-received", "closed"]);
  assert.deepEqual(await late, ["shutdown-received", "closed"]);
});

Deno.test("who begins to listen after the end learns of the end", async () => {
  const notifier = newNotifier();
  notifier.end(CLOSED);
  assert.deepEqual(await kinds(notifier), ["closed"]);
});

Deno.test("a listener that stops listening leaves nobody waiting and collects nothing", async () => {
  const notifier = newNotifier();
  const iterator = notifier[Symbol.asyncIterator]();
  const waiting = iterator.next();
  await iterator.return?.();
  assert.equal((await waiting).done, true);
  notifier.emit({ kind: "restart" });
  assert.equal((await iterator.next()).done, true);
});

Deno.test("SCTP_NOTIFICATIONS_STOPPED_EVENT: who does not keep up is told so, and of the end alone", async () => {
  const notifier = newNotifier();
  const slow = notifier[Symbol.asyncIterator]();
  for (let i = 0; i < 2 * BACKLOG; i++) notifier.emit({ kind: "restart" });
  assert.ok(!notifier.wants("restart"), "nobody wants what would be dropped");
  const prompt = kinds(notifier);
  notifier.emit({ kind: "shutdown-received" });
  notifier.end(CLOSED);
  const seen = await kinds(slow);
  assert.equal(seen.length, BACKLOG + 2);
  assert.deepEqual(seen.slice(-3), ["restart", "notifications-stopped", "closed"]);
  assert.deepEqual(await prompt, ["shutdown-received", "closed"]);
});

Deno.test("a subscription has the kinds that it asks for, from when on it does", async () => {
  const notifier = newNotifier();
  const subscription = notifier.subscribe(["restart"]);
  notifier.emit({ kind: "shutdown-received" });
  notifier.emit({ kind: "restart" });
  subscription.set("shutdown-received", true);
  subscription.set("restart", false);
  notifier.emit({ kind: "shutdown-received" });
  notifier.emit({ kind: "restart" });
  notifier.end(CLOSED);
  assert.deepEqual(await kinds(subscription), ["restart", "shutdown-received"]);
});

Deno.test("a subscription that was stopped begins anew with what it asks for then", () => {
  const notifier = newNotifier();
  const subscription = notifier.subscribe(["restart"]);
  for (let i = 0; i < 2 * BACKLOG; i++) notifier.emit({ kind: "restart" });
  assert.ok(subscription.isStopped);
  subscription.set("shutdown-received", true);
  assert.ok(notifier.wants("shutdown-received") && !notifier.wants("restart"));
});

Deno.test("what costs something is wanted while somebody asks for it, and whoever makes it is told", async () => {
  const wanted: boolean[] = [];
  const notifier: Notifier<ConnectionEvent> = newNotifier(() => {
    wanted.push(notifier.wants("sender-dry"));
  });
  const everything = notifier[Symbol.asyncIterator]();
  const subscription = notifier.subscribe(["sender-dry"]);
  await subscription.return();
  notifier.setOnDemand("sender-dry", false);
  await everything.return();
  assert.deepEqual(wanted, [false, true, false, true, false]);
});

Deno.test("what is handed on is not kept, and never stops", () => {
  const notifier = newNotifier();
  let count = 0;
  notifier.forward((kind) => kind === "restart", () => count++);
  for (let i = 0; i < 2 * BACKLOG; i++) notifier.emit({ kind: "restart" });
  notifier.emit({ kind: "shutdown-received" });
  notifier.end(CLOSED);
  assert.equal(count, 2 * BACKLOG + 1);
});
