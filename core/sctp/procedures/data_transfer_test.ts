/** DATA that arrives: acknowledging, reporting, reading (RFC 9260, sections 6.2, 6.5 to 6.7, 6.9). */
import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import { data, rawChunk } from "../testing/chunks.ts";
import { Puppet, type PuppetOptions } from "../testing/puppet.ts";
import { chunkOfType, chunksOfType, namesOf, type SentPacket } from "../testing/sent_packet.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { encodeError } from "../wire/error.ts";
import { CauseCode, chunkCauses } from "../wire/error_cause.ts";
import {
  sackCumulativeTsn,
  sackDuplicate,
  sackDuplicateCount,
  sackGapCount,
  sackGapEnd,
  sackGapStart,
  sackWindow,
} from "../wire/sack.ts";

function connected(options: PuppetOptions = {}): Puppet {
  const puppet = new Puppet(options);
  puppet.connect();
  return puppet;
}

function sackIn(packets: readonly SentPacket[]) {
  const chunk = chunkOfType(packets, ChunkType.Sack);
  return {
    cumulative: sackCumulativeTsn(chunk, 0),
    window: sackWindow(chunk, 0),
    gaps: Array.from({ length: sackGapCount(chunk, 0) }, (_, i) => [
      sackGapStart(chunk, 0, i),
      sackGapEnd(chunk, 0, i),
    ]),
    duplicates: Array.from(
      { length: sackDuplicateCount(chunk, 0) },
      (_, i) => Number(sackDuplicate(chunk, 0, i)),
    ),
  };
}

Deno.test("the first DATA is acknowledged at once, then every second packet (RFC 9260, sections 5.1 and 6.2)", () => {
  const puppet = connected();
  const counts = Array.from({ length: 7 }, (_, i) => puppet.data({ ssn: i }).length);
  assert.deepEqual(counts, [1, 0, 1, 0, 1, 0, 1]);
});

Deno.test("two chunks in one packet are one packet (section 6.2)", () => {
  const puppet = connected();
  puppet.data();
  assert.deepEqual(puppet.send(data(1001, { ssn: 1 }), data(1002, { ssn: 2 })), []);
});

Deno.test("no DATA waits longer than SACK.Delay for its SACK (section 6.2)", () => {
  const puppet = connected({ parameters: { sackDelay: 150 } });
  puppet.data();
  puppet.wait(1000);
  puppet.data({ ssn: 1 });
  assert.deepEqual(puppet.wait(149), []);
  assert.deepEqual(namesOf(puppet.wait(1)), ["SACK"]);
});

Deno.test("SACK frequency and SACK.Delay are the user's, within the limits (section 6.2)", () => {
  const eager = connected({ parameters: { sackFrequency: 1 } });
  for (let i = 0; i < 4; i++) assert.deepEqual(namesOf(eager.data({ ssn: i })), ["SACK"]);
  const instant = connected({ parameters: { sackDelay: 0 } });
  instant.data();
  instant.data({ ssn: 1 });
  assert.deepEqual(namesOf(instant.wait(0)), ["SACK"]);
  assert.throws(() => connected({ parameters: { sackDelay: 501 } }), RangeError);
});

Deno.test("a gap is reported at once, and each packet until it is filled (section 6.7)", () => {
  const puppet = connected();
  puppet.data();
  assert.deepEqual(sackIn(puppet.send(data(1002, { ssn: 2 }))).gaps, [[2, 2]]);
  assert.deepEqual(sackIn(puppet.send(data(1003, { ssn: 3 }))).gaps, [[2, 3]]);
  const filled = sackIn(puppet.send(data(1001, { ssn: 1 })));
  assert.deepEqual([filled.cumulative, filled.gaps], [1003, []]);
  assert.deepEqual(puppet.send(data(1004, { ssn: 4 })), []);
});

Deno.test("duplicates are reported at once, each as often as it came (section 6.2)", () => {
  const puppet = connected();
  puppet.data();
  assert.deepEqual(sackIn(puppet.send(data(1000), data(1000))).duplicates, [1000, 1000]);
  assert.deepEqual(sackIn(puppet.send(data(1002, { ssn: 2 }))).duplicates, []);
});

Deno.test("a SACK reports as many gaps as a packet has room for, the lowest first (section 6.7)", () => {
  const puppet = connected();
  puppet.data();
  let last: SentPacket[] = [];
  for (let i = 1; i <= 500; i++) last = puppet.send(data(1000 + 2 * i, { ssn: i }));
  const { gaps } = sackIn(last);
  assert.equal(last.length, 1);
  assert.ok(last[0].bytes.length <= 1480 && last[0].bytes.length > 1470);
  assert.deepEqual(gaps[0], [2, 2]);
  assert.equal(gaps.length, (1480 - 12 - 16) / 4);
});

Deno.test("a SACK goes to where the last DATA came from (section 6.7)", () => {
  const puppet = connected({
    addresses: ["10.0.0.1", "10.0.1.1"],
    peers: ["10.0.0.2", "10.0.1.2"],
  });
  puppet.answerHeartbeats(puppet.wait(10));
  const other = { from: "10.0.1.2", to: "10.0.1.1" };
  puppet.send(data(1000));
  assert.equal(puppet.sendIn(other, data(1001, { ssn: 1 }), data(1001))[0].to, "10.0.1.2");
  assert.equal(puppet.send(data(1002, { ssn: 2 }), data(1001))[0].to, "10.0.0.2");
});

