import assert from "node:assert/strict";
import fc from "fast-check";
import { HashIndex } from "./hash_index.ts";

Deno.test("an index behaves like a map, through growth and removals", () => {
  const step = fc.record({ key: fc.nat(60), keep: fc.boolean() });
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), fc.array(step, { maxLength: 300 }), (salt, steps) => {
      const index = new HashIndex(salt);
      const model = new Map<number, number>();
      for (const [value, { key, keep }] of steps.entries()) {
        const position = index.find(key);
        assert.equal(position >= 0, model.has(key));
        if (position >= 0) {
          assert.equal(index.valueAt(position), model.get(key));
          if (!keep) {
            index.removeAt(position);
            model.delete(key);
          }
        } else if (keep) {
          index.add(key, value);
          model.set(key, value);
        }
      }
      assert.equal(index.count, model.size);
      index.clear();
      assert.equal(index.count, 0);
      for (let key = 0; key <= 60; key++) assert.equal(index.find(key), -1);
    }),
  );
});

Deno.test("keys may be any 32-bit numbers", () => {
  const index = new HashIndex(0);
  for (const key of [0, 0xffff_ffff, 0x8000_0000]) index.add(key, key);
  for (const key of [0, 0xffff_ffff, 0x8000_0000]) {
    assert.equal(index.valueAt(index.find(key)), key);
  }
});
