/** Setup chunks for an association that exists: collision, restart, strays (RFC 9260, section 5.2). */
import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import type { AssociationState } from "../phase.ts";
import { data, init, rawChunk } from "../testing/chunks.ts";
import { Puppet, PUPPET_PORT, readInit, SUBJECT_PORT } from "../testing/puppet.ts";
import {
  causeCodesOf,
  chunkOfType,
  chunksOfType,
  namesOf,
  type SentPacket,
} from "../testing/sent_packet.ts";
import { address } from "../testing/test_endpoint.ts";
import { AssociationTimer } from "../timer/timer_table.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { encodeCookieAck, encodeCookieEcho } from "../wire/cookie.ts";
import { CauseCode, chunkCauses } from "../wire/error_cause.ts";
import type { InitFields } from "../wire/init.ts";
import { encodeShutdown } from "../wire/shutdown.ts";

const OTHER_TAG = 0x0dd_ba11;
const TWO = { addresses: ["10.0.0.1", "10.0.1.1"], peers: ["10.0.0.2", "10.0.1.2"] };

/** Sends an INIT as a restarted puppet would; returns the answer. */
function restartInit(puppet: Puppet, fields: Partial<InitFields> = {}): SentPacket[] {
  return puppet.sendIn(
    { tag: 0 },
    init({ initiateTag: OTHER_TAG, initialTsn: tsn(9000), ...fields }),
  );
}

/** Takes over what the restarted puppet has learned, and echoes the cookie. */
function restartEcho(puppet: Puppet, answer: SentPacket[], ...more: Uint8Array[]): SentPacket[] {
  puppet.learn(answer);
  puppet.tag = OTHER_TAG;
  puppet.nextTsn = 9000;
  return puppet.send(encodeCookieEcho(puppet.cookie), ...more);
}

function cookieIn(packets: SentPacket[]) {
  const { stateCookie, initiateTag } = readInit(chunkOfType(packets, ChunkType.InitAck));
  assert.ok(stateCookie);
  return { cookie: encodeCookieEcho(stateCookie), tag: initiateTag };
}

// Section 5.2.1: collision.

for (const state of ["COOKIE-WAIT", "COOKIE-ECHOED"] as const) {
  Deno.test(`INIT in ${state} is answered with the parameters of our INIT, and changes nothing (RFC 9260, section 5.2.1)`, () => {
    const puppet = new Puppet();
    const own = readInit(chunkOfType(puppet.beAsked(), ChunkType.Init));
    if (state === "COOKIE-ECHOED") puppet.answer();
    const [timer, deadline] = timerOf(puppet, state);
    const packets = puppet.sendIn({ tag: 0 }, init({ initiateTag: OTHER_TAG }));
    assert.deepEqual(namesOf(packets), ["INIT ACK"]);
    assert.equal(packets[0].tag, OTHER_TAG);
    const answer = readInit(packets[0].chunks[0]);
    assert.equal(answer.initiateTag, own.initiateTag);
    assert.equal(answer.initialTsn, own.initialTsn);
    assert.equal(puppet.association.state, state);
    assert.equal(puppet.association.timers.deadlineOf(timer), deadline, "the timer runs on");
  });
}

function timerOf(puppet: Puppet, state: AssociationState): [number, number] {
  const timer = state === "COOKIE-WAIT" ? AssociationTimer.T1Init : AssociationTimer.T1Cookie;
  return [timer, puppet.association.timers.deadlineOf(timer)];
}

Deno.test("the INIT ACK of a collision goes to an address that the user named (section 5.2.1, rule 1)", () => {
  const puppet = new Puppet(TWO);
  puppet.subject.do((endpoint, now) =>
    endpoint.associate(now, {
      localPort: SUBJECT_PORT,
      remotePort: PUPPET_PORT,
      remoteAddresses: [address("10.0.0.2")],
    })
  );
  puppet.subject.take();
  const packets = puppet.sendIn(
    { tag: 0, from: "10.0.1.2", to: "10.0.1.1" },
    init({ addresses: TWO.peers.map(address) }),
  );
  assert.deepEqual(packets.map(({ names, to }) => [names, to]), [["INIT ACK", "10.0.0.2"]]);
});

