/** Bridges to peers that are no shims: what docs/native-peers.md says, but for the kernel's part. */
import assert from "node:assert/strict";
import { makeBridge } from "./testing/fake_bridge.ts";

/** A bridge whose native peer has sent this and its SHUTDOWN. */
function makeLeft(words: string) {
  const made = makeBridge("native");
  made.association.peerSends(words);
  made.association.state = "SHUTDOWN-RECEIVED";
  made.bridge.handleShutdownReceived();
  return made;
}

Deno.test("with a native peer the application's FIN becomes SHUTDOWN, and what still comes is delivered", () => {
  const { socket, association, bridge, application, run } = makeBridge("native");
  application("bye", "end");
  run();
  assert.deepEqual(association.log, ["bye"]);
  assert.equal(association.shutdowns, 1);
  association.peerSends("last words", 3);
  run();
  association.state = "CLOSED";
  bridge.handleShutdownComplete();
  run();
  assert.equal(socket.written, "last words");
  assert.equal(socket.closed, "close");
  assert.equal(bridge.outcome?.clean, true);
});

Deno.test("a native peer's SHUTDOWN becomes FIN after its last byte", () => {
  const { socket, association, bridge, run } = makeBridge("native");
  socket.room = 2;
  association.peerSends("abcd");
  association.state = "SHUTDOWN-RECEIVED";
  bridge.handleShutdownReceived();
  run();
  assert.equal(socket.ended, false);
  socket.room = 2;
  run();
  assert.deepEqual([socket.written, socket.ended, socket.closed], ["abcd", true, "close"]);
  association.state = "CLOSED";
  bridge.handleShutdownComplete();
  assert.equal(bridge.outcome?.clean, true);
});

Deno.test("a native peer gets urgent data in line, and its own identifiers mean nothing", () => {
  const { socket, association, application, run } = makeBridge("native");
  application("abc", { urgent: "!" }, "def");
  association.peerSendsUrgent("not urgent");
  run();
  assert.deepEqual(association.log, ["abc", "!", "def"]);
  assert.equal(socket.written, "not urgent");
});

Deno.test("what the application sends after a native peer's SHUTDOWN goes nowhere, and it is told so", () => {
  const { socket, association, bridge, application, run } = makeLeft("answer");
  application("question");
  run();
  assert.deepEqual(association.log, []);
  assert.deepEqual([socket.written, socket.ended, socket.closed], ["answer", true, "reset"]);
  association.state = "CLOSED";
  bridge.handleShutdownComplete();
  assert.equal(bridge.outcome?.clean, false);
  assert.match(bridge.outcome!.reason, /did not take 8 bytes/);
});

Deno.test("bytes that a native peer's SHUTDOWN found waiting for room are counted", () => {
  const { socket, association, bridge, application, run } = makeBridge("native");
  association.full = true;
  application("held");
  run();
  association.state = "CLOSED";
  bridge.handleShutdownComplete();
  run();
  assert.equal(socket.closed, "reset");
  assert.match(bridge.outcome!.reason, /did not take 4 bytes/);
});

Deno.test("an application that sends before it reads gets all of a native peer that has left", () => {
  const { socket, application, run } = makeLeft("a long answer");
  socket.room = 2;
  for (let i = 0; i < 3; i++) {
    application("question");
    run();
  }
  assert.deepEqual(
    [socket.written, socket.input.length],
    ["a ", 0],
    "it is read, so that it reads",
  );
  socket.room = Infinity;
  run();
  assert.deepEqual([socket.written, socket.closed], ["a long answer", "reset"]);
});

Deno.test("a reset does not take away what the application's kernel has not got yet", () => {
  const { socket, bridge, application, run } = makeLeft("answer");
  socket.endIsAcknowledged = false;
  application("question");
  run();
  assert.deepEqual([socket.ended, socket.closed], [true, "no"]);
  assert.equal(bridge.activity, "waiting for the application to take the end");
  socket.endIsAcknowledged = true;
  run();
  assert.equal(socket.closed, "reset");
});

Deno.test("an application that ends after a native peer's SHUTDOWN has a clean end", () => {
  const { socket, association, bridge, application, run } = makeLeft("answer");
  socket.endIsAcknowledged = false;
  application("end");
  run();
  assert.equal(socket.closed, "close");
  association.state = "CLOSED";
  bridge.handleShutdownComplete();
  assert.deepEqual(bridge.outcome, { clean: true, reason: "closed by both ends" });
});

Deno.test("an application that resets after a native peer's SHUTDOWN is done with", () => {
  const { socket, bridge, application, run } = makeLeft("answer");
  socket.room = 0;
  application("reset");
  run();
  assert.equal(socket.closed, "reset");
  assert.equal(bridge.outcome?.clean, false);
});
