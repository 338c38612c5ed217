import assert from "node:assert/strict";
import fc from "fast-check";
import { tsn } from "../base/serial.ts";
import { chunkIsWhole, chunkLength } from "./chunk.ts";
import { hex, truncations } from "./fixtures.ts";
import {
  describeSack,
  putSackDuplicate,
  putSackGap,
  putSackHeader,
  SACK_HEADER_LENGTH,
  sackCumulativeTsn,
  sackDuplicate,
  sackDuplicateCount,
  sackGapCount,
  sackGapEnd,
  sackGapStart,
  sackIsWellFormed,
  sackWindow,
} from "./sack.ts";

type Gap = readonly [start: number, end: number];

function sackOf(cumulative: number, window: number, gaps: Gap[], duplicates: number[]) {
  const bytes = new Uint8Array(SACK_HEADER_LENGTH + 4 * (gaps.length + duplicates.length));
  putSackHeader(bytes, 0, tsn(cumulative), window, gaps.length, duplicates.length);
  gaps.forEach(([start, end], i) => putSackGap(bytes, 0, i, start, end));
  duplicates.forEach((value, i) => putSackDuplicate(bytes, 0, gaps.length, i, tsn(value)));
  return bytes;
}

Deno.test("the example of RFC 9260, section 3.3.4, is encoded as it is drawn there", () => {
  assert.deepEqual(
    sackOf(12, 4660, [[2, 3], [5, 5]], []),
    hex("03000018 0000000c 00001234 0002 0000 0002 0003 0005 0005"),
  );
});

Deno.test("a SACK comes back as it was written", () => {
  const gap = fc.tuple(fc.nat(0xffff), fc.nat(0xffff));
  fc.assert(fc.property(
    fc.nat(0xffffffff),
    fc.nat(0xffffffff),
    fc.array(gap),
    fc.array(fc.nat(0xffffffff)),
    (cumulative, window, gaps, duplicates) => {
      const bytes = sackOf(cumulative, window, gaps, duplicates);
      assert.equal(chunkLength(bytes, 0), bytes.length);
      assert.ok(sackIsWellFormed(bytes, 0));
      assert.equal(sackCumulativeTsn(bytes, 0), cumulative);
      assert.equal(sackWindow(bytes, 0), window);
      assert.equal(sackGapCount(bytes, 0), gaps.length);
      assert.equal(sackDuplicateCount(bytes, 0), duplicates.length);
      assert.deepEqual(
        gaps.map((_, i) => [sackGapStart(bytes, 0, i), sackGapEnd(bytes, 0, i)]),
        gaps,
      );
      assert.deepEqual(duplicates.map((_, i) => sackDuplicate(bytes, 0, i)), duplicates);
    },
  ));
});

Deno.test("a SACK whose counts do not fit into its length is not well formed", () => {
  const sack = sackOf(1, 2, [[2, 3]], [9, 9]);
  for (const shorter of truncations(sack)) {
    assert.equal(sackIsWellFormed(shorter, 0), shorter.length === sack.length, `${shorter.length}`);
  }
});

Deno.test("counts that claim the most are not well formed in any packet", () => {
  const bytes = hex("0300ffff 00000001 00000002 ffff ffff");
  assert.equal(sackIsWellFormed(bytes, 0), false);
  assert.equal(chunkIsWhole(bytes, 0, bytes.length), false);
});

Deno.test("a SACK reads as its fields, long lists cut", () => {
  assert.equal(
    describeSack(sackOf(12, 4660, [[2, 3], [5, 5]], [9]), 0),
    "SACK cumulative TSN 12 a_rwnd 4660 gaps 2-3, 5-5 duplicates 9",
  );
  assert.equal(
    describeSack(sackOf(1, 2, [], new Array(10).fill(4)), 0),
    "SACK cumulative TSN 1 a_rwnd 2 duplicates 4, 4, 4, 4, 4, 4, 4, 4, and 2 more",
  );
});