Deno.test("INIT with a new address in COOKIE-ECHOED is refused, and changes nothing (section 5.2.1)", () => {
  const puppet = new Puppet();
  puppet.beAsked();
  puppet.answer();
  const packets = puppet.sendIn({ tag: 0 }, init({ addresses: [address("10.0.0.3")] }));
  assert.deepEqual(namesOf(packets), ["ABORT"]);
  assert.deepEqual(causeCodesOf(packets[0].chunks[0]), [CauseCode.RestartWithNewAddresses]);
  assert.equal(puppet.association.state, "COOKIE-ECHOED");
});

// Section 5.2.4, table 12.

Deno.test("table 12, B: a cookie with our tag and another peer's tag resolves a collision in COOKIE-WAIT", () => {
  const puppet = new Puppet();
  puppet.beAsked();
  const { cookie } = cookieIn(puppet.sendIn({ tag: 0 }, init()));
  const packets = puppet.send(cookie);
  assert.deepEqual(namesOf(packets), ["COOKIE ACK"]);
  assert.equal(packets[0].tag, puppet.tag);
  assert.equal(puppet.association.state, "ESTABLISHED");
  assert.equal(puppet.association.peerTag, puppet.tag);
  assert.deepEqual(puppet.subject.eventKinds, ["communication-up"]);
  puppet.data();
  assert.equal(puppet.read().bytes.length, 10);
});

Deno.test("table 12, B: in COOKIE-ECHOED the peer's tag is replaced by that of the cookie", () => {
  const puppet = new Puppet();
  puppet.beAsked();
  puppet.answer();
  const { cookie } = cookieIn(puppet.sendIn({ tag: 0 }, init({ initiateTag: OTHER_TAG })));
  const packets = puppet.send(cookie);
  assert.deepEqual(namesOf(packets), ["COOKIE ACK"]);
  assert.equal(packets[0].tag, OTHER_TAG);
  assert.equal(puppet.association.state, "ESTABLISHED");
  assert.deepEqual(puppet.subject.eventKinds, ["communication-up"]);
});

Deno.test("table 12, B: DATA that left with COOKIE ECHO is sent again with the new tag", () => {
  const puppet = new Puppet();
  puppet.beAsked();
  puppet.submit(100);
  assert.deepEqual(namesOf(puppet.answer()), ["COOKIE ECHO+DATA"]);
  const { cookie } = cookieIn(puppet.sendIn({ tag: 0 }, init({ initiateTag: OTHER_TAG })));
  puppet.send(cookie);
  const again = puppet.wait(5000).filter(({ names }) => names === "DATA");
  assert.equal(again[0].tag, OTHER_TAG);
});

Deno.test("table 12, C: our own cookie that arrives late, with an old tag of ours, is discarded", () => {
  const puppet = new Puppet();
  const late = cookieIn(puppet.requestInitAck());
  puppet.beAsked();
  puppet.answer();
  const [timer, deadline] = timerOf(puppet, "COOKIE-ECHOED");
  assert.deepEqual(puppet.sendIn({ tag: late.tag }, late.cookie), []);
  assert.equal(puppet.association.state, "COOKIE-ECHOED");
  assert.equal(puppet.association.timers.deadlineOf(timer), deadline);
});

Deno.test("table 12, D: both tags match in COOKIE-ECHOED: the association is up", () => {
  const puppet = new Puppet();
  puppet.beAsked();
  const { cookie } = cookieIn(puppet.sendIn({ tag: 0 }, init()));
  puppet.answer();
  assert.deepEqual(namesOf(puppet.send(cookie)), ["COOKIE ACK"]);
  assert.equal(puppet.association.state, "ESTABLISHED");
});

Deno.test("table 12, D: the COOKIE ECHO again, as its COOKIE ACK was lost: COOKIE ACK again, nothing else", () => {
  const puppet = new Puppet();
  puppet.connect();
  puppet.data();
  const before = puppet.association.heldBytes;
  assert.deepEqual(namesOf(puppet.send(encodeCookieEcho(puppet.cookie))), ["COOKIE ACK"]);
  assert.equal(puppet.association.heldBytes, before);
  assert.deepEqual(puppet.subject.eventKinds, ["path-status", "communication-up", "readable"]);
});

