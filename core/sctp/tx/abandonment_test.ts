/** When messages are given up, and what that does to the sender (RFC 3758, sections 3.5 and 4.1; RFC 7496). */
import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import type { SctpEvent } from "../events.ts";
import {
  connectedPartial,
  forwardsOf,
  limited,
  partialPuppet,
  priority,
  send,
  timed,
} from "../testing/partial_puppet.ts";
import type { Puppet } from "../testing/puppet.ts";
import { chunksOfType, namesOf, type SentPacket } from "../testing/sent_packet.ts";
import { PathTimer } from "../timer/timer_table.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { dataSsn, dataStream } from "../wire/data.ts";

const PAYLOAD = 1452;
const CHUNK = 1468;

function eventsOf(puppet: Puppet, kind: SctpEvent["kind"]): SctpEvent[] {
  return puppet.subject.events.filter((event) => event.kind === kind);
}

function t3(puppet: Puppet, path = 0): number {
  return puppet.association.paths[path].timers.deadlineOf(PathTimer.T3Rtx);
}

// Timed reliability (RFC 3758, section 4.1).

Deno.test("a message whose lifetime is over before it has a TSN is never sent (TR3)", () => {
  const puppet = connectedPartial();
  puppet.submit(4 * PAYLOAD);
  assert.deepEqual(puppet.submit(100, { ...timed(500), stream: 1 }), []);
  puppet.submit(100, { stream: 2 });
  assert.deepEqual(puppet.wait(600), [], "its peer need not know");
  const packets = puppet.ack(3);
  assert.deepEqual(chunksOfType(packets, ChunkType.Data).map((chunk) => dataStream(chunk, 0)), [
    0,
    2,
  ]);
  assert.deepEqual(forwardsOf(puppet, packets), []);
  assert.deepEqual(puppet.association.countAbandoned("ttl", 1), { unsent: 1, sent: 0 });
});

Deno.test("a message leaves a moment before its lifetime is over, and not at its end", () => {
  for (const [elapsed, leaves] of [[499, true], [500, false]] as const) {
    const puppet = connectedPartial();
    puppet.submit(3 * PAYLOAD);
    puppet.submit(100, timed(500));
    puppet.wait(elapsed);
    assert.equal(puppet.ack(3).length > 0, leaves);
  }
});

Deno.test("the next message of the stream gets the Stream Sequence Number of one that was not sent", () => {
  const puppet = connectedPartial();
  puppet.submit(3 * PAYLOAD);
  puppet.submit(100, timed(500));
  puppet.submit(100);
  puppet.wait(600);
  const [chunk] = chunksOfType(puppet.ack(3), ChunkType.Data);
  assert.equal(dataSsn(chunk, 0), 1);
});

Deno.test("within its lifetime a message is sent again as any other (TR2)", () => {
  const puppet = connectedPartial();
  puppet.submit(100, timed(1001));
  assert.deepEqual(puppet.offsets(puppet.wait(1000)), [0]);
});

Deno.test("instead of sending it again after its lifetime the sender skips it (TR4)", () => {
  const puppet = connectedPartial();
  puppet.submit(100, timed(500));
  assert.deepEqual(puppet.wait(999), [], "what is in flight may yet arrive");
  const packets = puppet.wait(1);
  assert.deepEqual(namesOf(packets), ["FORWARD TSN"]);
  assert.deepEqual(forwardsOf(puppet, packets), ["0 (stream 0 SSN 0)"]);
  assert.deepEqual(puppet.association.countAbandoned(), { unsent: 0, sent: 1 });
  assert.equal(puppet.association.bufferedBytes, 0);
  assert.deepEqual(puppet.ack(1), []);
  assert.equal(t3(puppet), Infinity);
  assert.equal(puppet.association.tx.isEmpty, true);
});

