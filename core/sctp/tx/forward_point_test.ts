/** When FORWARD TSN is sent, where, and what it says (RFC 3758, section 3.5). */
import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import { NEVER } from "../base/time.ts";
import { asconfPuppet } from "../testing/asconf.ts";
import { sack } from "../testing/chunks.ts";
import { connectedPartial, forwardsOf, limited, send, timed } from "../testing/partial_puppet.ts";
import type { Puppet, PuppetOptions } from "../testing/puppet.ts";
import { chunksOfType, namesOf } from "../testing/sent_packet.ts";
import { PathTimer } from "../timer/timer_table.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { forwardTsnCumulative, skippedStreamCount } from "../wire/forward_tsn.ts";

const PAYLOAD = 1452;

/** A subject that has sent messages of 100 bytes, of which those with `x` are given up next. */
function sent(pattern: string, options: PuppetOptions = {}): Puppet {
  const puppet = connectedPartial(options);
  for (const [i, mark] of [...pattern].entries()) {
    const stream = i % 3;
    assert.ok(send(puppet, 100, mark === "x" ? { ...timed(500), stream } : { stream }));
  }
  puppet.subject.take();
  return puppet;
}

function t3(puppet: Puppet): number {
  return puppet.association.paths[0].timers.deadlineOf(PathTimer.T3Rtx);
}

Deno.test("Advanced.Peer.Ack.Point moves over what was given up, no further (C2)", () => {
  // The example of the section: 102 acked, 103 and 104 given up, 105 in flight, 106 acked.
  const puppet = sent(".xx.x.");
  puppet.ack(1, { gaps: [[5, 5]] });
  const packets = puppet.wait(1000);
  assert.deepEqual(forwardsOf(puppet, packets), ["2 (stream 1 SSN 0, stream 2 SSN 0)"]);
  assert.deepEqual(puppet.offsets(packets), [3], "the one between them is sent again");
  // The peer has that one now, and gives the next reason.
  const next = puppet.ack(4, { gaps: [[2, 2]] });
  assert.deepEqual(forwardsOf(puppet, next), ["4 (stream 1 SSN 1)"]);
});

Deno.test("what a SACK acknowledges cumulatively is no news (C1)", () => {
  const puppet = sent("xxx");
  assert.deepEqual(forwardsOf(puppet, puppet.wait(1000)), [
    "2 (stream 0 SSN 0, stream 1 SSN 0, stream 2 SSN 0)",
  ]);
  assert.deepEqual(forwardsOf(puppet, puppet.ack(2)), []);
  puppet.wait(1);
  assert.deepEqual(puppet.ack(3), []);
});

Deno.test("each stream is listed once, with its highest Stream Sequence Number; unordered ones are not (C4)", () => {
  const puppet = connectedPartial();
  for (const [stream, unordered] of [[4, false], [5, true], [4, false], [6, false], [4, true]]) {
    send(puppet, 100, { ...timed(500), stream: Number(stream), unordered: Boolean(unordered) });
  }
  assert.deepEqual(forwardsOf(puppet, puppet.wait(1000)), ["4 (stream 4 SSN 1, stream 6 SSN 0)"]);
});

Deno.test("streams that do not fit into one packet wait for the acknowledgement of those that do (C4)", () => {
  const options = {
    init: { inboundStreams: 300 },
    parameters: { outboundStreams: 300, pathMtu: 576, maxBurst: 100 },
  };
  const puppet = connectedPartial(options);
  let tsns = 0;
  while (puppet.association.paths[0].cwnd < 300 * 40) {
    tsns += puppet.offsets(puppet.submit(100_000)).length;
    while (puppet.association.bufferedBytes > 0) tsns += puppet.offsets(puppet.ack(tsns)).length;
  }
  puppet.subjectTsn = tsn(puppet.subjectTsn + tsns);
  for (let stream = 0; stream < 300; stream++) send(puppet, 10, { ...timed(500), stream });
  assert.equal(puppet.offsets(puppet.subject.take()).at(-1), 299);
  const packets = puppet.wait(1500);
  const [chunk] = chunksOfType(packets, ChunkType.ForwardTsn);
  const count = skippedStreamCount(chunk, 0);
  // 576 bytes without the headers of IP, SCTP and the chunk.
  assert.equal(count, (576 - 20 - 12 - 8) / 4);
  assert.equal(forwardTsnCumulative(chunk, 0), tsn(puppet.subjectTsn + count - 1));
  assert.equal(packets.length, 1, "no more before that one is acknowledged");
  const more = puppet.ack(count);
  assert.deepEqual(
    chunksOfType(more, ChunkType.ForwardTsn).map((one) => skippedStreamCount(one, 0)),
    [
      count,
    ],
  );
  assert.equal(forwardsOf(puppet, puppet.ack(2 * count))[0].split(" ")[0], "299");
});

Deno.test("it leaves with DATA where there is some, and with a SACK that waits (F2)", () => {
  const puppet = sent("x");
  puppet.data();
  puppet.subject.advance(900);
  puppet.data({ ssn: 1 });
  const packets = puppet.wait(100);
  assert.deepEqual(namesOf(packets), ["FORWARD TSN+SACK"]);
  puppet.ack(1);
  puppet.submit(5 * PAYLOAD, timed(400));
  puppet.submit(50);
  assert.deepEqual(namesOf(puppet.wait(400)), ["FORWARD TSN+DATA"]);
});

