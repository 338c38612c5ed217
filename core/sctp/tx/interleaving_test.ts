/** I-DATA and I-FORWARD-TSN as they are sent (RFC 8260, sections 2.2.2, 2.3 and 3). */
import assert from "node:assert/strict";
import fc from "fast-check";
import { SlabPool } from "../base/slab_pool.ts";
import { connectedInterleaved, iDataIn, iForwardsIn } from "../testing/interleaved_puppet.ts";
import { limited, timed } from "../testing/partial_puppet.ts";
import type { Puppet } from "../testing/puppet.ts";
import { chunksOfType } from "../testing/sent_packet.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { encodeReconfig, ReconfigResult } from "../wire/reconfig.ts";
import { reconfigsIn } from "../testing/reconfig.ts";
import { SegmentFlag } from "./segment_store.ts";
import { SendQueue } from "./send_queue.ts";
import { STREAM_SCHEDULERS, type StreamSchedulerName } from "./stream_scheduler.ts";

/** User data in a full I-DATA chunk over IPv4. */
const PAYLOAD = 1448;
const NAMES = Object.keys(STREAM_SCHEDULERS) as StreamSchedulerName[];

/** "stream/FSN" of each chunk that is cut. */
function cutAll(queue: SendQueue, count = Infinity): string {
  const cuts: string[] = [];
  while (!queue.isDrained && cuts.length < count) {
    queue.beginPacket();
    cuts.push(`${queue.currentStream}/${queue.currentFsn}`);
    queue.cut(Math.min(queue.currentRest, 1000));
  }
  return cuts.join(" ");
}

function queueWith(scheduler: StreamSchedulerName, values: readonly number[] = []): SendQueue {
  const queue = new SendQueue(new SlabPool());
  queue.interleaves = true;
  queue.scheduler = scheduler;
  values.forEach((value, stream) => queue.setStreamValue(stream, value));
  return queue;
}

function push(queue: SendQueue, stream: number, length: number): void {
  const options = { stream, ppid: 0, unordered: false, immediate: false };
  queue.push(new Uint8Array(length), options, 1000);
}

// Whose turn it is.

Deno.test("round robin goes from stream to stream by the chunk, or by the packet (sections 3.2, 3.3)", () => {
  for (const scheduler of ["rr", "rr-pkt"] as const) {
    const queue = queueWith(scheduler);
    for (const stream of [1, 2, 3]) push(queue, stream, 2500);
    push(queue, 1, 1000);
    assert.equal(cutAll(queue), "1/0 2/0 3/0 1/1 2/1 3/1 1/2 2/2 3/2 1/0");
  }
});

Deno.test("first come, first served finishes what it has begun (section 3.1)", () => {
  const queue = queueWith("fcfs");
  push(queue, 2, 2500);
  push(queue, 1, 1500);
  assert.equal(cutAll(queue), "2/0 2/1 2/2 1/0 1/1");
});

Deno.test("a higher priority comes in between the chunks of a long message (section 3.4)", () => {
  const queue = queueWith("prio", [0, 5]);
  push(queue, 1, 4000);
  assert.equal(cutAll(queue, 2), "1/0 1/1");
  push(queue, 0, 1500);
  assert.equal(cutAll(queue), "0/0 0/1 1/2 1/3");
});

Deno.test("shares are kept chunk by chunk (sections 3.5 and 3.6)", () => {
  const fair = queueWith("fb");
  push(fair, 1, 4000);
  push(fair, 2, 4000);
  assert.equal(cutAll(fair, 6).split(" ").sort().join(" "), "1/0 1/1 1/2 2/0 2/1 2/2");
  const weighted = queueWith("wfq", [0, 1, 3]);
  push(weighted, 1, 100_000);
  push(weighted, 2, 100_000);
  const streams = cutAll(weighted, 80).split(" ").map((cut) => cut[0]);
  assert.equal(streams.filter((stream) => stream === "2").length, 60);
});

Deno.test("another scheduler may be chosen in the midst of messages", () => {
  const queue = queueWith("fcfs");
  push(queue, 1, 3000);
  push(queue, 2, 3000);
  assert.equal(cutAll(queue, 2), "1/0 1/1");
  queue.scheduler = "rr";
  assert.equal(cutAll(queue), "2/0 1/2 2/1 2/2");
});

