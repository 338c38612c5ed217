import assert from "node:assert/strict";
import { instant, NEVER } from "../sctp/base/time.ts";
import { Alarms } from "./alarms.ts";

Deno.test("each owner has one alarm, which rings once", () => {
  const alarms = new Alarms<string>();
  const rung: string[] = [];
  const ring = (at: number) => alarms.ring(instant(at), (owner) => rung.push(owner));
  alarms.set("a", instant(10));
  alarms.set("b", instant(20));
  alarms.set("a", instant(30));
  ring(20);
  assert.deepEqual(rung, ["b"]);
  assert.equal(alarms.next, 30);
  ring(30);
  ring(40);
  assert.deepEqual(rung, ["b", "a"]);
  assert.equal(alarms.next, NEVER);
});

Deno.test("an alarm that is taken off does not ring, and one that is set while another rings does", () => {
  const alarms = new Alarms<string>();
  const rung: string[] = [];
  alarms.set("a", instant(10));
  alarms.set("b", instant(10));
  alarms.set("a", NEVER);
  alarms.ring(instant(10), (owner) => {
    rung.push(owner);
    if (rung.length === 1) alarms.set("b", instant(15));
  });
  assert.equal(alarms.next, 15);
  alarms.ring(instant(15), (owner) => rung.push(owner));
  assert.deepEqual(rung, ["b", "b"]);
});
