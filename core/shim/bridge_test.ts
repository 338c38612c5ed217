import assert from "node:assert/strict";
import { instant } from "../sctp/base/time.ts";
import { CONTROL_STREAM, encodeControlMessage } from "./control_message.ts";
import { makeBridge, NOW, resetReason } from "./testing/fake_bridge.ts";

const bytes = (words: string) => new TextEncoder().encode(words);

Deno.test("bytes cross both ways at once, and one read becomes one message", () => {
  const { socket, association, bridge, application, run } = makeBridge();
  application("hello");
  association.peerSends("wel");
  association.peerSends("come");
  run();
  assert.deepEqual(association.log, ["hello"]);
  assert.equal(socket.written, "welcome");
  assert.deepEqual([bridge.bytesOut, bridge.bytesIn], [5, 7]);
});

Deno.test("TCP is not read while the association refuses, and nothing is lost or reordered", () => {
  const { socket, association, bridge, application, run } = makeBridge();
  association.full = true;
  application("one", "two");
  run();
  bridge.handleSocket(NOW, socket.events);
  run();
  assert.deepEqual(association.log, []);
  assert.deepEqual(socket.input, ["two"]);
  association.full = false;
  run();
  assert.deepEqual(association.log, ["one", "two"]);
});

Deno.test("the association is not read while TCP is blocked, so that a_rwnd closes", () => {
  const { socket, association, run } = makeBridge();
  socket.room = 2;
  association.peerSends("abcd");
  run();
  association.peerSends("efgh");
  run();
  assert.equal(socket.written, "ab");
  assert.equal(association.readableBytes, 4);
  socket.room = Infinity;
  run();
  assert.equal(socket.written, "abcdefgh");
});

Deno.test("the application's FIN becomes HALF-CLOSE with the count of bytes, the other way stays open", () => {
  const { socket, association, application, run } = makeBridge();
  application("hello", "end");
  run();
  assert.deepEqual(association.log, ["hello", "half-close 5"]);
  assert.equal(association.shutdowns, 0);
  association.peerSends("answer");
  run();
  assert.equal(socket.written, "answer");
  assert.equal(socket.ended, false);
});

Deno.test("HALF-CLOSE waits for room behind the data", () => {
  const { association, application, run } = makeBridge();
  association.full = true;
  application("hello", "end");
  run();
  run();
  association.full = false;
  run();
  assert.deepEqual(association.log, ["hello", "half-close 5"]);
});

Deno.test("a HALF-CLOSE that overtakes data takes effect only after that data", () => {
  const { socket, association, run } = makeBridge();
  association.peerHalfCloses(6);
  association.peerSends("abc");
  run();
  assert.equal(socket.ended, false);
  association.peerSends("def");
  run();
  assert.equal(socket.written, "abcdef");
  assert.equal(socket.ended, true);
});

Deno.test("FIN waits until TCP has taken the last byte", () => {
  const { socket, association, run } = makeBridge();
  socket.room = 1;
  association.peerSends("abc");
  association.peerHalfCloses(3);
  run();
  assert.equal(socket.ended, false);
  socket.room = 2;
  run();
  assert.equal(socket.ended, true);
});

Deno.test("once both directions have ended the socket is closed and the association shut down", () => {
  const { socket, association, bridge, application, run } = makeBridge();
  application("end");
  association.peerHalfCloses(0);
  run();
  assert.equal(socket.closed, "close");
  assert.equal(association.shutdowns, 1);
  assert.equal(bridge.outcome, undefined, "the association has still to end");
  bridge.handleShutdownComplete();
  assert.deepEqual(bridge.outcome, { clean: true, reason: "closed by both ends" });
});

Deno.test("a reset by the application becomes ABORT with RESET as its reason", () => {
  const { socket, association, bridge, application, run } = makeBridge();
  application("reset");
  run();
  assert.equal(resetReason(association), 1);
  assert.equal(socket.closed, "reset");
  assert.deepEqual(bridge.outcome, {
    clean: false,
    reason: "the application reset the connection",
  });
});

Deno.test("a reset is noticed while back-pressure keeps TCP from being read", () => {
  const { association, application, run } = makeBridge();
  association.full = true;
  application("data");
  run();
  application("reset");
  assert.equal(resetReason(association), 1);
});

Deno.test("a reset waits until the peer has acknowledged the bytes before it", () => {
  const { socket, association, bridge, application, run } = makeBridge();
  application("last words", "reset");
  association.bufferedBytes = 10;
  run();
  assert.deepEqual(association.log, ["last words"]);
  assert.equal(socket.closed, "reset");
  assert.equal(association.toldWhenDry, true);
  assert.equal(association.abortReason, undefined);
  const { outcome } = bridge;
  assert.equal(outcome, undefined, "the peer has still to be reset");
  bridge.handleSenderDry();
  run();
  assert.equal(resetReason(association), 1);
  assert.equal(bridge.outcome?.clean, false);
});

