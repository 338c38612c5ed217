/** What the peer asks for about the streams (RFC 6525, section 5.2). */
import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import { data, parameter, rawChunk } from "../testing/chunks.ts";
import type { Puppet } from "../testing/puppet.ts";
import { reconfigPuppet, reconfigsIn } from "../testing/reconfig.ts";
import { chunksOfType, namesOf, type SentPacket } from "../testing/sent_packet.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { dataSsn, dataTsn } from "../wire/data.ts";
import { encodeReconfig, type ReconfigRequest, ReconfigResult } from "../wire/reconfig.ts";
import { sackCumulativeTsn } from "../wire/sack.ts";

/** Results of the responses in these packets. */
function resultsIn(packets: readonly SentPacket[]): number[] {
  return reconfigsIn(packets).flatMap((each) => each.kind === "response" ? [each.result] : []);
}

/** A request to reset streams of the puppet behind all that it has sent. */
function reset(puppet: Puppet, changes: Partial<ReconfigRequest> = {}): Uint8Array {
  return encodeReconfig([
    {
      kind: "reset-outgoing",
      sequence: puppet.association.rx!.initialTsn,
      responseSequence: puppet.subjectTsn - 1,
      lastTsn: tsn(puppet.nextTsn - 1),
      streams: [1],
      ...changes,
    } as ReconfigRequest,
  ]);
}

/** A request without its sequence number. */
type Unnumbered<Request> = Request extends unknown ? Omit<Request, "sequence"> : never;

/** The puppet's request with the n-th sequence number. */
function request(puppet: Puppet, fields: Unnumbered<ReconfigRequest>, n = 0): Uint8Array {
  const sequence = tsn(puppet.association.rx!.initialTsn + n);
  return encodeReconfig([{ ...fields, sequence } as ReconfigRequest]);
}

Deno.test("a reset behind all that has arrived is carried out at once (section 5.2.2)", () => {
  const puppet = reconfigPuppet();
  puppet.data({ stream: 1, ssn: 0 });
  puppet.data({ stream: 2, ssn: 0 });
  const answer = puppet.send(reset(puppet));
  assert.deepEqual(resultsIn(answer), [ReconfigResult.Performed]);
  assert.ok(namesOf(answer).join().includes("SACK"), "section 5.2.1");
  puppet.data({ stream: 1, ssn: 0 });
  puppet.data({ stream: 2, ssn: 1 });
  const streams = [1, 2, 3, 4].map(() => puppet.read().info.stream);
  assert.deepEqual(streams, [1, 2, 1, 2]);
  const [event] = puppet.subject.events.filter(({ kind }) => kind === "streams-reset");
  assert.ok(event.kind === "streams-reset");
  assert.deepEqual([event.direction, event.streams], ["incoming", [1]]);
});

Deno.test("a reset of all streams lists none", () => {
  const puppet = reconfigPuppet();
  puppet.data({ stream: 1, ssn: 0 });
  puppet.data({ stream: 2, ssn: 0 });
  puppet.send(reset(puppet, { streams: [] }));
  puppet.data({ stream: 2, ssn: 0 });
  assert.deepEqual([1, 2, 3].map(() => puppet.read().info.stream), [1, 2, 2]);
});

Deno.test("a reset waits for what is still missing, and is then answered (E2 to E6)", () => {
  const puppet = reconfigPuppet();
  const missing = puppet.nextTsn++;
  puppet.data({ stream: 1, ssn: 1 });
  const chunk = reset(puppet);
  assert.deepEqual(resultsIn(puppet.send(chunk)), [ReconfigResult.InProgress]);
  assert.deepEqual(resultsIn(puppet.send(chunk)), [ReconfigResult.InProgress], "sent again");
  const filled = puppet.send(data(missing, { stream: 1, ssn: 0 }));
  assert.deepEqual(resultsIn(filled), [ReconfigResult.Performed]);
  assert.deepEqual(
    resultsIn(puppet.send(chunk)),
    [ReconfigResult.Performed],
    "again, if it was lost",
  );
  puppet.data({ stream: 1, ssn: 0 });
  assert.deepEqual([1, 2, 3].map(() => puppet.read().info.ssn), [0, 1, 0]);
});

