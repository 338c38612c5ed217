import assert from "node:assert/strict";
import { SeededRandom } from "../sctp/base/random.ts";
import { type Instant, instant, NEVER } from "../sctp/base/time.ts";
import { VirtualClock } from "./clock.ts";
import { EventHeap } from "./event_heap.ts";

Deno.test("the heap gives back occurrences by time, and those of one time in the order of arrival", () => {
  const heap = new EventHeap();
  const random = new SeededRandom(7);
  const seen: [number, number][] = [];
  const expected: [number, number][] = [];
  for (let i = 0; i < 5000; i++) {
    const at = instant(random.uint32() % 50);
    expected.push([at, i]);
    heap.push(at, { occur: () => seen.push([at, i]) });
  }
  for (let event = heap.pop(); event; event = heap.pop()) event.occur(instant(0));
  expected.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  assert.deepEqual(seen, expected);
});

Deno.test("pushes between pops keep the order", () => {
  const heap = new EventHeap();
  const random = new SeededRandom(8);
  const times: number[] = [];
  let last = 0;
  for (let i = 0; i < 20_000; i++) {
    if (random.uint32() % 3 > 0 || heap.size === 0) {
      const at = last + random.uint32() % 100;
      times.push(at);
      heap.push(instant(at), { occur: () => {} });
    } else {
      times.sort((a, b) => a - b);
      last = heap.earliest;
      assert.equal(last, times.shift());
      heap.pop();
    }
  }
});

Deno.test("an empty heap is due never and gives nothing", () => {
  const heap = new EventHeap();
  assert.equal(heap.earliest, NEVER);
  assert.equal(heap.pop(), undefined);
});

Deno.test("the clock moves from occurrence to occurrence and never back", () => {
  const clock = new VirtualClock();
  const seen: string[] = [];
  const note = (name: string) => (now: Instant) => seen.push(`${name} ${now}`);
  clock.at(instant(20), note("b"));
  clock.at(instant(10), (now) => {
    note("a")(now);
    clock.at(instant(5), note("late"));
  });
  while (clock.step());
  assert.deepEqual(seen, ["a 10", "late 10", "b 20"]);
  assert.equal(clock.now, 20);
  assert.equal(clock.steps, 3);
});

Deno.test("advanceTo runs what is due and leaves the rest", () => {
  const clock = new VirtualClock();
  let count = 0;
  for (const at of [1, 2, 3]) clock.at(instant(at), () => count++);
  clock.advanceTo(instant(2.5));
  assert.deepEqual([count, clock.now, clock.pending, clock.next], [2, 2.5, 1, 3]);
});

Deno.test("what never happens cannot be scheduled", () => {
  assert.throws(() => new VirtualClock().at(NEVER, () => {}), RangeError);
});