Deno.test("what waits for cwnd to be sent again expires while it waits", () => {
  const puppet = connectedPartial();
  for (let i = 0; i < 3; i++) puppet.submit(PAYLOAD, timed(1500));
  assert.deepEqual(puppet.offsets(puppet.wait(1000)), [0], "one packet after T3-rtx");
  puppet.wait(600);
  const packets = puppet.ack(1);
  assert.deepEqual(namesOf(packets), ["FORWARD TSN"]);
  assert.deepEqual(forwardsOf(puppet, packets), ["2 (stream 0 SSN 2)"]);
});

Deno.test("a message that expires makes room, and the user who waits for it is told", () => {
  const puppet = connectedPartial({ parameters: { sendBuffer: 10_000 } });
  puppet.submit(3 * PAYLOAD);
  puppet.submit(5000, timed(500));
  assert.equal(send(puppet, 5000, {}), false);
  puppet.wait(499);
  assert.equal(eventsOf(puppet, "writable").length, 0);
  puppet.wait(1);
  assert.equal(eventsOf(puppet, "writable").length, 1);
  assert.equal(send(puppet, 5000, {}), true);
});

// Limited retransmissions (RFC 7496, section 3.1).

Deno.test("a message with no retransmissions is given up when the first would be due", () => {
  const puppet = connectedPartial();
  puppet.submit(100, limited(0));
  assert.deepEqual(forwardsOf(puppet, puppet.wait(1000)), ["0 (stream 0 SSN 0)"]);
});

Deno.test("retransmissions are counted for each chunk, and the first that has too many decides", () => {
  const puppet = connectedPartial();
  puppet.submit(2 * PAYLOAD, limited(2));
  assert.deepEqual(puppet.offsets(puppet.wait(1000)), [0]);
  // The second chunk is lost once more than the first.
  assert.deepEqual(puppet.offsets(puppet.ack(1)), [1]);
  assert.deepEqual(puppet.offsets(puppet.wait(2000)), [1]);
  const packets = puppet.wait(4000);
  assert.deepEqual(forwardsOf(puppet, packets), ["1 (stream 0 SSN 0)"]);
  assert.deepEqual(puppet.offsets(packets), []);
});

Deno.test("fast retransmissions count too, and cwnd reacts as to any loss (RFC 3758, F5)", () => {
  const reliable = connectedPartial();
  const puppet = connectedPartial();
  for (const one of [reliable, puppet]) {
    const options = one === puppet ? limited(0) : {};
    one.submit(100, options);
    for (let i = 0; i < 3; i++) one.submit(100);
  }
  const lost = (one: Puppet) => {
    let packets: SentPacket[] = [];
    for (let last = 2; last <= 4; last++) packets = one.ack(0, { gaps: [[2, last]] });
    return packets;
  };
  assert.deepEqual(reliable.offsets(lost(reliable)), [0]);
  const packets = lost(puppet);
  assert.deepEqual(namesOf(packets), ["FORWARD TSN"]);
  assert.deepEqual(forwardsOf(puppet, packets), ["0 (stream 0 SSN 0)"]);
  const [mine, other] = [puppet, reliable].map((one) => one.association.paths[0]);
  assert.equal(mine.cwnd, other.cwnd);
  assert.equal(mine.ssthresh, other.ssthresh);
  assert.equal(mine.metrics.fastRetransmits, 1);
  assert.equal(mine.flightSize, 0);
});

Deno.test("T3-rtx collapses cwnd and backs off although nothing is sent again", () => {
  const puppet = connectedPartial();
  puppet.submit(100, limited(0));
  puppet.wait(1000);
  const [path] = puppet.association.paths;
  assert.equal(path.cwnd, CHUNK);
  assert.equal(path.rto, 2000);
  assert.equal(path.errorCount, 1);
});

// Whole messages (A3).