Deno.test("a SACK that shows no progress is answered again, but not within a round trip (C3)", () => {
  const puppet = connectedPartial();
  send(puppet, 100, {});
  puppet.subject.take();
  puppet.wait(50);
  puppet.ack(1);
  assert.equal(puppet.association.paths[0].srtt, 50);
  for (const options of [limited(0), {}, {}, {}]) send(puppet, 100, options);
  for (let last = 2; last <= 4; last++) puppet.ack(1, { gaps: [[2, last]] });
  // The FORWARD TSN has left with the third.
  assert.equal(puppet.association.metrics.forwardTsnsSent, 1);
  puppet.wait(49);
  assert.deepEqual(puppet.ack(1, { gaps: [[2, 4]] }), []);
  puppet.wait(1);
  assert.deepEqual(namesOf(puppet.ack(1, { gaps: [[2, 4]] })), ["FORWARD TSN"]);
  assert.deepEqual(puppet.ack(1, { gaps: [[2, 4]] }), []);
});

Deno.test("T3-rtx runs while it is not acknowledged, and sends it again (C5, A5)", () => {
  const puppet = sent("x");
  puppet.wait(1000);
  assert.equal(t3(puppet), puppet.subject.now + 2000);
  assert.deepEqual(forwardsOf(puppet, puppet.wait(2000)), ["0 (stream 0 SSN 0)"]);
  assert.equal(t3(puppet), puppet.subject.now + 4000);
  assert.deepEqual(forwardsOf(puppet, puppet.wait(4000)), ["0 (stream 0 SSN 0)"]);
  puppet.ack(1);
  assert.equal(t3(puppet), Infinity);
  assert.equal(puppet.association.paths[0].errorCount, 0, "its answer proves the path");
  assert.equal(puppet.association.tx.errorCount, 0);
});

Deno.test("a peer that never acknowledges it is given up like any other (RFC 9260, section 8.1)", () => {
  const puppet = sent("x", { parameters: { associationMaxRetrans: 3, rtoMax: 2000 } });
  puppet.wait(60_000);
  const [event] = puppet.subject.events.filter(({ kind }) => kind === "communication-lost");
  assert.ok(event?.kind === "communication-lost");
  assert.deepEqual(event.reason, { kind: "unreachable", during: "transfer" });
  assert.equal(puppet.subject.endpoint.pool.liveBytes, 0);
});

Deno.test("a peer that withdraws or repeats old acknowledgements is given up too", () => {
  const puppet = sent("x.", { parameters: { associationMaxRetrans: 3, rtoMax: 2000 } });
  for (let i = 0; i < 200 && puppet.subject.associations.length > 0; i++) {
    puppet.send(sack(puppet.subjectTsn - 1));
    puppet.wait(300);
  }
  assert.equal(puppet.subject.associations.length, 0);
});

Deno.test("after T3-rtx it goes to the other path, and proves neither of them", () => {
  const puppet = connectedPartial({
    addresses: ["10.0.0.1", "10.0.1.1"],
    peers: ["10.0.0.2", "10.0.1.2"],
    parameters: { hbInterval: 3_600_000 },
  });
  // Both paths are confirmed.
  for (let i = 0; i < 4; i++) puppet.answerHeartbeats(puppet.wait(2000));
  assert.deepEqual(puppet.association.paths.map(({ status }) => status), ["active", "active"]);
  puppet.submit(100);
  puppet.ack(1);
  send(puppet, 100, limited(0));
  puppet.subject.take();
  const first = puppet.wait(1000).filter(({ names }) => names.includes("FORWARD TSN"));
  assert.deepEqual(
    first.map(({ to }) => to),
    ["10.0.1.2"],
    "what timed out goes to another address",
  );
  const [primary, other] = puppet.association.paths;
  primary.errorCount = 0;
  const second = puppet.wait(other.rto)
    .filter(({ names }) => names.includes("FORWARD TSN"));
  assert.deepEqual(second.map(({ to }) => to), ["10.0.0.2"]);
  primary.errorCount = 1;
  puppet.ack(2);
  assert.deepEqual([primary.errorCount, other.errorCount], [1, 1]);
});

Deno.test("if the peer gives up the address where it went, it goes to another one at once", () => {
  const puppet = asconfPuppet({ init: { forwardTsnSupported: true } });
  puppet.answerHeartbeats(puppet.ask(["add 10.0.0.3"]));
  puppet.answerHeartbeats(puppet.wait(0));
  send(puppet, 100, limited(0));
  puppet.subject.take();
  const [first] = puppet.wait(1000).filter(({ names }) => names.includes("FORWARD TSN"));
  const deleted = first.to;
  const [kept] = ["10.0.0.2", "10.0.0.3"].filter((address) => address !== deleted);
  const packets = puppet.ask([`delete ${deleted}`], { from: kept });
  const again = packets.filter(({ names }) => names.includes("FORWARD TSN"));
  assert.deepEqual(again.map(({ to }) => to), [kept]);
  assert.ok(t3(puppet) < NEVER, "and its answer is waited for there");
});

Deno.test("an older SACK is told by the Cumulative TSN Ack alone (F4)", () => {
  const puppet = sent("xx.");
  puppet.wait(1000);
  puppet.ack(1);
  assert.equal(puppet.subject.endpoint.metrics.dropped["old-sack"], 0);
  puppet.ack(0);
  assert.equal(puppet.subject.endpoint.metrics.dropped["old-sack"], 1);
});

Deno.test("TSNs wrap while they are skipped", () => {
  const puppet = sent("xxxxxxxx", { highNumbers: true });
  puppet.wait(1000);
  puppet.subject.do((_, now) =>
    puppet.association.requestHeartbeat(now, puppet.association.paths[0])
  );
  puppet.ack(8);
  assert.equal(puppet.association.tx.isEmpty, true);
});
