import assert from "node:assert/strict";
import { IpAddress } from "../../sctp/base/address.ts";
import { instant, NEVER } from "../../sctp/base/time.ts";
import type { LossReason } from "../../sctp/events.ts";
import { CauseCode } from "../../sctp/wire/error_cause.ts";
import { encodeControlMessage, ResetReason } from "../control_message.ts";
import { Attempt, type AttemptOptions } from "./attempt.ts";
import { AvailabilityCache } from "./availability_cache.ts";

const ADDRESS = IpAddress.parse("192.0.2.1");
const PORT = 80;
const START = instant(1000);

function stage(options: Partial<AttemptOptions> = {}) {
  const cache = new AvailabilityCache(() => ({ lifetime: 60_000, size: 10 }));
  const attempt = new Attempt({
    cache,
    address: ADDRESS,
    port: PORT,
    name: "server:80",
    encapsulations: ["udp"],
    enabledBy: "rules",
    headStart: 250,
    tcpIsFinal: true,
    awaitServer: true,
    ...options,
  });
  const known = () => cache.find(START, ADDRESS, PORT);
  return { cache, attempt, known };
}

function abortedBy(reason: number): LossReason {
  const bytes = encodeControlMessage({ kind: "reset", reason });
  const causes = [{ code: CauseCode.UserInitiatedAbort, reason: bytes }] as const;
  return { kind: "aborted-by-peer", causes };
}

const SILENT: LossReason = { kind: "unreachable", during: "setup" };
const ABORTED: LossReason = { kind: "aborted-by-peer", causes: [] };
const NO_SCTP: LossReason = { kind: "no-sctp-at-peer" };

Deno.test("NOTINIT, ENABLE_SRULES, ACTIVE: a shim's server takes the connection", () => {
  const { attempt, known } = stage();
  assert.equal(attempt.state, "NOTINIT");
  assert.deepEqual(attempt.start(START), { kind: "associate" });
  assert.equal(attempt.state, "ENABLE_SRULES");
  assert.deepEqual(attempt.handleUp(START, true), { kind: "wait" });
  assert.equal(attempt.deadline, NEVER, "a slow server is waited for, as over TCP");
  assert.deepEqual(attempt.handleServerConnected(), { kind: "carry" });
  assert.equal(attempt.state, "ACTIVE");
  assert.equal(known(), "yes");
});

Deno.test("an explicit front shows ENABLE_MANUAL; a native peer is not asked for its server", () => {
  const { attempt } = stage({ enabledBy: "manual" });
  attempt.start(START);
  assert.equal(attempt.state, "ENABLE_MANUAL");
  assert.deepEqual(attempt.handleUp(START, false), { kind: "carry" });
  assert.match(attempt.reason, /native/);
});

for (const reason of [SILENT, ABORTED, NO_SCTP]) {
  Deno.test(`${reason.kind} means TCP at once, and is remembered`, () => {
    const { attempt, cache, known } = stage();
    attempt.start(START);
    assert.deepEqual(attempt.handleLoss(START, reason), { kind: "use-tcp" });
    assert.equal(attempt.state, "READY");
    assert.match(attempt.reason, /^fell back to TCP: /);
    assert.equal(known(), "no");
    const next = stage({ cache }).attempt;
    assert.deepEqual(next.start(START), { kind: "use-tcp" });
    assert.match(next.reason, /remembered/);
  });
}

Deno.test("where TCP beside it is not answered either, silence says nothing about SCTP", () => {
  const { attempt, known } = stage();
  attempt.start(START);
  attempt.handleTimeout(instant(1250));
  attempt.handleLoss(START, SILENT, true);
  assert.equal(known(), undefined);
});

Deno.test("silence of a server that had SCTP makes it unknown, and again silence tells", () => {
  const { cache, known } = stage();
  cache.note(START, ADDRESS, PORT, "yes", "");
  const crowd = Array.from({ length: 3 }, () => stage({ cache }).attempt);
  for (const attempt of crowd) assert.deepEqual(attempt.start(START), { kind: "associate" });
  for (const attempt of crowd) {
    assert.deepEqual(attempt.handleLoss(START, SILENT), { kind: "use-tcp" });
    assert.equal(known(), undefined);
  }
  const { attempt: next } = stage({ cache });
  next.start(START);
  assert.equal(next.deadline, 1250, "it has the head start of an unknown one");
  next.handleLoss(START, SILENT);
  assert.equal(known(), "no");
});

