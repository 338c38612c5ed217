/** Partial reliability between two endpoints: agreed in the setup, and FORWARD TSN received (RFC 3758). */
import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import { data, forwardTsn, rawChunk } from "../testing/chunks.ts";
import { connectedPartial, forwardsOf, limited, send } from "../testing/partial_puppet.ts";
import { Puppet, readInit } from "../testing/puppet.ts";
import { causeCodesOf, chunkOfType, namesOf } from "../testing/sent_packet.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { CauseCode } from "../wire/error_cause.ts";
import { sackCumulativeTsn } from "../wire/sack.ts";
import { shutdownCumulativeTsn } from "../wire/shutdown.ts";

/** Each way in which one side can lack it. */
const LACKING = [
  { init: { forwardTsnSupported: false } },
  { init: { forwardTsnSupported: true }, parameters: { partialReliability: 0 } },
];

function drops(puppet: Puppet): Record<string, number> {
  const counts = Object.entries(puppet.subject.endpoint.metrics.dropped);
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

// Section 3.3: agreed in the setup.

Deno.test("an INIT says that FORWARD TSN is understood, unless the user does not want it", () => {
  for (const partialReliability of [0, 1]) {
    const puppet = new Puppet({ parameters: { partialReliability } });
    const asked = readInit(chunkOfType(puppet.beAsked(), ChunkType.Init));
    assert.equal(asked.forwardTsnSupported, partialReliability === 1);
    const isListed = asked.supportedExtensions.includes(ChunkType.ForwardTsn);
    assert.equal(isListed, partialReliability === 1);
  }
});

Deno.test("an INIT ACK says so only to a peer that has said it, and if the user wants it", () => {
  for (const forwardTsnSupported of [false, true]) {
    for (const partialReliability of [0, 1]) {
      const puppet = new Puppet({ parameters: { partialReliability } });
      const answer = readInit(
        chunkOfType(puppet.requestInitAck({ forwardTsnSupported }), ChunkType.InitAck),
      );
      assert.equal(answer.forwardTsnSupported, forwardTsnSupported && partialReliability === 1);
      assert.deepEqual(answer.unrecognized, []);
    }
  }
});

Deno.test("the answer to our INIT decides, and a list of extensions without the parameter does not", () => {
  for (const forwardTsnSupported of [false, true]) {
    const puppet = new Puppet({
      init: { forwardTsnSupported, supportedExtensions: [ChunkType.ForwardTsn] },
    });
    puppet.accept();
    assert.equal(puppet.association.isPartiallyReliable, forwardTsnSupported);
  }
});

Deno.test("where one side lacks it, messages are reliable whatever their policy", () => {
  for (const options of LACKING) {
    const puppet = new Puppet(options);
    puppet.connect();
    send(puppet, 100, limited(0));
    puppet.subject.take();
    for (let i = 0; i < 4; i++) {
      const packets = puppet.wait(1000 * 2 ** i);
      assert.deepEqual(puppet.offsets(packets), [0]);
      assert.deepEqual(forwardsOf(puppet, packets), []);
    }
    assert.equal(puppet.association.tx.partial, undefined, "and cost nothing more");
  }
});

Deno.test("where one side lacks it, FORWARD TSN is an unknown chunk: skipped and reported", () => {
  for (const options of LACKING) {
    const puppet = new Puppet(options);
    puppet.connect();
    const packets = puppet.send(forwardTsn(1002, [[0, 0]]), data(1000));
    assert.deepEqual(namesOf(packets), ["ERROR+SACK"]);
    const error = chunkOfType(packets, ChunkType.Error);
    assert.deepEqual(causeCodesOf(error), [CauseCode.UnrecognizedChunkType]);
    assert.equal(sackCumulativeTsn(chunkOfType(packets, ChunkType.Sack), 0), 1000);
  }
});

// Section 3.6: the receiver.

Deno.test("FORWARD TSN is acknowledged at once, and the reader is told what waited", () => {
  const puppet = connectedPartial();
  puppet.data();
  puppet.read();
  puppet.nextTsn++;
  puppet.data({ ssn: 2, ppid: 7 });
  const packets = puppet.skip([[0, 1]], 1002);
  assert.deepEqual(namesOf(packets), ["SACK"]);
  assert.equal(sackCumulativeTsn(chunkOfType(packets, ChunkType.Sack), 0), 1002);
  assert.equal(puppet.subject.eventKinds.filter((kind) => kind === "readable").length, 2);
  assert.equal(puppet.read().info.ppid, 7);
  assert.equal(puppet.association.metrics.forwardTsnsReceived, 1);
});

Deno.test("DATA in the same packet is taken with it, before and behind", () => {
  const puppet = connectedPartial();
  const packets = puppet.send(
    data(1003, { ssn: 3 }),
    forwardTsn(1002, [[0, 2]]),
    data(1004, { ssn: 4 }),
  );
  assert.equal(sackCumulativeTsn(chunkOfType(packets, ChunkType.Sack), 0), 1004);
  assert.deepEqual([puppet.read().info.ssn, puppet.read().info.ssn], [3, 4]);
});

Deno.test("a reader with a part of a message is told that no more of it comes (RFC 6458, 6.1.7)", () => {
  const puppet = connectedPartial({ parameters: { partialDeliveryPoint: 1 } });
  puppet.data({ stream: 4, ppid: 9, marks: "B" });
  puppet.read(5);
  puppet.skip([[4, 0]], 1002);
  const events = puppet.subject.events.filter(({ kind }) => kind === "partial-delivery-aborted");
  const message = { stream: 4, ssn: 0, ppid: 9, unordered: false };
  assert.deepEqual(events, [
    { kind: "partial-delivery-aborted", association: puppet.association, message },
  ]);
  assert.equal(puppet.association.readableBytes, 0);
});

Deno.test("an old FORWARD TSN is answered with a SACK, counted, and nothing else", () => {
  const puppet = connectedPartial();
  puppet.data();
  puppet.data({ ssn: 1 });
  const packets = puppet.skip([[0, 9]]);
  assert.equal(sackCumulativeTsn(chunkOfType(packets, ChunkType.Sack), 0), 1001);
  assert.deepEqual(drops(puppet), { "old-forward-tsn": 1 });
});

Deno.test("what cannot be is answered with a SACK and counted", () => {
  const puppet = connectedPartial({ listen: { parameters: { inboundStreams: 10 } } });
  assert.deepEqual(namesOf(puppet.skip([], 1000 + 70_000)), ["SACK"]);
  puppet.skip([[0, 5]], 1002);
  puppet.skip([[12, 0]], 1004);
  assert.deepEqual(drops(puppet), { "absurd-forward-tsn": 3 });
  assert.equal(puppet.association.rx?.tracker.cumulative, 1003);
});

Deno.test("a FORWARD TSN of another length than its entries make is dropped", () => {
  const puppet = connectedPartial();
  for (let length = 0; length < 12; length++) {
    if (length === 4 || length === 8) continue;
    const chunk = rawChunk(ChunkType.ForwardTsn, 0, new Uint8Array(length));
    assert.deepEqual(puppet.send(chunk), []);
  }
  assert.deepEqual(drops(puppet), { "malformed-chunk": 10 });
});

Deno.test("a packet has one FORWARD TSN: more are dropped, so that their work has a bound", () => {
  const puppet = connectedPartial();
  puppet.send(...[1001, 1002, 1003].map((target) => forwardTsn(target)));
  assert.equal(puppet.association.rx?.tracker.cumulative, 1001);
  assert.deepEqual(drops(puppet), { "unexpected-chunk": 2 });
});

Deno.test("the farthest FORWARD TSNs cost no more than what was received: others are postponed", () => {
  const puppet = connectedPartial();
  const entries = Array.from({ length: 10 }, (_, stream) => [stream, 65_000 / 10] as const);
  let next = 1000;
  for (let i = 0; i < 2000; i++) {
    next = tsn(next + 65_535);
    puppet.send(
      data(next - 20, { stream: 9, ssn: (i * 6501 + 20_000) & 0xffff }),
      forwardTsn(next - 1, entries),
    );
  }
  const { rx } = puppet.association;
  assert.ok(rx && drops(puppet)["postponed-forward-tsn"] > 0);
  // Nothing was taken of them; one that is worth its work is taken.
  const reached = rx.tracker.cumulative;
  puppet.send(forwardTsn(reached + 1));
  assert.equal(rx.tracker.cumulative, tsn(reached + 1));
});

Deno.test("in SHUTDOWN-SENT it is answered with a SHUTDOWN as DATA is (RFC 9260, section 9.2)", () => {
  const puppet = connectedPartial();
  puppet.shutdown();
  const packets = puppet.skip([], 1003);
  assert.deepEqual(namesOf(packets), ["SHUTDOWN+SACK"]);
  assert.equal(shutdownCumulativeTsn(packets[0].chunks[0], 0), 1002);
});

Deno.test("where no DATA is taken no FORWARD TSN is", () => {
  for (const state of ["SHUTDOWN-RECEIVED", "SHUTDOWN-ACK-SENT"] as const) {
    const puppet = new Puppet({ init: { forwardTsnSupported: true } });
    puppet.bring(state);
    assert.deepEqual(puppet.skip([], 1003), []);
    assert.equal(drops(puppet)["unexpected-chunk"], 1);
  }
});
