import assert from "node:assert/strict";
import { IpAddress } from "../sctp/base/address.ts";
import { instant } from "../sctp/base/time.ts";
import type { SctpEvent } from "../sctp/events.ts";
import { Pump } from "./pump.ts";
import { FakeEndpoint, FakeIo } from "./testing/fakes.ts";

const NOW = instant(1000);
const SOME_EVENT = { kind: "writable" } as SctpEvent;

function setUp(): { log: string[]; endpoint: FakeEndpoint; io: FakeIo; pump: Pump } {
  const log: string[] = [];
  const endpoint = new FakeEndpoint(log);
  const io = new FakeIo(log);
  const pump = new Pump(endpoint, io, () => log.push("event"));
  return { log, endpoint, io, pump };
}

Deno.test("a round takes packets, then timers, then notifications, then sends", () => {
  const { log, endpoint, io, pump } = setUp();
  io.waiting = 2;
  endpoint.timeout = NOW;
  endpoint.toSend = 3;
  endpoint.events.push(SOME_EVENT);
  assert.equal(pump.round(NOW), true);
  assert.deepEqual(log, ["packet", "packet", "timeout", "event", "send 3"]);
  assert.equal(pump.round(NOW), false);
});

Deno.test("what a notification's handler sends leaves in the same round", () => {
  const log: string[] = [];
  const endpoint = new FakeEndpoint(log);
  const pump = new Pump(endpoint, new FakeIo(log), () => endpoint.toSend++);
  endpoint.events.push(SOME_EVENT);
  pump.round(NOW);
  assert.deepEqual(log, ["send 1"]);
});

Deno.test("a round ends although packets keep coming and leaving", () => {
  const { endpoint, io, pump } = setUp();
  io.waiting = Infinity;
  endpoint.toSend = Infinity;
  assert.equal(pump.round(NOW), true);
  assert.equal(pump.nextTimeout(NOW), 0);
});

Deno.test("packets that the kernel has no room for are kept, in order, and soon tried again", () => {
  const { log, endpoint, io, pump } = setUp();
  endpoint.toSend = 5;
  io.room = 2;
  pump.round(NOW);
  assert.equal(pump.nextTimeout(NOW), 1);
  assert.equal(pump.round(NOW), false, "a send that blocks is no reason not to wait");
  io.room = 2;
  pump.round(NOW);
  io.room = Infinity;
  endpoint.toSend = 1;
  pump.round(NOW);
  assert.deepEqual(log, ["send 2", "send 0", "send 2", "send 1", "send 1"]);
  assert.equal(pump.nextTimeout(NOW), Infinity);
});

Deno.test("the time to wait is that to the next timer", () => {
  const { endpoint, pump } = setUp();
  assert.equal(pump.nextTimeout(NOW), Infinity);
  endpoint.timeout = instant(1250);
  assert.equal(pump.nextTimeout(NOW), 250);
  assert.equal(pump.nextTimeout(instant(2000)), 0);
});

Deno.test("ICMP errors reach the engine", () => {
  const { log, io, pump } = setUp();
  const local = IpAddress.parse("127.0.0.1");
  const quoted = new Uint8Array(0);
  io.icmp.push({ kind: "packet-too-big", local, remote: local, mtu: 1280, quoted });
  assert.equal(pump.round(NOW), true);
  assert.deepEqual(log, ["icmp packet-too-big"]);
});
