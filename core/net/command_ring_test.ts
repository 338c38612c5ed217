import assert from "node:assert/strict";
import { CommandRing } from "./command_ring.ts";

Deno.test("commands come out in the order in which they went in, seen from the other end", () => {
  const writer = new CommandRing(CommandRing.allocate(256));
  const reader = new CommandRing(writer.memory);
  assert.equal(reader.take(), undefined);
  assert.ok(writer.push({ kind: "status" }));
  assert.ok(writer.push({ kind: "stop", name: "grüße" }));
  assert.deepEqual(reader.take(), { kind: "status" });
  assert.deepEqual(reader.take(), { kind: "stop", name: "grüße" });
  assert.equal(reader.take(), undefined);
});

Deno.test("a full ring refuses, and takes commands again once one has left", () => {
  const ring = new CommandRing(CommandRing.allocate(64));
  const command = "x".repeat(20);
  assert.ok(ring.push(command));
  assert.ok(ring.push(command));
  assert.equal(ring.push(command), false);
  assert.equal(ring.take(), command);
  assert.ok(ring.push(command));
});

Deno.test("commands survive the end of the memory at every offset", () => {
  const ring = new CommandRing(CommandRing.allocate(64));
  for (let i = 0; i < 1000; i++) {
    const command = { n: i, pad: "é".repeat(i % 13) };
    assert.ok(ring.push(command));
    assert.deepEqual(ring.take(), command);
  }
});

Deno.test("the size of a ring is a power of two", () => {
  assert.throws(() => CommandRing.allocate(100), RangeError);
});
