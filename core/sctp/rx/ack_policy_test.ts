import assert from "node:assert/strict";
import { instant } from "../base/time.ts";
import { withParameters } from "../parameters.ts";
import { AssociationTimer, TimerTable } from "../timer/timer_table.ts";
import { AckPolicy } from "./ack_policy.ts";

function policy(changes: Parameters<typeof withParameters>[0] = {}) {
  const timers = new TimerTable(5);
  const acks = new AckPolicy(withParameters(changes), timers);
  // The first DATA of an association is behind us.
  acks.onDataPacket(instant(0));
  acks.onSackSent();
  return { acks, timers };
}

Deno.test("the first DATA of an association is acknowledged at once (RFC 9260, section 5.1)", () => {
  const acks = new AckPolicy(withParameters({}), new TimerTable(5));
  acks.onDataPacket(instant(0));
  assert.ok(acks.isDue);
});

Deno.test("every second packet is acknowledged, the one before within SACK.Delay (section 6.2)", () => {
  const { acks, timers } = policy({ sackDelay: 150 });
  acks.onDataPacket(instant(1000));
  assert.ok(!acks.isDue && acks.isPending);
  assert.equal(timers.deadlineOf(AssociationTimer.SackDelay), 1150);
  acks.onDataPacket(instant(1100));
  assert.ok(acks.isDue);
  acks.onSackSent();
  assert.ok(!acks.isDue && !acks.isPending);
  assert.ok(!timers.isRunning(AssociationTimer.SackDelay));
});

Deno.test("the delay counts from the oldest DATA that was not acknowledged", () => {
  const { acks, timers } = policy({ sackFrequency: 10 });
  acks.onDataPacket(instant(1000));
  acks.onDataPacket(instant(1100));
  assert.equal(timers.deadlineOf(AssociationTimer.SackDelay), 1200);
});

Deno.test("a demand needs no packet, and does not linger", () => {
  const { acks } = policy();
  acks.demand();
  assert.ok(acks.isDue);
  acks.onSackSent();
  assert.ok(!acks.isDue);
});
