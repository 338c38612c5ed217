/** Whose turn it is (RFC 8260, section 3), seen from what comes out of the queue. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { SlabPool } from "../base/slab_pool.ts";
import { SendQueue } from "./send_queue.ts";
import { STREAM_SCHEDULERS, type StreamSchedulerName } from "./stream_scheduler.ts";

const NAMES = Object.keys(STREAM_SCHEDULERS) as StreamSchedulerName[];

/** A queue with a scheduler and, by stream, priorities or weights. */
function queueWith(scheduler: StreamSchedulerName, values: readonly number[] = []): SendQueue {
  const queue = new SendQueue(new SlabPool());
  queue.scheduler = scheduler;
  values.forEach((value, stream) => queue.setStreamValue(stream, value));
  return queue;
}

function push(queue: SendQueue, stream: number, length = 100, ppid = 0): void {
  const options = { stream, ppid, unordered: false, immediate: false };
  queue.push(new Uint8Array(length), options, 1400);
}

/** Cuts a chunk of at most `most` bytes, and gives its stream. */
function cut(queue: SendQueue, most = 1400): number {
  const stream = queue.currentStream;
  queue.cut(Math.min(queue.currentRest, most));
  return stream;
}

/** The streams of the next chunks. */
function turns(queue: SendQueue, count = Infinity, most = 1400): string {
  const streams: number[] = [];
  while (!queue.isDrained && streams.length < count) streams.push(cut(queue, most));
  return streams.join(" ");
}

Deno.test("first come, first served keeps the user's order (section 3.1)", () => {
  const queue = queueWith("fcfs");
  for (const stream of [2, 0, 0, 1, 2, 0]) push(queue, stream);
  assert.equal(turns(queue), "2 0 0 1 2 0");
});

Deno.test("round robin goes from stream to stream (section 3.2)", () => {
  const queue = queueWith("rr");
  for (const stream of [5, 5, 5, 1, 1, 3]) push(queue, stream);
  assert.equal(turns(queue, 2), "5 1");
  push(queue, 7);
  assert.equal(turns(queue), "3 5 1 7 5");
});

Deno.test("round robin per packet stays with a stream while the packet lasts (section 3.3)", () => {
  const queue = queueWith("rr-pkt");
  for (const stream of [0, 1, 0, 1, 0]) push(queue, stream);
  queue.beginPacket();
  assert.equal(cut(queue), 0);
  assert.ok(!queue.endsPacket);
  assert.equal(cut(queue), 0);
  queue.beginPacket();
  assert.equal(turns(queue, 2), "1 1");
  assert.ok(queue.endsPacket, "the stream has nothing left, and another one would follow");
  queue.beginPacket();
  assert.equal(turns(queue), "0");
});

Deno.test("a message that has begun is finished, also when the turns go by packet then", () => {
  const queue = queueWith("prio", [0, 1]);
  push(queue, 1);
  push(queue, 0, 3000);
  assert.equal(turns(queue, 1), "0");
  queue.scheduler = "rr-pkt";
  for (const expected of ["0", "0", "1"]) {
    queue.beginPacket();
    assert.equal(turns(queue, 1), expected);
  }
});

Deno.test("the lower value has priority, and equals take turns (section 3.4)", () => {
  const queue = queueWith("prio", [9, 0, 9]);
  for (const stream of [0, 2, 0, 2]) push(queue, stream);
  assert.equal(turns(queue, 1), "0");
  push(queue, 1);
  push(queue, 1);
  assert.equal(turns(queue), "1 1 2 0 2");
});

Deno.test("a message that has begun is finished before one of higher priority", () => {
  const queue = queueWith("prio", [1, 0]);
  push(queue, 0, 3000);
  assert.equal(turns(queue, 1), "0");
  push(queue, 1);
  assert.equal(turns(queue), "0 0 1");
});

/** Bytes of each of the streams while all of them have something to send. */
function shares(queue: SendQueue, sizes: readonly number[], chunks: number): number[] {
  const taken = sizes.map(() => 0);
  for (let i = 0; i < chunks; i++) {
    sizes.forEach((size, stream) => push(queue, stream, size));
  }
  for (let i = 0; i < chunks; i++) taken[cut(queue)] += sizes[queue.lastStream];
  return taken;
}

