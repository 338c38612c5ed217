/** Graceful and abortive ends (RFC 9260, sections 9.1 and 9.2). */
import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import type { AssociationState } from "../phase.ts";
import { data, rawChunk, sack } from "../testing/chunks.ts";
import { PLAIN, Puppet } from "../testing/puppet.ts";
import { causeCodesOf, chunkOfType, chunksOfType, namesOf } from "../testing/sent_packet.ts";
import { AssociationTimer } from "../timer/timer_table.ts";
import { encodeAbort } from "../wire/abort.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { CauseCode, chunkCauses } from "../wire/error_cause.ts";
import { encodeHeartbeat } from "../wire/heartbeat.ts";
import { encodeShutdown, encodeShutdownComplete, shutdownCumulativeTsn } from "../wire/shutdown.ts";

const UP_STATES: AssociationState[] = [
  "ESTABLISHED",
  "SHUTDOWN-PENDING",
  "SHUTDOWN-SENT",
  "SHUTDOWN-RECEIVED",
  "SHUTDOWN-ACK-SENT",
];

function inState(state: AssociationState, noDelay = 1): Puppet {
  const puppet = new Puppet({ parameters: { noDelay } });
  puppet.bring(state);
  return puppet;
}

/** SHUTDOWN that acknowledges the first `count` TSNs. */
function shutdownAfter(puppet: Puppet, count: number): Uint8Array {
  return encodeShutdown(tsn(puppet.subjectTsn + count - 1));
}

function lost(puppet: Puppet) {
  const event = puppet.subject.events.at(-1);
  return event?.kind === "communication-lost" ? event.reason : undefined;
}

function assertGone(puppet: Puppet): void {
  assert.equal(puppet.subject.associations.length, 0);
  assert.equal(puppet.subject.nextTimeout, Infinity);
  assert.equal(puppet.subject.endpoint.pool.liveBytes, 0);
}

// Section 9.2: the side that begins.

Deno.test("SHUTDOWN leaves at once if nothing is outstanding; SHUTDOWN ACK completes (RFC 9260, section 9.2)", () => {
  const puppet = inState("ESTABLISHED");
  puppet.data();
  puppet.read();
  const [packet] = puppet.shutdown();
  assert.equal(packet.names, "SHUTDOWN");
  assert.equal(shutdownCumulativeTsn(packet.chunks[0], 0), 1000);
  assert.equal(puppet.association.state, "SHUTDOWN-SENT");
  const [complete] = puppet.acknowledgeShutdown();
  assert.equal(complete.names, "SHUTDOWN COMPLETE");
  assert.equal(complete.tag, puppet.tag);
  assert.equal(complete.chunks[0][1], 0, "no T bit");
  assert.equal(puppet.subject.eventKinds.at(-1), "shutdown-complete");
  assertGone(puppet);
});

Deno.test("SHUTDOWN waits until everything was acknowledged, gaps included (section 9.2)", () => {
  const puppet = inState("ESTABLISHED");
  puppet.submit(4000);
  assert.deepEqual(namesOf(puppet.shutdown()), []);
  assert.equal(puppet.association.state, "SHUTDOWN-PENDING");
  assert.deepEqual(namesOf(puppet.send(sack(puppet.subjectTsn - 1, { gaps: [[2, 3]] }))), []);
  assert.deepEqual(namesOf(puppet.ack(3)), ["SHUTDOWN"]);
});

Deno.test("messages are refused once a shutdown has begun, by either side (section 9.2)", () => {
  for (const state of UP_STATES.slice(1)) {
    const puppet = inState(state);
    assert.throws(
      () => puppet.association.send(puppet.subject.now, new Uint8Array(5), PLAIN),
      { name: "SendAfterShutdownError" },
      state,
    );
  }
});

Deno.test("lost SHUTDOWNs are sent again with the present Cumulative TSN, ever more seldom (section 9.2)", () => {
  const puppet = inState("SHUTDOWN-SENT");
  puppet.data();
  const again = puppet.wait(8000).filter(({ names }) => names === "SHUTDOWN");
  assert.deepEqual(again.map(({ at }) => at - 1000), [1000, 3000, 7000]);
  for (const { chunks } of again) assert.equal(shutdownCumulativeTsn(chunks[0], 0), 1000);
});

Deno.test("after Association.Max.Retrans SHUTDOWNs without answer the peer is unreachable (section 9.2)", () => {
  const puppet = new Puppet({ parameters: { associationMaxRetrans: 3 } });
  puppet.bring("SHUTDOWN-SENT");
  assert.equal(namesOf(puppet.wait(100_000)).filter((name) => name === "SHUTDOWN").length, 3);
  assert.deepEqual(lost(puppet), { kind: "unreachable", during: "shutdown" });
  assertGone(puppet);
});