Deno.test("of a held stream a message that has begun leaves to its end", () => {
  const queue = queueWith("rr");
  push(queue, 1, 3000);
  push(queue, 2, 2000);
  assert.equal(cutAll(queue, 2), "1/0 2/0");
  queue.hold("all");
  push(queue, 1, 500);
  assert.equal(cutAll(queue), "1/1 2/1 1/2");
  assert.ok(queue.isHeldBack);
  queue.resume();
  assert.equal(cutAll(queue), "1/0");
});

Deno.test("a queue that is taken from keeps the numbers of what is left", () => {
  const queue = queueWith("rr");
  const options = { stream: 1, ppid: 0, unordered: false, immediate: false };
  const gone = queue.push(new Uint8Array(3000), options, 1000, 7);
  push(queue, 2, 2000);
  push(queue, 1, 1500);
  assert.equal(cutAll(queue, 2), "1/0 2/0");
  queue.releaseChunk(gone);
  assert.equal(queue.remove(1, gone), 2000);
  assert.equal(cutAll(queue), "1/0 2/1 1/1");
});

Deno.test("every scheduler sends all, the chunks of each stream in order and numbered", () => {
  const sizes = fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 5000 })), { minLength: 1 });
  fc.assert(fc.property(sizes, fc.constantFrom(...NAMES), (messages, scheduler) => {
    const queue = queueWith(scheduler, [3, 1, 2]);
    for (const [stream, length] of messages) push(queue, stream, length);
    const fsns = new Map<number, number>();
    let cut = 0;
    while (!queue.isDrained) {
      queue.beginPacket();
      const stream = queue.currentStream;
      const begins = queue.atMessageStart;
      assert.equal(queue.currentFsn, begins ? 0 : (fsns.get(stream) ?? NaN) + 1);
      fsns.set(stream, queue.currentFsn);
      const length = Math.min(queue.currentRest, 1000);
      if (length === queue.currentRest && (queue.currentFlags & SegmentFlag.End) !== 0) cut++;
      queue.cut(length);
    }
    assert.equal(cut, messages.length);
  }));
});

// Chunks.

function submit(
  puppet: Puppet,
  length: number,
  options: Parameters<Puppet["submit"]>[1],
): string[] {
  return iDataIn(puppet.submit(length, options));
}

Deno.test("user data leaves in I-DATA, with the PPID first and the FSN behind (section 2.2.2)", () => {
  const puppet = connectedInterleaved();
  const packets = puppet.submit(PAYLOAD + 100, { stream: 3, ppid: 51 });
  assert.deepEqual(iDataIn(packets), [`3 MID 0 PPID 51 B ${PAYLOAD}`, "3 MID 0 FSN 1 E 100"]);
  assert.deepEqual(chunksOfType(packets, ChunkType.Data), []);
  assert.equal(packets[0].bytes.length, 12 + 20 + PAYLOAD);
});

Deno.test("ordered and unordered messages of a stream are counted apart (section 2.1)", () => {
  const puppet = connectedInterleaved();
  const stream = 3;
  assert.deepEqual(submit(puppet, 10, { stream }), ["3 MID 0 PPID 0 BE 10"]);
  const unordered = true;
  assert.deepEqual(submit(puppet, 10, { stream, unordered }), ["3 unordered MID 0 PPID 0 UBE 10"]);
  assert.deepEqual(submit(puppet, 10, { stream, unordered }), ["3 unordered MID 1 PPID 0 UBE 10"]);
  assert.deepEqual(submit(puppet, 10, { stream }), ["3 MID 1 PPID 0 BE 10"]);
  assert.deepEqual(submit(puppet, 10, { stream: 4, unordered }), [
    "4 unordered MID 0 PPID 0 UBE 10",
  ]);
});

