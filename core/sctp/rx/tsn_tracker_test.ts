import assert from "node:assert/strict";
import fc from "fast-check";
import { tsn, tsnAdd } from "../base/serial.ts";
import {
  sackCumulativeTsn,
  sackDuplicate,
  sackDuplicateCount,
  sackGapCount,
  sackGapEnd,
  sackGapStart,
  sackIsWellFormed,
  sackWindow,
} from "../wire/sack.ts";
import { TsnTracker, TsnVerdict } from "./tsn_tracker.ts";

function reported(tracker: TsnTracker, room = 1400) {
  const length = tracker.sackLength(room);
  const chunk = new Uint8Array(length);
  tracker.writeSack(chunk, 0, length, 5000);
  assert.ok(sackIsWellFormed(chunk, 0) && length <= room);
  const indices = (count: number) => Array.from({ length: count }, (_, i) => i);
  return {
    cumulative: sackCumulativeTsn(chunk, 0),
    window: sackWindow(chunk, 0),
    gaps: indices(sackGapCount(chunk, 0))
      .map((i) => [sackGapStart(chunk, 0, i), sackGapEnd(chunk, 0, i)]),
    duplicates: indices(sackDuplicateCount(chunk, 0)).map((i) =>
      Number(sackDuplicate(chunk, 0, i))
    ),
  };
}

function tracked(...tsns: number[]): TsnTracker {
  const tracker = new TsnTracker(tsn(100));
  for (const value of tsns) tracker.accept(tsn(value));
  return tracker;
}

Deno.test("before any DATA the Cumulative TSN is the Initial TSN minus one (RFC 9260, section 5.1)", () => {
  assert.deepEqual(reported(tracked()), {
    cumulative: 99,
    window: 5000,
    gaps: [],
    duplicates: [],
  });
});

Deno.test("gaps are reported as distances from the Cumulative TSN (section 3.3.4)", () => {
  const tracker = tracked(100, 102, 103, 106);
  assert.deepEqual(reported(tracker).gaps, [[2, 3], [6, 6]]);
  assert.equal(tracker.cumulative, 100);
  assert.equal(tracker.highest, 106);
  assert.ok(tracker.hasGaps);
});

Deno.test("a TSN that fills a gap moves the Cumulative TSN to the end of what follows", () => {
  const tracker = tracked(100, 102, 103, 106, 101);
  assert.equal(tracker.cumulative, 103);
  assert.deepEqual(reported(tracker).gaps, [[3, 3]]);
});

Deno.test("a TSN is a duplicate at or before the Cumulative TSN, and inside a range", () => {
  const tracker = tracked(100, 102);
  for (const value of [100, 99, 50, 102]) {
    assert.equal(tracker.classify(tsn(value)), TsnVerdict.Duplicate, String(value));
  }
  for (const value of [101, 103, 5000]) {
    assert.equal(tracker.classify(tsn(value)), TsnVerdict.New, String(value));
  }
});

Deno.test("duplicates are reported once (section 6.2), up to a bound", () => {
  const tracker = tracked(100);
  tracker.noteDuplicate(tsn(100));
  tracker.noteDuplicate(tsn(100));
  assert.deepEqual(reported(tracker).duplicates, [100, 100]);
  assert.deepEqual(reported(tracker).duplicates, []);
  for (let i = 0; i < 1000; i++) tracker.noteDuplicate(tsn(100));
  assert.equal(reported(tracker).duplicates.length, 32);
});

Deno.test("what a Gap Ack Block cannot name is beyond the window", () => {
  const tracker = tracked();
  assert.equal(tracker.classify(tsn(99 + 0xffff)), TsnVerdict.New);
  assert.equal(tracker.classify(tsn(99 + 0x10000)), TsnVerdict.BeyondWindow);
});

Deno.test("too little room leaves out the highest gaps, then duplicates (section 6.7)", () => {
  const tracker = tracked(102, 104, 106, 108);
  tracker.noteDuplicate(tsn(102));
  assert.deepEqual(reported(tracker, 16 + 4 * 4 + 3), {
    cumulative: 99,
    window: 5000,
    gaps: [[3, 3], [5, 5], [7, 7], [9, 9]],
    duplicates: [],
  });
  assert.deepEqual(reported(tracker, 24).gaps, [[3, 3], [5, 5]]);
  assert.deepEqual(reported(tracker, 16).gaps, []);
});

Deno.test("a peer that tears ever more holes reaches a bound, and the next TSN is still taken", () => {
  const tracker = tracked();
  let taken = 0;
  for (let offset = 2; offset < 0xffff; offset += 2) {
    const value = tsnAdd(tracker.cumulative, offset);
    if (tracker.classify(value) !== TsnVerdict.New) break;
    tracker.accept(value);
    taken++;
  }
  assert.equal(taken, 4096);
  assert.equal(tracker.classify(tsn(100)), TsnVerdict.New);
  tracker.accept(tsn(100));
  assert.equal(tracker.cumulative, 101);
});

Deno.test("a SACK says exactly what has arrived, in whatever order it came and where TSNs wrap", () => {
  const order = fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 60 });
  fc.assert(fc.property(fc.constantFrom(100, 0xffff_ffe0), order, (initial, offsets) => {
    const tracker = new TsnTracker(tsn(initial));
    const before = tracker.cumulative;
    const arrived = new Set<number>();
    for (const offset of offsets) {
      const value = tsnAdd(before, offset);
      assert.equal(tracker.classify(value), TsnVerdict.New);
      tracker.accept(value);
      assert.equal(tracker.classify(value), TsnVerdict.Duplicate);
      arrived.add(offset);
    }
    let cumulative = 0;
    while (arrived.has(cumulative + 1)) cumulative++;
    const { cumulative: said, gaps } = reported(tracker);
    assert.equal(said, tsnAdd(before, cumulative));
    const inGaps = gaps.flatMap(([first, last]) =>
      Array.from({ length: last - first + 1 }, (_, i) => cumulative + first + i)
    );
    const expected = [...arrived].filter((one) => one > cumulative).sort((a, b) => a - b);
    assert.deepEqual(inGaps, expected);
  }));
});
