import assert from "node:assert/strict";
import { Interner } from "./interner.ts";

Deno.test("a value is made once for a key", () => {
  const interner = new Interner<number[]>(2);
  const first = interner.get("a", () => [1]);
  assert.equal(interner.get("a", () => [2]), first);
  assert.deepEqual(interner.get("b", () => [3]), [3]);
});

Deno.test("never more values are remembered than the limit", () => {
  const interner = new Interner<{ key: string }>(2);
  const get = (key: string) => interner.get(key, () => ({ key }));
  const [a, b] = [get("a"), get("b")];
  assert.deepEqual([get("a"), get("b")], [a, b]);
  get("c");
  assert.notEqual(get("a"), a, "forgotten with all that were there before the third");
  assert.equal(get("a").key, "a");
});