Deno.test("all chunks of a message are given up with one of them", () => {
  const puppet = connectedPartial();
  puppet.submit(3 * PAYLOAD, limited(0));
  puppet.submit(100);
  puppet.ack(0, { gaps: [[2, 2]] });
  const packets = puppet.wait(1000);
  assert.deepEqual(forwardsOf(puppet, packets), ["2 (stream 0 SSN 0)"]);
  assert.deepEqual(puppet.offsets(packets), [3], "and what waited behind leaves");
  assert.equal(puppet.association.bufferedBytes, 100);
});

Deno.test("what of it has no TSN yet never gets one; its end does, and is skipped", () => {
  const puppet = connectedPartial();
  assert.deepEqual(puppet.offsets(puppet.submit(10 * PAYLOAD, timed(500))), [0, 1, 2]);
  puppet.submit(100);
  // The peer may have all three: a chunk right behind them would be a part of the same message.
  const packets = puppet.wait(500);
  assert.deepEqual(forwardsOf(puppet, packets), ["3 (stream 0 SSN 0)"]);
  assert.deepEqual(namesOf(packets), ["FORWARD TSN+DATA"], "bundled (F2)");
  assert.deepEqual(puppet.offsets(packets), [4]);
  assert.equal(dataSsn(chunksOfType(packets, ChunkType.Data)[0], 0), 1);
  assert.deepEqual(puppet.association.countAbandoned(), { unsent: 0, sent: 1 });
});

Deno.test("the same if all that was sent is acknowledged, and for an unordered one", () => {
  const puppet = connectedPartial();
  const options = { ...timed(1000), unordered: true };
  puppet.submit(200 * PAYLOAD, options);
  let sent = 3;
  while (puppet.subject.now < 1800) {
    puppet.wait(100);
    sent += puppet.offsets(puppet.ack(sent)).length;
  }
  puppet.subject.do((_, now) =>
    puppet.association.requestHeartbeat(now, puppet.association.paths[0])
  );
  puppet.ack(sent, { window: 0 });
  const packets = puppet.wait(300);
  assert.deepEqual(forwardsOf(puppet, packets), [String(sent)]);
  assert.equal(puppet.association.bufferedBytes, 0);
});

Deno.test("a message that was cut into several pieces of memory goes as one", () => {
  const puppet = connectedPartial();
  puppet.submit(300_000, timed(500));
  puppet.submit(200_000, { ...timed(700), stream: 1 });
  puppet.submit(100, { stream: 1 });
  puppet.wait(800);
  assert.equal(puppet.association.bufferedBytes, 100);
  puppet.ack(10);
  assert.equal(puppet.subject.endpoint.pool.liveBytes, 0);
});

Deno.test("messages are given up from the middle of a queue, its order stays", () => {
  const puppet = connectedPartial();
  puppet.submit(3 * PAYLOAD);
  const lifetimes = [0, 300, 0, 200, 400, 0, 100];
  for (const [i, lifetime] of lifetimes.entries()) {
    puppet.submit(10, { ppid: i, ...(lifetime > 0 ? timed(lifetime) : {}) });
  }
  puppet.wait(350);
  const chunks = chunksOfType(puppet.ack(3), ChunkType.Data);
  assert.deepEqual(chunks.map((chunk) => chunk[15]), [0, 2, 4, 5]);
  assert.deepEqual(chunks.map((chunk) => dataSsn(chunk, 0)), [1, 2, 3, 4]);
});

// What it does to the sender (A2).

Deno.test("what was given up is in nobody's flight, and its acknowledgement opens no cwnd", () => {
  const puppet = connectedPartial();
  puppet.submit(3 * PAYLOAD, limited(0));
  puppet.wait(1000);
  const [path] = puppet.association.paths;
  assert.equal(path.flightSize, 0);
  const { cwnd } = path;
  puppet.ack(3);
  assert.equal(path.cwnd, cwnd);
});

