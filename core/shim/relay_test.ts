import assert from "node:assert/strict";
import { Relay } from "./relay.ts";
import { type FakeInput, FakeSocket } from "./testing/fake_socket.ts";
import { TransferBuffers } from "./transfer_buffers.ts";

function makeRelay() {
  const local = new FakeSocket();
  const remote = new FakeSocket();
  const relay = new Relay(local, remote, new TransferBuffers(1 << 20));
  /** Each end does this, and epoll tells of it. */
  const fromLocal = (...input: FakeInput[]) => {
    local.input.push(...input);
    relay.handleLocal(local.events);
  };
  const fromRemote = (...input: FakeInput[]) => {
    remote.input.push(...input);
    relay.handleRemote(remote.events);
  };
  return { local, remote, relay, fromLocal, fromRemote };
}

Deno.test("bytes cross a relay both ways", () => {
  const { local, remote, relay, fromLocal, fromRemote } = makeRelay();
  fromLocal("hello");
  fromRemote("welcome");
  relay.run();
  assert.deepEqual([remote.written, local.written], ["hello", "welcome"]);
  assert.deepEqual([relay.bytesOut, relay.bytesIn], [5, 7]);
});

Deno.test("a relay does not read what it could not write, and loses nothing", () => {
  const { local, remote, relay, fromLocal, fromRemote } = makeRelay();
  remote.room = 2;
  fromLocal("abcd", "efgh");
  relay.run();
  assert.equal(remote.written, "ab");
  assert.deepEqual(local.input, ["efgh"]);
  remote.room = Infinity;
  fromRemote();
  fromLocal();
  relay.run();
  assert.equal(remote.written, "abcdefgh");
});

Deno.test("one end of a relay may close while the other goes on", () => {
  const { local, remote, relay, fromLocal, fromRemote } = makeRelay();
  fromLocal("last", "end");
  relay.run();
  assert.deepEqual([remote.written, remote.ended, local.ended], ["last", true, false]);
  fromRemote("answer", "end");
  relay.run();
  assert.deepEqual([local.written, local.ended], ["answer", true]);
  assert.deepEqual([local.closed, remote.closed], ["close", "close"]);
  assert.equal(relay.outcome?.clean, true);
});

Deno.test("a reset of one end resets the other", () => {
  const { local, remote, relay, fromLocal } = makeRelay();
  fromLocal("reset");
  relay.run();
  assert.deepEqual([local.closed, remote.closed], ["reset", "reset"]);
  assert.equal(relay.outcome?.clean, false);
});

Deno.test("a reset is noticed where nothing is read: while writing is blocked, and after the end", () => {
  const blocked = makeRelay();
  blocked.remote.room = 0;
  blocked.fromLocal("data");
  blocked.relay.run();
  blocked.fromLocal("reset");
  assert.equal(blocked.remote.closed, "reset");
  const ended = makeRelay();
  ended.fromLocal("end");
  ended.relay.run();
  ended.fromLocal("reset");
  assert.equal(ended.remote.closed, "reset");
});

Deno.test("urgent data crosses a relay with its mark, whatever the other end takes", () => {
  const { remote, relay, fromLocal } = makeRelay();
  remote.room = 3;
  fromLocal("abc", { urgent: "!" }, "def");
  relay.run();
  assert.equal(remote.written, "abc");
  remote.room = 2;
  relay.run();
  assert.equal(remote.written, "abc[!]d");
});

Deno.test("what one end did before the relay began is relayed: bytes, and its end", () => {
  const { local, remote, relay } = makeRelay();
  remote.input.push("greeting", "end");
  relay.run();
  assert.deepEqual([local.written, local.ended], ["greeting", true]);
});
