import assert from "node:assert/strict";
import fc from "fast-check";
import { tsn, tsnAdd } from "../base/serial.ts";
import { TsnRanges } from "../base/tsn_ranges.ts";
import { uniteRanges } from "./gap_blocks.ts";

/** A set of offsets as ranges from a base near the end of the TSNs. */
function rangesOf(offsets: readonly number[]): TsnRanges {
  const ranges = new TsnRanges();
  for (const offset of offsets) ranges.add(tsnAdd(tsn(0xffff_ffe0), offset));
  return ranges;
}

function listed(ranges: TsnRanges): number[][] {
  return Array.from({ length: ranges.count }, (_, i) => [ranges.firstOf(i), ranges.lastOf(i)]);
}

Deno.test("two sets of ranges are united to what adding all of them one by one gives", () => {
  const offsets = fc.array(fc.nat(90));
  fc.assert(fc.property(offsets, offsets, (some, others) => {
    const united = new TsnRanges();
    uniteRanges(rangesOf(some), rangesOf(others), united);
    assert.deepEqual(listed(united), listed(rangesOf([...some, ...others])));
  }));
});
