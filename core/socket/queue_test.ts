import assert from "node:assert/strict";
import { Serializer, Signal } from "./queue.ts";

Deno.test("a signal releases everybody who waits, and nobody who comes later", async () => {
  const signal = new Signal();
  const order: string[] = [];
  const first = signal.wait().then(() => order.push("first"));
  const second = signal.wait().then(() => order.push("second"));
  signal.notify();
  const third = signal.wait().then(() => order.push("third"));
  await Promise.all([first, second]);
  assert.deepEqual(order, ["first", "second"]);
  signal.notify();
  await third;
  assert.deepEqual(order, ["first", "second", "third"]);
});

Deno.test("a serializer runs a task only after the one before, even if that one failed", async () => {
  const serializer = new Serializer();
  const gate = Promise.withResolvers<void>();
  const order: string[] = [];
  const first = serializer.run(async () => {
    await gate.promise;
    order.push("first");
    throw new Error("first failed");
  });
  const second = serializer.run(() => {
    order.push("second");
    return Promise.resolve(2);
  });
  gate.resolve();
  await assert.rejects(first, /first failed/);
  assert.equal(await second, 2);
  assert.deepEqual(order, ["first", "second"]);
});