Deno.test("a peer that is out of memory, stops, or is not reached falls back without being remembered", () => {
  const full: LossReason = {
    kind: "aborted-by-peer",
    causes: [{ code: CauseCode.OutOfResource }],
  };
  const unreached: LossReason = { kind: "destination-unreachable" };
  for (const reason of [full, abortedBy(ResetReason.Stopping), unreached]) {
    const { attempt, known } = stage();
    attempt.start(START);
    assert.deepEqual(attempt.handleLoss(START, reason), { kind: "use-tcp" });
    assert.equal(known(), undefined);
  }
});

for (const upFirst of [true, false]) {
  const when = upFirst ? "after" : "before";
  Deno.test(`a server that refuses ${when} the association is up refuses the application`, () => {
    for (
      const [reason, refusal] of [
        [ResetReason.Refused, "refused"],
        [ResetReason.Unreachable, "unreachable"],
      ] as const
    ) {
      const { attempt, known } = stage();
      attempt.start(START);
      if (upFirst) attempt.handleUp(START, true);
      const step = attempt.handleLoss(START, abortedBy(reason));
      assert.deepEqual(step, { kind: "refuse", refusal });
      assert.equal(known(), "yes", "the peer has SCTP all the same");
    }
  });
}

Deno.test("after the head start TCP is tried; the kernel's has the connection for good", () => {
  const { attempt, known } = stage();
  attempt.start(START);
  assert.equal(attempt.deadline, 1250);
  assert.deepEqual(attempt.handleTimeout(instant(1249)), { kind: "wait" });
  assert.deepEqual(attempt.handleTimeout(instant(1250)), { kind: "try-tcp" });
  assert.equal(attempt.state, "READY");
  assert.deepEqual(attempt.handleUp(instant(1300), true), { kind: "use-tcp" });
  assert.equal(known(), "yes", "the next attempt knows");
});

Deno.test("where TCP can be taken back, whichever is up first has the connection", () => {
  const sctp = stage({ tcpIsFinal: false, awaitServer: false }).attempt;
  sctp.start(START);
  sctp.handleTimeout(instant(1250));
  assert.deepEqual(sctp.handleUp(instant(1300), true), { kind: "carry" });
  const tcp = stage({ tcpIsFinal: false }).attempt;
  tcp.start(START);
  tcp.handleTimeout(instant(1250));
  assert.deepEqual(tcp.handleTcpConnected(), { kind: "use-tcp" });
  assert.deepEqual(tcp.handleUp(instant(1300), true), { kind: "wait" });
});

Deno.test("a peer known to have SCTP is given all its time, one that is not known the head start", () => {
  const { attempt, cache } = stage();
  cache.note(START, ADDRESS, PORT, "yes", "");
  attempt.start(START);
  assert.equal(attempt.deadline, NEVER);
  const { attempt: patient } = stage({ headStart: Infinity });
  patient.start(START);
  assert.equal(patient.deadline, NEVER);
});

Deno.test("without a way out a known no is not heeded", () => {
  const { attempt, cache } = stage();
  cache.note(START, ADDRESS, PORT, "no", "");
  assert.deepEqual(attempt.insist(), { kind: "associate" });
});

Deno.test("what comes after the end of an attempt changes nothing but what is known", () => {
  const { attempt, known } = stage();
  attempt.start(START);
  attempt.abandon("the application gave up");
  assert.deepEqual(attempt.handleUp(START, true), { kind: "wait" });
  assert.deepEqual(attempt.handleServerConnected(), { kind: "wait" });
  assert.deepEqual(attempt.handleTimeout(instant(9999)), { kind: "wait" });
  assert.deepEqual(attempt.handleLoss(START, SILENT), { kind: "wait" });
  assert.equal(attempt.reason, "the application gave up");
  assert.equal(known(), "no");
});