Deno.test("a short message comes between the chunks of a long one", () => {
  const puppet = connectedInterleaved();
  puppet.association.setStreamScheduler("prio");
  puppet.association.setStreamValue(1, 9);
  const first = submit(puppet, 10 * PAYLOAD, { stream: 1 });
  assert.equal(first.length, 3);
  assert.deepEqual(submit(puppet, 20, { stream: 2 }), []);
  const next = iDataIn(puppet.ack(2));
  assert.deepEqual(next[0], "2 MID 0 PPID 0 BE 20");
  assert.match(next[1], /^1 MID 0 FSN 3 none/);
});

Deno.test("what is sent again says what it said before", () => {
  const puppet = connectedInterleaved();
  const sent = submit(puppet, 2 * PAYLOAD + 1, { stream: 1, ppid: 8 });
  const again: string[] = [];
  for (let i = 0; i < 3; i++) again.push(...iDataIn(puppet.wait(4000)));
  assert.ok(sent.includes(again[0]) && again[0].includes("PPID 8"));
  puppet.ack(1);
  assert.ok(iDataIn(puppet.wait(20_000)).includes("1 MID 0 FSN 1 none 1448"));
});

// What is given up.

Deno.test("an I-FORWARD-TSN lists ordered and unordered messages of each stream (section 2.3.1)", () => {
  const puppet = connectedInterleaved();
  for (const [stream, unordered] of [[1, false], [1, false], [1, true], [2, true]] as const) {
    puppet.submit(100, { stream, unordered, ...limited(0) });
  }
  const packets = puppet.wait(1000);
  assert.deepEqual(iForwardsIn(packets), [
    "(stream 1 MID 1, stream 1 unordered MID 0, stream 2 unordered MID 0)",
  ]);
  assert.deepEqual(chunksOfType(packets, ChunkType.ForwardTsn), []);
});

Deno.test("a message that is given up in the midst of others takes no chunk of theirs along", () => {
  const puppet = connectedInterleaved();
  puppet.association.setStreamScheduler("rr");
  puppet.submit(2 * PAYLOAD, { stream: 1 });
  puppet.submit(9 * PAYLOAD, { stream: 2, unordered: true, ...timed(300) });
  puppet.submit(100, { stream: 2, unordered: true });
  const before = puppet.wait(400);
  assert.deepEqual(iForwardsIn(before), [], "a chunk of the other stream is not acknowledged");
  const packets = puppet.ack(2);
  assert.deepEqual(iForwardsIn(packets), ["(stream 2 unordered MID 0)"]);
  assert.ok(iDataIn([...before, ...packets]).includes("2 unordered MID 1 PPID 0 UBE 100"));
});

Deno.test("what is given back of a message has its PPID, though its first chunk has arrived", () => {
  const puppet = connectedInterleaved();
  puppet.subject.do(() => puppet.association.notifySendFailures(true));
  puppet.submit(3 * PAYLOAD, { stream: 1, ppid: 99, ...timed(1500) });
  puppet.ack(1);
  puppet.wait(4000);
  const [event] = puppet.subject.events.filter(({ kind }) => kind === "send-failed");
  assert.ok(event?.kind === "send-failed");
  assert.deepEqual([event.failure.ppid, event.failure.isWhole], [99, false]);
  assert.equal(event.failure.data.length, 2 * PAYLOAD);
});

Deno.test("a reset has both numbers of a stream start again (section 2.3.2)", () => {
  const puppet = connectedInterleaved({
    init: { supportedExtensions: [ChunkType.IData, ChunkType.ReConfig] },
  });
  const messages = [{ stream: 3 }, { stream: 3, unordered: true }];
  for (const options of messages) puppet.submit(10, options);
  puppet.subject.do(() => puppet.association.resetStreams({ outgoing: [3] }));
  const [request] = reconfigsIn(puppet.subject.take());
  assert.ok(request.kind === "reset-outgoing");
  const { sequence } = request;
  const result = ReconfigResult.Performed;
  puppet.send(encodeReconfig([{ kind: "response", sequence, result, next: undefined }]));
  const numbers = messages.map((options) => submit(puppet, 10, options)[0]);
  assert.deepEqual(numbers, ["3 MID 0 PPID 0 BE 10", "3 unordered MID 0 PPID 0 UBE 10"]);
});
