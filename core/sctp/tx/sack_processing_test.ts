/** What SACKs do to the sender, seen from its peer (RFC 9260, sections 6.2.1, 6.3 and 7.2.4). */
import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import { data, sack } from "../testing/chunks.ts";
import { Puppet, type PuppetOptions } from "../testing/puppet.ts";
import { causeCodesOf, namesOf } from "../testing/sent_packet.ts";
import { PathTimer } from "../timer/timer_table.ts";
import { CauseCode } from "../wire/error_cause.ts";
import { encodeShutdown } from "../wire/shutdown.ts";

/** A subject that has `count` full packets in flight, as TSNs 0 to count - 1. */
function sending(count: number, options: PuppetOptions = {}): Puppet {
  const puppet = new Puppet({ parameters: { noDelay: 1, maxBurst: 100 }, ...options });
  puppet.connect();
  // Enough acknowledged data makes the window large enough.
  let sent = 0;
  while (puppet.association.paths[0].cwnd < (count + 2) * 1468) {
    for (let i = 0; i < 40; i++) sent += puppet.offsets(puppet.submit(1452)).length;
    for (let acked = 0; acked < sent;) {
      acked = Math.min(sent, acked + 8);
      sent += puppet.offsets(puppet.ack(acked)).length;
    }
  }
  puppet.subjectTsn = tsn(puppet.subjectTsn + sent);
  for (let i = 0; i < count; i++) assert.deepEqual(puppet.offsets(puppet.submit(1452)), [i]);
  return puppet;
}

/** A SACK for the TSNs before `cumulative`, and for the ranges, all counted from 0. */
function ackOf(puppet: Puppet, cumulative: number, ...ranges: [number, number][]): number[] {
  const gaps = ranges.map(([first, last]) =>
    [first - cumulative + 1, last - cumulative + 1] as const
  );
  return puppet.offsets(puppet.ack(cumulative, { gaps }));
}

function t3(puppet: Puppet): number {
  return puppet.association.paths[0].timers.deadlineOf(PathTimer.T3Rtx);
}

Deno.test("a Cumulative TSN Ack releases what it covers, and no more", () => {
  const puppet = sending(4);
  ackOf(puppet, 2);
  assert.equal(puppet.association.bufferedBytes, 2 * 1452);
  assert.equal(puppet.association.paths[0].flightSize, 2 * 1468);
  ackOf(puppet, 4);
  assert.equal(puppet.association.bufferedBytes, 0);
});

Deno.test("a Gap Ack Block takes chunks out of flight and keeps them (RFC 9260, section 7.1)", () => {
  const puppet = sending(4);
  ackOf(puppet, 0, [1, 2]);
  assert.equal(puppet.association.bufferedBytes, 4 * 1452);
  assert.equal(puppet.association.paths[0].flightSize, 2 * 1468);
});

Deno.test("a SACK older than one before is dropped (section 6.2.1, D i)", () => {
  const puppet = sending(4);
  ackOf(puppet, 2);
  puppet.ack(1, { window: 0 });
  assert.equal(puppet.subject.endpoint.metrics.dropped["old-sack"], 1);
  assert.ok(puppet.association.tx.peerWindow > 0);
});

Deno.test("rwnd is the announced window minus what is still in flight (section 6.2.1, D ii)", () => {
  const puppet = sending(4);
  puppet.ack(1, { window: 10_000, gaps: [[2, 2]] });
  assert.equal(puppet.association.tx.peerWindow, 10_000 - 2 * 1452);
});

Deno.test("a SACK for a TSN that was never sent ends the association", () => {
  const puppet = sending(2);
  const packets = puppet.ack(3);
  assert.deepEqual(namesOf(packets), ["ABORT"]);
  assert.deepEqual(causeCodesOf(packets[0].chunks[0]), [CauseCode.ProtocolViolation]);
  assert.equal(puppet.subject.associations.length, 0);
  assert.equal(puppet.subject.endpoint.pool.liveBytes, 0);
});

Deno.test("Gap Ack Blocks that cannot be are not believed, nor those behind them", () => {
  const wrong: [number, number][][] = [
    [[1, 1]],
    [[3, 2]],
    [[2, 9]],
    [[0, 0]],
    [[3, 3], [2, 2]],
    [[2, 3], [4, 4]],
    [[60_000, 65_535]],
  ];
  for (const gaps of wrong) {
    const puppet = sending(4);
    puppet.ack(0, { gaps });
    const believed = gaps.length > 1 ? gaps[0][1] - gaps[0][0] + 1 : 0;
    assert.equal(
      puppet.association.paths[0].flightSize,
      (4 - believed) * 1468,
      JSON.stringify(gaps),
    );
  }
});