Deno.test("streams of short and long messages get the same capacity (section 3.5)", () => {
  const [short, long] = shares(queueWith("fb"), [100, 1000], 550);
  assert.ok(Math.abs(short - long) <= 1000, `${short} and ${long} bytes`);
});

Deno.test("capacity follows the weights (section 3.6)", () => {
  const [first, second, third] = shares(queueWith("wfq", [1, 2, 4]), [700, 700, 700], 700);
  assert.ok(Math.abs(second - 2 * first) <= 2100, `${first} and ${second} bytes`);
  assert.ok(Math.abs(third - 4 * first) <= 4200, `${first} and ${third} bytes`);
});

Deno.test("a stream that sends one message at a time gets no more than its share", () => {
  const queue = queueWith("fb");
  for (let i = 0; i < 400; i++) push(queue, 0, 100);
  const taken = [0, 0];
  for (let i = 0; i < 200; i++) {
    if (taken[1] === taken[0] || queue.lastStream === 1) push(queue, 1, 1000);
    taken[cut(queue)] += queue.lastStream === 1 ? 1000 : 100;
  }
  assert.ok(Math.abs(taken[0] - taken[1]) <= 2000, `${taken} bytes`);
});

Deno.test("what a stream has used while it was alone counts once another one joins", () => {
  const queue = queueWith("fb");
  for (const stream of [0, 0, 0]) push(queue, stream);
  assert.equal(turns(queue, 2), "0 0");
  push(queue, 1);
  assert.equal(turns(queue), "1 0");
});

Deno.test("another scheduler may be chosen while messages wait", () => {
  const queue = queueWith("fcfs", [0, 2, 1]);
  for (const stream of [1, 1, 2, 2]) push(queue, stream);
  assert.equal(turns(queue, 1), "1");
  queue.scheduler = "prio";
  assert.equal(turns(queue, 1), "2");
  queue.scheduler = "fcfs";
  assert.equal(turns(queue), "1 2");
});

Deno.test("a queue made after a restart takes turns as the one before", () => {
  const before = queueWith("prio", [1, 0]);
  const queue = new SendQueue(new SlabPool());
  queue.scheduleLike(before);
  push(queue, 0);
  push(queue, 1);
  assert.equal(turns(queue), "1 0");
});

Deno.test("every scheduler sends all, each stream's messages in order and in one piece", () => {
  const message = fc.record({ stream: fc.nat(6), length: fc.integer({ min: 1, max: 5000 }) });
  const step = fc.oneof(message, fc.constant("cut"), fc.constant("packet"));
  const plan = fc.array(step, { maxLength: 120 });
  const values = fc.array(fc.nat(5), { minLength: 7, maxLength: 7 });
  fc.assert(fc.property(fc.constantFrom(...NAMES), values, plan, (name, weights, steps) => {
    const queue = queueWith(name, weights);
    const sent = new Map<number, number[]>();
    const expected = new Map<number, number[]>();
    let open: number | undefined;
    const cutOne = () => {
      if (queue.isDrained) return;
      const [stream, ppid] = [queue.currentStream, queue.currentPpid];
      assert.ok(open === undefined || open === ppid, "messages are not interleaved");
      if (queue.atMessageStart) sent.set(stream, [...sent.get(stream) ?? [], ppid]);
      const ends = queue.inLastSegment && queue.currentRest <= 1400;
      cut(queue);
      open = ends ? undefined : ppid;
    };
    let ppid = 0;
    for (const each of steps) {
      if (each === "packet") queue.beginPacket();
      else if (each === "cut") cutOne();
      else {
        push(queue, each.stream, each.length, ++ppid);
        expected.set(each.stream, [...expected.get(each.stream) ?? [], ppid]);
      }
    }
    while (!queue.isDrained) cutOne();
    assert.deepEqual(sent, new Map([...expected].filter(([, list]) => list.length > 0)));
    assert.equal(queue.unsentBytes, 0);
  }));
});
