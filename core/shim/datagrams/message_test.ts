import assert from "node:assert/strict";
import fc from "fast-check";
import { IpAddress } from "../../sctp/base/address.ts";
import {
  encodeHeader,
  encodeRefuse,
  FLAG_BEGUN,
  FLAG_WITH_DATAGRAM,
  FLAG_YOURS,
  HEADER_BYTES,
  LONGEST_MESSAGE,
  MessageType,
  openHeaderBytes,
  ReceivedMessage,
  RefuseReason,
  writeHeader,
  writeOpen,
} from "./message.ts";

const ENDS = {
  4: { source: IpAddress.parse("10.0.0.1"), destination: IpAddress.parse("10.0.0.2") },
  6: { source: IpAddress.parse("2001:db8::1"), destination: IpAddress.parse("2001:db8::2") },
};

Deno.test("an OPEN tells both ends and its datagram, IPv4 and IPv6", () => {
  for (const family of [4, 6] as const) {
    const header = openHeaderBytes(family);
    const bytes = new Uint8Array(header + 3).fill(7);
    const ends = { ...ENDS[family], sourcePort: 5000, destinationPort: 53 };
    writeOpen(bytes, 0, 0xfffe, FLAG_WITH_DATAGRAM, ends);
    const message = new ReceivedMessage();
    assert.ok(message.read(bytes, bytes.length));
    assert.deepEqual([message.type, message.flow], [MessageType.Open, 0xfffe]);
    assert.ok(message.has(FLAG_WITH_DATAGRAM) && !message.has(FLAG_BEGUN));
    const { source, sourcePort, destination, destinationPort } = message;
    assert.deepEqual({ source, sourcePort, destination, destinationPort }, ends);
    assert.deepEqual([message.offset, message.length], [header, 3]);
    for (let length = 0; length < header; length++) {
      assert.equal(message.read(bytes, length), false, `${length} bytes`);
    }
  }
});

Deno.test("a datagram may be empty, and says whose number its flow has", () => {
  const bytes = new Uint8Array(HEADER_BYTES);
  writeHeader(bytes, 0, MessageType.Datagram, FLAG_YOURS, 258);
  assert.deepEqual([...bytes], [5, 1, 1, 2]);
  const message = new ReceivedMessage();
  assert.ok(message.read(bytes, 4));
  assert.deepEqual([message.flow, message.length, message.has(FLAG_YOURS)], [258, 0, true]);
});

Deno.test("answers are read as they were written", () => {
  const message = new ReceivedMessage();
  const refuse = encodeRefuse(9, RefuseReason.NoServer);
  assert.ok(message.read(refuse, refuse.length));
  assert.deepEqual([message.type, message.flow, message.reason], [3, 9, RefuseReason.NoServer]);
  assert.equal(message.read(refuse, 7), false);
  const accept = encodeHeader(MessageType.Accept, 0, 10);
  assert.ok(message.read(accept, accept.length));
  assert.deepEqual([message.type, message.flow, message.flags], [2, 10, 0]);
});

Deno.test("a flow from or to port 0 is none", () => {
  const bytes = new Uint8Array(16);
  const message = new ReceivedMessage();
  for (const [sourcePort, destinationPort] of [[0, 53], [5000, 0]]) {
    writeOpen(bytes, 0, 1, 0, { ...ENDS[4], sourcePort, destinationPort });
    assert.equal(message.read(bytes, 16), false);
  }
});

Deno.test("whatever the bytes are, a datagram that is told of lies within them", () => {
  const message = new ReceivedMessage();
  const bytes = fc.uint8Array({ maxLength: 80 });
  fc.assert(fc.property(bytes, fc.nat(6), fc.nat(90), (noise, type, length) => {
    if (noise.length > 0) noise[0] = type;
    if (!message.read(noise, length)) return;
    assert.ok(message.length >= 0 && message.offset + message.length <= noise.length);
  }));
});

Deno.test("the longest datagrams of both families fit into a message, with their addresses", () => {
  assert.ok(LONGEST_MESSAGE >= openHeaderBytes(6) + 65_527);
  assert.ok(openHeaderBytes(4) <= 20 + 8 && openHeaderBytes(6) <= 40 + 8);
});