Deno.test("where SCTP may travel in two ways, a loss in the first is followed by the second", () => {
  for (const loss of [SILENT, ABORTED, NO_SCTP]) {
    const { attempt, cache, known } = stage({ encapsulations: ["udp", "raw"] });
    attempt.start(START);
    assert.equal(attempt.encapsulation, "udp");
    assert.deepEqual(attempt.handleLoss(START, loss), { kind: "associate" });
    assert.deepEqual([attempt.encapsulation, attempt.state], ["raw", "ENABLE_SRULES"]);
    assert.match(attempt.reason, /trying directly over IP/);
    assert.equal(known(), undefined, "nothing is known before the last way");
    assert.deepEqual(attempt.handleUp(START, false), { kind: "carry" });
    assert.equal(known(), "yes");
    assert.equal(cache.encapsulationOf(ADDRESS, PORT), "raw");
  }
});

Deno.test("the way in which a server was reached is the first the next time", () => {
  const cache = new AvailabilityCache(() => ({ lifetime: 60_000, size: 10 }));
  for (const begin of ["start", "insist"] as const) {
    cache.note(START, ADDRESS, PORT, "yes", "", "raw");
    const { attempt } = stage({ encapsulations: ["udp", "raw"], cache });
    attempt[begin](START);
    assert.equal(attempt.encapsulation, "raw");
    assert.deepEqual(attempt.handleLoss(START, NO_SCTP), { kind: "associate" });
    assert.equal(attempt.encapsulation, "udp");
    assert.deepEqual(attempt.handleLoss(START, NO_SCTP), { kind: "use-tcp" });
  }
  assert.equal(cache.find(START, ADDRESS, PORT), "no");
  assert.equal(cache.encapsulationOf(ADDRESS, PORT), undefined);
});

Deno.test("a way that is not to be had is not preferred", () => {
  const { attempt, cache } = stage();
  cache.note(START, ADDRESS, PORT, "yes", "", "raw");
  attempt.start(START);
  assert.equal(attempt.encapsulation, "udp");
});

Deno.test("the second way is tried beside TCP too, for what can be learnt", () => {
  const { attempt, known } = stage({ encapsulations: ["udp", "raw"] });
  attempt.start(START);
  assert.deepEqual(attempt.handleTimeout(instant(1250)), { kind: "try-tcp" });
  assert.deepEqual(attempt.handleLoss(START, SILENT), { kind: "associate" });
  assert.deepEqual(attempt.handleUp(START, false), { kind: "use-tcp" });
  assert.equal(known(), "yes");
});

Deno.test("a server that has refused the connection is not asked again in another way", () => {
  const { attempt } = stage({ encapsulations: ["udp", "raw"] });
  attempt.start(START);
  attempt.handleUp(START, true);
  const refused = attempt.handleLoss(START, abortedBy(ResetReason.Refused));
  assert.deepEqual(refused, { kind: "refuse", refusal: "refused" });
});

Deno.test("a port that a trunk's peer does not serve has no SCTP, and the connection goes by TCP", () => {
  const { attempt, known } = stage();
  attempt.start(START);
  attempt.handleUp(START, true);
  assert.deepEqual(attempt.handleLoss(START, abortedBy(ResetReason.NotServed)), {
    kind: "use-tcp",
  });
  assert.equal(known(), "no");
});

Deno.test("a trunk that is lost while a connection waits on it is followed by an association", () => {
  const { attempt, known } = stage();
  attempt.start(START);
  assert.deepEqual(attempt.handleTrunkLost(), { kind: "wait" }, "nothing waits on one yet");
  attempt.handleUp(START, true);
  assert.deepEqual(attempt.handleTrunkLost(), { kind: "associate" });
  assert.deepEqual(attempt.handleUp(START, true), { kind: "wait" });
  assert.deepEqual(attempt.handleServerConnected(), { kind: "carry" });
  assert.equal(known(), "yes");
});

Deno.test("on a trunk every connection waits for the server: the trunk may be lost without a word", () => {
  const { attempt } = stage({ awaitServer: false });
  attempt.insist();
  assert.deepEqual(attempt.handleUp(START, true, true), { kind: "wait" });
  assert.deepEqual(attempt.handleTrunkLost(), { kind: "associate" });
  assert.deepEqual(attempt.handleUp(START, true), { kind: "carry" });
});