Deno.test("DATA in SHUTDOWN-SENT is taken and answered with SHUTDOWN, each packet, and T2 starts anew", () => {
  const puppet = inState("SHUTDOWN-SENT");
  puppet.wait(900);
  const packets = puppet.data({ payload: 500 });
  assert.ok(packets[0].names.startsWith("SHUTDOWN"));
  assert.equal(shutdownCumulativeTsn(packets[0].chunks[0], 0), 1000);
  const { timers } = puppet.association;
  assert.equal(timers.deadlineOf(AssociationTimer.T2Shutdown), puppet.subject.now + 1000);
  assert.equal(puppet.read().bytes.length, 500);
});

Deno.test("gaps and duplicates in SHUTDOWN-SENT are answered with a SACK too (section 9.2)", () => {
  const puppet = inState("SHUTDOWN-SENT");
  assert.deepEqual(namesOf(puppet.send(data(1002, { ssn: 2 }))), ["SHUTDOWN+SACK"]);
  assert.deepEqual(namesOf(puppet.send(data(1002, { ssn: 2 }))), ["SHUTDOWN+SACK"]);
});

Deno.test("a peer that sends on and on keeps the retransmission count low (section 9.2)", () => {
  const puppet = new Puppet({ parameters: { associationMaxRetrans: 2, rtoMax: 1000 } });
  puppet.bring("SHUTDOWN-SENT");
  for (let i = 0; i < 12; i++) {
    puppet.wait(1500);
    puppet.data({ ssn: i });
  }
  assert.equal(puppet.association.state, "SHUTDOWN-SENT");
});

Deno.test("a reader that is slow in SHUTDOWN-SENT opens the window for the peer again", () => {
  const puppet = new Puppet({ listen: { parameters: { receiveBuffer: 4096 } } });
  puppet.bring("SHUTDOWN-SENT");
  for (let i = 0; i < 4; i++) puppet.data({ ssn: i, payload: 1000 });
  const { association } = puppet;
  puppet.read(1 << 16, association);
  puppet.read(1 << 16, association);
  const updates = puppet.subject.take();
  assert.ok(chunksOfType(updates, ChunkType.Sack).length >= 1, namesOf(updates).join());
});

// The side that is asked.

Deno.test("SHUTDOWN is answered with SHUTDOWN ACK if nothing is outstanding (section 9.2)", () => {
  const puppet = inState("ESTABLISHED");
  const packets = puppet.send(shutdownAfter(puppet, 0));
  assert.deepEqual(namesOf(packets), ["SHUTDOWN ACK"]);
  assert.equal(puppet.association.state, "SHUTDOWN-ACK-SENT");
  assert.ok(puppet.subject.eventKinds.includes("shutdown-received"));
  puppet.send(encodeShutdownComplete(false));
  assert.equal(puppet.subject.eventKinds.at(-1), "shutdown-complete");
  assertGone(puppet);
});

Deno.test("SHUTDOWN acknowledges DATA; what is left is delivered before the answer (section 9.2)", () => {
  const puppet = inState("ESTABLISHED");
  puppet.submit(4000);
  puppet.send(shutdownAfter(puppet, 2));
  assert.equal(puppet.association.state, "SHUTDOWN-RECEIVED");
  assert.equal(puppet.association.bufferedBytes, 4000 - 2 * 1452);
  const again = puppet.wait(1100);
  assert.deepEqual(puppet.offsets(again), [2], "lost DATA is sent again");
  assert.deepEqual(namesOf(puppet.ack(3)), ["SHUTDOWN ACK"]);
});

Deno.test("SHUTDOWN again, with more acknowledged, is heeded in SHUTDOWN-RECEIVED (section 9.2)", () => {
  const puppet = inState("SHUTDOWN-RECEIVED");
  assert.deepEqual(namesOf(puppet.send(shutdownAfter(puppet, 1))), ["SHUTDOWN ACK"]);
});

Deno.test("a request for shutdown is ignored in SHUTDOWN-RECEIVED (section 9.2)", () => {
  const puppet = inState("SHUTDOWN-RECEIVED");
  assert.deepEqual(puppet.shutdown(), []);
  assert.equal(puppet.association.state, "SHUTDOWN-RECEIVED");
});

