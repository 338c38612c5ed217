import assert from "node:assert/strict";
import fc from "fast-check";
import { iForwardTsn, type SkippedMessage } from "../testing/chunks.ts";
import { chunkHasItsFields, chunkLength } from "./chunk.ts";
import { describeChunk } from "./describe.ts";
import { hex, truncations } from "./fixtures.ts";
import { forwardTsnCumulative } from "./forward_tsn.ts";
import {
  iForwardTsnIsWellFormed,
  skippedMessageCount,
  skippedMessageStream,
  skippedMid,
  skipsUnordered,
} from "./i_forward_tsn.ts";

Deno.test("an I-FORWARD-TSN is encoded as RFC 8260, section 2.3.1, draws it", () => {
  assert.deepEqual(
    iForwardTsn(0x89abcdef, [[1, 0xffffffff], [0xfffe, 2, "U"]]),
    hex("c2000018 89abcdef 0001 0000 ffffffff fffe 0001 00000002"),
  );
  assert.deepEqual(iForwardTsn(7), hex("c2000008 00000007"));
});

Deno.test("an I-FORWARD-TSN comes back as it was written", () => {
  const skipped = fc.tuple(fc.nat(0xffff), fc.nat(0xffff_ffff), fc.constantFrom(undefined, "U"));
  fc.assert(fc.property(fc.nat(0xffff_ffff), fc.array(skipped), (cumulative, entries) => {
    const bytes = iForwardTsn(cumulative, entries as SkippedMessage[]);
    assert.equal(chunkLength(bytes, 0), bytes.length);
    assert.ok(iForwardTsnIsWellFormed(bytes, 0));
    assert.equal(forwardTsnCumulative(bytes, 0), cumulative);
    assert.equal(skippedMessageCount(bytes, 0), entries.length);
    for (const [i, [stream, mid, order]] of entries.entries()) {
      assert.equal(skippedMessageStream(bytes, 0, i), stream);
      assert.equal(skippedMid(bytes, 0, i), mid);
      assert.equal(skipsUnordered(bytes, 0, i), order === "U");
    }
  }));
});

Deno.test("reserved bits beside the U bit mean nothing", () => {
  assert.ok(skipsUnordered(hex("c2000010 00000001 0002 ffff 00000003"), 0, 0));
  assert.ok(!skipsUnordered(hex("c2000010 00000001 0002 fffe 00000003"), 0, 0));
});

Deno.test("an I-FORWARD-TSN that was cut is known by its length, and lists no more than is there", () => {
  for (const shorter of truncations(iForwardTsn(1, [[1, 2], [3, 4, "U"]]))) {
    if (!chunkHasItsFields(shorter, 0)) continue;
    assert.equal(iForwardTsnIsWellFormed(shorter, 0), shorter.length % 8 === 0);
    assert.ok(8 + 8 * skippedMessageCount(shorter, 0) <= shorter.length);
  }
});

Deno.test("an I-FORWARD-TSN in words lists what it skips", () => {
  const chunk = iForwardTsn(9, [[1, 2], [3, 4, "U"]]);
  const words = "I-FORWARD-TSN to 9 (stream 1 MID 2, stream 3 unordered MID 4)";
  assert.equal(describeChunk(chunk, 0), words);
});
