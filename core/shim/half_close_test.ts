/**
 * The end of FTP's data connection (Bickhart 2005, section 3.2.2, figures 3.1 to 3.3), through two
 * bridges and real associations in virtual time. Host a is the FTP client's, b the server's.
 */
import assert from "node:assert/strict";
import type { SentPacket } from "../sctp/testing/sent_packet.ts";
import { type BridgedConnection, BridgedWire } from "./testing/bridged_wire.ts";

const FILE = "x".repeat(30_000);
/** Bytes that a kernel takes of a connection that nobody has accepted. */
const UNACCEPTED = 10_000;

function text({ bytes }: SentPacket): string {
  return new TextDecoder("latin1").decode(bytes);
}

/** Control and data connection, up; the data connection is not accepted yet. */
function ftp(wire: BridgedWire): { control: BridgedConnection; data: BridgedConnection } {
  const control = wire.connect();
  const data = wire.connect();
  data.a.socket.room = UNACCEPTED;
  return { control, data };
}

/** The server's side of a transfer, from the 150 reply to the 226. */
function transfer(control: BridgedConnection, data: BridgedConnection): void {
  control.b.does("150 Here it comes\r\n");
  data.b.does(FILE, "end");
  control.b.does("226 Sent\r\n");
}

/** The client has accepted: it reads to the end, and closes. */
function accept({ a }: BridgedConnection): void {
  a.makesRoom(FILE.length);
  assert.equal(a.socket.written, FILE);
  assert.equal(a.socket.ended, true);
  a.does("end");
}

function assertClosed(wire: BridgedWire, { a, b }: BridgedConnection): void {
  wire.run(1000);
  for (const { bridge, socket, association } of [a, b]) {
    assert.deepEqual(bridge.outcome, { clean: true, reason: "closed by both ends" });
    assert.deepEqual([socket.closed, association.state], ["close", "CLOSED"]);
  }
}

Deno.test("the client accepts when the 150 reply comes, and has the file (figure 3.1)", () => {
  const wire = new BridgedWire();
  const { control, data } = ftp(wire);
  transfer(control, data);
  wire.run(100);
  assert.equal(control.a.socket.written, "150 Here it comes\r\n226 Sent\r\n");
  accept(data);
  assertClosed(wire, data);
  assert.deepEqual([control.a.association.state, control.a.socket.closed], ["ESTABLISHED", "no"]);
});

Deno.test("the server closes before the client, whose 150 reply is lost, accepts (figures 3.2 and 3.3)", () => {
  let lost = 0;
  const wire = new BridgedWire((packet, side) => {
    const isLost = side === "b" && lost === 0 && text(packet).includes("150 Here");
    if (isLost) lost++;
    return isLost ? [] : [10];
  });
  const { control, data } = ftp(wire);
  transfer(control, data);
  wire.run(500);
  assert.equal(lost, 1);
  assert.equal(control.a.socket.written, "", "the 226 reply waits for the lost one");
  assert.equal(data.b.socket.closed, "no", "half of the connection is still open");
  assert.equal(data.a.association.state, "ESTABLISHED");
  assert.equal(data.a.socket.written.length, UNACCEPTED);
  wire.run(2000);
  assert.equal(control.a.socket.written, "150 Here it comes\r\n226 Sent\r\n");
  accept(data);
  assertClosed(wire, data);
});

Deno.test("the server closes first, and hears what the client says until it closes too (figure 3.3)", () => {
  const wire = new BridgedWire();
  const { b, a } = wire.connect();
  b.does("last words", "end");
  wire.run(60_000);
  assert.deepEqual([a.socket.written, a.socket.ended], ["last words", true]);
  a.does("an answer after a minute");
  wire.run(100);
  assert.equal(b.socket.written, "an answer after a minute");
  assert.equal(b.socket.ended, false);
  a.does("end");
  assertClosed(wire, { a, b });
});

Deno.test("a native peer knows no half-close: its association is gone before the client accepts, no byte is (figure 3.2)", () => {
  const wire = new BridgedWire();
  const { a, b } = wire.connect("native");
  a.socket.room = UNACCEPTED;
  b.does(FILE, "end");
  wire.run(1000);
  assert.deepEqual([a.association.state, b.association.state], ["CLOSED", "CLOSED"]);
  assert.deepEqual([a.socket.written.length, a.socket.ended], [UNACCEPTED, false]);
  a.makesRoom(FILE.length);
  assert.deepEqual([a.socket.written, a.socket.ended], [FILE, true]);
});
