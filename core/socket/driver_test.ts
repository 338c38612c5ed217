import assert from "node:assert/strict";
import { setImmediate } from "node:timers";
import { instant } from "../sctp/base/time.ts";
import { Driver } from "./driver.ts";
import { FakeEndpoint, FakeIo } from "./testing/fakes.ts";

function setUp(): { log: string[]; endpoint: FakeEndpoint; io: FakeIo; driver: Driver } {
  const log: string[] = [];
  const endpoint = new FakeEndpoint(log);
  const io = new FakeIo(log);
  const clock = () => instant(0);
  const driver = new Driver({ endpoint, io, clock, handleEvent: () => {} });
  return { log, endpoint, io, driver };
}

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

Deno.test("an idle driver waits for packets until the next timer", async () => {
  const { log, endpoint, driver } = setUp();
  endpoint.timeout = instant(70);
  const running = driver.run();
  await turns(3);
  assert.deepEqual(log, ["wait 70"]);
  driver.close();
  await running;
});

Deno.test("a single command is sent as soon as its caller yields", async () => {
  const { log, endpoint, driver } = setUp();
  endpoint.toSend = 1;
  driver.flush();
  assert.deepEqual(log, []);
  await Promise.resolve();
  assert.deepEqual(log, ["send 1"]);
  driver.close();
});

Deno.test("commands that follow each other across awaits share one flush at the end of the turn", async () => {
  const { log, endpoint, driver } = setUp();
  for (let i = 0; i < 10; i++) {
    endpoint.toSend++;
    driver.flush();
    await Promise.resolve();
  }
  await turns(2);
  assert.deepEqual(log, ["send 1", "send 9"]);
  driver.close();
});

Deno.test("a command that arms an earlier timer ends the wait", async () => {
  const { log, endpoint, io, driver } = setUp();
  endpoint.timeout = instant(1000);
  const running = driver.run();
  await turns(3);
  endpoint.timeout = instant(50);
  driver.flush();
  await turns(3);
  assert.deepEqual(log, ["wait 1000", "wait 50"]);
  endpoint.timeout = instant(2000);
  driver.flush();
  await turns(3);
  assert.equal(io.wakes, 1, "a later timer is no reason to wake");
  driver.close();
  await running;
});

Deno.test("closing sends what is ready", async () => {
  const { log, endpoint, driver } = setUp();
  const running = driver.run();
  await turns(3);
  endpoint.toSend = 2;
  driver.close();
  await running;
  assert.deepEqual(log, ["wait Infinity", "send 2"]);
});

Deno.test("a failure in a flush ends the run with it", async () => {
  const { endpoint, driver } = setUp();
  const running = driver.run();
  await turns(3);
  endpoint.failure = new Error("the engine broke");
  driver.flush();
  await assert.rejects(running, /the engine broke/);
});
