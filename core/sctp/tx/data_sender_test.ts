/** What leaves when, and in which packets, seen from the peer (RFC 9260, sections 6.1, 6.9, 6.10). */
import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import { data, rawChunk, sack } from "../testing/chunks.ts";
import { Puppet, type PuppetOptions } from "../testing/puppet.ts";
import { chunksOfType, namesOf, type SentPacket } from "../testing/sent_packet.ts";
import { PathTimer } from "../timer/timer_table.ts";
import { chunkFlags } from "../wire/chunk.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { encodeCookieAck } from "../wire/cookie.ts";
import {
  DATA_HEADER_LENGTH,
  DataFlag,
  dataPayloadLength,
  dataPpid,
  dataSsn,
  dataStream,
} from "../wire/data.ts";
import { encodeHeartbeat } from "../wire/heartbeat.ts";
import { encodeShutdown } from "../wire/shutdown.ts";

const PAYLOAD = 1452;
const CHUNK = PAYLOAD + DATA_HEADER_LENGTH;

function connected(options: PuppetOptions = {}): Puppet {
  const puppet = new Puppet({ parameters: { noDelay: 1 }, ...options });
  puppet.connect();
  return puppet;
}

/** Acknowledges full packets until cwnd is so many chunks; returns the number of TSNs used. */
function grow(puppet: Puppet, chunks: number): number {
  const [path] = puppet.association.paths;
  let sent = 0;
  while (path.cwnd < chunks * CHUNK) {
    sent += dataChunks(puppet.submit(100_000)).length;
    while (puppet.association.bufferedBytes > 0) sent += dataChunks(puppet.ack(sent)).length;
  }
  return sent;
}

function dataChunks(packets: readonly SentPacket[]): Uint8Array[] {
  return chunksOfType(packets, ChunkType.Data);
}

function flagsOf(chunk: Uint8Array): string {
  const flags = chunkFlags(chunk, 0);
  return (flags & DataFlag.Immediate ? "I" : "") + (flags & DataFlag.Unordered ? "U" : "") +
    (flags & DataFlag.Begin ? "B" : "") + (flags & DataFlag.End ? "E" : "");
}

/** Queues several messages before anything can leave. */
function submitTogether(puppet: Puppet, sizes: readonly number[]): SentPacket[] {
  const { association } = puppet;
  const options = { stream: 0, ppid: 0, unordered: false, immediate: false };
  puppet.subject.do((_, now) => {
    for (const size of sizes) assert.ok(association.send(now, new Uint8Array(size), options));
  });
  return puppet.subject.take();
}

// Section 6.9: fragmentation; 6.5 and 6.6: numbers.

Deno.test("a long message is cut into full chunks with B, nothing and E (RFC 9260, section 6.9)", () => {
  const puppet = connected();
  const chunks = dataChunks(puppet.submit(2 * PAYLOAD + 5, { stream: 3, ppid: 0xcafe }));
  assert.deepEqual(chunks.map((chunk) => dataPayloadLength(chunk, 0)), [PAYLOAD, PAYLOAD, 5]);
  assert.deepEqual(chunks.map(flagsOf), ["B", "", "E"]);
  for (const chunk of chunks) {
    assert.equal(dataStream(chunk, 0), 3);
    assert.equal(dataSsn(chunk, 0), 0);
    assert.equal(dataPpid(chunk, 0), 0xcafe);
  }
});

Deno.test("Stream Sequence Numbers count ordered messages of each stream from 0 (section 6.5)", () => {
  const puppet = connected();
  const ssnOf = (stream: number, unordered = false) =>
    dataSsn(dataChunks(puppet.submit(10, { stream, unordered }))[0], 0);
  assert.deepEqual([ssnOf(0), ssnOf(0), ssnOf(1)], [0, 1, 0]);
  ssnOf(0, true);
  assert.equal(ssnOf(0), 2, "an unordered message does not change them (section 6.6)");
});

Deno.test("every fragment of an unordered message has the U bit (section 6.9, 2)", () => {
  const chunks = dataChunks(connected().submit(2 * PAYLOAD, { unordered: true }));
  assert.deepEqual(chunks.map(flagsOf), ["UB", "UE"]);
});

Deno.test("a message that fits a packet of its own is not cut to fill another one", () => {
  const puppet = connected();
  const packets = submitTogether(puppet, [1000, 1000]);
  assert.deepEqual(namesOf(packets), ["DATA", "DATA"]);
  assert.deepEqual(dataChunks(packets).map(flagsOf), ["BE", "BE"]);
});

