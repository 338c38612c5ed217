import assert from "node:assert/strict";
import fc from "fast-check";
import { tsn } from "../base/serial.ts";
import { chunkHasItsFields, chunkLength } from "./chunk.ts";
import { hex, truncations } from "./fixtures.ts";
import {
  describeForwardTsn,
  forwardTsnCumulative,
  forwardTsnIsWellFormed,
  forwardTsnLength,
  putForwardTsnHeader,
  putSkippedStream,
  skippedSsn,
  skippedStream,
  skippedStreamCount,
} from "./forward_tsn.ts";

type Skipped = readonly [stream: number, ssn: number];

function forwardTsnOf(cumulative: number, streams: readonly Skipped[]): Uint8Array {
  const bytes = new Uint8Array(forwardTsnLength(streams.length));
  putForwardTsnHeader(bytes, 0, tsn(cumulative), streams.length);
  streams.forEach(([stream, sequence], i) => putSkippedStream(bytes, 0, i, stream, sequence));
  return bytes;
}

Deno.test("a FORWARD TSN is encoded as RFC 3758, section 3.2, draws it", () => {
  assert.deepEqual(
    forwardTsnOf(0x89abcdef, [[1, 0xffff], [0xfffe, 2]]),
    hex("c0000010 89abcdef 0001 ffff fffe 0002"),
  );
  assert.deepEqual(forwardTsnOf(7, []), hex("c0000008 00000007"));
});

Deno.test("a FORWARD TSN comes back as it was written", () => {
  const skipped = fc.tuple(fc.nat(0xffff), fc.nat(0xffff));
  fc.assert(fc.property(fc.nat(0xffffffff), fc.array(skipped), (cumulative, streams) => {
    const bytes = forwardTsnOf(cumulative, streams);
    assert.equal(chunkLength(bytes, 0), bytes.length);
    assert.ok(forwardTsnIsWellFormed(bytes, 0));
    assert.equal(forwardTsnCumulative(bytes, 0), cumulative);
    assert.equal(skippedStreamCount(bytes, 0), streams.length);
    const read = streams.map((_, i) => [skippedStream(bytes, 0, i), skippedSsn(bytes, 0, i)]);
    assert.deepEqual(read, streams);
  }));
});

Deno.test("a FORWARD TSN that was cut is known by its length, and lists no more than is there", () => {
  for (const shorter of truncations(forwardTsnOf(1, [[1, 2], [3, 4]]))) {
    const { length } = shorter;
    assert.equal(chunkHasItsFields(shorter, 0), length >= 8);
    if (length < 8) continue;
    assert.equal(forwardTsnIsWellFormed(shorter, 0), length % 4 === 0);
    assert.equal(skippedStreamCount(shorter, 0), Math.floor((length - 8) / 4));
  }
});

Deno.test("a FORWARD TSN reads as what it skips", () => {
  assert.equal(
    describeForwardTsn(forwardTsnOf(1003, [[0, 4], [9, 65_535]]), 0),
    "FORWARD TSN to 1003 (stream 0 SSN 4, stream 9 SSN 65535)",
  );
  assert.equal(describeForwardTsn(forwardTsnOf(5, []), 0), "FORWARD TSN to 5");
});
