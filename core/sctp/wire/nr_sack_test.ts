import assert from "node:assert/strict";
import fc from "fast-check";
import { tsn } from "../base/serial.ts";
import { nrSack } from "../testing/chunks.ts";
import { chunkLength } from "./chunk.ts";
import { hex, truncations } from "./fixtures.ts";
import { blockEnd, blockStart, duplicateTsn } from "./gap_blocks.ts";
import {
  describeNrSack,
  nrSackDuplicateCount,
  nrSackFirmBlocks,
  nrSackFirmCount,
  nrSackIsWellFormed,
  nrSackRenegableBlocks,
  nrSackRenegableCount,
} from "./nr_sack.ts";
import { sackCumulativeTsn, sackWindow } from "./sack.ts";

Deno.test("an NR-SACK has the layout of the draft: renegable blocks, firm ones, duplicates", () => {
  assert.deepEqual(
    nrSack(12, { window: 4660, gaps: [[2, 3]], firm: [[5, 5], [7, 9]], duplicates: [4] }),
    hex(
      "10000024 0000000c 00001234 0001 0002 0001 0000" +
        "0002 0003 0005 0005 0007 0009 00000004",
    ),
  );
});

Deno.test("an NR-SACK comes back as it was written", () => {
  const blocks = fc.array(fc.tuple(fc.nat(0xffff), fc.nat(0xffff)));
  const word = fc.nat(0xffffffff);
  fc.assert(fc.property(
    word,
    word,
    blocks,
    blocks,
    fc.array(word),
    (cumulative, window, gaps, firm, duplicates) => {
      const chunk = nrSack(cumulative, { window, gaps, firm, duplicates });
      assert.equal(chunkLength(chunk, 0), chunk.length);
      assert.ok(nrSackIsWellFormed(chunk, 0));
      assert.equal(sackCumulativeTsn(chunk, 0), cumulative);
      assert.equal(sackWindow(chunk, 0), window);
      const read = (at: number, count: number) =>
        Array.from({ length: count }, (_, i) => [blockStart(chunk, at, i), blockEnd(chunk, at, i)]);
      assert.deepEqual(read(nrSackRenegableBlocks(0), nrSackRenegableCount(chunk, 0)), gaps);
      const firmAt = nrSackFirmBlocks(chunk, 0);
      assert.deepEqual(read(firmAt, nrSackFirmCount(chunk, 0)), firm);
      assert.equal(nrSackDuplicateCount(chunk, 0), duplicates.length);
      const duplicatesAt = firmAt + 4 * firm.length;
      assert.deepEqual(duplicates.map((_, i) => duplicateTsn(chunk, duplicatesAt, i)), duplicates);
    },
  ));
});

Deno.test("an NR-SACK whose counts do not fit into its length is not well formed", () => {
  const chunk = nrSack(1, { gaps: [[2, 3]], firm: [[5, 6]], duplicates: [9] });
  for (const shorter of truncations(chunk)) {
    assert.equal(nrSackIsWellFormed(shorter, 0), shorter.length === chunk.length);
  }
  assert.equal(nrSackIsWellFormed(hex("1000ffff 00000001 00000002 ffff ffff ffff 0000"), 0), false);
});

Deno.test("an NR-SACK reads as its fields", () => {
  const chunk = nrSack(Number(tsn(12)), { window: 9, gaps: [[2, 3]], firm: [[5, 5]] });
  assert.equal(
    describeNrSack(chunk, 0),
    "NR-SACK cumulative TSN 12 a_rwnd 9 gaps 2-3 firm gaps 5-5",
  );
});