Deno.test("chunks fit the narrowest path of all, so that they can move (section 7.3, 2: AMDCS)", () => {
  const puppet = connected({
    addresses: ["10.0.0.1", "fd00::1"],
    peers: ["10.0.0.2", "fd00::2"],
  });
  assert.equal(puppet.association.paths.length, 2);
  const [chunk] = dataChunks(puppet.submit(3000));
  assert.equal(dataPayloadLength(chunk, 0), 1500 - 40 - 12 - 16);
});

Deno.test("encapsulation makes chunks smaller (RFC 6951)", () => {
  const puppet = connected({ encapsulationPort: 9899 });
  const [chunk] = dataChunks(puppet.submit(3000));
  assert.equal(dataPayloadLength(chunk, 0), 1500 - 20 - 8 - 12 - 16);
});

// Section 6.10: bundling.

Deno.test("small messages that wait leave in one packet, in order of TSN (section 6.10)", () => {
  const puppet = connected();
  const packets = submitTogether(puppet, [100, 100, 100]);
  assert.deepEqual(namesOf(packets), ["DATA+DATA+DATA"]);
  assert.deepEqual(puppet.offsets(packets), [0, 1, 2]);
});

Deno.test("no packet is longer than the PMTU allows", () => {
  const puppet = connected();
  const sizes = Array.from({ length: 60 }, (_, i) => 1 + (i * 397) % 3000);
  for (const packet of submitTogether(puppet, sizes)) assert.ok(packet.bytes.length <= 1480);
});

Deno.test("a SACK that waits goes with outgoing DATA, in front of it (sections 6.1 and 6.10)", () => {
  const puppet = connected();
  puppet.data();
  puppet.data({ ssn: 1 });
  assert.deepEqual(namesOf(puppet.submit(100)), ["SACK+DATA"]);
  assert.deepEqual(namesOf(puppet.wait(500)), [], "and needs no packet of its own");
});

Deno.test("a control chunk goes in front of DATA in the same packet (section 6.10)", () => {
  const puppet = connected();
  puppet.sendUndrained(encodeHeartbeat(new Uint8Array(8)));
  assert.deepEqual(namesOf(submitTogether(puppet, [10])), ["HEARTBEAT ACK+DATA"]);
});

Deno.test("a long list of gaps leaves no room for a scrap of a message", () => {
  const puppet = connected();
  puppet.data();
  const holes = Array.from({ length: 340 }, (_, i) => data(puppet.nextTsn + 1 + 2 * i));
  for (const hole of holes) puppet.send(hole);
  puppet.sendUndrained(data(puppet.nextTsn + 1 + 2 * 340));
  const packets = submitTogether(puppet, [4000]);
  for (const chunk of dataChunks(packets)) assert.ok(dataPayloadLength(chunk, 0) >= 256);
  assert.equal(packets[0].names, "SACK");
});

// Nagle.

Deno.test("a small message waits while another small packet is outstanding (section 6.1)", () => {
  const puppet = connected({ parameters: { noDelay: 0 } });
  assert.deepEqual(namesOf(puppet.submit(10)), ["DATA"]);
  assert.deepEqual(namesOf(puppet.submit(10)), []);
  assert.deepEqual(namesOf(puppet.submit(10)), []);
  assert.deepEqual(namesOf(puppet.ack(1)), ["DATA+DATA"]);
});

Deno.test("a full packet does not wait, and the rest of a long message neither", () => {
  const puppet = connected({ parameters: { noDelay: 0 } });
  puppet.submit(10);
  assert.deepEqual(namesOf(puppet.submit(2000)), ["DATA"]);
  const other = connected({ parameters: { noDelay: 0 } });
  assert.deepEqual(namesOf(other.submit(2000)), ["DATA", "DATA"]);
});

Deno.test("nothing waits when the user wants no delay, or the association is closing", () => {
  const puppet = connected();
  puppet.submit(10);
  assert.deepEqual(namesOf(puppet.submit(10)), ["DATA"]);
  const closing = connected({ parameters: { noDelay: 0 } });
  closing.submit(10);
  closing.submit(10);
  assert.deepEqual(namesOf(closing.shutdown()), ["DATA"]);
});

// The I bit.

Deno.test("the I bit is set on the last chunk of a message if the user asks (section 6.1)", () => {
  const chunks = dataChunks(connected().submit(2000, { immediate: true }));
  assert.deepEqual(chunks.map(flagsOf), ["B", "IE"]);
});

