import assert from "node:assert/strict";
import fc from "fast-check";
import { readU16, writeU16 } from "../sctp/base/bytes.ts";
import { Ecn } from "../sctp/packet.ts";
import { IpPacketPool } from "./ip_packet.ts";

/** The checksum of an IPv4 header (RFC 791, section 3.1), over all of it: 0xffff if it is right. */
function sumOf(header: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += readU16(header, i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

function v4Header(rest: Uint8Array): Uint8Array {
  const header = new Uint8Array(20);
  header.set(rest.subarray(0, 19), 1);
  header[0] = 0x45;
  writeU16(header, 10, 0);
  writeU16(header, 10, ~sumOf(header));
  return header;
}

const CODEPOINTS = Object.values(Ecn);

Deno.test("an ECN mark leaves the checksum of an IPv4 header right, and nothing else changed", () => {
  const pool = new IpPacketPool();
  fc.assert(fc.property(
    fc.uint8Array({ minLength: 19, maxLength: 19 }),
    fc.constantFrom(...CODEPOINTS),
    (rest, ecn) => {
      const header = v4Header(rest);
      const packet = pool.take(header, header.length);
      assert.equal(packet.ecn, header[1] & 3);
      packet.ecn = ecn;
      packet.writeEcn();
      const { bytes } = packet;
      assert.equal(sumOf(bytes), 0xffff);
      assert.equal(bytes[1], (header[1] & ~3) | ecn);
      assert.deepEqual(bytes.slice(2, 10), header.slice(2, 10));
      assert.deepEqual(bytes.slice(12, 20), header.slice(12, 20));
      pool.release(packet);
    },
  ));
});

Deno.test("of an IPv6 header the traffic class alone is changed (RFC 8200, section 3)", () => {
  const header = new Uint8Array(40).fill(0xab);
  header.set([0x6f, 0xf5, 0x12, 0x34]);
  const packet = new IpPacketPool().take(header, header.length);
  assert.equal(packet.ecn, Ecn.Ce);
  packet.ecn = Ecn.NotEct;
  packet.writeEcn();
  assert.deepEqual(packet.bytes.slice(0, 4), Uint8Array.of(0x6f, 0xc5, 0x12, 0x34));
});

Deno.test("packets of any length are lent, copied and taken back", () => {
  const pool = new IpPacketPool();
  for (const length of [20, 1500, 2048, 2049, 65_535]) {
    const source = new Uint8Array(length).map((_, i) => i);
    source[0] = 0x45;
    const packet = pool.take(source, length);
    const twin = pool.copy(packet);
    assert.notEqual(twin, packet);
    assert.deepEqual(twin.bytes.slice(0, length), source);
    assert.equal(twin.ipLength, length);
    pool.release(packet);
    assert.equal(pool.take(source, length), packet);
  }
});
