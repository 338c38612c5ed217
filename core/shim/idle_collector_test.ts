import assert from "node:assert/strict";
import { instant, NEVER } from "../sctp/base/time.ts";
import { IdleCollector } from "./idle_collector.ts";

function collectorAfter(changes: number) {
  let collections = 0;
  const collector = new IdleCollector(() => collections++);
  for (let i = 0; i < changes; i++) collector.noteChange();
  return { collector, collections: () => collections };
}

Deno.test("garbage is collected once, when it has been quiet for a while", () => {
  const { collector, collections } = collectorAfter(256);
  collector.noteActivity(instant(1000));
  collector.noteActivity(instant(2000));
  collector.run(instant(4999));
  assert.equal(collections(), 0);
  assert.equal(collector.deadline, 5000);
  collector.run(instant(5000));
  assert.equal(collections(), 1);
  assert.equal(collector.deadline, NEVER);
  collector.noteActivity(instant(6000));
  collector.run(instant(60_000));
  assert.equal(collections(), 1, "no connection came or went since");
});

Deno.test("a few connections leave nothing worth a collection", () => {
  const { collector, collections } = collectorAfter(255);
  collector.noteActivity(instant(0));
  collector.run(instant(60_000));
  assert.equal(collections(), 0);
});
