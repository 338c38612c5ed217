import assert from "node:assert/strict";
import fc from "fast-check";
import type { LinkPlan } from "./link_plan.ts";
import { LINK_KEYS, parseLink } from "./link_spec.ts";
import { withSettings } from "./link_settings.ts";
import { settingsOf } from "./link_plan.ts";

function parsed(text: string): LinkPlan {
  const plan = parseLink(text);
  if ("fault" in plan) throw new Error(plan.fault);
  return plan;
}

function faultOf(text: string): string {
  const plan = parseLink(text);
  return "fault" in plan ? plan.fault : "none";
}

Deno.test("a link is read with its units, for both directions", () => {
  const { forward, backward, cuts } = parsed("rate=1.5mbit,delay=35ms,loss=1%,queue=50");
  assert.deepEqual(forward, { rate: 1.5e6, delay: 35, loss: 0.01, queuePackets: 50 });
  assert.deepEqual(backward, forward);
  assert.deepEqual(cuts, []);
});

Deno.test("a. is for what the first end sends, b. for what the second sends; later keys win", () => {
  const { forward, backward } = parsed("loss=1%,a.loss=5%,b.delay=2s,delay=100us,b.rate=64kbit");
  assert.deepEqual(forward, { loss: 0.05, delay: 0.1 });
  assert.deepEqual(backward, { loss: 0.01, delay: 0.1, rate: 64_000 });
});

Deno.test("loss in bursts, jitter, reordering and black holes have words of their own", () => {
  const { forward } = parsed(
    "loss=burst:1%:30%,jitter=5ms:normal,reorder=2%:10ms,swallow=1400,ecn=7,duplicate=0.5%",
  );
  assert.deepEqual(forward, {
    loss: { toBad: 0.01, toGood: 0.3 },
    jitter: { distribution: "normal", spread: 5 },
    reorder: { probability: 0.02, extraDelay: 10 },
    mtu: 1400,
    packetTooBig: false,
    ecnThreshold: 7,
    duplicate: 0.005,
  });
});

Deno.test("cuts have a beginning, an end if they have one, and a direction", () => {
  assert.deepEqual(parsed("cut=10s-20s+30s,a.cut=1s-1.5s").cuts, [
    { from: 10_000, until: 20_000, direction: "both" },
    { from: 30_000, until: Infinity, direction: "both" },
    { from: 1000, until: 1500, direction: "forward" },
  ]);
});

Deno.test("every example in the table is read, and makes a link", () => {
  for (const { key, example } of LINK_KEYS) {
    const { forward } = parsed(`${key}=${example}`);
    assert.ok(Object.keys(forward).length > 0, key);
    withSettings(settingsOf(forward));
  }
});

Deno.test("a fault says which value was wrong, and what would do", () => {
  assert.match(faultOf("rate=1.5"), /rate takes 1\.5mbit .* not "1\.5"/);
  assert.match(faultOf("loss=-1"), /loss takes 1% .* not "-1"/);
  assert.match(faultOf("a.loss=101%"), /a\.loss takes 1% .* not "101%"/);
  assert.match(faultOf("rate=0mbit"), /not "0mbit"/);
  assert.match(faultOf("speed=1mbit"), /"speed" is nothing that a link has: there are rate, delay/);
  assert.match(faultOf("c.loss=1%"), /"c\.loss" is nothing/);
  assert.match(faultOf("cut=20s-10s"), /cut takes 10s .* not "20s-10s"/);
  assert.match(faultOf("queue=0"), /not "0"/);
  assert.match(faultOf("delay"), /delay takes 35ms .* not ""/);
});

Deno.test("any text is a link or a fault, and every link can be made", () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom(...LINK_KEYS.map(({ key, example }) => `${key}=${example}`), "cut=1s-2s", "a."),
  );
  fc.assert(fc.property(fc.array(piece), (pieces) => {
    const plan = parseLink(pieces.join(","));
    if ("fault" in plan) assert.ok(plan.fault.length > 0);
    else withSettings(settingsOf(plan.forward));
  }));
});
