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
