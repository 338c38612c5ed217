/** RE-CONFIG in storms, played again, and by somebody who may not (RFC 6525, section 7). */
import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import { AuthPuppet } from "../testing/auth_puppet.ts";
import type { Puppet } from "../testing/puppet.ts";
import { reconfigPuppet, reconfigsIn } from "../testing/reconfig.ts";
import type { SentPacket } from "../testing/sent_packet.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { encodeReconfig, type ReconfigRequest, ReconfigResult } from "../wire/reconfig.ts";

/** Answers that may wait between two transmissions. */
const ANSWERS = 16;

function resultsIn(packets: readonly SentPacket[]): number[] {
  return reconfigsIn(packets).flatMap((each) => each.kind === "response" ? [each.result] : []);
}

/** The puppet resets its stream 1, with its n-th sequence number, behind all that it has sent. */
function reset(puppet: Puppet, n = 0, streams: readonly number[] = [1]): Uint8Array {
  return encodeReconfig([{
    kind: "reset-outgoing",
    sequence: tsn(puppet.association.rx!.initialTsn + n),
    responseSequence: puppet.subjectTsn - 1,
    lastTsn: tsn(puppet.nextTsn - 1),
    streams,
  }]);
}

/** A request without its sequence number. */
type Unnumbered<Request> = Request extends unknown ? Omit<Request, "sequence"> : never;

function request(puppet: Puppet, n: number, fields: Unnumbered<ReconfigRequest>): Uint8Array {
  const sequence = tsn(puppet.association.rx!.initialTsn + n);
  return encodeReconfig([{ ...fields, sequence } as ReconfigRequest]);
}

function resetsOf({ subject }: Puppet): number {
  return subject.events.filter(({ kind }) => kind === "streams-reset").length;
}

Deno.test("a reset that is played again restarts no stream, and is counted once its time is over", () => {
  const puppet = reconfigPuppet();
  puppet.data({ stream: 1, ssn: 0 });
  const captured = reset(puppet);
  puppet.send(captured);
  puppet.data({ stream: 1, ssn: 0 });
  for (let i = 0; i < 50; i++) {
    assert.deepEqual(resultsIn(puppet.send(captured)), [ReconfigResult.Performed], "as before");
  }
  puppet.send(reset(puppet, 1, [2]));
  for (let i = 0; i < 50; i++) {
    assert.deepEqual(resultsIn(puppet.send(captured)), [ReconfigResult.BadSequenceNumber]);
  }
  assert.equal(puppet.subject.endpoint.metrics.dropped["bad-sequence"], 50);
  assert.equal(resetsOf(puppet), 2);
  puppet.data({ stream: 1, ssn: 1 });
  assert.deepEqual([1, 2, 3].map(() => puppet.read().info.ssn), [0, 0, 1], "the order goes on");
});

Deno.test("a storm of requests out of their turn has few answers, and changes nothing", () => {
  const puppet = reconfigPuppet();
  for (let i = 0; i < 1000; i++) puppet.sendUndrained(reset(puppet, 5 + i, []));
  puppet.subject.drain();
  assert.ok(resultsIn(puppet.subject.take()).length <= ANSWERS);
  assert.equal(puppet.subject.endpoint.metrics.dropped["bad-sequence"], 1000);
  assert.equal(resetsOf(puppet), 0);
});

Deno.test("a storm of requests in their turn has us ask for few things in return", () => {
  const puppet = reconfigPuppet();
  for (let i = 0; i < 1000; i++) {
    puppet.sendUndrained(request(puppet, i, { kind: "add-incoming", count: 1 }));
  }
  puppet.subject.drain();
  assert.ok(puppet.association.reconfiguration!.wanted.length <= ANSWERS);
  assert.ok(reconfigsIn(puppet.subject.take()).length <= ANSWERS + 1);
});

Deno.test("streams are added up to our limit, however often they are asked for", () => {
  const puppet = reconfigPuppet({
    parameters: { inboundStreams: 64 },
    init: { outboundStreams: 10 },
  });
  const results = new Map<number, number>();
  for (let i = 0; i < 200; i++) {
    const answer = puppet.send(request(puppet, i, { kind: "add-outgoing", count: 1 }));
    for (const result of resultsIn(answer)) results.set(result, (results.get(result) ?? 0) + 1);
  }
  assert.equal(puppet.association.inboundStreams, 64);
  assert.deepEqual([...results], [[ReconfigResult.Performed, 54], [ReconfigResult.Denied, 146]]);
});

Deno.test("resets of the association cannot be had in rows while data is on its way", () => {
  const puppet = reconfigPuppet();
  puppet.submit(100);
  for (let i = 0; i < 100; i++) puppet.send(request(puppet, i, { kind: "reset-association" }));
  const resets = puppet.subject.events.filter(({ kind }) => kind === "association-reset");
  assert.deepEqual(resets, []);
  assert.equal(puppet.association.bufferedBytes, 100, "nothing is given up");
});

Deno.test("where RE-CONFIG must be authentic, nobody without the key resets a stream", () => {
  const puppet = new AuthPuppet({
    authentication: { chunks: [ChunkType.ReConfig] },
    init: { supportedExtensions: [ChunkType.ReConfig] },
  });
  puppet.connect();
  for (let i = 0; i < 100; i++) assert.deepEqual(puppet.send(reset(puppet)), []);
  assert.equal(puppet.subject.endpoint.metrics.dropped["unauthenticated-chunk"], 100);
  assert.equal(resetsOf(puppet), 0);
  assert.deepEqual(resultsIn(puppet.sendAuth(reset(puppet))), [ReconfigResult.Performed]);
});