Deno.test("the I bit is set on the last chunk before a SHUTDOWN (section 6.1)", () => {
  const puppet = connected();
  const first = puppet.submit(5000);
  const closing = [...puppet.shutdown(), ...puppet.ack(dataChunks(first).length)];
  const flags = dataChunks([...first, ...closing]).map(flagsOf);
  assert.equal(flags.at(-1), "IE");
  assert.deepEqual(flags.slice(0, -1), ["B", "", ""]);
});

// Section 6.1, A: the peer's window.

Deno.test("nothing is sent beyond the peer's window, and no scrap into what is left of it (SWS)", () => {
  const puppet = connected({ init: { receiverWindow: 4000 } });
  const packets = puppet.submit(6000);
  assert.deepEqual(dataChunks(packets).map((chunk) => dataPayloadLength(chunk, 0)), [1452, 1452]);
  assert.equal(puppet.association.tx.peerWindow, 4000 - 2904);
});

Deno.test("a closed window is probed after an RTO, then ever more seldom, without errors (section 6.1, A)", () => {
  const puppet = connected({ parameters: { noDelay: 1, associationMaxRetrans: 2, heartbeat: 0 } });
  puppet.submit(100);
  puppet.ack(1, { window: 0 });
  assert.deepEqual(namesOf(puppet.submit(100)), []);
  const times: number[] = [];
  for (let i = 0; i < 7; i++) {
    let packets: SentPacket[] = [];
    while (packets.length === 0) packets = puppet.wait(50).filter(({ names }) => names === "DATA");
    times.push(packets[0].at);
    assert.deepEqual(puppet.offsets(packets), [1]);
    puppet.ack(1, { window: 0 });
  }
  const gaps = times.map((at, i) => Math.round((at - (times[i - 1] ?? 1000)) / 500) * 500);
  assert.deepEqual(gaps, [1000, 1000, 2000, 4000, 8000, 16_000, 32_000]);
  assert.equal(puppet.association.state, "ESTABLISHED");
  assert.equal(puppet.association.paths[0].errorCount, 0);
});

Deno.test("a probe that is given up makes no room in a closed window for new data", () => {
  const puppet = connected();
  puppet.submit(1000);
  puppet.ack(1, { window: 0 });
  puppet.submit(1000);
  puppet.submit(1000);
  for (let i = 0; i < 5; i++) {
    for (const offset of puppet.offsets(puppet.wait(5000))) assert.equal(offset, 1);
    puppet.ack(1, { window: 0 });
  }
});

Deno.test("a window that opens lets a dropped probe leave again at once", () => {
  const puppet = connected();
  puppet.submit(100);
  puppet.ack(1, { window: 0 });
  puppet.submit(100);
  assert.deepEqual(puppet.offsets(puppet.wait(1100)), [1]);
  puppet.ack(1, { window: 0 });
  assert.deepEqual(puppet.offsets(puppet.ack(1, { window: 50_000 })), [1]);
});

Deno.test("probes that nobody answers are errors: the peer is gone", () => {
  const puppet = connected({ parameters: { noDelay: 1, associationMaxRetrans: 3, heartbeat: 0 } });
  puppet.submit(100);
  puppet.ack(1, { window: 0 });
  puppet.submit(100);
  puppet.wait(120_000);
  assert.equal(puppet.subject.eventKinds.at(-1), "communication-lost");
});

Deno.test("data that waits before the association is up is not taken for a closed window", () => {
  const puppet = new Puppet({ parameters: { noDelay: 1, maxInitRetransmits: 20 } });
  puppet.beAsked();
  puppet.submit(100);
  puppet.wait(10_000);
  const { tx, paths } = puppet.association;
  assert.equal(tx.windowProbeDue, false);
  assert.equal(paths[0].timers.isRunning(PathTimer.T3Rtx), false);
});

Deno.test("the RTO of data counts from its sending, not from a probe that was planned before", () => {
  const puppet = connected({
    addresses: ["10.0.0.1", "10.0.1.1"],
    peers: ["10.0.0.2", "10.0.1.2"],
  });
  puppet.answerHeartbeats(puppet.wait(10));
  const [first, second] = puppet.association.paths;
  puppet.submit(100);
  puppet.ack(1, { window: 0 });
  puppet.submit(100);
  // The probe is planned on the first path; then data goes by the second, and returns.
  puppet.subject.do(() => puppet.association.setPrimary(second));
  puppet.wait(700);
  puppet.subject.do(() => puppet.association.setPrimary(first));
  assert.deepEqual(namesOf(puppet.send(sack(puppet.subjectTsn))), ["DATA"]);
  assert.equal(first.timers.deadlineOf(PathTimer.T3Rtx), puppet.subject.now + first.rto);
});