Deno.test("DATA on a stream that does not exist is acknowledged and reported at once (section 6.5)", () => {
  const puppet = connected({ listen: { parameters: { inboundStreams: 5 } } });
  const packets = puppet.data({ stream: 5 });
  assert.deepEqual(namesOf(packets), ["ERROR+SACK"]);
  assert.deepEqual(chunkCauses(chunkOfType(packets, ChunkType.Error), 0), [
    { code: CauseCode.InvalidStreamIdentifier, stream: 5 },
  ]);
  assert.equal(sackIn(packets).cumulative, 1000);
  assert.equal(puppet.association.heldBytes, 0);
});

Deno.test("fragments that contradict each other end the association (section 6.9)", () => {
  const puppet = connected();
  puppet.send(data(1000, { marks: "B" }));
  const packets = puppet.send(data(1001, { marks: "E", stream: 1 }));
  assert.equal(chunksOfType(packets, ChunkType.Abort).length, 1);
  assert.equal(puppet.subject.endpoint.pool.liveBytes, 0);
});

Deno.test("the user is told once that there is something to read, and again when it ran dry", () => {
  const puppet = connected();
  const readables = () => puppet.subject.eventKinds.filter((kind) => kind === "readable").length;
  puppet.data();
  puppet.data({ ssn: 1 });
  assert.equal(readables(), 1);
  puppet.read();
  puppet.data({ ssn: 2 });
  assert.equal(readables(), 1, "there was still something");
  puppet.read();
  puppet.read();
  assert.equal(puppet.read().bytes.length, 0);
  puppet.data({ ssn: 3 });
  assert.equal(readables(), 2);
});

Deno.test("a message is described as it was sent", () => {
  const puppet = connected();
  puppet.data({ stream: 3, ssn: 0, ppid: 0xdead_beef, payload: 9 });
  puppet.data({ stream: 3, ssn: 77, ppid: 5, unordered: true, payload: 4 });
  assert.deepEqual(puppet.read().info, {
    stream: 3,
    ssn: 0,
    ppid: 0xdead_beef,
    unordered: false,
    endOfMessage: true,
  });
  assert.deepEqual(puppet.read().info.unordered, true);
});

Deno.test("a slow reader closes the window, and opens it by reading (section 6.2)", () => {
  const puppet = connected({ listen: { parameters: { receiveBuffer: 8000 } } });
  let last: SentPacket[] = [];
  for (let i = 0; i < 9; i++) {
    const sent = puppet.data({ ssn: i, payload: 1000 });
    if (sent.length > 0) last = sent;
  }
  assert.equal(sackIn(last).window, 0);
  puppet.nextTsn--;
  const dropped = puppet.data({ ssn: 8, payload: 1000 });
  assert.deepEqual([sackIn(dropped).cumulative, sackIn(dropped).window], [1007, 0]);
  puppet.read();
  puppet.read();
  const updates = chunksOfType(puppet.subject.take(), ChunkType.Sack);
  assert.equal(updates.length, 1);
  assert.equal(sackWindow(updates[0], 0), 2000);
});

Deno.test("one SACK answers a batch of packets that arrived together", () => {
  const puppet = connected();
  for (let i = 0; i < 20; i++) puppet.sendUndrained(data(1000 + i, { ssn: i }));
  puppet.subject.drain();
  assert.deepEqual(namesOf(puppet.subject.take()), ["SACK"]);
});

Deno.test("TSNs and Stream Sequence Numbers wrap without a seam", () => {
  const puppet = connected({ init: { initialTsn: tsn(0xffff_fffe) } });
  for (let i = 0; i < 5; i++) puppet.send(data(tsn(0xffff_fffe + i), { ssn: i, payload: i + 1 }));
  const lengths = Array.from({ length: 5 }, () => puppet.read().bytes.length);
  assert.deepEqual(lengths, [1, 2, 3, 4, 5]);
});

// ERROR chunks of the peer.

Deno.test("what the peer reports in an ERROR reaches the user, and changes nothing (section 3.3.10)", () => {
  const puppet = connected();
  const causes = [
    { code: CauseCode.InvalidStreamIdentifier, stream: 9 },
    { code: CauseCode.UnrecognizedChunkType, chunk: rawChunk(0xc1) },
    { code: CauseCode.OutOfResource },
  ] as const;
  assert.deepEqual(puppet.send(encodeError(causes)), []);
  const event = puppet.subject.events.at(-1);
  assert.ok(event?.kind === "remote-error");
  assert.deepEqual(event.causes, causes);
  assert.equal(puppet.association.state, "ESTABLISHED");
});

Deno.test("an ERROR without a cause says nothing", () => {
  const puppet = connected();
  const before = puppet.subject.events.length;
  puppet.send(rawChunk(ChunkType.Error));
  assert.equal(puppet.subject.events.length, before);
});
