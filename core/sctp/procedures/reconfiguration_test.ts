/** What this side asks for about the streams (RFC 6525, sections 5.1 and 5.2.7). */
import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import { Puppet } from "../testing/puppet.ts";
import { reconfigPuppet, reconfigsIn } from "../testing/reconfig.ts";
import { chunksOfType, namesOf, type SentPacket } from "../testing/sent_packet.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { dataSsn, dataStream } from "../wire/data.ts";
import { encodeReconfig, type ReconfigRequest, ReconfigResult } from "../wire/reconfig.ts";
import { ReconfigurationError } from "./stream_changes.ts";

/** Has the user want a change; returns what leaves. */
function want(puppet: Puppet, change: (puppet: Puppet) => void): SentPacket[] {
  puppet.subject.do(() => change(puppet));
  return puppet.subject.take();
}

function resetOutgoing(puppet: Puppet, streams: readonly number[]): SentPacket[] {
  return want(puppet, ({ association }) => association.resetStreams({ outgoing: streams }));
}

function respond(
  puppet: Puppet,
  { sequence }: Pick<ReconfigRequest, "sequence">,
  result: number,
  next?: { sender: number; receiver: number },
): SentPacket[] {
  const tsns = next && { sender: tsn(next.sender), receiver: tsn(next.receiver) };
  return puppet.send(encodeReconfig([{ kind: "response", sequence, result, next: tsns }]));
}

function requestIn(packets: readonly SentPacket[]): ReconfigRequest {
  const [request, ...others] = reconfigsIn(packets);
  assert.ok(request && request.kind !== "response" && others.length === 0, String(others));
  return request;
}

/** "stream/SSN" of each DATA chunk. */
function numbersOf(packets: readonly SentPacket[]): string {
  return chunksOfType(packets, ChunkType.Data)
    .map((chunk) => `${dataStream(chunk, 0)}/${dataSsn(chunk, 0)}`)
    .join(" ");
}

function eventsOf(puppet: Puppet, kind: string) {
  return puppet.subject.events.filter((event) => event.kind === kind);
}

Deno.test("RE-CONFIG is offered, and sent only to a peer that offers it (section 5.1.1)", () => {
  const puppet = new Puppet();
  const { supportedExtensions } = puppet.learn(puppet.requestInitAck({
    supportedExtensions: [ChunkType.ReConfig],
  }));
  assert.ok(supportedExtensions.includes(ChunkType.ReConfig));
  const without = new Puppet();
  without.connect();
  const isNotSupported = (error: unknown) =>
    error instanceof ReconfigurationError && error.code === "not-supported" &&
    /cannot change the streams of association 1: its peer lacks RFC 6525/.test(error.message);
  assert.throws(() => without.association.resetStreams({ outgoing: [] }), isNotSupported);
  const silent = new Puppet({ parameters: { streamReconfiguration: 0 } });
  const answer = silent.learn(silent.requestInitAck({ supportedExtensions: [130] }));
  assert.ok(!answer.supportedExtensions.includes(ChunkType.ReConfig));
});

Deno.test("an outgoing reset names its streams, and the last TSN (section 5.1.2)", () => {
  const puppet = reconfigPuppet();
  puppet.submit(10, { stream: 3 });
  puppet.submit(10, { stream: 3 });
  const sent = resetOutgoing(puppet, [3]);
  assert.deepEqual(namesOf(sent), ["RE-CONFIG"]);
  assert.deepEqual(requestIn(sent), {
    kind: "reset-outgoing",
    sequence: puppet.subjectTsn,
    responseSequence: tsn(puppet.nextTsn - 1),
    lastTsn: tsn(puppet.subjectTsn + 1),
    streams: [3],
  });
});

Deno.test("messages wait on the streams until the peer agrees, and start from SSN 0 then (A1, H4)", () => {
  const puppet = reconfigPuppet();
  puppet.submit(10, { stream: 3 });
  const request = requestIn(resetOutgoing(puppet, [3]));
  assert.equal(numbersOf(puppet.submit(10, { stream: 3 })), "");
  assert.equal(numbersOf(puppet.submit(10, { stream: 4 })), "4/0");
  assert.equal(numbersOf(respond(puppet, request, ReconfigResult.Performed)), "3/0");
  const [event] = eventsOf(puppet, "streams-reset");
  assert.ok(event.kind === "streams-reset");
  assert.deepEqual([event.direction, event.streams, event.result], ["outgoing", [3], 1]);
  assert.equal(numbersOf(puppet.submit(10, { stream: 4 })), "4/1", "other streams count on");
});

Deno.test("messages of before leave before the request does", () => {
  const puppet = reconfigPuppet();
  puppet.submit(20_000, { stream: 1 });
  assert.deepEqual(
    reconfigsIn(resetOutgoing(puppet, [1])),
    [],
    "a part of the message waits for cwnd",
  );
  let acked = 0;
  let sent: SentPacket[] = [];
  while (puppet.association.tx.queue.unsentBytes > 0) sent = puppet.ack(acked += 2);
  const request = requestIn(sent);
  assert.ok(request.kind === "reset-outgoing");
  assert.equal(request.lastTsn, puppet.association.tx.lastAssignedTsn);
});

