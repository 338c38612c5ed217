import assert from "node:assert/strict";
import fc from "fast-check";
import { writeU32 } from "../sctp/base/bytes.ts";
import { AttributeReader, NetlinkReader, NetlinkWriter, NLM_F_REQUEST } from "./netlink.ts";
import { readDiagAnswer } from "./sock_diag_message.ts";

Deno.test("what is written is read back, message by message, attribute by attribute", () => {
  const writer = new NetlinkWriter(256);
  const bytes = new Uint8Array(512);
  let used = 0;
  for (const type of [20, 21]) {
    writer.begin(type, NLM_F_REQUEST, 7);
    writer.bytes[writer.reserve(4)] = 9;
    writer.bytes.fill(1, writer.attribute(3, 5), writer.length);
    writeU32(writer.bytes, writer.attribute(4, 4), 0xdeadbeef);
    bytes.set(writer.bytes.subarray(0, writer.length), used);
    used += writer.length;
  }
  const reader = new NetlinkReader();
  const attributes = new AttributeReader();
  reader.reset(bytes, 0, used);
  for (const type of [20, 21]) {
    assert.ok(reader.next());
    assert.deepEqual([reader.type, reader.flags, reader.sequence], [type, NLM_F_REQUEST, 7]);
    assert.equal(bytes[reader.start], 9);
    attributes.reset(bytes, reader.start + 4, reader.end);
    assert.ok(attributes.next());
    assert.deepEqual([attributes.type, attributes.length], [3, 5]);
    assert.ok(attributes.next());
    assert.deepEqual([attributes.type, attributes.length], [4, 4]);
    assert.ok(!attributes.next());
  }
  assert.ok(!reader.next());
});

Deno.test("attributes within attributes are found", () => {
  const writer = new NetlinkWriter(256);
  writer.begin(1, NLM_F_REQUEST, 1);
  writer.attribute(2, 3);
  writer.nest(1, () => {
    writer.attribute(5, 1);
    writer.nest(6, () => writer.bytes[writer.attribute(7, 1)] = 42);
  });
  const attributes = new AttributeReader();
  const found = (...types: readonly number[]) => {
    attributes.reset(writer.bytes, 16, writer.length);
    return attributes.find(types[0]) && types.slice(1).every((type) => attributes.enter(type));
  };
  assert.ok(found(1, 6, 7));
  assert.deepEqual([attributes.length, writer.bytes[attributes.start]], [1, 42]);
  assert.ok(!found(1, 7));
  assert.ok(!found(6));
});

Deno.test("what was in the memory before does not leak into a message", () => {
  const writer = new NetlinkWriter(64);
  writer.bytes.fill(0xff);
  writer.begin(0, 0, 0);
  writer.attribute(0, 5);
  assert.deepEqual([...writer.bytes.subarray(16, 28)], [9, ...new Array(11).fill(0)]);
});

Deno.test("a message that gets too long is refused", () => {
  const writer = new NetlinkWriter(20);
  writer.begin(1, 0, 1);
  writer.reserve(4);
  assert.throws(() => writer.attribute(1, 1), RangeError);
});

Deno.test("any bytes are read to an end, within their bounds", () => {
  const bytes = fc.uint8Array({ minLength: 0, maxLength: 200 });
  fc.assert(fc.property(bytes, fc.nat(20), fc.nat(220), (datagram, offset, length) => {
    const limit = Math.min(offset + length, datagram.length);
    const reader = new NetlinkReader();
    const attributes = new AttributeReader();
    reader.reset(datagram, offset, length);
    while (reader.next()) {
      assert.ok(reader.end <= limit);
      attributes.reset(datagram, reader.start, reader.end);
      while (attributes.next()) assert.ok(attributes.start + attributes.length <= reader.end);
      readDiagAnswer(datagram, reader.start, reader.end);
      assert.ok(Number.isInteger(reader.error));
    }
  }));
});

Deno.test("any bytes are an answer about a socket, or none", () => {
  const bytes = fc.uint8Array({ minLength: 72, maxLength: 300 });
  fc.assert(fc.property(bytes, fc.constantFrom(2, 10, 7), (answer, family) => {
    answer[0] = family;
    assert.equal(readDiagAnswer(answer, 0, answer.length) !== undefined, family !== 7);
  }));
});
