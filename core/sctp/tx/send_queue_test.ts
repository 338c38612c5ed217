import assert from "node:assert/strict";
import fc from "fast-check";
import { LARGEST_SLOT, SlabPool } from "../base/slab_pool.ts";
import { SegmentFlag } from "./segment_store.ts";
import { SendQueue } from "./send_queue.ts";

const OPTIONS = { stream: 3, ppid: 9, unordered: false, immediate: false };
const CHUNK = 1400;

function bytesOf(length: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i * 7 + seed);
}

interface Cut {
  readonly segment: number;
  readonly flags: number;
  readonly bytes: Uint8Array;
}

/** Cuts everything that is queued into chunks of at most `most` bytes. */
function cutAll(queue: SendQueue, pool: SlabPool, most: number): Cut[] {
  const cuts: Cut[] = [];
  while (!queue.isDrained) {
    const length = Math.min(queue.currentRest, most);
    const begins = queue.atMessageStart ? SegmentFlag.Begin : 0;
    const ends = length === queue.currentRest ? queue.currentFlags & SegmentFlag.End : 0;
    const segment = queue.current;
    const address = queue.cut(length);
    const start = pool.offsetAt(address);
    const bytes = pool.bytesAt(address).slice(start, start + length);
    cuts.push({ segment, flags: begins | ends, bytes });
  }
  return cuts;
}

function joined(cuts: readonly Cut[]): Uint8Array {
  return Uint8Array.from(cuts.flatMap(({ bytes }) => [...bytes]));
}

Deno.test("a short message is one segment that begins and ends it", () => {
  const pool = new SlabPool();
  const queue = new SendQueue(pool);
  queue.push(bytesOf(10), OPTIONS, CHUNK);
  assert.equal(queue.unsentBytes, 10);
  assert.equal(queue.currentStream, 3);
  assert.equal(queue.currentPpid, 9);
  assert.ok(queue.atMessageStart && queue.inLastSegment);
  const cuts = cutAll(queue, pool, CHUNK);
  assert.equal(cuts.length, 1);
  assert.equal(cuts[0].flags, SegmentFlag.Begin | SegmentFlag.End);
  assert.equal(queue.unsentBytes, 0);
});

Deno.test("a message longer than a slot is kept in segments that full chunks divide", () => {
  const pool = new SlabPool();
  const queue = new SendQueue(pool);
  const message = bytesOf(3 * LARGEST_SLOT + 5);
  queue.push(message, OPTIONS, CHUNK);
  const cuts = cutAll(queue, pool, CHUNK);
  assert.deepEqual(joined(cuts), message);
  for (const { bytes } of cuts.slice(0, -1)) assert.equal(bytes.length, CHUNK);
  assert.deepEqual(cuts.map(({ flags }) => flags), [
    SegmentFlag.Begin,
    ...new Array(cuts.length - 2).fill(0),
    SegmentFlag.End,
  ]);
});

Deno.test("chunks larger than a slot still find their message whole", () => {
  const pool = new SlabPool();
  const queue = new SendQueue(pool);
  const message = bytesOf(200_000);
  queue.push(message, OPTIONS, 65_507);
  assert.deepEqual(joined(cutAll(queue, pool, 65_507)), message);
});

Deno.test("a segment is released with the last of its chunks, in whatever order they are", () => {
  const pool = new SlabPool();
  const queue = new SendQueue(pool);
  queue.push(bytesOf(4 * CHUNK), OPTIONS, CHUNK);
  const [first, second, third, fourth] = cutAll(queue, pool, CHUNK);
  for (const { segment } of [third, first, fourth]) queue.releaseChunk(segment);
  assert.ok(pool.liveBytes > 0);
  queue.releaseChunk(second.segment);
  assert.equal(pool.liveBytes, 0);
});

Deno.test("a segment that is not cut to its end stays when the chunks so far are acknowledged", () => {
  const pool = new SlabPool();
  const queue = new SendQueue(pool);
  queue.push(bytesOf(3000), OPTIONS, CHUNK);
  const segment = queue.current;
  queue.cut(CHUNK);
  queue.releaseChunk(segment);
  assert.ok(pool.liveBytes > 0);
  assert.deepEqual(joined(cutAll(queue, pool, CHUNK)), bytesOf(3000).slice(CHUNK));
  queue.releaseChunk(segment);
  queue.releaseChunk(segment);
  assert.equal(pool.liveBytes, 0);
});

