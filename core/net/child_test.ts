import assert from "node:assert/strict";
import { Child } from "./child.ts";

Deno.test("a line is found, whether it has come or is to come", async () => {
  const child = new Child(["sh", "-c", "echo one; read word; echo $word"]);
  await child.line(/one/);
  assert.equal(await child.line(/^o/), "one");
  const next = child.nextLine(/^o/);
  await child.write("other\n");
  assert.equal(await next, "other");
  await child.end();
  assert.equal(child.latest(/./), "other");
});

Deno.test("a process that ends without the line is an error that tells what it said", async () => {
  const child = new Child(["sh", "-c", "echo nothing of the kind >&2"]);
  await assert.rejects(child.line(/ready/), /ended:\n {2}nothing of the kind/);
});

Deno.test("a process ends with its standard input, or by the signal", async () => {
  await new Child(["cat"]).end();
  await new Child(["cat"], AbortSignal.timeout(10)).ended;
});
