import assert from "node:assert/strict";
import { after, type Instant, instant } from "../sctp/base/time.ts";
import { Network } from "./network.ts";
import { Scenario, ScenarioError, type ScenarioFailure } from "./scenario.ts";
import { ScriptedPeer } from "./scripted_peer.ts";

function failureOf(action: () => void): ScenarioError {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof ScenarioError);
    return error;
  }
  assert.fail("the run went through");
}

function assertFailure(error: ScenarioError, failure: ScenarioFailure, message: RegExp): void {
  assert.equal(error.failure, failure);
  assert.match(error.message, message);
  assert.match(error.message, /^seed 77, virtual time /);
}

/** Something that goes on for ever. */
function tick(network: Network): (now: Instant) => void {
  return (now) => network.clock.at(after(now, 10), tick(network));
}

Deno.test("actions happen at their time, in the order of the script where times are equal", () => {
  const network = new Network(77);
  const seen: string[] = [];
  const note = (text: string) => (now: Instant) => seen.push(`${text} ${now}`);
  new Scenario(network)
    .at(20, "second", note("second"))
    .at(10, "first", note("first"))
    .at(20, "third", note("third"))
    .runUntilQuiet();
  assert.deepEqual(seen, ["first 10", "second 20", "third 20"]);
});

Deno.test("runUntil stops with the occurrence that makes the condition true", () => {
  const network = new Network(77);
  let cut = false;
  const scenario = new Scenario(network).at(5, "cut", () => cut = true).at(9, "more", () => {});
  scenario.runUntil(() => cut, "the cut");
  assert.equal(network.clock.now, 5);
  scenario.runFor(100);
  assert.equal(network.clock.now, 105);
});

Deno.test("a run in which nothing more can happen says what it waited for, with seed and time", () => {
  const scenario = new Scenario(new Network(77)).at(1500, "heal", () => {});
  const error = failureOf(() => scenario.runUntil(() => false, "the last message"));
  assertFailure(
    error,
    "quiet",
    /1\.500 s.*nothing more happens while waiting for the last message/,
  );
  assert.match(error.message, /last action: heal at 1\.500 s, 0 more to come/);
  assert.deepEqual([error.seed, error.at], [77, 1500]);
});

Deno.test("an endless run ends at the bound of steps", () => {
  const network = new Network(77);
  const scenario = new Scenario(network, { steps: 100 }).at(0, "tick", tick(network));
  assertFailure(failureOf(() => scenario.runUntilQuiet()), "steps", /bound of 100 steps/);
  assertFailure(failureOf(() => scenario.runFor(1e6)), "steps", /bound of 100 steps/);
});

Deno.test("a slow run ends at the bound of virtual time", () => {
  const network = new Network(77);
  const scenario = new Scenario(network, { time: 500 }).at(0, "tick", tick(network));
  const error = failureOf(() => scenario.runUntil(() => false, "nothing"));
  assertFailure(error, "time", /bound of 0\.500 s is hit/);
  assert.equal(network.clock.now, 500);
});

Deno.test("an action that throws is named", () => {
  const scenario = new Scenario(new Network(77)).at(3, "break it", () => {
    throw new TypeError("broken");
  });
  const error = failureOf(() => scenario.runUntilQuiet());
  assertFailure(error, "action", /"break it" threw: TypeError: broken/);
  assert.ok(error.cause instanceof TypeError);
});

Deno.test("a script cuts and heals a link under traffic", () => {
  const network = new Network(77);
  const boot = () => new ScriptedPeer();
  const a = network.addHost("a", ["10.0.0.1"], { boot });
  const b = network.addHost("b", ["10.0.0.2"], { boot });
  const link = network.connect("10.0.0.1", "10.0.0.2", { delay: 1 });
  const scenario = new Scenario(network);
  for (let at = 0; at < 100; at += 10) {
    scenario.at(
      at,
      "send",
      () => a.command((peer) => peer.send(new Uint8Array(4), "10.0.0.1", "10.0.0.2")),
    );
  }
  scenario.at(25, "cut", () => link.cut()).at(65, "heal", () => link.heal());
  scenario.runUntil(() => b.handler.received.length === 6, "six packets");
  assert.deepEqual(b.handler.received.map(({ at }) => at), [1, 11, 21, 71, 81, 91].map(instant));
});
