import assert from "node:assert/strict";
import { garbageCollector } from "./garbage.ts";

Deno.test("what nobody holds any more is collected, and what somebody holds is not", () => {
  const collect = garbageCollector();
  assert.ok(collect);
  const held = { name: "held" };
  const references = [held, { name: "dropped" }].map((each) => new WeakRef(each));
  // Whoever made or read a WeakRef keeps its target until the end of its turn.
  return new Promise<void>((resolve) => setTimeout(resolve, 0)).then(() => {
    collect();
    assert.deepEqual(references.map((each) => each.deref()?.name), [held.name, undefined]);
  });
});