Deno.test("a refused reset lets the streams go on as they were (section 5.2.7, H3)", () => {
  const puppet = reconfigPuppet();
  puppet.submit(10, { stream: 3 });
  const request = requestIn(resetOutgoing(puppet, []));
  puppet.submit(10, { stream: 3 });
  assert.equal(numbersOf(respond(puppet, request, ReconfigResult.Denied)), "3/1");
  const [event] = eventsOf(puppet, "streams-reset");
  assert.ok(event.kind === "streams-reset" && event.result === ReconfigResult.Denied);
});

Deno.test("an unanswered request is sent again with backoff, and counts as an error (section 5.1.1)", () => {
  const puppet = reconfigPuppet();
  const first = chunksOfType(resetOutgoing(puppet, [0]), ChunkType.ReConfig);
  const { rto } = puppet.association.paths[0];
  assert.deepEqual(chunksOfType(puppet.wait(rto - 1), ChunkType.ReConfig), []);
  assert.deepEqual(chunksOfType(puppet.wait(1), ChunkType.ReConfig), first);
  assert.equal(puppet.association.paths[0].errorCount, 1);
  assert.deepEqual(chunksOfType(puppet.wait(2 * rto - 1), ChunkType.ReConfig), []);
  assert.deepEqual(chunksOfType(puppet.wait(1), ChunkType.ReConfig), first);
});

Deno.test("a peer that never answers is given up (section 5.1.1)", () => {
  const puppet = reconfigPuppet({
    parameters: { associationMaxRetrans: 2, hbInterval: 3_600_000 },
  });
  resetOutgoing(puppet, [0]);
  puppet.wait(60_000);
  assert.equal(eventsOf(puppet, "communication-lost").length, 1);
});

Deno.test("while the peer is at it a time-out is no error (section 5.2.7, H2)", () => {
  const puppet = reconfigPuppet();
  const request = requestIn(resetOutgoing(puppet, [0]));
  respond(puppet, request, ReconfigResult.InProgress);
  const again = puppet.wait(1000);
  assert.deepEqual(requestIn(again), request);
  assert.equal(puppet.association.paths[0].errorCount, 0);
  respond(puppet, request, ReconfigResult.Performed);
  assert.deepEqual(reconfigsIn(puppet.wait(10_000)), []);
  assert.equal(eventsOf(puppet, "streams-reset").length, 1);
});

Deno.test("only one request is in flight: the next one follows the answer (section 5.1.1)", () => {
  const puppet = reconfigPuppet();
  const first = requestIn(resetOutgoing(puppet, [1]));
  assert.deepEqual(reconfigsIn(resetOutgoing(puppet, [2])), []);
  const second = requestIn(respond(puppet, first, ReconfigResult.Performed));
  assert.ok(second.kind === "reset-outgoing");
  assert.deepEqual(second.streams, [2]);
  assert.equal(second.sequence, tsn(first.sequence + 1));
});

Deno.test("an answer to another request, or a second one, changes nothing (H1)", () => {
  const puppet = reconfigPuppet();
  const request = requestIn(resetOutgoing(puppet, [1]));
  respond(puppet, { sequence: request.sequence + 1 }, ReconfigResult.Performed);
  assert.equal(eventsOf(puppet, "streams-reset").length, 0);
  respond(puppet, request, ReconfigResult.Performed);
  respond(puppet, request, ReconfigResult.Denied);
  assert.equal(eventsOf(puppet, "streams-reset").length, 1);
});

Deno.test("both directions are asked for in one chunk; the peer's own request answers (E1)", () => {
  const puppet = reconfigPuppet();
  const sent = want(
    puppet,
    ({ association }) => association.resetStreams({ outgoing: [1], incoming: [2] }),
  );
  const [outgoing, incoming] = reconfigsIn(sent);
  assert.deepEqual([outgoing.kind, incoming.kind], ["reset-outgoing", "reset-incoming"]);
  respond(puppet, outgoing, ReconfigResult.Performed);
  const answer: ReconfigRequest = {
    kind: "reset-outgoing",
    sequence: puppet.nextTsn,
    responseSequence: incoming.sequence,
    lastTsn: tsn(puppet.nextTsn - 1),
    streams: [2],
  };
  puppet.send(encodeReconfig([answer]));
  assert.equal(puppet.association.reconfiguration?.inFlight, undefined);
  const directions = eventsOf(puppet, "streams-reset").map((event) =>
    event.kind === "streams-reset" && event.direction
  );
  assert.deepEqual(directions, ["outgoing", "incoming"]);
  assert.deepEqual(reconfigsIn(puppet.wait(10_000)), []);
});