// Section 6.1, B to D: cwnd, retransmissions first, Max.Burst.

Deno.test("new data stops when cwnd is reached; one packet may pass it (section 6.1, B)", () => {
  const puppet = connected();
  puppet.submit(20_000);
  const [path] = puppet.association.paths;
  assert.equal(path.cwnd, 4404);
  assert.equal(path.flightSize, 3 * CHUNK);
});

Deno.test("what was lost goes before new data (section 6.1, C)", () => {
  const puppet = connected();
  puppet.submit(30_000);
  assert.deepEqual(puppet.offsets(puppet.wait(1000)), [0], "one packet after T3-rtx");
  assert.deepEqual(puppet.offsets(puppet.ack(1)), [1, 2]);
  assert.equal(puppet.offsets(puppet.ack(3))[0], 3);
});

Deno.test("a small new message does not overtake lost chunks that need packets of their own (section 6.1, C)", () => {
  const puppet = connected();
  for (let i = 0; i < 5; i++) puppet.submit(900);
  for (const last of [3, 4]) puppet.ack(0, { gaps: [[3, last]] });
  puppet.sendUndrained(sack(puppet.subjectTsn - 1, { gaps: [[3, 5]] }));
  assert.deepEqual(puppet.offsets(puppet.submit(100)), [0, 1, 5]);
});

Deno.test("after an idle time no more than Max.Burst packets leave at once (section 6.1, D)", () => {
  const puppet = connected({ parameters: { noDelay: 1, maxBurst: 4 } });
  grow(puppet, 20);
  puppet.wait(1500);
  assert.equal(puppet.submit(100_000).length, 4);
});

Deno.test("SACKs that come together release together: Max.Burst counts from all of them", () => {
  const puppet = connected();
  const sent = grow(puppet, 20);
  puppet.submit(200_000);
  puppet.sendUndrained(sack(puppet.subjectTsn + sent + 1));
  assert.equal(puppet.ack(sent + 4).length, 8, "four were acknowledged, and Max.Burst is four");
});

// Section 7.2.1: idle.

Deno.test("cwnd is halved for each RTO without data, down to four PMDCS (section 7.2.1)", () => {
  const puppet = connected({ parameters: { noDelay: 1, maxBurst: 100 } });
  const [path] = puppet.association.paths;
  const sent = grow(puppet, 40);
  const before = path.cwnd;
  puppet.wait(path.rto * 1.5);
  puppet.submit(100);
  assert.equal(path.cwnd, before / 2);
  assert.equal(path.ssthresh, before);
  puppet.ack(sent + 1);
  puppet.wait(path.rto * 20);
  puppet.submit(100);
  assert.equal(path.cwnd, 4 * CHUNK);
});

// Packets of unusual size.

Deno.test("jumbo packets never run over the end of the batch", () => {
  const puppet = connected({ parameters: { noDelay: 1, pathMtu: 65_535, maxBurst: 100 } });
  const packets = puppet.submit(1_000_000);
  assert.ok(packets.every(({ bytes }) => bytes.length <= 65_535 - 20));
  let sent = dataChunks(packets).length;
  for (let round = 0; puppet.association.bufferedBytes > 0 && round < 100; round++) {
    sent += dataChunks(puppet.ack(sent)).length;
  }
  assert.equal(puppet.association.bufferedBytes, 0);
});

Deno.test("chunks that a narrower PMTU has outgrown leave again as they are, each alone (section 6.9)", () => {
  const puppet = connected({ parameters: { noDelay: 1, pathMtu: 9000, pathMtuDiscovery: 0 } });
  const before = puppet.submit(20_000);
  assert.ok(before[0].bytes.length > 8900);
  puppet.subject.do((endpoint, now) =>
    endpoint.handleIcmp(now, {
      kind: "packet-too-big",
      local: puppet.association.paths[0].local,
      remote: puppet.association.paths[0].remote,
      mtu: 1400,
      quoted: before[0].bytes.slice(0, 40),
    })
  );
  assert.equal(puppet.association.paths[0].pmtu, 1400);
  const again = [...puppet.subject.take(), ...puppet.wait(1100)];
  assert.deepEqual(dataChunks(again)[0], dataChunks(before)[0], "not cut again");
  assert.equal(again[0].chunks.length, 1);
  puppet.ack(dataChunks(before).length);
  for (const { bytes } of puppet.submit(5000)) assert.ok(bytes.length <= 1380);
});