Deno.test("DATA is not taken any more once SHUTDOWN was received (section 6)", () => {
  for (const state of ["SHUTDOWN-RECEIVED", "SHUTDOWN-ACK-SENT"] as const) {
    const puppet = inState(state);
    assert.deepEqual(puppet.data(), []);
    assert.equal(puppet.association.heldBytes, 0);
  }
});

Deno.test("SHUTDOWN in SHUTDOWN-PENDING: the peer was faster; our DATA is still delivered", () => {
  const puppet = inState("SHUTDOWN-PENDING");
  puppet.send(shutdownAfter(puppet, 0));
  assert.equal(puppet.association.state, "SHUTDOWN-RECEIVED");
  assert.deepEqual(namesOf(puppet.ack(1)), ["SHUTDOWN ACK"]);
});

Deno.test("SHUTDOWN ACK is sent again until SHUTDOWN COMPLETE comes, up to a limit (section 9.2)", () => {
  const puppet = new Puppet({ parameters: { associationMaxRetrans: 3 } });
  puppet.bring("SHUTDOWN-ACK-SENT");
  const again = puppet.wait(100_000);
  assert.deepEqual(namesOf(again), ["SHUTDOWN ACK", "SHUTDOWN ACK", "SHUTDOWN ACK"]);
  assert.deepEqual(lost(puppet), { kind: "unreachable", during: "shutdown" });
  assertGone(puppet);
});

Deno.test("when SHUTDOWN COMPLETE was lost, the peer's answer out of the blue completes (sections 8.4, 5 and 8.5.1, C)", () => {
  const puppet = inState("SHUTDOWN-ACK-SENT");
  const [again] = puppet.wait(1100);
  assert.equal(again.names, "SHUTDOWN ACK");
  puppet.sendIn({ tag: again.tag }, encodeShutdownComplete(true));
  assert.equal(puppet.subject.eventKinds.at(-1), "shutdown-complete");
  assertGone(puppet);
});

Deno.test("a SHUTDOWN ACK for an association that is gone is answered, so that the peer can end (section 8.4, 5)", () => {
  const puppet = inState("SHUTDOWN-SENT");
  puppet.acknowledgeShutdown();
  const [answer] = puppet.acknowledgeShutdown();
  assert.equal(answer.names, "SHUTDOWN COMPLETE");
  assert.equal(answer.tag, puppet.subjectTag);
  assert.equal(answer.chunks[0][1], 1);
});

// Both sides at once.

Deno.test("SHUTDOWN from both sides at once: each acknowledges the other's (section 9.2)", () => {
  const puppet = inState("SHUTDOWN-SENT");
  assert.deepEqual(namesOf(puppet.send(shutdownAfter(puppet, 0))), ["SHUTDOWN ACK"]);
  assert.equal(puppet.association.state, "SHUTDOWN-ACK-SENT");
  assert.deepEqual(namesOf(puppet.acknowledgeShutdown()), ["SHUTDOWN COMPLETE"]);
  assertGone(puppet);
});

// The guard.

Deno.test("T5-shutdown-guard bounds the shutdown: ABORT after five RTO.Max (section 9.2)", () => {
  const puppet = new Puppet({ parameters: { rtoMax: 2000, associationMaxRetrans: 1000 } });
  puppet.bring("SHUTDOWN-SENT");
  const packets = puppet.wait(10_001);
  assert.equal(packets.at(-1)?.names, "ABORT");
  assert.equal(packets.at(-1)?.at, 1000 + 10_000);
  assert.equal(lost(puppet)?.kind, "unreachable");
  assertGone(puppet);
});

// Chunks out of their state.

Deno.test("SHUTDOWN COMPLETE counts only in SHUTDOWN-ACK-SENT (section 9.2)", () => {
  for (
    const state of [
      "ESTABLISHED",
      "SHUTDOWN-PENDING",
      "SHUTDOWN-SENT",
      "SHUTDOWN-RECEIVED",
    ] as const
  ) {
    const puppet = inState(state);
    puppet.send(encodeShutdownComplete(false));
    assert.equal(puppet.association.state, state);
  }
});

Deno.test("SHUTDOWN ACK that nobody waits for is discarded", () => {
  for (const state of ["ESTABLISHED", "SHUTDOWN-PENDING", "SHUTDOWN-RECEIVED"] as const) {
    const puppet = inState(state);
    assert.deepEqual(puppet.acknowledgeShutdown(), []);
    assert.equal(puppet.association.state, state);
  }
});