Deno.test("a repeated COOKIE ECHO is answered where it came from, as the first path may be dead", () => {
  const puppet = new Puppet(TWO);
  puppet.connect();
  const other = { from: "10.0.1.2", to: "10.0.1.1" };
  const [answer] = puppet.sendIn(other, encodeCookieEcho(puppet.cookie));
  assert.equal(answer.to, "10.0.1.2");
  // Section 5.4: to an address that is not confirmed only together with a HEARTBEAT.
  assert.equal(answer.names, "COOKIE ACK+HEARTBEAT");
});

Deno.test("a stale cookie is taken if both tags match, and reported if they do not (section 5.2.4, 3)", () => {
  const puppet = new Puppet({ parameters: { validCookieLife: 1000 } });
  puppet.connect();
  const other = cookieIn(restartInit(puppet));
  puppet.subject.advance(1500);
  assert.deepEqual(namesOf(puppet.send(encodeCookieEcho(puppet.cookie))), ["COOKIE ACK"]);
  const packets = puppet.sendIn({ tag: other.tag }, other.cookie);
  assert.deepEqual(namesOf(packets), ["ERROR"]);
  assert.equal(packets[0].tag, OTHER_TAG);
  const [cause] = chunkCauses(packets[0].chunks[0], 0);
  assert.deepEqual(cause, { code: CauseCode.StaleCookie, staleness: 500_000 });
  assert.equal(puppet.association.state, "ESTABLISHED");
});

Deno.test("cases that table 12 does not show are discarded", () => {
  // Local X, peer M, ties M: an INIT with the peer's present tag.
  const same = new Puppet();
  same.connect();
  const first = cookieIn(same.sendIn({ tag: 0 }, init()));
  assert.deepEqual(same.sendIn({ tag: first.tag }, first.cookie), []);
  // Local X, peer X, ties 0: a cookie from before the association.
  const old = new Puppet();
  const second = cookieIn(old.requestInitAck({ initiateTag: OTHER_TAG }));
  old.beAsked();
  old.answer();
  assert.deepEqual(old.sendIn({ tag: second.tag }, second.cookie), []);
  for (const puppet of [same, old]) {
    assert.equal(puppet.subject.endpoint.metrics.dropped["unexpected-chunk"], 1);
  }
});

// Section 5.2.4, action A: restart.

Deno.test("INIT for an association that is up is answered with a new tag and changes nothing (section 5.2.2)", () => {
  const puppet = new Puppet();
  puppet.connect();
  const before = puppet.association.localTag;
  const packets = restartInit(puppet);
  assert.equal(packets[0].tag, OTHER_TAG);
  const answer = readInit(chunkOfType(packets, ChunkType.InitAck));
  assert.notEqual(answer.initiateTag, before);
  assert.equal(puppet.association.localTag, before);
  assert.equal(puppet.association.state, "ESTABLISHED");
});

Deno.test("action A: a restarted peer finds a fresh association; what was in transfer is gone", () => {
  const puppet = new Puppet();
  puppet.connect();
  puppet.submit(3000);
  puppet.data();
  puppet.data({ marks: "B", ssn: 1 });
  const { association } = puppet;
  association.paths[0].congestion.onTimeout();
  const packets = restartEcho(puppet, restartInit(puppet));
  assert.deepEqual(namesOf(packets), ["COOKIE ACK"]);
  assert.equal(packets[0].tag, OTHER_TAG);
  assert.deepEqual(puppet.subject.eventKinds.slice(-2), ["restart", "path-status"]);
  assert.equal(puppet.association, association);
  assert.equal(association.state, "ESTABLISHED");
  assert.equal(association.bufferedBytes + association.heldBytes, 0);
  assert.equal(puppet.subject.endpoint.pool.liveBytes, 0);
  assert.equal(association.paths[0].cwnd, 4404, "congestion state starts again");
  assert.equal(association.paths[0].ssthresh, Infinity);
  assert.equal(puppet.subject.endpoint.metrics.restarts, 1);
});

Deno.test("after a restart TSNs and Stream Sequence Numbers start anew, both ways", () => {
  const puppet = new Puppet();
  puppet.connect();
  puppet.submit(10);
  puppet.ack(1);
  puppet.data();
  puppet.read();
  restartEcho(puppet, restartInit(puppet));
  const [packet] = puppet.submit(10);
  const chunk = chunkOfType([packet], ChunkType.Data);
  assert.equal(new DataView(chunk.buffer).getUint32(4), puppet.subjectTsn);
  assert.equal(new DataView(chunk.buffer).getUint16(10), 0);
  puppet.data({ ssn: 0 });
  assert.equal(puppet.read().bytes.length, 10);
});