Deno.test("a SACK whose counts do not fit its length is dropped", () => {
  const puppet = sending(2);
  const chunk = sack(puppet.subjectTsn + 1);
  for (const [index, value] of [[13, 1], [12, 255], [15, 1], [14, 255]]) {
    const wrong = chunk.slice();
    wrong[index] = value;
    puppet.send(wrong);
  }
  assert.equal(puppet.subject.endpoint.metrics.dropped["malformed-chunk"], 4);
  assert.equal(puppet.association.paths[0].flightSize, 2 * 1468);
});

// Section 6.3.2: the timer.

Deno.test("T3-rtx starts with the first chunk and is not moved by those behind it (section 6.3.2, R1)", () => {
  const puppet = sending(1);
  const deadline = t3(puppet);
  assert.equal(deadline, puppet.subject.now + 1000);
  puppet.wait(100);
  puppet.submit(1452);
  assert.equal(t3(puppet), deadline);
});

Deno.test("T3-rtx stops when everything was acknowledged (R2)", () => {
  const puppet = sending(3);
  ackOf(puppet, 3);
  assert.equal(t3(puppet), Infinity);
});

Deno.test("T3-rtx restarts when the earliest chunk was acknowledged, and only then (R3)", () => {
  const puppet = sending(4);
  const before = t3(puppet);
  puppet.wait(100);
  ackOf(puppet, 0, [2, 2]);
  assert.equal(t3(puppet), before);
  ackOf(puppet, 1, [2, 2]);
  assert.equal(t3(puppet), puppet.subject.now + 1000);
});

Deno.test("T3-rtx restarts on progress although the earliest chunk arrived after it was given up", () => {
  const puppet = sending(6);
  for (const last of [2, 3, 4]) {
    puppet.sendUndrained(
      sack(puppet.subjectTsn - 1, { gaps: [[2, last]] }),
    );
  }
  // Chunk 0 is marked; before it is sent again its acknowledgement comes.
  puppet.sendUndrained(sack(puppet.subjectTsn + 3));
  puppet.subject.drain();
  puppet.wait(300);
  ackOf(puppet, 5);
  assert.equal(t3(puppet), puppet.subject.now + 1000);
  puppet.wait(900);
  assert.equal(puppet.association.metrics.timeouts, 0);
});

Deno.test("what a SACK no longer reports is in flight again, and T3-rtx runs for it (R4; 6.2.1, D iii)", () => {
  const puppet = sending(4);
  ackOf(puppet, 0, [1, 3]);
  assert.equal(puppet.association.paths[0].flightSize, 1468);
  ackOf(puppet, 0, [3, 3]);
  assert.equal(puppet.association.paths[0].flightSize, 3 * 1468);
  assert.notEqual(t3(puppet), Infinity);
  const again = puppet.wait(1100);
  assert.deepEqual(puppet.offsets(again), [0]);
  assert.deepEqual(ackOf(puppet, 1, [3, 3]), [1, 2], "then as cwnd allows");
});

Deno.test("reneging counts one miss: two more make the chunk lost (section 6.2.1, D iii)", () => {
  const puppet = sending(8);
  ackOf(puppet, 1, [4, 4]);
  ackOf(puppet, 1, [2, 2]);
  assert.deepEqual(ackOf(puppet, 1, [2, 2], [5, 5]), [1]);
  assert.deepEqual(ackOf(puppet, 1, [2, 2], [5, 6]), [3, 4]);
});

// Section 7.2.4: fast retransmit.

Deno.test("the third miss sends a chunk again at once, whatever cwnd says (section 7.2.4)", () => {
  const puppet = sending(6);
  assert.deepEqual(ackOf(puppet, 0, [1, 1]), []);
  assert.deepEqual(ackOf(puppet, 0, [1, 2]), []);
  assert.deepEqual(ackOf(puppet, 0, [1, 3]), [0]);
  const [path] = puppet.association.paths;
  assert.equal(path.metrics.fastRetransmits, 1);
  assert.equal(puppet.association.metrics.fastRecoveries, 1);
});

Deno.test("only TSNs below the highest newly acknowledged one are missed (HTNA)", () => {
  const puppet = sending(8);
  // 0 is missing; 1 and 5 have arrived: then 2 arrives, which says nothing of 3 and 4.
  ackOf(puppet, 0, [1, 1], [5, 5]);
  ackOf(puppet, 0, [1, 2], [5, 5]);
  assert.deepEqual(ackOf(puppet, 0, [1, 2], [5, 6]), [0]);
  assert.deepEqual(ackOf(puppet, 0, [1, 2], [5, 7]), [3, 4]);
});

Deno.test("a SACK that acknowledges nothing new is no miss", () => {
  const puppet = sending(4);
  for (let i = 0; i < 10; i++) assert.deepEqual(ackOf(puppet, 0, [1, 1]), []);
});

