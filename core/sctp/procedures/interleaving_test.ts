/** Message interleaving between two endpoints: agreed in the setup, not mixed (RFC 8260, section 2). */
import assert from "node:assert/strict";
import { withParameters } from "../parameters.ts";
import { data, forwardTsn, iData, iForwardTsn } from "../testing/chunks.ts";
import {
  connectedInterleaved,
  iDataIn,
  iForwardsIn,
  interleavedPuppet,
  INTERLEAVING,
} from "../testing/interleaved_puppet.ts";
import { connectedPartial, limited } from "../testing/partial_puppet.ts";
import { Puppet } from "../testing/puppet.ts";
import { causeCodesOf, chunkOfType, namesOf, type SentPacket } from "../testing/sent_packet.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { CauseCode } from "../wire/error_cause.ts";
import { sackCumulativeTsn } from "../wire/sack.ts";

const BOTH = [ChunkType.IData, ChunkType.IForwardTsn];

function assertRefused(puppet: Puppet, packets: readonly SentPacket[]): void {
  const abort = chunkOfType(packets, ChunkType.Abort);
  assert.deepEqual(causeCodesOf(abort), [CauseCode.ProtocolViolation]);
  assert.equal(puppet.subject.associations.length, 0);
}

// Section 2.2.1.

Deno.test("I-DATA is offered by those who want it, and used if both do", () => {
  for (const weWant of [false, true]) {
    for (const theyWant of [false, true]) {
      const puppet = new Puppet({
        parameters: weWant ? { ...INTERLEAVING, noDelay: 1 } : { noDelay: 1 },
        init: { supportedExtensions: theyWant ? BOTH : [] },
      });
      const { supportedExtensions } = puppet.learn(puppet.requestInitAck());
      const both = weWant && theyWant;
      assert.deepEqual(BOTH.map((type) => supportedExtensions.includes(type)), [both, both]);
      puppet.connect();
      assert.equal(puppet.association.interleaves, both);
      assert.equal(namesOf(puppet.submit(10))[0], both ? "I-DATA" : "DATA");
    }
  }
});

Deno.test("an INIT offers it, and the answer decides", () => {
  for (const supportedExtensions of [[], [ChunkType.IData]]) {
    const puppet = interleavedPuppet({ init: { supportedExtensions } });
    puppet.accept();
    assert.equal(puppet.association.interleaves, supportedExtensions.length > 0);
  }
});

Deno.test("it needs a reader who takes messages interleaved (RFC 6458, section 8.1.20)", () => {
  assert.throws(() => withParameters({ interleaving: 1 }), {
    name: "RangeError",
    message: /set fragmentInterleave to 2, not 0/,
  });
});

Deno.test("beside it messages are given up only if the peer has I-FORWARD-TSN (section 2.3.1)", () => {
  for (const supportedExtensions of [[ChunkType.IData], BOTH]) {
    const puppet = interleavedPuppet({ init: { supportedExtensions, forwardTsnSupported: true } });
    const isPartial = supportedExtensions.length > 1;
    assert.equal(puppet.learn(puppet.requestInitAck()).forwardTsnSupported, isPartial);
    puppet.connect();
    assert.equal(puppet.association.isPartiallyReliable, isPartial);
    puppet.submit(10, limited(0));
    const packets = puppet.wait(1000);
    assert.equal(iForwardsIn(packets).length, isPartial ? 1 : 0);
    assert.equal(iDataIn(packets).length, isPartial ? 0 : 1);
  }
});

// Sections 2.2.3 and 2.3.1: what belongs to the other kind ends the association.

Deno.test("DATA where I-DATA was agreed on ends the association", () => {
  const puppet = connectedInterleaved();
  assertRefused(puppet, puppet.send(data(1000)));
});

Deno.test("I-DATA that was not agreed on ends the association", () => {
  for (const parameters of [{}, INTERLEAVING]) {
    const puppet = new Puppet({ parameters });
    puppet.connect();
    assertRefused(puppet, puppet.send(iData(1000)));
  }
});

Deno.test("FORWARD TSN beside I-DATA ends the association", () => {
  for (const supportedExtensions of [[ChunkType.IData], BOTH]) {
    const puppet = connectedInterleaved({
      init: { supportedExtensions, forwardTsnSupported: true },
    });
    assertRefused(puppet, puppet.send(forwardTsn(1000)));
  }
});

Deno.test("I-FORWARD-TSN that was not agreed on ends the association", () => {
  const plain = connectedPartial();
  assertRefused(plain, plain.send(iForwardTsn(1000)));
  const without = connectedInterleaved({ init: { supportedExtensions: [ChunkType.IData] } });
  assertRefused(without, without.send(iForwardTsn(1000)));
});