Deno.test("all numbers start again once nothing is outstanding (sections 5.1.4 and 5.2.7, H5)", () => {
  const puppet = reconfigPuppet();
  puppet.submit(10, { stream: 1 });
  assert.deepEqual(
    reconfigsIn(want(puppet, ({ association }) => association.resetAssociation())),
    [],
    "TSNs are outstanding",
  );
  const request = requestIn(puppet.ack(1));
  assert.equal(request.kind, "reset-association");
  assert.equal(numbersOf(puppet.submit(10, { stream: 1 })), "", "held meanwhile (C2)");
  const next = { sender: 7000, receiver: 9000 };
  const sent = respond(puppet, request, ReconfigResult.Performed, next);
  assert.equal(numbersOf(sent), "1/0");
  puppet.subjectTsn = 9000;
  assert.deepEqual(puppet.offsets(sent), [0]);
  puppet.nextTsn = 7000;
  puppet.data();
  assert.equal(puppet.read().bytes.length, 10);
  const [event] = eventsOf(puppet, "association-reset");
  assert.ok(event.kind === "association-reset");
  assert.deepEqual([event.result, event.localTsn, event.peerTsn], [1, 9000, 7000]);
});

Deno.test("what the peer has sent is acknowledged before all its numbers start again", () => {
  const puppet = reconfigPuppet({ parameters: { sackDelay: 200 } });
  puppet.data();
  assert.deepEqual(namesOf(puppet.data({ ssn: 1 })), [], "delayed");
  const sent = want(puppet, ({ association }) => association.resetAssociation());
  assert.deepEqual(namesOf(sent), ["SACK", "RE-CONFIG"]);
});

Deno.test("the next reset of all waits until 30 seconds are over (section 5.1.4)", () => {
  const puppet = reconfigPuppet({ parameters: { hbInterval: 3_600_000 } });
  const reset = () => want(puppet, ({ association }) => association.resetAssociation());
  respond(puppet, requestIn(reset()), ReconfigResult.Denied);
  assert.deepEqual(reconfigsIn(reset()), []);
  assert.deepEqual(reconfigsIn(puppet.wait(29_000)), []);
  assert.equal(requestIn(puppet.wait(1001)).kind, "reset-association");
});

Deno.test("added streams can be used once the peer has agreed (section 5.1.5)", () => {
  const puppet = reconfigPuppet({ init: { inboundStreams: 4 } });
  const { association } = puppet;
  assert.equal(association.outboundStreams, 4);
  const request = requestIn(want(puppet, () => association.addStreams(3)));
  assert.deepEqual(request, { kind: "add-outgoing", sequence: puppet.subjectTsn, count: 3 });
  assert.throws(() => puppet.submit(10, { stream: 4 }), RangeError);
  respond(puppet, request, ReconfigResult.Performed);
  assert.equal(numbersOf(puppet.submit(10, { stream: 6 })), "6/0");
  const [event] = eventsOf(puppet, "streams-changed");
  assert.ok(event.kind === "streams-changed" && event.outbound === 7 && event.result === 1);
});

Deno.test("streams for the peer are asked for, and its own request answers (section 5.1.6)", () => {
  const puppet = reconfigPuppet();
  const { association } = puppet;
  const before = association.inboundStreams;
  const request = requestIn(want(puppet, () => association.addStreams(0, 5)));
  assert.deepEqual([request.kind, "count" in request && request.count], ["add-incoming", 5]);
  const answer: ReconfigRequest = { kind: "add-outgoing", sequence: puppet.nextTsn, count: 5 };
  puppet.send(encodeReconfig([answer]));
  assert.equal(association.inboundStreams, before + 5);
  assert.equal(association.reconfiguration?.inFlight, undefined);
  assert.deepEqual(reconfigsIn(puppet.wait(10_000)), []);
});

Deno.test("what cannot be asked for is refused in words", () => {
  const { association } = reconfigPuppet({ init: { inboundStreams: 4 } });
  assert.throws(
    () => association.resetStreams({ outgoing: [4] }),
    /cannot reset stream 4: there are 4 outbound streams/,
  );
  assert.throws(() => association.resetStreams({}), TypeError);
  assert.throws(() => association.addStreams(65_535), /cannot add 65535 outbound/);
  assert.throws(() => association.addStreams(0), RangeError);
  const listed = Array.from({ length: 700 }, (_, i) => i % 4);
  assert.throws(() => association.resetStreams({ outgoing: listed }), /list \d+, or none for all/);
  for (let i = 0; i < 16; i++) association.addStreams(1);
  const isTooMany = (error: unknown) =>
    error instanceof ReconfigurationError && error.code === "too-many";
  assert.throws(() => association.addStreams(1), isTooMany);
});

Deno.test("a shutdown waits for messages that wait for a reset", () => {
  const puppet = reconfigPuppet();
  const request = requestIn(resetOutgoing(puppet, [0]));
  puppet.submit(10);
  assert.deepEqual(namesOf(puppet.shutdown()), []);
  assert.equal(puppet.association.state, "SHUTDOWN-PENDING");
  assert.equal(numbersOf(respond(puppet, request, ReconfigResult.Performed)), "0/0");
  assert.deepEqual(namesOf(puppet.ack(1)), ["SHUTDOWN"]);
});
