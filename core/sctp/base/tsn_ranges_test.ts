import assert from "node:assert/strict";
import fc from "fast-check";
import { tsn, tsnAdd, tsnDistance } from "./serial.ts";
import { TsnRanges } from "./tsn_ranges.ts";

function listed(ranges: TsnRanges): [number, number][] {
  return Array.from({ length: ranges.count }, (_, i) => [ranges.firstOf(i), ranges.lastOf(i)]);
}

Deno.test("adjacent TSNs join to one range, from either side and over a hole", () => {
  const ranges = new TsnRanges();
  for (const value of [5, 9, 6, 8, 7, 20]) assert.ok(ranges.add(tsn(value)));
  assert.deepEqual(listed(ranges), [[5, 9], [20, 20]]);
  assert.ok(!ranges.add(tsn(7)));
});

Deno.test("ranges stay in order where TSNs wrap", () => {
  const ranges = new TsnRanges();
  for (const value of [3, 0xffff_fffe, 0, 0xffff_ffff]) ranges.add(tsn(value));
  assert.deepEqual(listed(ranges), [[0xffff_fffe, 0], [3, 3]]);
  ranges.removeUpTo(tsn(0xffff_ffff));
  assert.deepEqual(listed(ranges), [[0, 0], [3, 3]]);
});

Deno.test("a range that is appended joins the last one where they touch or overlap", () => {
  const ranges = new TsnRanges();
  const extend = (first: number, last: number) => ranges.extend(tsn(first), tsn(last));
  extend(0xffff_fff0, 0xffff_ffff);
  extend(0, 4);
  extend(2, 3);
  assert.deepEqual(listed(ranges), [[0xffff_fff0, 4]]);
  extend(3, 9);
  extend(11, 12);
  assert.deepEqual(listed(ranges), [[0xffff_fff0, 9], [11, 12]]);
});

Deno.test("a set of TSNs behaves like a set of numbers, whatever is added and removed", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant("add" as const), offset: fc.nat(120) }),
    fc.record({ kind: fc.constant("cut" as const), offset: fc.nat(120) }),
  );
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), fc.array(step, { maxLength: 150 }), (start, steps) => {
      const base = tsn(start);
      const ranges = new TsnRanges();
      let model = new Set<number>();
      for (const { kind, offset } of steps) {
        const value = tsnAdd(base, offset);
        if (kind === "add") {
          assert.equal(ranges.add(value), !model.has(offset));
          model.add(offset);
        } else {
          ranges.removeUpTo(value);
          model = new Set([...model].filter((one) => one > offset));
        }
      }
      const members = listed(ranges).flatMap(([first, last]) => {
        const [from, to] = [tsnDistance(base, tsn(first)), tsnDistance(base, tsn(last))];
        return Array.from({ length: to - from + 1 }, (_, i) => from + i);
      });
      assert.deepEqual(members, [...model].sort((a, b) => a - b));
      for (let i = 1; i < ranges.count; i++) {
        assert.ok(tsnDistance(ranges.lastOf(i - 1), ranges.firstOf(i)) > 1, "isolated");
      }
      for (let offset = 0; offset <= 121; offset++) {
        assert.equal(ranges.has(tsnAdd(base, offset)), model.has(offset));
      }
    }),
  );
});
