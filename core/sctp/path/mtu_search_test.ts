/** The search for a path's MTU by itself (RFC 8899, sections 4.6 and 5). */
import assert from "node:assert/strict";
import fc from "fast-check";
import { MAX_PROBES, MtuSearch } from "./mtu_search.ts";

/** Answers probes as a path that carries `mtu` does, until the search ends; returns what was probed. */
function probeUntilDone(search: MtuSearch, mtu: number): number[] {
  const probed: number[] = [];
  for (let size = search.probe; size !== undefined; size = search.probe) {
    probed.push(size);
    if (size <= mtu) search.acknowledged();
    else search.lost();
    assert.ok(probed.length < 100, "the search ends");
  }
  return probed;
}

Deno.test("a path starts with the MTU of its interface, and nothing is probed", () => {
  const search = new MtuSearch(4, 1500);
  assert.deepEqual([search.mtu, search.probe], [1500, undefined]);
});

Deno.test("a suspicion is proved with BASE_PLPMTU; only its acknowledgement makes packets smaller", () => {
  for (const [family, base] of [[4, 1200], [6, 1280]] as const) {
    const search = new MtuSearch(family, 1500);
    search.suspect();
    assert.deepEqual([search.state.name, search.probe, search.mtu], ["BASE", base, 1500]);
    search.acknowledged();
    assert.deepEqual([search.state.name, search.mtu], ["SEARCHING", base]);
  }
});

Deno.test("behind a black hole the search goes up, step by step, to what passes", () => {
  const search = new MtuSearch(4, 1500);
  search.suspect();
  assert.deepEqual(probeUntilDone(search, 1450), [1200, 1280, 1400, 1420, 1440, 1460, 1460, 1460]);
  assert.deepEqual([search.state.name, search.mtu], ["SEARCH_COMPLETE", 1440]);
});

Deno.test("probes that are lost now and then do not end the search (MAX_PROBES)", () => {
  const search = new MtuSearch(4, 1500);
  search.suspect();
  for (let size = search.probe; size !== undefined; size = search.probe) {
    for (let i = 1; i < MAX_PROBES; i++) search.lost();
    assert.equal(search.probe, size);
    search.acknowledged();
  }
  assert.equal(search.mtu, 1500);
});

Deno.test("a path that carries nothing keeps its MTU: that is no black hole", () => {
  const search = new MtuSearch(4, 1500);
  search.suspect();
  assert.deepEqual(probeUntilDone(search, 0), [1200, 1200, 1200, 576, 576, 576]);
  assert.equal(search.mtu, 1500);
});

Deno.test("a path that does not carry BASE_PLPMTU is used with what it carries (section 5.4)", () => {
  const search = new MtuSearch(4, 1500);
  search.suspect();
  probeUntilDone(search, 1006);
  assert.equal(search.mtu, 1000);
  assert.equal(search.safe, 576);
});

Deno.test("packet too big says where to search, not what to use (section 4.6.2)", () => {
  const search = new MtuSearch(4, 1500);
  assert.ok(search.packetTooBig(1400));
  assert.deepEqual([search.state.name, search.mtu, search.probe], ["BASE", 1200, 1400]);
  search.acknowledged();
  assert.deepEqual([search.state.name, search.mtu], ["SEARCH_COMPLETE", 1400]);
});

Deno.test("packet too big below BASE_PLPMTU is taken, below what any path carries it is not", () => {
  const search = new MtuSearch(4, 1500);
  assert.ok(!search.packetTooBig(575));
  assert.equal(search.mtu, 1500);
  assert.ok(search.packetTooBig(1000));
  assert.deepEqual([search.state.name, search.mtu, search.probe], ["ERROR", 576, 1000]);
  search.acknowledged();
  assert.equal(search.mtu, 1000);
  const six = new MtuSearch(6, 1500);
  assert.ok(!six.packetTooBig(1279));
  assert.ok(six.packetTooBig(1280));
});

Deno.test("packet too big about a probe ends the search, or shortens it", () => {
  const search = new MtuSearch(4, 9000);
  search.suspect();
  for (let i = 0; i < 9; i++) search.acknowledged();
  assert.deepEqual([search.mtu, search.probe], [1500, 4352]);
  assert.ok(search.packetTooBig(2000));
  assert.deepEqual([search.mtu, search.probe], [1500, 2000]);
  assert.ok(search.packetTooBig(1500));
  assert.deepEqual([search.mtu, search.state.name], [1500, "SEARCH_COMPLETE"]);
});

Deno.test("after PMTU_RAISE_TIMER the search goes on, up to the MTU of the interface", () => {
  const search = new MtuSearch(4, 1500);
  search.packetTooBig(1400);
  search.acknowledged();
  search.raise();
  assert.equal(search.probe, 1420);
  probeUntilDone(search, 1500);
  assert.equal(search.mtu, 1500);
  search.raise();
  assert.equal(search.probe, undefined);
});

Deno.test("an interface with a small MTU is never exceeded", () => {
  for (const maximum of [576, 600, 1000, 1100, 1280]) {
    const search = new MtuSearch(4, maximum);
    search.suspect();
    probeUntilDone(search, maximum);
    assert.ok(search.mtu <= maximum);
  }
});

Deno.test("whatever happens, sizes stay between the smallest and the interface's, and searches end", () => {
  const step = fc.oneof(
    fc.constantFrom("suspect" as const, "acknowledged" as const, "lost" as const, "raise" as const),
    fc.integer({ min: 0, max: 70_000 }),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(4 as const, 6 as const),
      fc.integer({ min: 1280, max: 65_535 }),
      fc.array(step, { maxLength: 60 }),
      (family, maximum, steps) => {
        const search = new MtuSearch(family, maximum);
        for (const one of steps) {
          if (typeof one === "number") search.packetTooBig(one);
          else search[one]();
          assert.ok(search.mtu >= 576 && search.mtu <= maximum);
          assert.ok(search.probe === undefined || (search.probe >= 576 && search.probe <= maximum));
        }
        probeUntilDone(search, maximum);
      },
    ),
    { numRuns: 500 },
  );
});