Deno.test("a SHUTDOWN for DATA that was never sent ends the association", () => {
  const puppet = inState("ESTABLISHED");
  const packets = puppet.send(shutdownAfter(puppet, 5));
  assert.deepEqual(causeCodesOf(chunkOfType(packets, ChunkType.Abort)), [
    CauseCode.ProtocolViolation,
  ]);
  assertGone(puppet);
});

Deno.test("a HEARTBEAT is answered until SHUTDOWN or SHUTDOWN ACK was sent (section 8.3)", () => {
  for (const state of ["ESTABLISHED", "SHUTDOWN-PENDING", "SHUTDOWN-RECEIVED"] as const) {
    const answer = inState(state).send(encodeHeartbeat(new Uint8Array(4)));
    assert.deepEqual(namesOf(answer), ["HEARTBEAT ACK"], state);
  }
});

Deno.test("no HEARTBEAT is sent once SHUTDOWN or SHUTDOWN ACK was (section 8.3)", () => {
  for (const state of ["SHUTDOWN-SENT", "SHUTDOWN-ACK-SENT"] as const) {
    assert.ok(!namesOf(inState(state).wait(60_000)).includes("HEARTBEAT"), state);
  }
});

Deno.test("what was received before the end stays readable after a graceful one", () => {
  const puppet = inState("ESTABLISHED");
  puppet.data({ payload: 700 });
  puppet.data({ ssn: 1, payload: 300 });
  puppet.data({ ssn: 2, marks: "B" });
  const { association } = puppet;
  puppet.send(shutdownAfter(puppet, 0));
  puppet.send(encodeShutdownComplete(false));
  assert.equal(association.state, "CLOSED");
  assert.equal(association.readableBytes, 1000);
  assert.equal(puppet.read(1 << 16, association).bytes.length, 700);
  assert.equal(puppet.read(1 << 16, association).bytes.length, 300);
  assertGone(puppet);
});

Deno.test("commands on an association that is over do nothing", () => {
  const puppet = inState("ESTABLISHED");
  const { association } = puppet;
  const [path] = association.paths;
  puppet.send(encodeAbort(false, []));
  puppet.subject.do((_, now) => {
    association.shutdown(now);
    association.abort(now);
    association.requestHeartbeat(now, path);
    association.setPrimary(path);
    association.discardReceived();
  });
  assert.deepEqual(puppet.subject.take(), []);
  assertGone(puppet);
});

// Section 9.1: ABORT.

Deno.test("the user's abort leaves with the reason given, alone, and everything is forgotten (section 9.1)", () => {
  const puppet = inState("ESTABLISHED");
  puppet.submit(3000);
  puppet.data({ payload: 500 });
  const reason = new TextEncoder().encode("enough");
  const { association } = puppet;
  puppet.subject.do((_, now) => association.abort(now, reason));
  const packets = puppet.subject.take();
  assert.deepEqual(namesOf(packets), ["ABORT"]);
  assert.equal(packets[0].tag, puppet.tag);
  assert.deepEqual(chunkCauses(packets[0].chunks[0], 0), [
    { code: CauseCode.UserInitiatedAbort, reason },
  ]);
  assert.deepEqual(lost(puppet), { kind: "aborted-locally" });
  assertGone(puppet);
});

Deno.test("the peer's reason for an ABORT reaches the user (section 9.1)", () => {
  const puppet = inState("ESTABLISHED");
  const reason = new TextEncoder().encode("bye");
  const cause = { code: CauseCode.UserInitiatedAbort, reason } as const;
  assert.deepEqual(puppet.send(encodeAbort(false, [cause])), []);
  assert.deepEqual(lost(puppet), { kind: "aborted-by-peer", causes: [cause] });
  assertGone(puppet);
});

Deno.test("an ABORT ends the association in every state", () => {
  for (const state of ["COOKIE-WAIT", "COOKIE-ECHOED", ...UP_STATES] as const) {
    const puppet = inState(state);
    assert.deepEqual(puppet.send(encodeAbort(false, [])), []);
    assertGone(puppet);
  }
});

Deno.test("an abort before the peer's tag is known sends nothing", () => {
  const puppet = inState("COOKIE-WAIT");
  const { association } = puppet;
  puppet.subject.do((_, now) => association.abort(now));
  assert.deepEqual(puppet.subject.take(), []);
  assertGone(puppet);
});

Deno.test("an ABORT with broken causes is still an ABORT", () => {
  const puppet = inState("ESTABLISHED");
  puppet.send(rawChunk(ChunkType.Abort, 0, Uint8Array.of(0, 12, 0, 200, 1)));
  assert.equal(lost(puppet)?.kind, "aborted-by-peer");
});