Deno.test("gap acknowledgements of what was given up change nothing, nor does their withdrawal", () => {
  const puppet = connectedPartial();
  for (let i = 0; i < 4; i++) puppet.submit(100, i < 3 ? limited(0) : {});
  puppet.ack(0, { gaps: [[2, 2]] });
  puppet.wait(1000);
  assert.equal(puppet.association.bufferedBytes, 200, "the peer has one of them");
  puppet.ack(0, { gaps: [[3, 3]] });
  puppet.ack(0, { gaps: [[2, 3]] });
  puppet.ack(0);
  assert.equal(puppet.association.paths[0].flightSize, 2 * 116);
  puppet.ack(4);
  assert.equal(puppet.association.tx.isEmpty, true);
});

Deno.test("an RTT is not measured with a chunk that was given up", () => {
  const puppet = connectedPartial();
  puppet.ack(0);
  puppet.submit(10 * PAYLOAD, timed(500));
  puppet.wait(600);
  const { srtt } = puppet.association.paths[0];
  puppet.wait(300);
  puppet.ack(4);
  assert.equal(puppet.association.paths[0].srtt, srtt);
});

Deno.test("T3-rtx counts from the chunks that are left in flight (section 6.3.2, R3)", () => {
  const puppet = connectedPartial();
  puppet.submit(100, timed(500));
  puppet.wait(400);
  for (let i = 0; i < 4; i++) puppet.submit(100);
  // TSN 0 is lost, and given up with the third report.
  for (let last = 2; last <= 4; last++) puppet.ack(0, { gaps: [[2, last]] });
  puppet.wait(200);
  puppet.ack(4);
  assert.equal(t3(puppet), puppet.subject.now + puppet.association.paths[0].rto);
});

// Priority (RFC 7496, section 3.2).

/** A subject with cwnd full and 10,000 bytes of send buffer, of which 4,356 are used. */
function full(): Puppet {
  const puppet = connectedPartial({ parameters: { sendBuffer: 10_000 } });
  puppet.submit(3 * PAYLOAD);
  return puppet;
}

/** Lets everything leave; gives the PPIDs of the messages that do, in their order. */
function ppidsSent(puppet: Puppet): number[] {
  const ppids: number[] = [];
  for (
    let count = 3, packets = puppet.ack(count);
    packets.length > 0;
    packets = puppet.ack(count)
  ) {
    for (const chunk of chunksOfType(packets, ChunkType.Data)) {
      count++;
      if ((chunk[1] & 2) !== 0) ppids.push(chunk[15]);
    }
  }
  return ppids;
}

Deno.test("with the send buffer full the queued message with the lowest priority gives way", () => {
  const puppet = full();
  for (const [ppid, value] of [[1, 5], [2, 9], [3, 7]]) {
    assert.ok(send(puppet, 1800, { ppid, ...priority(value) }));
  }
  assert.ok(send(puppet, 1800, { ppid: 4, ...priority(6) }));
  assert.deepEqual(puppet.association.countAbandoned("prio"), { unsent: 1, sent: 0 });
  assert.ok(send(puppet, 1800, { ppid: 5, ...priority(6) }));
  assert.deepEqual(ppidsSent(puppet), [1, 4, 5]);
});

Deno.test("a message gives way to a higher priority, to none at all, but not to its own", () => {
  for (const [options, gives] of [[priority(4), true], [priority(5), false], [{}, true]] as const) {
    const puppet = full();
    send(puppet, 5000, { ppid: 1, ...priority(5) });
    assert.equal(send(puppet, 5000, { ppid: 2, ...options }), gives);
    assert.deepEqual(ppidsSent(puppet), [gives ? 2 : 1]);
  }
  const puppet = full();
  send(puppet, 5000, { ...priority(5) });
  assert.equal(send(puppet, 5000, { ...limited(0) }), true);
});

Deno.test("nothing gives way if that would not make enough room", () => {
  const puppet = full();
  for (const [ppid, value] of [[1, 5], [2, 1], [3, 6]]) {
    send(puppet, 1800, { ppid, ...priority(value) });
  }
  assert.equal(send(puppet, 5000, { ...priority(4) }), false);
  assert.deepEqual(puppet.association.countAbandoned(), { unsent: 0, sent: 0 });
  assert.ok(send(puppet, 3600, { ppid: 4, ...priority(4) }));
  assert.deepEqual(ppidsSent(puppet), [2, 4]);
});

