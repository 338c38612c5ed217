import assert from "node:assert/strict";
import { IpAddress } from "../sctp/base/address.ts";
import { Heartbeat, QueueWatchdog, takeAway } from "./queue_watchdog.ts";
import { TcpListener } from "./tcp_socket.ts";
import { needs } from "./testing/requirements.ts";

const PATIENCE = 1000;

/** A watchdog with a clock that the test sets. */
function watched() {
  const heartbeat = new Heartbeat();
  const state = { now: 0, releases: 0 };
  const watchdog = new QueueWatchdog({
    heartbeat,
    patience: PATIENCE,
    release: () => state.releases++,
    now: () => state.now,
  });
  const pass = (milliseconds: number) => {
    for (let left = milliseconds; left > 0; left -= 100) {
      state.now += 100;
      watchdog.look();
    }
  };
  return { heartbeat, watchdog, state, pass };
}

Deno.test("a thread that beats is left alone", () => {
  const { heartbeat, state, pass } = watched();
  for (let i = 0; i < 20; i++) {
    pass(PATIENCE - 100);
    heartbeat.beat();
  }
  assert.equal(state.releases, 0);
});

Deno.test("a thread that stops beating loses its queue once, after the patience", () => {
  const { heartbeat, watchdog, state, pass } = watched();
  heartbeat.beat();
  pass(PATIENCE);
  assert.equal(state.releases, 0);
  pass(100);
  assert.equal(state.releases, 1);
  pass(10 * PATIENCE);
  assert.equal(state.releases, 1);
  assert.ok(watchdog.released);
});

Deno.test("a thread that beats again is watched again", () => {
  const { heartbeat, watchdog, state, pass } = watched();
  pass(PATIENCE);
  assert.ok(watchdog.released);
  heartbeat.beat();
  pass(100);
  assert.ok(!watchdog.released);
  pass(PATIENCE);
  assert.equal(state.releases, 2);
});

Deno.test("time in which nobody could run does not count", () => {
  const { watchdog, state, pass } = watched();
  pass(500);
  state.now += 1e6;
  watchdog.look();
  assert.equal(state.releases, 0);
  pass(400);
  assert.equal(state.releases, 0);
  pass(100);
  assert.equal(state.releases, 1);
});

Deno.test("a heartbeat is felt through the memory that two threads share", () => {
  const here = new Heartbeat();
  const there = new Heartbeat(here.memory);
  const before = there.value;
  here.beat();
  assert.notEqual(there.value, before);
});

Deno.test("a watchdog with a timer looks by itself until it is stopped", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const watchdog = new QueueWatchdog({
    heartbeat: new Heartbeat(),
    patience: 40,
    release: resolve,
    now: () => performance.now(),
  });
  watchdog.start();
  await promise;
  watchdog.stop();
});

Deno.test(
  needs(
    ["linux", "ffi"],
    "a descriptor that is taken away is closed, and its number is kept",
    () => {
      const address = IpAddress.parse("127.0.0.1");
      const listener = new TcpListener({ address, port: 0 });
      const { port } = listener.localAddress;
      takeAway(listener.descriptor);
      assert.throws(() => listener.accept(), { code: "ENOTSOCK" });
      const next = new TcpListener({ address, port });
      assert.notEqual(next.descriptor, listener.descriptor);
      for (const each of [next, listener]) each.close();
    },
  ),
);
