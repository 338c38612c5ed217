import assert from "node:assert/strict";
import { EPOLLIN, EPOLLOUT } from "./constants.ts";
import { Epoll, Wakeup } from "./epoll.ts";
import { needs } from "./testing/requirements.ts";

Deno.test(
  needs(
    ["linux", "ffi"],
    "a signal makes the wakeup ready under its token until it is drained",
    () => {
      const epoll = new Epoll();
      const [first, second] = [new Wakeup(), new Wakeup()];
      epoll.add(first.descriptor, EPOLLIN, 0xfffffff0);
      epoll.add(second.descriptor);
      assert.equal(epoll.wait(0), 0);
      first.signal();
      first.signal();
      assert.equal(epoll.wait(1000), 1);
      assert.equal(epoll.token(0), 0xfffffff0);
      assert.equal(epoll.events(0), EPOLLIN);
      second.signal();
      assert.equal(epoll.wait(Infinity), 2);
      assert.deepEqual(
        new Set([epoll.token(0), epoll.token(1)]),
        new Set([0xfffffff0, second.descriptor]),
      );
      assert.equal(first.drain(), true);
      assert.equal(first.drain(), false);
      second.drain();
      assert.equal(epoll.wait(0), 0);
      for (const each of [first, second, epoll]) each.close();
    },
  ),
);

Deno.test(needs(["linux", "ffi"], "watching can be changed and ended", () => {
  const epoll = new Epoll();
  const wakeup = new Wakeup();
  epoll.add(wakeup.descriptor, EPOLLIN);
  epoll.modify(wakeup.descriptor, EPOLLOUT, 7);
  assert.equal(epoll.wait(0), 1);
  assert.equal(epoll.token(0), 7);
  assert.equal(epoll.events(0), EPOLLOUT);
  epoll.remove(wakeup.descriptor);
  assert.equal(epoll.wait(0), 0);
  assert.throws(() => epoll.remove(wakeup.descriptor), { name: "SystemError", code: "ENOENT" });
  wakeup.close();
  epoll.close();
}));

Deno.test(
  needs(["linux", "ffi"], "a timeout with a fraction of a millisecond is not rounded down", () => {
    const epoll = new Epoll();
    const start = performance.now();
    assert.equal(epoll.wait(1.5), 0);
    assert.ok(performance.now() - start >= 1.45);
    epoll.close();
  }),
);

Deno.test(
  needs(
    ["linux", "ffi"],
    "an asynchronous wait ends by a signal and by its timeout, while timers go on",
    async () => {
      const epoll = new Epoll();
      const wakeup = new Wakeup();
      epoll.add(wakeup.descriptor);
      await epoll.waitAsync(1);
      assert.equal(epoll.wait(0), 0);
      setTimeout(() => wakeup.signal(), 5);
      await epoll.waitAsync(Infinity);
      assert.equal(epoll.wait(0), 1);
      wakeup.close();
      epoll.close();
    },
  ),
);

Deno.test(
  needs(
    ["linux", "ffi"],
    "a wakeup made from the descriptor of another reaches whoever watches that one",
    () => {
      const epoll = new Epoll();
      const wakeup = new Wakeup();
      epoll.add(wakeup.descriptor);
      const shared = new Wakeup(wakeup.descriptor);
      shared.signal();
      assert.equal(epoll.wait(1000), 1);
      assert.equal(wakeup.drain(), true);
      wakeup.close();
      epoll.close();
    },
  ),
);