Deno.test("the marks that the user sets stay with every segment", () => {
  const queue = new SendQueue(new SlabPool());
  queue.push(bytesOf(5), { ...OPTIONS, unordered: true, immediate: true }, CHUNK);
  assert.equal(
    queue.currentFlags,
    SegmentFlag.Begin | SegmentFlag.End | SegmentFlag.Unordered | SegmentFlag.Immediate,
  );
});

Deno.test("clearing releases what is queued, cut and half acknowledged", () => {
  const pool = new SlabPool();
  const queue = new SendQueue(pool);
  for (let i = 0; i < 100; i++) queue.push(bytesOf(2000), OPTIONS, CHUNK);
  const segment = queue.current;
  for (let i = 0; i < 50; i++) queue.cut(Math.min(queue.currentRest, CHUNK));
  queue.releaseChunk(segment);
  queue.clear();
  assert.equal(pool.liveBytes, 0);
  assert.ok(queue.isDrained);
  assert.equal(queue.unsentBytes, 0);
  queue.push(bytesOf(10), OPTIONS, CHUNK);
  assert.equal(cutAll(queue, pool, CHUNK).length, 1, "and the queue can be used again");
});

Deno.test("messages come out as they went in, whatever their sizes and the pace of the peer", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 150_000 }), { maxLength: 30 });
  fc.assert(
    fc.property(sizes, fc.integer({ min: 400, max: 9000 }), fc.nat(20), (list, most, lag) => {
      const pool = new SlabPool();
      const queue = new SendQueue(pool);
      const unacked: Cut[] = [];
      const seen: number[] = [];
      for (const [i, size] of list.entries()) {
        queue.push(bytesOf(size, i), OPTIONS, most);
        const cuts = cutAll(queue, pool, most);
        const whole = joined(cuts);
        assert.equal(whole.length, size);
        assert.ok(whole.every((byte, k) => byte === ((k * 7 + i) & 0xff)));
        unacked.push(...cuts);
        while (unacked.length > lag) seen.push((unacked.shift() as Cut).segment);
        for (const segment of seen.splice(0)) queue.releaseChunk(segment);
      }
      for (const { segment } of unacked) queue.releaseChunk(segment);
      assert.equal(pool.liveBytes, 0);
    }),
    { numRuns: 30 },
  );
});

// Holding streams back.

function pushOn(queue: SendQueue, stream: number, length = 10): void {
  queue.push(bytesOf(length), { ...OPTIONS, stream }, CHUNK);
}

/** Cuts what may be cut; gives the streams of the chunks. */
function streamsCut(queue: SendQueue): string {
  const streams: number[] = [];
  while (!queue.isDrained) {
    streams.push(queue.currentStream);
    queue.cut(Math.min(queue.currentRest, CHUNK));
  }
  return streams.join(" ");
}

Deno.test("of a held stream what was queued before leaves, what came later waits", () => {
  const queue = new SendQueue(new SlabPool());
  for (const stream of [1, 2, 1]) pushOn(queue, stream);
  queue.hold(new Set([1]));
  for (const stream of [1, 3, 2]) pushOn(queue, stream);
  assert.ok(!queue.isHeldBack);
  assert.equal(streamsCut(queue), "1 2 1 3 2");
  assert.ok(queue.isHeldBack && queue.isDrained);
  assert.equal(queue.unsentBytes, 10);
  pushOn(queue, 1);
  assert.ok(queue.isDrained, "a stream that is suspended stays so");
  queue.resume();
  assert.ok(!queue.isHolding);
  assert.equal(streamsCut(queue), "1 1");
});

Deno.test("a held stream that was idle waits from its first message on", () => {
  const queue = new SendQueue(new SlabPool());
  queue.hold("all");
  assert.ok(queue.isHeldBack);
  for (const stream of [4, 5]) pushOn(queue, stream, 3000);
  assert.ok(queue.isDrained);
  queue.resume();
  assert.equal(streamsCut(queue), "4 4 4 5 5 5");
});

Deno.test("resuming before the old messages have left keeps their order", () => {
  const queue = new SendQueue(new SlabPool());
  pushOn(queue, 1, 3000);
  queue.cut(CHUNK);
  queue.hold("all");
  pushOn(queue, 1);
  pushOn(queue, 2);
  queue.resume();
  assert.ok(queue.isHeldBack);
  assert.equal(streamsCut(queue), "1 1 1 2");
});

Deno.test("clearing ends a hold", () => {
  const queue = new SendQueue(new SlabPool());
  pushOn(queue, 1);
  queue.hold("all");
  pushOn(queue, 1);
  queue.clear();
  assert.ok(!queue.isHolding && queue.isHeldBack);
  pushOn(queue, 1);
  assert.equal(streamsCut(queue), "1");
});