Deno.test("a message that has begun gives way with its end skipped", () => {
  const puppet = connectedPartial({ parameters: { sendBuffer: 10_000 } });
  assert.deepEqual(puppet.offsets(puppet.submit(8000, priority(5))), [0, 1, 2]);
  assert.ok(send(puppet, 9000, {}));
  const packets = puppet.subject.take();
  assert.deepEqual(forwardsOf(puppet, packets), ["3 (stream 0 SSN 0)"]);
  assert.deepEqual(puppet.offsets(packets), [4, 5, 6, 7]);
  assert.deepEqual(puppet.association.countAbandoned("prio", 0), { unsent: 0, sent: 1 });
});

Deno.test("priority has no bearing on what is in flight", () => {
  const puppet = connectedPartial();
  puppet.submit(100, priority(100));
  assert.deepEqual(puppet.offsets(puppet.wait(60_000)).slice(0, 3), [0, 0, 0]);
});

// What the user learns.

Deno.test("who wants to know gets back what was given up, as far as it was not acknowledged", () => {
  const puppet = connectedPartial();
  puppet.association.notifySendFailures(true);
  const message = Uint8Array.from({ length: 100_000 }, (_, i) => i * 7 + (i >> 8));
  puppet.submit(message, { ...timed(500), stream: 2, ppid: 9, context: 77 });
  puppet.ack(1);
  puppet.submit(message.subarray(0, 50), { ...timed(500), stream: 3, ppid: 8, unordered: true });
  puppet.wait(500);
  const failures = puppet.subject.events.flatMap((event) =>
    event.kind === "send-failed" ? [event.failure] : []
  );
  assert.deepEqual(failures, [
    {
      stream: 2,
      ppid: 9,
      unordered: false,
      context: 77,
      wasSent: true,
      isWhole: false,
      data: message.slice(PAYLOAD),
    },
    {
      stream: 3,
      ppid: 8,
      unordered: true,
      context: 0,
      wasSent: false,
      isWhole: true,
      data: message.slice(0, 50),
    },
  ]);
});

Deno.test("what gives way to a message is told before it is sent", () => {
  const puppet = full();
  puppet.association.notifySendFailures(true);
  send(puppet, 5000, priority(1));
  send(puppet, 5000, {});
  assert.equal(eventsOf(puppet, "send-failed").length, 1);
  puppet.association.notifySendFailures(false);
});

Deno.test("who does not want to know is told nothing", () => {
  const puppet = connectedPartial();
  puppet.submit(100, limited(0));
  puppet.wait(1000);
  assert.deepEqual(eventsOf(puppet, "send-failed"), []);
});

Deno.test("given up messages are counted by policy and stream (RFC 7496, sections 4.3 and 4.4)", () => {
  const puppet = connectedPartial();
  puppet.submit(100, { ...limited(0), stream: 1 });
  puppet.submit(100, { ...limited(0), stream: 2 });
  puppet.submit(100, { ...timed(700), stream: 2 });
  puppet.wait(1000);
  puppet.submit(4 * PAYLOAD);
  puppet.submit(100, { ...timed(10), stream: 2 });
  puppet.wait(10);
  const { association } = puppet;
  assert.deepEqual(association.countAbandoned(), { unsent: 1, sent: 3 });
  assert.deepEqual(association.countAbandoned("rtx"), { unsent: 0, sent: 2 });
  assert.deepEqual(association.countAbandoned("ttl"), { unsent: 1, sent: 1 });
  assert.deepEqual(association.countAbandoned(undefined, 2), { unsent: 1, sent: 2 });
  assert.deepEqual(association.countAbandoned("rtx", 2), { unsent: 0, sent: 1 });
  assert.deepEqual(association.countAbandoned("ttl", 9), { unsent: 0, sent: 0 });
});