Deno.test("DATA behind the COOKIE ECHO of a restart is taken", () => {
  const puppet = new Puppet();
  puppet.connect();
  const packets = restartEcho(puppet, restartInit(puppet), data(9000, { payload: 33 }));
  assert.deepEqual(namesOf(packets), ["COOKIE ACK+SACK"]);
  assert.equal(puppet.read().bytes.length, 33);
});

Deno.test("packets with the tags of before the restart are discarded", () => {
  const puppet = new Puppet();
  puppet.connect();
  const oldTag = puppet.subjectTag;
  restartEcho(puppet, restartInit(puppet));
  assert.deepEqual(puppet.sendIn({ tag: oldTag }, data(1000)), []);
  assert.equal(puppet.association.heldBytes, 0);
  assert.equal(puppet.subject.endpoint.metrics.dropped["bad-tag"], 1);
});

Deno.test("a cookie of a restart that was followed by another restart is worth nothing", () => {
  const puppet = new Puppet();
  puppet.connect();
  const first = cookieIn(restartInit(puppet));
  puppet.sendIn({ tag: first.tag }, first.cookie);
  puppet.learn(restartInit(puppet, { initiateTag: 77 }));
  puppet.send(encodeCookieEcho(puppet.cookie));
  assert.equal(puppet.subject.endpoint.metrics.restarts, 2);
  assert.deepEqual(puppet.sendIn({ tag: first.tag }, first.cookie), []);
  assert.equal(puppet.subject.endpoint.metrics.restarts, 2);
  assert.equal(puppet.association.peerTag, 77);
});

Deno.test("the cookie of the incarnation before a restart makes no association when all is over", () => {
  const puppet = new Puppet();
  puppet.connect();
  const first = { tag: puppet.subjectTag, cookie: encodeCookieEcho(puppet.cookie) };
  restartEcho(puppet, restartInit(puppet));
  puppet.send(rawChunk(ChunkType.Abort));
  puppet.sendIn({ tag: first.tag }, first.cookie);
  assert.equal(puppet.subject.associations.length, 0);
});

Deno.test("a restart that brings new addresses is refused, and they are named (section 5.2.2)", () => {
  const puppet = new Puppet(TWO);
  puppet.connect();
  const addresses = ["10.0.0.2", "10.0.1.2", "10.0.2.2", "fd00::9"].map(address);
  const packets = restartInit(puppet, { addresses });
  assert.deepEqual(namesOf(packets), ["ABORT"]);
  assert.equal(packets[0].tag, OTHER_TAG);
  assert.deepEqual(chunkCauses(packets[0].chunks[0], 0), [{
    code: CauseCode.RestartWithNewAddresses,
    addresses: ["10.0.2.2", "fd00::9"].map(address),
  }]);
  assert.equal(puppet.association.state, "ESTABLISHED");
});

Deno.test("a restart from a new source is refused if the INIT lists an address of the peer", () => {
  const puppet = new Puppet();
  puppet.connect();
  const packets = puppet.sendIn(
    { tag: 0, from: "10.0.0.77" },
    init({ initiateTag: OTHER_TAG, addresses: [address("10.0.0.2")] }),
  );
  assert.deepEqual(causeCodesOf(packets[0].chunks[0]), [CauseCode.RestartWithNewAddresses]);
});

Deno.test("addresses of another family, to which no path leads, are not new at a restart", () => {
  const peers = ["10.0.0.2", "fd00::2"];
  const puppet = new Puppet({ peers });
  puppet.connect();
  assert.equal(puppet.association.paths.length, 1);
  const answer = restartInit(puppet, { addresses: peers.map(address) });
  assert.deepEqual(namesOf(answer), ["INIT ACK"]);
  restartEcho(puppet, answer);
  assert.ok(puppet.subject.eventKinds.includes("restart"));
});

Deno.test("after a restart only the address of the INIT is confirmed (section 5.4, 2)", () => {
  const puppet = new Puppet(TWO);
  puppet.connect();
  puppet.answerHeartbeats(puppet.wait(100));
  const statuses = () => puppet.association.paths.map(({ status }) => status);
  assert.deepEqual(statuses(), ["active", "active"]);
  restartEcho(puppet, restartInit(puppet, { addresses: TWO.peers.map(address) }));
  assert.deepEqual(statuses(), ["active", "unconfirmed"]);
});