Deno.test("in Fast Recovery a SACK that moves the Cumulative TSN counts for all gaps", () => {
  const puppet = sending(10);
  for (const last of [3, 4, 5]) ackOf(puppet, 0, [2, last]);
  // 0 and 1 were sent again; 6 is lost as well, 9 has arrived.
  assert.deepEqual(ackOf(puppet, 1, [2, 5], [9, 9]), []);
  assert.deepEqual(ackOf(puppet, 2, [3, 5], [9, 9]), []);
  assert.deepEqual(ackOf(puppet, 6, [9, 9]), [6, 7, 8]);
});

Deno.test("a chunk is retransmitted fast only once; the next time T3-rtx has to expire (section 7.2.4, 5)", () => {
  const puppet = sending(10);
  for (const last of [1, 2, 3]) ackOf(puppet, 0, [1, last]);
  for (const last of [4, 5, 6, 7, 8]) assert.deepEqual(ackOf(puppet, 0, [1, last]), []);
  assert.deepEqual(puppet.offsets(puppet.wait(1100)), [0]);
  assert.equal(puppet.association.metrics.timeouts, 1);
});

Deno.test("after T3-rtx a chunk may be retransmitted fast again", () => {
  const puppet = sending(10);
  for (const last of [1, 2, 3]) ackOf(puppet, 0, [1, last]);
  assert.deepEqual(puppet.offsets(puppet.wait(1100)), [0]);
  ackOf(puppet, 0, [1, 4]);
  ackOf(puppet, 0, [1, 5]);
  assert.deepEqual(ackOf(puppet, 0, [1, 6])[0], 0);
});

Deno.test("the window is halved once per Fast Recovery, after the SACK's own growth (section 7.2.4, 6)", () => {
  const puppet = sending(12);
  const [path] = puppet.association.paths;
  const before = path.cwnd;
  for (const last of [1, 2, 3]) ackOf(puppet, 0, [1, last]);
  const reduced = path.cwnd;
  assert.equal(reduced, before / 2);
  assert.equal(path.ssthresh, reduced);
  // Another hole in the same window.
  for (const last of [6, 7, 8, 9]) ackOf(puppet, 1, [1, 4], [6, last]);
  assert.equal(path.cwnd, reduced);
  assert.equal(puppet.association.metrics.fastRecoveries, 1);
});

Deno.test("Fast Recovery ends with the highest TSN that was outstanding when it began (section 7.2.4, 6)", () => {
  const puppet = sending(6);
  for (const last of [1, 2, 3]) ackOf(puppet, 0, [1, last]);
  ackOf(puppet, 5);
  assert.ok(puppet.association.tx.inFastRecovery);
  ackOf(puppet, 6);
  assert.ok(!puppet.association.tx.inFastRecovery);
});

Deno.test("T3-rtx restarts with a fast retransmission of the earliest chunk (section 7.2.4, 4)", () => {
  const puppet = sending(6);
  puppet.wait(300);
  for (const last of [1, 2, 3]) ackOf(puppet, 0, [1, last]);
  assert.equal(t3(puppet), puppet.subject.now + 1000);
});

Deno.test("one packet of chunks is sent again at once, the others as cwnd allows (section 7.2.4, 3)", () => {
  const puppet = sending(20);
  const [path] = puppet.association.paths;
  const before = path.cwnd;
  ackOf(puppet, 0, [10, 10]);
  ackOf(puppet, 0, [10, 11]);
  const sent = ackOf(puppet, 0, [10, 12]);
  // Ten chunks left the flight, so the halved window has room for some of them.
  assert.equal(sent[0], 0);
  assert.ok(path.flightSize <= Math.max(before / 2, 1468) + 1468);
  assert.deepEqual(sent, sent.map((_, i) => i), "lowest first");
});

// Section 6.3.1, C5: Karn.

Deno.test("the RTT is measured once a round trip (section 6.3.1, C4)", () => {
  const puppet = sending(3, { parameters: { noDelay: 1, rtoMin: 500, maxBurst: 100 } });
  const [path] = puppet.association.paths;
  path.rtt.reset();
  puppet.wait(80);
  ackOf(puppet, 1);
  assert.equal(path.srtt, 80);
  puppet.wait(50);
  ackOf(puppet, 2);
  assert.equal(path.srtt, 80, "the second chunk was sent before the measurement ended");
});

Deno.test("a chunk that was sent again gives no measurement, nor one sent before it (C5)", () => {
  const puppet = sending(4);
  const [path] = puppet.association.paths;
  path.rtt.reset();
  puppet.wait(200);
  for (const last of [1, 2, 3]) ackOf(puppet, 0, [1, last]);
  puppet.wait(100);
  ackOf(puppet, 4);
  assert.equal(path.rtt.hasSample, false);
  puppet.submit(100);
  puppet.wait(70);
  ackOf(puppet, 5);
  assert.equal(path.srtt, 70, "new data is measured again");
});

