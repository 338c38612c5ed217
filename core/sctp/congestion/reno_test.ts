import assert from "node:assert/strict";
import type { AckSummary } from "./controller.ts";
import { Reno } from "./reno.ts";

const PMDCS = 1460;

function ack(ackedBytes: number, changes: Partial<AckSummary> = {}): AckSummary {
  return {
    ackedBytes,
    windowInUse: true,
    cumulativeAdvanced: true,
    inFastRecovery: false,
    everythingAcked: false,
    ...changes,
  };
}

/** A controller whose ssthresh is its cwnd, of `chunks` full DATA chunks. */
function afterLoss(chunks: number): Reno {
  const reno = new Reno(PMDCS, 4);
  while (reno.cwnd < 2 * chunks * PMDCS) reno.onAck(ack(PMDCS));
  reno.onLoss();
  return reno;
}

Deno.test("the initial cwnd is min(4 PMDCS, max(2 PMDCS, 4404)) for IPv4 (RFC 9260, section 7.2.1)", () => {
  assert.equal(new Reno(1460, 4).cwnd, 4404);
  assert.equal(new Reno(500, 4).cwnd, 2000);
  assert.equal(new Reno(9000, 4).cwnd, 18_000);
});

Deno.test("the initial cwnd is min(4 PMDCS, max(2 PMDCS, 4344)) for IPv6 (section 7.2.1)", () => {
  assert.equal(new Reno(1440, 6).cwnd, 4344);
  assert.equal(new Reno(1000, 6).cwnd, 4000);
});

Deno.test("ssthresh starts arbitrarily high (section 7.2.1)", () => {
  assert.equal(new Reno(PMDCS, 4).ssthresh, Infinity);
});

Deno.test("slow start grows by what was acknowledged, however many chunks a SACK covers", () => {
  const reno = new Reno(PMDCS, 4);
  reno.onAck(ack(2 * PMDCS));
  assert.equal(reno.cwnd, 4404 + 2 * PMDCS);
  reno.onAck(ack(100));
  assert.equal(reno.cwnd, 4404 + 2 * PMDCS + 100);
});

Deno.test("slow start grows by no more than L PMDCS for one SACK (section 7.2.1)", () => {
  const reno = new Reno(PMDCS, 4);
  reno.onAck(ack(1000 * PMDCS));
  assert.equal(reno.cwnd, 4404 + 8 * PMDCS);
});

Deno.test("slow start does not grow a window that is not in use, or in Fast Recovery", () => {
  const reno = new Reno(PMDCS, 4);
  reno.onAck(ack(PMDCS, { windowInUse: false }));
  reno.onAck(ack(PMDCS, { inFastRecovery: true }));
  reno.onAck(ack(PMDCS, { cumulativeAdvanced: false }));
  assert.equal(reno.cwnd, 4404);
});

Deno.test("loss halves cwnd, with four PMDCS as the floor (section 7.2.3)", () => {
  const reno = afterLoss(10);
  const before = reno.cwnd;
  reno.onLoss();
  assert.equal(reno.cwnd, before / 2);
  assert.equal(reno.ssthresh, reno.cwnd);
  reno.onLoss();
  assert.equal(reno.cwnd, 4 * PMDCS);
});

Deno.test("a time-out leaves one PMDCS and slow start up to half of the old window (section 7.2.3)", () => {
  const reno = afterLoss(10);
  const before = reno.cwnd;
  reno.onTimeout();
  assert.equal(reno.cwnd, PMDCS);
  assert.equal(reno.ssthresh, before / 2);
  reno.onAck(ack(PMDCS));
  assert.equal(reno.cwnd, 2 * PMDCS);
});

Deno.test("congestion avoidance grows by one PMDCS per window acknowledged (section 7.2.2)", () => {
  const reno = afterLoss(8);
  reno.onAck(ack(PMDCS));
  const window = reno.cwnd;
  assert.ok(window > reno.ssthresh);
  let acked = 0;
  while (reno.cwnd === window) {
    reno.onAck(ack(PMDCS));
    acked += PMDCS;
  }
  assert.equal(reno.cwnd, window + PMDCS);
  assert.ok(acked >= window - PMDCS && acked <= window + PMDCS, `${acked} of ${window}`);
});

Deno.test("credit for a window that was not in use stops at cwnd (section 7.2.2)", () => {
  const reno = afterLoss(8);
  reno.onAck(ack(PMDCS));
  const window = reno.cwnd;
  for (let i = 0; i < 100; i++) reno.onAck(ack(PMDCS, { windowInUse: false }));
  assert.equal(reno.cwnd, window);
  reno.onAck(ack(PMDCS));
  assert.equal(reno.cwnd, window + PMDCS);
  reno.onAck(ack(PMDCS));
  assert.equal(reno.cwnd, window + PMDCS, "one step, not many");
});

Deno.test("credit is dropped when everything was acknowledged (section 7.2.2)", () => {
  const reno = afterLoss(8);
  reno.onAck(ack(PMDCS));
  const window = reno.cwnd;
  reno.onAck(ack(window - PMDCS, { everythingAcked: true }));
  reno.onAck(ack(window - PMDCS));
  assert.equal(reno.cwnd, window);
});

Deno.test("ECN-Echo is answered like a loss (RFC 3168, section 6.1.2)", () => {
  const reno = afterLoss(10);
  const before = reno.cwnd;
  reno.onCongestionExperienced();
  assert.equal(reno.cwnd, before / 2);
});

Deno.test("an idle path keeps its window as ssthresh and halves cwnd down to four PMDCS", () => {
  const reno = afterLoss(20);
  const before = reno.cwnd;
  reno.onIdle();
  assert.equal(reno.ssthresh, before);
  assert.equal(reno.cwnd, before / 2);
  for (let i = 0; i < 10; i++) reno.onIdle();
  assert.equal(reno.cwnd, 4 * PMDCS);
  assert.equal(reno.ssthresh, before, "remembered once, before the first adjustment");
});

Deno.test("a window too small to be adjusted leaves ssthresh alone, so that slow start goes on", () => {
  const fresh = new Reno(PMDCS, 4);
  fresh.onIdle();
  assert.equal(fresh.cwnd, 4404);
  assert.equal(fresh.ssthresh, Infinity);
  const decayed = afterLoss(20);
  const before = decayed.ssthresh;
  for (let i = 0; i < 10; i++) decayed.onIdle();
  decayed.onAck(ack(PMDCS, { windowInUse: false }));
  decayed.onIdle();
  assert.equal(decayed.ssthresh, before);
});

Deno.test("a larger PMTU makes the steps larger, not the window", () => {
  const reno = new Reno(PMDCS, 4);
  reno.setMaximumChunk(8000);
  assert.equal(reno.cwnd, 4404);
  reno.onTimeout();
  assert.equal(reno.cwnd, 8000);
});

Deno.test("a reset starts again from the initial values (section 7.2.5)", () => {
  const reno = afterLoss(10);
  reno.reset();
  assert.equal(reno.cwnd, 4404);
  assert.equal(reno.ssthresh, Infinity);
});