Deno.test("the later answer to a deferred reset repeats that to the request beside it", () => {
  const puppet = reconfigPuppet();
  const missing = puppet.nextTsn++;
  puppet.data({ stream: 1, ssn: 1 });
  const first = puppet.association.rx!.initialTsn;
  const both = encodeReconfig([
    {
      kind: "reset-outgoing",
      sequence: first,
      responseSequence: puppet.subjectTsn - 1,
      lastTsn: tsn(puppet.nextTsn - 1),
      streams: [1],
    },
    { kind: "reset-incoming", sequence: tsn(first + 1), streams: [] },
  ]);
  const { InProgress, NothingToDo, Performed } = ReconfigResult;
  assert.deepEqual(resultsIn(puppet.send(both)), [InProgress, NothingToDo]);
  const filled = puppet.send(data(missing, { stream: 1, ssn: 0 }));
  assert.deepEqual(resultsIn(filled), [Performed, NothingToDo]);
  assert.deepEqual(resultsIn(puppet.send(both)), [Performed, NothingToDo]);
});

Deno.test("what comes behind a deferred reset is not taken before it, other streams are", () => {
  const puppet = reconfigPuppet();
  const missing = puppet.nextTsn++;
  puppet.data({ stream: 1, ssn: 1 });
  puppet.send(reset(puppet));
  const early = puppet.nextTsn++;
  puppet.send(data(early, { stream: 1, ssn: 0 }));
  assert.equal(puppet.subject.endpoint.metrics.dropped["behind-reset"], 1);
  puppet.data({ stream: 2, ssn: 0 });
  const [sack] = chunksOfType(
    puppet.send(data(missing, { stream: 1, ssn: 0 })),
    ChunkType.Sack,
  );
  assert.equal(sackCumulativeTsn(sack, 0), tsn(early - 1), "the early one is still missing");
  puppet.send(data(early, { stream: 1, ssn: 0 }));
  const read = [1, 2, 3, 4].map(() => puppet.read().info);
  assert.deepEqual(read.map(({ stream, ssn }) => `${stream}/${ssn}`).sort(), [
    "1/0",
    "1/0",
    "1/1",
    "2/0",
  ]);
});

Deno.test("a request that was sent again gets the same answer, byte for byte (section 5.2.1)", () => {
  const puppet = reconfigPuppet();
  const chunk = reset(puppet);
  const first = chunksOfType(puppet.send(chunk), ChunkType.ReConfig);
  puppet.data({ stream: 1, ssn: 0 });
  assert.deepEqual(chunksOfType(puppet.send(chunk), ChunkType.ReConfig), first);
  puppet.data({ stream: 1, ssn: 1 });
  assert.deepEqual([1, 2].map(() => puppet.read().info.ssn), [0, 1], "but resets nothing again");
});

Deno.test("sequence numbers that are not due, streams that do not exist and what is not allowed are refused", () => {
  const puppet = reconfigPuppet();
  const skipped = reset(puppet, { sequence: puppet.nextTsn + 5 });
  assert.deepEqual(resultsIn(puppet.send(skipped)), [ReconfigResult.BadSequenceNumber]);
  assert.equal(puppet.subject.endpoint.metrics.dropped["bad-sequence"], 1);
  const { inboundStreams } = puppet.association;
  const wrong = reset(puppet, { streams: [inboundStreams] });
  assert.deepEqual(resultsIn(puppet.send(wrong)), [ReconfigResult.WrongSsn]);
  const strict = reconfigPuppet({
    parameters: { acceptStreamReset: 0, acceptAssociationReset: 0, acceptStreamAddition: 0 },
  });
  const refused = [
    reset(strict),
    request(strict, { kind: "reset-incoming", streams: [] }, 1),
    request(strict, { kind: "reset-association" }, 2),
    request(strict, { kind: "add-outgoing", count: 1 }, 3),
    request(strict, { kind: "add-incoming", count: 1 }, 4),
  ];
  for (const chunk of refused) {
    assert.deepEqual(resultsIn(strict.send(chunk)), [ReconfigResult.Denied]);
  }
});