Deno.test("a reliability out of range is refused with the value and the range", () => {
  const puppet = connectedPartial();
  for (
    const [options, message] of [
      [timed(0), /lifetime.* from 1 to 4294967295 ms, not 0/],
      [timed(1.5), /not 1\.5/],
      [limited(-1), /retransmissions.* from 0 to 4294967295, not -1/],
      [priority(2 ** 32), /priority.*not 4294967296/],
    ] as const
  ) {
    assert.throws(() => send(puppet, 10, options), { name: "RangeError", message });
  }
  assert.equal(puppet.association.bufferedBytes, 0);
});

// Before and after.

Deno.test("while the peer has not said whether it can, nothing is given up; then what has expired is", () => {
  for (const forwardTsnSupported of [true, false]) {
    const puppet = partialPuppet({ init: { forwardTsnSupported } });
    puppet.beAsked();
    send(puppet, 100, { ppid: 1, ...timed(500) });
    send(puppet, 100, { ppid: 2 });
    puppet.wait(600);
    assert.equal(puppet.association.bufferedBytes, 200);
    const chunks = chunksOfType(puppet.answer(), ChunkType.Data);
    assert.deepEqual(chunks.map((chunk) => chunk[15]), forwardTsnSupported ? [2] : [1, 2]);
    assert.equal(puppet.association.isPartiallyReliable, forwardTsnSupported);
  }
});

Deno.test("DATA that went with a lost COOKIE ECHO is not sent with the next if that is too often", () => {
  const puppet = partialPuppet();
  puppet.beAsked();
  send(puppet, 100, limited(0));
  assert.deepEqual(namesOf(puppet.answer()), ["COOKIE ECHO+DATA"]);
  assert.deepEqual(namesOf(puppet.wait(1000)), ["COOKIE ECHO"]);
  const packets = puppet.send(Uint8Array.of(ChunkType.CookieAck, 0, 0, 4));
  assert.deepEqual(forwardsOf(puppet, packets), ["0 (stream 0 SSN 0)"]);
  assert.ok(Number.isFinite(t3(puppet)));
});

Deno.test("a shutdown waits until the peer has skipped what was given up", () => {
  const puppet = connectedPartial();
  puppet.submit(100, limited(0));
  puppet.shutdown();
  assert.deepEqual(namesOf(puppet.wait(1000)), ["FORWARD TSN"]);
  assert.deepEqual(namesOf(puppet.ack(1)), ["SHUTDOWN"]);
});

Deno.test("a shutdown goes on when the last message that waited has expired", () => {
  const puppet = connectedPartial();
  puppet.submit(100, { ppid: 1 });
  puppet.ack(1, { window: 0 });
  puppet.submit(5000, timed(300));
  puppet.shutdown();
  assert.equal(puppet.association.state, "SHUTDOWN-PENDING");
  assert.deepEqual(namesOf(puppet.wait(299)), []);
  assert.deepEqual(namesOf(puppet.wait(1)), ["SHUTDOWN"]);
});

Deno.test("a user who waits until nothing is left is told when the last message has expired", () => {
  const puppet = connectedPartial();
  puppet.submit(100);
  puppet.ack(1, { window: 0 });
  puppet.submit(5000, timed(300));
  puppet.subject.do(() => puppet.association.notifyWhenDry());
  puppet.wait(300);
  assert.equal(eventsOf(puppet, "sender-dry").length, 1);
});

Deno.test("a peer that restarts without partial reliability gets everything", () => {
  const puppet = connectedPartial();
  puppet.submit(100, limited(0));
  const { association } = puppet;
  association.notifySendFailures(true);
  puppet.wait(1000);
  association.beginNewIncarnation(puppet.subject.now, 7, tsn(7));
  assert.equal(association.isPartiallyReliable, false);
  assert.deepEqual(association.countAbandoned(), { unsent: 0, sent: 1 }, "the count goes on");
});
