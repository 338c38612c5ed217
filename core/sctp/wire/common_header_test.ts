import assert from "node:assert/strict";
import { crc32cScalar } from "../checksum/scalar.ts";
import {
  checksumIsRight,
  describeCommonHeader,
  destinationPort,
  putCommonHeader,
  sealChecksum,
  sourcePort,
  verificationTag,
} from "./common_header.ts";
import { hex } from "./fixtures.ts";

/** A COOKIE ACK that usrsctp sent: see testdata/captures. */
const CAPTURED = "1389eccc9aac52e84a25502e0b000004";

Deno.test("a common header comes back as it was written", () => {
  const packet = new Uint8Array(16).fill(0xee);
  putCommonHeader(packet, 3, 0xfffe, 1, 0x89abcdef);
  assert.equal(sourcePort(packet, 3), 0xfffe);
  assert.equal(destinationPort(packet, 3), 1);
  assert.equal(verificationTag(packet, 3), 0x89abcdef);
  assert.deepEqual(packet.slice(0, 3), hex("eeeeee"));
  assert.deepEqual(packet.slice(11), hex("00000000 ee"));
});

Deno.test("the checksum of a packet from another implementation is right", () => {
  const packet = hex(CAPTURED);
  assert.equal(checksumIsRight(crc32cScalar, packet, 0, packet.length), true);
  assert.deepEqual(packet, hex(CAPTURED), "the packet is left as it was");
});

Deno.test("sealing writes the bytes that another implementation wrote", () => {
  const packet = hex(CAPTURED);
  packet.fill(0x77, 8, 12);
  sealChecksum(crc32cScalar, packet, 0, packet.length);
  assert.deepEqual(packet, hex(CAPTURED));
});

Deno.test("any flipped bit makes the checksum wrong and leaves the packet as it was", () => {
  for (let bit = 0; bit < 16 * 8; bit++) {
    const packet = hex(CAPTURED);
    packet[bit >> 3] ^= 1 << (bit & 7);
    const before = packet.slice();
    assert.equal(checksumIsRight(crc32cScalar, packet, 0, packet.length), false, `bit ${bit}`);
    assert.deepEqual(packet, before);
  }
});

Deno.test("less than a common header never has a right checksum", () => {
  const packet = new Uint8Array(16);
  for (let length = 0; length < 12; length++) {
    assert.equal(checksumIsRight(() => 0, packet, 0, length), false, `length ${length}`);
  }
});

Deno.test("a common header reads as ports and tag", () => {
  assert.equal(describeCommonHeader(hex(CAPTURED), 0), "5001 > 60620 tag 0x9aac52e8");
});