Deno.test("the peer has our streams reset: a request of ours is the answer (section 5.2.3)", () => {
  const puppet = reconfigPuppet();
  puppet.submit(10, { stream: 1 });
  puppet.ack(1);
  const chunk = request(puppet, { kind: "reset-incoming", streams: [1] });
  const [ours, ...others] = reconfigsIn(puppet.send(chunk));
  assert.ok(ours.kind === "reset-outgoing" && others.length === 0);
  assert.deepEqual(ours.streams, [1]);
  assert.equal(ours.responseSequence, puppet.association.rx!.initialTsn);
  assert.deepEqual(
    resultsIn(puppet.send(chunk)),
    [ReconfigResult.InProgress],
    "sent again before it has our request",
  );
  puppet.send(
    encodeReconfig([{ kind: "response", sequence: ours.sequence, result: 1, next: undefined }]),
  );
  const [message] = chunksOfType(puppet.submit(10, { stream: 1 }), ChunkType.Data);
  assert.equal(dataSsn(message, 0), 0);
});

Deno.test("streams at SSN 0, or that are being reset, need no reset (section 5.2.3)", () => {
  const puppet = reconfigPuppet();
  const fresh = request(puppet, { kind: "reset-incoming", streams: [] });
  assert.deepEqual(resultsIn(puppet.send(fresh)), [ReconfigResult.NothingToDo]);
  puppet.submit(10, { stream: 1 });
  puppet.subject.do(() => puppet.association.resetStreams({ outgoing: [] }));
  puppet.subject.take();
  const again = request(puppet, { kind: "reset-incoming", streams: [1] }, 1);
  assert.deepEqual(resultsIn(puppet.send(again)), [ReconfigResult.NothingToDo]);
});

Deno.test("a reset of all is answered with the TSNs that come next (section 5.2.4)", () => {
  const puppet = reconfigPuppet();
  puppet.data({ ssn: 0 });
  puppet.submit(10);
  puppet.ack(1);
  const [answer] = reconfigsIn(puppet.send(request(puppet, { kind: "reset-association" })));
  assert.ok(answer.kind === "response" && answer.next);
  assert.equal(answer.result, ReconfigResult.Performed);
  assert.equal(answer.next.sender, tsn(puppet.subjectTsn + 1 + 2 ** 16), "beyond any SACK");
  assert.equal(answer.next.receiver, tsn(puppet.nextTsn + 2 ** 31));
  puppet.nextTsn = answer.next.receiver;
  puppet.data({ ssn: 0 });
  assert.deepEqual([puppet.read(), puppet.read()].map(({ info }) => info.ssn), [0, 0]);
  const [message] = chunksOfType(puppet.submit(10), ChunkType.Data);
  assert.equal(dataSsn(message, 0), 0);
  assert.equal(dataTsn(message, 0), answer.next.sender);
});

Deno.test("after a reset of all our TSNs skip no more than the peer's window has bytes", () => {
  const puppet = reconfigPuppet({ init: { receiverWindow: 10_000 } });
  const [answer] = reconfigsIn(puppet.send(request(puppet, { kind: "reset-association" })));
  assert.ok(answer.kind === "response" && answer.next);
  assert.equal(answer.next.sender, tsn(puppet.subjectTsn + 9999));
});