Deno.test("before and after the states in which DATA is taken, neither kind does anything", () => {
  const puppet = interleavedPuppet();
  puppet.bring("SHUTDOWN-RECEIVED");
  assert.deepEqual(puppet.send(data(1000)), []);
  assert.equal(puppet.association.state, "SHUTDOWN-RECEIVED");
});

// What arrives.

Deno.test("I-DATA is acknowledged, and read in the order of its numbers", () => {
  const puppet = connectedInterleaved();
  const packets = puppet.send(
    iData(1000, { stream: 1, mid: 0, marks: "B", ppid: 9, payload: Uint8Array.of(1) }),
    iData(1001, { stream: 2, mid: 0, ppid: 8, payload: Uint8Array.of(5) }),
    iData(1002, { stream: 1, mid: 0, marks: "E", fsn: 1, payload: Uint8Array.of(2) }),
  );
  assert.equal(sackCumulativeTsn(chunkOfType(packets, ChunkType.Sack), 0), 1002);
  const reads = [puppet.read(), puppet.read()];
  assert.deepEqual(reads.map(({ bytes }) => [...bytes]), [[5], [1, 2]]);
  assert.deepEqual(reads.map(({ info }) => info.ppid), [8, 9]);
});

Deno.test("I-DATA without user data is refused as DATA is (RFC 9260, section 6.2)", () => {
  const puppet = connectedInterleaved();
  const abort = chunkOfType(puppet.send(iData(1000, { payload: 0 })), ChunkType.Abort);
  assert.deepEqual(causeCodesOf(abort), [CauseCode.NoUserData]);
});

Deno.test("fragments that contradict each other end the association", () => {
  const puppet = connectedInterleaved();
  puppet.send(iData(1000, { marks: "B" }));
  assertRefused(puppet, puppet.send(iData(1001, { marks: "B" })));
});

Deno.test("who asks for the association fills its packets too, and no further", () => {
  const puppet = interleavedPuppet();
  puppet.accept();
  let acknowledged = 0;
  for (const length of [1447, 1448, 1449, 1452]) {
    const sent = puppet.submit(length);
    const chunks = iDataIn(sent).length;
    assert.equal(chunks, length > 1448 ? 2 : 1);
    assert.ok(sent.every(({ bytes }) => bytes.length <= 1480));
    puppet.ack(acknowledged += chunks);
  }
});

Deno.test("fragments that never make a message take no more memory than any data", () => {
  const puppet = connectedInterleaved({ parameters: { receiveBuffer: 50_000 } });
  const { rx } = puppet.association;
  for (let i = 0; i < 2000; i++) {
    puppet.send(iData(1000 + i, { stream: i % 10, mid: i, fsn: 3, marks: "", payload: 1000 }));
  }
  assert.ok(rx && rx.heldBytes > 40_000 && rx.heldBytes <= 52_000, `${rx?.heldBytes} bytes`);
  // What is dropped to skip them is theirs; the association goes on.
  const next = rx.nextTsn;
  const skipped = Array.from({ length: 10 }, (_, stream) => [stream, 1999] as const);
  for (const order of [undefined, "U"] as const) {
    puppet.send(iForwardTsn(next + 40_000, skipped.map(([stream, mid]) => [stream, mid, order])));
  }
  assert.equal(rx.heldBytes, 0);
  puppet.send(iData(next + 40_001, { stream: 1, mid: 2000, payload: 7 }));
  assert.equal(puppet.read().bytes.length, 7);
});

Deno.test("a stream that does not exist is reported as with DATA (RFC 9260, section 6.5)", () => {
  const puppet = connectedInterleaved();
  const packets = puppet.send(iData(1000, { stream: 10 }));
  const error = chunkOfType(packets, ChunkType.Error);
  assert.deepEqual(causeCodesOf(error), [CauseCode.InvalidStreamIdentifier]);
  assert.equal(sackCumulativeTsn(chunkOfType(packets, ChunkType.Sack), 0), 1000);
});

Deno.test("I-FORWARD-TSN lets what waited be read, and a list of another length is dropped", () => {
  const puppet = connectedInterleaved();
  puppet.send(iData(1001, { stream: 1, mid: 1 }));
  const cut = iForwardTsn(1000, [[1, 0]]).slice(0, 12);
  cut[3] = 12;
  assert.deepEqual(puppet.send(cut), []);
  assert.equal(puppet.subject.endpoint.metrics.dropped["malformed-chunk"], 1);
  const packets = puppet.send(iForwardTsn(1000, [[1, 0]]));
  assert.equal(sackCumulativeTsn(chunkOfType(packets, ChunkType.Sack), 0), 1001);
  assert.equal(puppet.read().info.ssn, 1);
});