Deno.test("an answer as long as the longest packet fits the batch, or waits for the next one", () => {
  const puppet = new Puppet({ batchBytes: 70_000, batchPackets: 64 });
  puppet.connect();
  for (let i = 0; i < 3; i++) puppet.sendUndrained(encodeHeartbeat(new Uint8Array(40_000)));
  puppet.sendUndrained(encodeHeartbeat(new Uint8Array(65_480)));
  puppet.subject.drain();
  const answers = chunksOfType(puppet.subject.take(), ChunkType.HeartbeatAck);
  assert.deepEqual(answers.map(({ length }) => length), [40_008, 40_008, 40_008, 65_488]);
});

// RFC 8260, section 3: schedulers.

/** Queues a message of 100 bytes on each of these streams before anything can leave. */
function submitOn(puppet: Puppet, streams: readonly number[]): SentPacket[] {
  const { association } = puppet;
  puppet.subject.do((_, now) => {
    for (const stream of streams) {
      const options = { stream, ppid: 0, unordered: false, immediate: false };
      assert.ok(association.send(now, new Uint8Array(100), options));
    }
  });
  return puppet.subject.take();
}

/** The streams of each packet's DATA chunks. */
function streamsOf(packets: readonly SentPacket[]): string[] {
  return packets.map((packet) =>
    dataChunks([packet]).map((chunk) => dataStream(chunk, 0)).join(" ")
  );
}

Deno.test("round robin per packet bundles one stream only (RFC 8260, section 3.3)", () => {
  const puppet = connected();
  const streams = [0, 1, 0, 1];
  assert.deepEqual(streamsOf(submitOn(puppet, streams)), ["0 1 0 1"]);
  puppet.ack(4);
  puppet.association.setStreamScheduler("rr-pkt");
  assert.deepEqual(streamsOf(submitOn(puppet, streams)), ["0 0", "1 1"]);
});

Deno.test("the chosen scheduler and priorities outlive a restart of the peer", () => {
  const puppet = connected();
  puppet.association.setStreamScheduler("prio");
  puppet.association.setStreamValue(0, 1);
  puppet.association.beginNewIncarnation(puppet.subject.now, 7, tsn(7));
  assert.equal(puppet.association.streamScheduler, "prio");
  assert.equal(puppet.association.tx.queue.streamValue(0), 1);
});

Deno.test("a stream that cannot be, or a value, is refused in words", () => {
  const { association } = connected();
  const words = /cannot give stream 65536 the value 1: both take 0 to 65,535/;
  assert.throws(() => association.setStreamValue(65_536, 1), words);
  assert.throws(() => association.setStreamValue(1, -1), RangeError);
  assert.throws(() => association.setStreamValue(1, 0.5), RangeError);
});

// Section 6: states.

Deno.test("DATA leaves with COOKIE ECHO, then not before COOKIE ACK (sections 5.1, C and 6)", () => {
  const puppet = new Puppet({ parameters: { noDelay: 1 } });
  puppet.beAsked();
  assert.deepEqual(namesOf(puppet.submit(100)), []);
  assert.deepEqual(namesOf(puppet.answer()), ["COOKIE ECHO+DATA"]);
  assert.deepEqual(namesOf(puppet.submit(100)), []);
  assert.deepEqual(namesOf(puppet.send(encodeCookieAck())), ["DATA"]);
});

Deno.test("DATA that left with a lost COOKIE ECHO leaves with the next one", () => {
  const puppet = new Puppet({ parameters: { noDelay: 1 } });
  puppet.beAsked();
  puppet.submit(100);
  puppet.answer();
  const again = puppet.wait(1100);
  assert.deepEqual(namesOf(again), ["COOKIE ECHO+DATA"]);
  assert.deepEqual(puppet.offsets(again), [0]);
  puppet.send(encodeCookieAck());
  puppet.ack(1);
  assert.equal(puppet.association.bufferedBytes, 0);
});

Deno.test("in SHUTDOWN-RECEIVED what is queued still leaves, in other closing states nothing does", () => {
  const puppet = connected();
  puppet.submit(20_000);
  const more = puppet.send(encodeShutdown(tsn(puppet.subjectTsn + 2)));
  assert.equal(puppet.association.state, "SHUTDOWN-RECEIVED");
  assert.ok(dataChunks(more).length > 0);
  const sent = new Puppet();
  sent.bring("SHUTDOWN-SENT");
  assert.deepEqual(dataChunks(sent.send(rawChunk(0x80))), []);
});
