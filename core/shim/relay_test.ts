import assert from "node:assert/strict";
import { Relay } from "./relay.ts";
import { FakeSocket } from "./testing/fake_socket.ts";
import { TransferBuffers } from "./transfer_buffers.ts";

function makeRelay() {
  const local = new FakeSocket();
  const remote = new FakeSocket();
  return { local, remote, relay: new Relay(local, remote, new TransferBuffers(1 << 20)) };
}

Deno.test("bytes cross a relay both ways", () => {
  const { local, remote, relay } = makeRelay();
  local.input.push("hello");
  remote.input.push("welcome");
  relay.run();
  assert.deepEqual([remote.written, local.written], ["hello", "welcome"]);
  assert.deepEqual([relay.bytesOut, relay.bytesIn], [5, 7]);
});

Deno.test("a relay does not read what it could not write, and loses nothing", () => {
  const { local, remote, relay } = makeRelay();
  remote.room = 2;
  local.input.push("abcd", "efgh");
  relay.run();
  assert.equal(remote.written, "ab");
  assert.deepEqual(local.input, ["efgh"]);
  remote.room = Infinity;
  relay.handleRemote(false);
  relay.run();
  assert.equal(remote.written, "abcdefgh");
});

Deno.test("one end of a relay may close while the other goes on", () => {
  const { local, remote, relay } = makeRelay();
  local.input.push("last", "end");
  relay.run();
  assert.deepEqual([remote.written, remote.ended, local.ended], ["last", true, false]);
  remote.input.push("answer", "end");
  relay.handleRemote(false);
  relay.run();
  assert.deepEqual([local.written, local.ended], ["answer", true]);
  assert.deepEqual([local.closed, remote.closed], ["close", "close"]);
  assert.equal(relay.outcome?.clean, true);
});

Deno.test("a reset of one end resets the other", () => {
  const { local, remote, relay } = makeRelay();
  local.input.push("reset");
  relay.run();
  assert.deepEqual([local.closed, remote.closed], ["reset", "reset"]);
  assert.equal(relay.outcome?.clean, false);
});

Deno.test("a reset is noticed where nothing is read: while writing is blocked, and after the end", () => {
  const blocked = makeRelay();
  blocked.remote.room = 0;
  blocked.local.input.push("data");
  blocked.relay.run();
  blocked.relay.handleLocal(true);
  assert.equal(blocked.remote.closed, "reset");
  const ended = makeRelay();
  ended.local.input.push("end");
  ended.relay.run();
  ended.relay.handleLocal(true);
  assert.equal(ended.remote.closed, "reset");
});