Deno.test("a reset does not wait longer for a peer that takes nothing", () => {
  const { association, bridge, application } = makeBridge();
  association.bufferedBytes = 1;
  application("last words", "reset");
  bridge.run(NOW);
  assert.equal(bridge.deadline, 500);
  bridge.run(instant(499));
  assert.equal(association.abortReason, undefined);
  bridge.run(instant(500));
  assert.equal(resetReason(association), 1);
  assert.equal(bridge.deadline, Infinity);
});

Deno.test("a peer that is lost while a reset waits needs none", () => {
  const { association, bridge, application, run } = makeBridge();
  association.bufferedBytes = 1;
  application("last words", "reset");
  run();
  association.state = "CLOSED";
  bridge.handleLoss("the peer is gone");
  assert.equal(bridge.outcome?.reason, "the application reset the connection");
  bridge.run(instant(1000));
  assert.equal(association.abortReason, undefined);
});

Deno.test("a write that fails because the application is gone resets the peer", () => {
  const { socket, association, run } = makeBridge();
  socket.broken = true;
  association.peerSends("for nobody");
  run();
  assert.equal(resetReason(association), 1);
  assert.equal(socket.closed, "reset");
});

Deno.test("a lost association resets the TCP connection, whatever TCP has not taken yet", () => {
  const { socket, association, bridge, run } = makeBridge();
  socket.room = 1;
  association.peerSends("abc");
  run();
  bridge.handleLoss("the peer is gone");
  assert.equal(socket.closed, "reset");
  assert.deepEqual(bridge.outcome, { clean: false, reason: "the peer is gone" });
  assert.equal(run(), false);
});

Deno.test("RESET on the control stream takes the connection down", () => {
  const { socket, association, run } = makeBridge();
  association.input.push([CONTROL_STREAM, encodeControlMessage({ kind: "reset", reason: 1 })]);
  run();
  assert.equal(socket.closed, "reset");
  assert.equal(association.state, "CLOSED");
});

Deno.test("a peer shim that breaks the format is reset, an unknown message type is ignored", () => {
  for (
    const [stream, data, expected] of [
      [CONTROL_STREAM, Uint8Array.of(1, 0, 0, 9), 5],
      [CONTROL_STREAM, Uint8Array.of(77, 0, 0, 4), undefined],
      [7, bytes("data on a third stream"), 5],
    ] as [number, Uint8Array, number | undefined][]
  ) {
    const { association, run } = makeBridge();
    association.input.push([stream, data]);
    run();
    assert.equal(resetReason(association), expected);
  }
});

Deno.test("more data than HALF-CLOSE announced, or a second HALF-CLOSE, is a fault", () => {
  const first = makeBridge();
  first.association.peerHalfCloses(2);
  first.association.peerSends("abc");
  first.run();
  assert.equal(resetReason(first.association), 5);
  const second = makeBridge();
  second.association.peerHalfCloses(2);
  second.association.peerHalfCloses(2);
  second.run();
  assert.equal(resetReason(second.association), 5);
});

Deno.test("a shim's association that ends in the middle of the stream is a reset, not an end", () => {
  const { socket, association, bridge, run } = makeBridge();
  association.peerSends("abc");
  association.state = "CLOSED";
  bridge.handleShutdownComplete();
  run();
  assert.equal(socket.closed, "reset");
  assert.equal(bridge.outcome?.clean, false);
});

Deno.test("urgent data crosses with its mark, both ways, and counts as a byte", () => {
  const { socket, association, bridge, application, run } = makeBridge();
  application("abc", { urgent: "!" }, "def", "end");
  association.peerSends("uvw");
  association.peerSendsUrgent("?");
  association.peerSends("xyz");
  run();
  assert.deepEqual(association.log, ["abc", "[!]", "def", "half-close 7"]);
  assert.equal(socket.written, "uvw[?]xyz");
  assert.deepEqual([bridge.bytesOut, bridge.bytesIn], [7, 7]);
});

Deno.test("urgent data that the association refuses is still urgent later", () => {
  const { association, application, run } = makeBridge();
  association.full = true;
  application({ urgent: "!" }, "after");
  run();
  association.full = false;
  run();
  assert.deepEqual(association.log, ["[!]", "after"]);
});

Deno.test("urgent data waits for room in TCP, and then still has its mark", () => {
  const { socket, association, run } = makeBridge();
  socket.room = 2;
  association.peerSends("abc");
  association.peerSendsUrgent("!");
  association.peerSends("def");
  for (const [room, written] of [[1, "abc"], [1, "abc[!]"], [9, "abc[!]def"]] as const) {
    run();
    socket.room = room;
    run();
    assert.equal(socket.written, written);
  }
});

Deno.test("the last byte of an urgent message is the urgent one", () => {
  const { socket, association, run } = makeBridge();
  association.peerSendsUrgent("IAC DM");
  run();
  assert.equal(socket.written, "IAC D[M]");
});
