import assert from "node:assert/strict";
import { tsn, tsnAdd } from "../base/serial.ts";
import { ChunkState, Outstanding } from "./outstanding.ts";

for (const initial of [1, 0xffff_ff80]) {
  Deno.test(`chunks are found by their TSN through growth and release, from TSN ${initial} on`, () => {
    const chunks = new Outstanding(tsn(initial));
    let acked = 0;
    for (let i = 0; i < 3000; i++) {
      const slot = chunks.append();
      assert.equal(chunks.state[slot], ChunkState.InFlight);
      assert.equal(chunks.marks[slot] + chunks.misses[slot], 0);
      chunks.length[slot] = i & 0xffff;
      chunks.segment[slot] = i;
      chunks.marks[slot] = 7;
      chunks.misses[slot] = 2;
      if (i % 3 === 0) {
        chunks.removeFirst();
        acked++;
      }
    }
    assert.equal(chunks.count, 3000 - acked);
    assert.equal(chunks.firstTsn, tsnAdd(tsn(initial), acked));
    assert.equal(chunks.ackPoint, tsnAdd(tsn(initial), acked - 1));
    assert.equal(chunks.nextTsn, tsnAdd(tsn(initial), 3000));
    for (let i = 0; i < 3000; i++) {
      const own = tsnAdd(tsn(initial), i);
      assert.equal(chunks.holds(own), i >= acked);
      if (i >= acked) assert.equal(chunks.segment[chunks.slotOf(own)], i);
    }
    assert.ok(!chunks.holds(chunks.nextTsn));
  });
}

Deno.test("while nothing is outstanding no memory is held for it", () => {
  const chunks = new Outstanding(tsn(7));
  assert.equal(chunks.length.length, 0);
  for (let i = 0; i < 200; i++) chunks.append();
  assert.ok(chunks.length.length >= 200);
  for (let i = 0; i < 200; i++) chunks.removeFirst();
  assert.equal(chunks.length.length, 0);
  const slot = chunks.append();
  assert.equal(slot, chunks.slotOf(tsn(207)), "the next one goes on behind them");
});