Deno.test("a user who waits for room in the send buffer is told that a restart has made some", () => {
  const puppet = new Puppet({ listen: { parameters: { sendBuffer: 4096 } } });
  puppet.connect();
  puppet.submit(4096);
  assert.throws(() => puppet.submit(10), /no room/);
  restartEcho(puppet, restartInit(puppet));
  assert.deepEqual(puppet.subject.eventKinds.slice(-3), ["restart", "path-status", "writable"]);
});

for (const state of ["SHUTDOWN-PENDING", "SHUTDOWN-SENT", "SHUTDOWN-RECEIVED"] as const) {
  Deno.test(`a peer that restarts in ${state} has a new association (section 5.2.4, A)`, () => {
    const puppet = new Puppet();
    puppet.bring(state);
    restartEcho(puppet, restartInit(puppet));
    assert.equal(puppet.association.state, "ESTABLISHED");
    assert.equal(puppet.association.peerTag, OTHER_TAG);
    assert.equal(namesOf(puppet.submit(10)).join(), "DATA", "and can be sent to");
  });
}

Deno.test("INIT in SHUTDOWN-ACK-SENT is answered with SHUTDOWN ACK (section 9.2)", () => {
  const puppet = new Puppet();
  puppet.bring("SHUTDOWN-ACK-SENT");
  const packets = restartInit(puppet);
  assert.deepEqual(namesOf(packets), ["SHUTDOWN ACK"]);
  assert.equal(packets[0].tag, puppet.tag);
});

Deno.test("a restart in SHUTDOWN-ACK-SENT: SHUTDOWN ACK again, and an ERROR that says so (section 5.2.4, A)", () => {
  const puppet = new Puppet();
  puppet.connect();
  const { cookie, tag } = cookieIn(restartInit(puppet));
  puppet.send(encodeShutdown(tsn(puppet.subjectTsn - 1)));
  assert.equal(puppet.association.state, "SHUTDOWN-ACK-SENT");
  const packets = puppet.sendIn({ tag }, cookie);
  assert.deepEqual(namesOf(packets), ["SHUTDOWN ACK+ERROR"]);
  assert.deepEqual(causeCodesOf(chunkOfType(packets, ChunkType.Error)), [
    CauseCode.CookieReceivedWhileShuttingDown,
  ]);
  assert.equal(puppet.association.state, "SHUTDOWN-ACK-SENT");
});

// Sections 5.2.3 and 5.2.5.

Deno.test("an INIT ACK or COOKIE ACK that nobody waits for is discarded (sections 5.2.3 and 5.2.5)", () => {
  const states: AssociationState[] = [
    "COOKIE-ECHOED",
    "ESTABLISHED",
    "SHUTDOWN-PENDING",
    "SHUTDOWN-SENT",
    "SHUTDOWN-RECEIVED",
    "SHUTDOWN-ACK-SENT",
  ];
  for (const state of states) {
    const puppet = new Puppet();
    puppet.bring(state);
    assert.deepEqual(puppet.answer(), [], state);
    if (state !== "COOKIE-ECHOED") assert.deepEqual(puppet.send(encodeCookieAck()), [], state);
    assert.equal(puppet.association.state, state);
  }
});

Deno.test("a peer that asks from the same address and another port gets another association (section 9.2, note)", () => {
  const puppet = new Puppet();
  puppet.connect();
  const packets = puppet.sendIn(
    { tag: 0, sourcePort: PUPPET_PORT + 1 },
    init({ initiateTag: OTHER_TAG }),
  );
  const { initiateTag, stateCookie } = readInit(chunkOfType(packets, ChunkType.InitAck));
  assert.ok(stateCookie);
  const envelope = { tag: initiateTag, sourcePort: PUPPET_PORT + 1 };
  puppet.sendIn(envelope, encodeCookieEcho(stateCookie));
  assert.equal(puppet.subject.associations.length, 2);
  assert.deepEqual(
    chunksOfType(puppet.sendIn(envelope, data(1000)), ChunkType.Sack).length,
    1,
  );
});
