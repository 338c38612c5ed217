import assert from "node:assert/strict";
import { RtoEstimator } from "./rto.ts";

const PARAMETERS = {
  rtoInitial: 1000,
  rtoMin: 200,
  rtoMax: 60_000,
  rtoAlpha: 1 / 8,
  rtoBeta: 1 / 4,
};

function estimator(changes: Partial<typeof PARAMETERS> = {}): RtoEstimator {
  return new RtoEstimator({ ...PARAMETERS, ...changes });
}

Deno.test("until a measurement is made the RTO is RTO.Initial (RFC 9260, section 6.3.1, C1)", () => {
  const rtt = estimator({ rtoInitial: 3000 });
  assert.equal(rtt.rto, 3000);
  assert.equal(rtt.hasSample, false);
});

Deno.test("the first measurement gives SRTT, half of it RTTVAR and three times it the RTO (C2)", () => {
  const rtt = estimator();
  rtt.addSample(400);
  assert.equal(rtt.srtt, 400);
  assert.equal(rtt.rttvar, 200);
  assert.equal(rtt.rto, 1200);
});

Deno.test("the next ones update RTTVAR with the old SRTT, then SRTT (C3)", () => {
  const rtt = estimator();
  rtt.addSample(400);
  rtt.addSample(800);
  assert.equal(rtt.rttvar, 0.75 * 200 + 0.25 * 400);
  assert.equal(rtt.srtt, 0.875 * 400 + 0.125 * 800);
  assert.equal(rtt.rto, rtt.srtt + 4 * rtt.rttvar);
});

Deno.test("alpha and beta are those of the parameters", () => {
  const rtt = estimator({ rtoAlpha: 1, rtoBeta: 0 });
  rtt.addSample(400);
  rtt.addSample(800);
  assert.equal(rtt.srtt, 800);
  assert.equal(rtt.rttvar, 200);
});

Deno.test("an RTO below RTO.Min is raised to it (C6), one above RTO.Max is lowered (C7)", () => {
  const rtt = estimator();
  rtt.addSample(1);
  assert.equal(rtt.rto, 200);
  const slow = estimator();
  slow.addSample(50_000);
  assert.equal(slow.rto, 60_000);
});

Deno.test("an RTTVAR of 0 becomes the clock granularity (G1)", () => {
  const rtt = estimator({ rtoMin: 1 });
  rtt.addSample(0);
  assert.ok(rtt.rttvar > 0);
  assert.ok(rtt.hasSample, "a sample of 0 ms is a sample");
});

Deno.test("a time-out doubles the RTO up to RTO.Max (section 6.3.3, E2)", () => {
  const rtt = estimator();
  const seen: number[] = [];
  for (let i = 0; i < 8; i++) {
    rtt.backOff();
    seen.push(rtt.rto);
  }
  assert.deepEqual(seen, [2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

Deno.test("a measurement after back-off collapses the RTO (section 6.3.3)", () => {
  const rtt = estimator();
  rtt.addSample(100);
  rtt.backOff();
  rtt.backOff();
  assert.equal(rtt.rto, 1200);
  rtt.addSample(100);
  assert.ok(rtt.rto < 300);
});

Deno.test("a reset forgets the path's history (section 7.2.5)", () => {
  const rtt = estimator();
  rtt.addSample(400);
  rtt.reset();
  assert.equal(rtt.hasSample, false);
  assert.equal(rtt.rto, 1000);
});