Deno.test("a reset of all waits until what we sent is acknowledged: nothing is lost", () => {
  const puppet = reconfigPuppet();
  puppet.submit(10);
  const chunk = request(puppet, { kind: "reset-association" });
  for (let i = 0; i < 2; i++) {
    assert.deepEqual(resultsIn(puppet.send(chunk)), [], "no answer without the new TSNs");
  }
  assert.deepEqual(namesOf(puppet.submit(10)), [], "nothing new leaves meanwhile");
  const acked = puppet.ack(1);
  assert.deepEqual(resultsIn(acked), [ReconfigResult.Performed]);
  const [message] = chunksOfType(acked, ChunkType.Data);
  assert.equal(dataSsn(message, 0), 0);
  assert.deepEqual(resultsIn(puppet.send(chunk)), [ReconfigResult.Performed], "sent again");
});

Deno.test("more streams of the peer's are taken up to our limit (section 5.2.5)", () => {
  const puppet = reconfigPuppet({
    parameters: { inboundStreams: 12 },
    init: { outboundStreams: 10 },
  });
  const add = (count: number, sequence: number) =>
    resultsIn(puppet.send(request(puppet, { kind: "add-outgoing", count }, sequence)));
  assert.deepEqual(add(2, 0), [ReconfigResult.Performed]);
  puppet.data({ stream: 11, ssn: 0 });
  assert.equal(puppet.read().info.stream, 11);
  assert.deepEqual(add(1, 1), [ReconfigResult.Denied]);
  assert.deepEqual(add(0, 2), [ReconfigResult.NothingToDo]);
});

Deno.test("the peer has us add streams: a request of ours is the answer (section 5.2.6)", () => {
  const puppet = reconfigPuppet();
  const answer = reconfigsIn(puppet.send(request(puppet, { kind: "add-incoming", count: 4 })));
  assert.deepEqual(answer, [{ kind: "add-outgoing", sequence: puppet.subjectTsn, count: 4 }]);
});

Deno.test("with a request of our own under way, one that another would have to answer is refused", () => {
  const puppet = reconfigPuppet();
  puppet.submit(10, { stream: 1 });
  puppet.subject.do(() => puppet.association.addStreams(0, 1));
  puppet.subject.take();
  const asked = [
    request(puppet, { kind: "reset-incoming", streams: [1] }),
    request(puppet, { kind: "add-incoming", count: 1 }, 1),
    request(puppet, { kind: "reset-association" }, 2),
  ];
  for (const chunk of asked) assert.deepEqual(resultsIn(puppet.send(chunk)), [ReconfigResult.Busy]);
});

Deno.test("what section 3.1 does not allow is answered with a Protocol Violation, and counted", () => {
  const puppet = reconfigPuppet();
  const faulty = [
    rawChunk(ChunkType.ReConfig),
    rawChunk(ChunkType.ReConfig, 0, parameter(13, new Uint8Array(3))),
  ];
  for (const chunk of faulty) assert.deepEqual(namesOf(puppet.send(chunk)), ["ERROR"]);
  assert.equal(puppet.subject.endpoint.metrics.dropped["malformed-chunk"], 2);
});

Deno.test("a storm of requests in one packet costs bounded answers", () => {
  const puppet = reconfigPuppet();
  const storm = Array.from({ length: 60 }, () => reset(puppet, { sequence: 5, streams: [] }));
  assert.ok(reconfigsIn(puppet.send(...storm)).length <= 16);
  const wanted = Array.from(
    { length: 40 },
    (_, i) => request(puppet, { kind: "add-incoming", count: 1 }, i),
  );
  puppet.send(...wanted);
  assert.ok(puppet.association.reconfiguration!.wanted.length <= 16);
});

Deno.test("without the extension RE-CONFIG is skipped without a word (RFC 9260, section 3.2)", () => {
  const puppet = reconfigPuppet({ init: { supportedExtensions: [] } });
  const answer = puppet.send(reset(puppet), data(puppet.nextTsn++));
  assert.deepEqual(namesOf(answer), ["SACK"]);
  assert.equal(puppet.subject.endpoint.metrics.dropped["unrecognized-chunk"], 1);
});