Deno.test("a chunk gives no measurement if one before it was sent again meanwhile (C5)", () => {
  const puppet = sending(4);
  const [path] = puppet.association.paths;
  ackOf(puppet, 1);
  path.rtt.reset();
  // The next measurement starts with chunk 4; then chunk 1 is lost.
  puppet.submit(1452);
  puppet.wait(100);
  for (const last of [2, 3]) ackOf(puppet, 1, [2, last]);
  assert.equal(path.rttTsn, tsn(puppet.subjectTsn + 4));
  for (let i = 0; i < 3; i++) puppet.submit(1452);
  assert.deepEqual(ackOf(puppet, 1, [2, 3], [5, 5]), [1]);
  puppet.wait(100);
  ackOf(puppet, 8);
  assert.equal(path.rtt.hasSample, false);
});

Deno.test("a chunk that was given up and arrived after all does not end measuring", () => {
  const puppet = sending(6);
  const [path] = puppet.association.paths;
  path.rtt.reset();
  for (const last of [2, 3, 4]) {
    puppet.sendUndrained(sack(puppet.subjectTsn - 1, { gaps: [[2, last]] }));
  }
  puppet.sendUndrained(sack(puppet.subjectTsn + 5));
  puppet.subject.drain();
  puppet.submit(100);
  puppet.wait(60);
  ackOf(puppet, 7);
  assert.ok(path.rtt.hasSample);
});

// Bookkeeping of the user's view.

Deno.test("a refused send is followed by one notification when there is room", () => {
  const parameters = { noDelay: 1, maxBurst: 100, sendBuffer: 10_000 };
  const puppet = new Puppet({ parameters });
  puppet.connect();
  for (let i = 0; i < 7; i++) puppet.submit(1400);
  assert.throws(() => puppet.submit(1400), /no room/);
  const writables = () => puppet.subject.eventKinds.filter((kind) => kind === "writable").length;
  ackOf(puppet, 1);
  assert.equal(writables(), 0, "a quarter of the buffer has to be free");
  ackOf(puppet, 3);
  assert.equal(writables(), 1);
  ackOf(puppet, 7);
  assert.equal(writables(), 1);
});

Deno.test("an old SHUTDOWN brings no dead path back to life", () => {
  const puppet = new Puppet({
    addresses: ["10.0.0.1", "10.0.1.1"],
    peers: ["10.0.0.2", "10.0.1.2"],
    parameters: { pathMaxRetrans: 0, noDelay: 1 },
  });
  puppet.connect();
  puppet.answerHeartbeats(puppet.wait(10));
  puppet.submit(100);
  puppet.ack(1);
  puppet.submit(100);
  puppet.wait(1500);
  const [path] = puppet.association.paths;
  assert.equal(path.status, "inactive");
  puppet.send(encodeShutdown(tsn(puppet.subjectTsn - 1)));
  assert.equal(path.status, "inactive");
});

Deno.test("a SHUTDOWN that takes back what a gap block reported puts it in flight again", () => {
  const puppet = sending(3);
  ackOf(puppet, 0, [1, 2]);
  puppet.send(encodeShutdown(tsn(puppet.subjectTsn)));
  assert.equal(puppet.association.state, "SHUTDOWN-RECEIVED");
  assert.equal(puppet.association.paths[0].flightSize, 2 * 1468);
  assert.deepEqual(puppet.offsets(puppet.wait(1100)), [1]);
});

Deno.test("DATA and a SACK in one packet are both taken", () => {
  const puppet = sending(2);
  const packets = puppet.send(sack(puppet.subjectTsn + 1), data(puppet.nextTsn));
  assert.deepEqual(namesOf(packets), ["SACK"]);
  assert.equal(puppet.association.bufferedBytes, 0);
});

Deno.test("who waits for the sender to run dry is told once, when the last byte is acknowledged", () => {
  const puppet = new Puppet({ parameters: { noDelay: 1, maxBurst: 100 } });
  puppet.connect();
  const dry = () => puppet.subject.eventKinds.filter((kind) => kind === "sender-dry").length;
  for (let i = 0; i < 3; i++) puppet.submit(100);
  puppet.association.notifyWhenDry();
  ackOf(puppet, 2);
  assert.equal(dry(), 0);
  ackOf(puppet, 3);
  assert.equal(dry(), 1);
  puppet.submit(100);
  ackOf(puppet, 4);
  assert.equal(dry(), 1, "it is asked for each time");
  puppet.association.notifyWhenDry();
  puppet.subject.drain();
  assert.equal(dry(), 2, "at once if there is nothing to wait for");
});
