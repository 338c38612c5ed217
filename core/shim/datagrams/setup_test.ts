import assert from "node:assert/strict";
import { IpAddress } from "../../sctp/base/address.ts";
import { after, instant } from "../../sctp/base/time.ts";
import type { LossReason } from "../../sctp/events.ts";
import { AvailabilityCache } from "../policy/availability_cache.ts";
import { DATAGRAM_PORT } from "./message.ts";
import { Setup } from "./setup.ts";

const SERVER = IpAddress.parse("10.0.0.2");
const START = instant(1000);
const SILENCE: LossReason = { kind: "unreachable", during: "setup" };

function setup(ways: readonly ("udp" | "raw")[] = ["udp"]) {
  const cache = new AvailabilityCache(() => ({ lifetime: 600_000, size: 10 }));
  return { cache, setup: new Setup(cache, SERVER, ways) };
}

Deno.test("a datagram makes an attempt, and those after it do not make another", () => {
  const { setup: one } = setup();
  assert.equal(one.begin(START), "udp");
  assert.equal(one.begin(after(START, 1)), undefined);
});

Deno.test("silence is remembered, as for TCP, and looked up now and then only", () => {
  const { setup: one, cache } = setup();
  one.begin(START);
  assert.equal(one.handleLoss(after(START, 3000), SILENCE, false), undefined);
  assert.equal(cache.find(after(START, 3000), SERVER, DATAGRAM_PORT), "no");
  assert.equal(one.begin(after(START, 9000)), undefined);
  assert.match(one.reason, /remembered/);
  cache.flush();
  assert.equal(one.begin(after(START, 9500)), undefined, "not looked up again yet");
  assert.equal(one.begin(after(START, 10_000)), "udp");
});

Deno.test("each way is tried, and the one that has worked is the first the next time", () => {
  const { setup: one, cache } = setup(["udp", "raw"]);
  assert.equal(one.begin(START), "udp");
  assert.equal(one.handleLoss(START, SILENCE, false), "raw");
  one.handleUp(START);
  assert.equal(cache.encapsulationOf(SERVER, DATAGRAM_PORT), "raw");
  one.handleLoss(after(START, 5000), SILENCE, true);
  assert.equal(cache.find(after(START, 5000), SERVER, DATAGRAM_PORT), undefined, "it is in doubt");
  one.handleUp(after(START, 5000));
  assert.equal(one.begin(after(START, 10_000)), "raw");
});

Deno.test("an accident says nothing about the peer, and is followed by another attempt", () => {
  const { setup: one, cache } = setup();
  one.begin(START);
  one.handleLoss(START, { kind: "destination-unreachable" }, false);
  assert.equal(cache.size, 0);
  assert.equal(one.begin(after(START, 4999)), undefined);
  assert.equal(one.begin(after(START, 5000)), "udp");
});

Deno.test("a peer that means something else by the port carries no datagrams", () => {
  const { setup: one, cache } = setup();
  one.begin(START);
  one.handleStranger(START);
  assert.equal(cache.find(START, SERVER, DATAGRAM_PORT), "no");
});
