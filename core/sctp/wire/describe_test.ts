import assert from "node:assert/strict";
import fc from "fast-check";
import { tsn } from "../base/serial.ts";
import { encodeAbort } from "./abort.ts";
import { chunkName } from "./chunk_type.ts";
import { encodeCookieAck, encodeCookieEcho } from "./cookie.ts";
import { describePacket } from "./describe.ts";
import { encodeCwr, encodeEcne } from "./ecn.ts";
import { encodeError } from "./error.ts";
import { CauseCode } from "./error_cause.ts";
import { hex, packetOf } from "./fixtures.ts";
import { encodeHeartbeat, encodeHeartbeatAck } from "./heartbeat.ts";
import { encodeInit } from "./init.ts";
import { encodeShutdown, encodeShutdownAck, encodeShutdownComplete } from "./shutdown.ts";

const HEADER = "5001 > 5000 tag 0x0000002a";

/** One chunk of every type, in the order of their numbers. */
const CHUNKS = [
  hex("00030011 00000007 0001 0002 00000003 aa000000"),
  encodeInit(1, initFields()),
  encodeInit(2, { ...initFields(), stateCookie: hex("c0ffee") }),
  hex("03000010 00000007 00000100 00000000"),
  encodeHeartbeat(hex("01")),
  encodeHeartbeatAck(hex("00010005 01")),
  encodeAbort(true, [{ code: CauseCode.OutOfResource }]),
  encodeShutdown(tsn(7)),
  encodeShutdownAck(),
  encodeError([{ code: CauseCode.StaleCookie, staleness: 5 }]),
  encodeCookieEcho(hex("c0ffee")),
  encodeCookieAck(),
  encodeEcne(tsn(7)),
  encodeCwr(tsn(7)),
  encodeShutdownComplete(false),
  hex("0f00000c 0001 0001 01020304"),
];

function initFields() {
  return {
    initiateTag: 1,
    receiverWindow: 1500,
    outboundStreams: 1,
    inboundStreams: 2,
    initialTsn: tsn(3),
  };
}

/** A packet in words, whole. */
function described(packet: Uint8Array): string {
  return describePacket(packet, 0, packet.length);
}

Deno.test("a packet reads as its header and every chunk", () => {
  assert.equal(
    described(packetOf(encodeCookieAck(), CHUNKS[3])),
    `${HEADER} [COOKIE ACK] [SACK cumulative TSN 7 a_rwnd 256]`,
  );
});

Deno.test("every chunk type reads as its name", () => {
  CHUNKS.forEach((chunk, type) => {
    const line = described(packetOf(chunk));
    assert.ok(line.startsWith(`${HEADER} [${chunkName(type)}`), line);
    assert.doesNotMatch(line, /malformed/);
  });
});

Deno.test("a packet cut anywhere still reads, in one printable line", () => {
  const packet = packetOf(...CHUNKS);
  for (let length = 0; length <= packet.length; length++) {
    assert.match(describePacket(packet, 0, length), /^\P{C}+$/u, `length ${length}`);
  }
  assert.equal(describePacket(packet, 0, 5), "truncated packet of 5 bytes");
  assert.equal(describePacket(packet, 0, 14), `${HEADER} [malformed rest of 2 bytes]`);
});

Deno.test("every chunk type with every length that its chunk can claim reads", () => {
  CHUNKS.forEach((chunk) => {
    for (let length = 0; length <= chunk.length + 4; length++) {
      const packet = packetOf(chunk, encodeCookieAck());
      packet[15] = length;
      assert.match(described(packet), /^\P{C}+$/u);
    }
  });
});

Deno.test("a chunk of length zero ends the line instead of repeating for ever", () => {
  assert.equal(described(packetOf(hex("00000000"))), `${HEADER} [malformed rest of 4 bytes]`);
});

Deno.test("a chunk that lacks its fields reads as malformed, and the packet goes on", () => {
  assert.equal(
    described(packetOf(hex("07000004"), hex("03000014 00000007 00000100 00020000 00020003"))),
    `${HEADER} [malformed SHUTDOWN] [malformed SACK]`,
  );
});

Deno.test("an unknown chunk reads as its number and length", () => {
  assert.equal(described(packetOf(hex("c7000005 aa000000"))), `${HEADER} [chunk 199 of 5 bytes]`);
});

Deno.test("a packet with very many chunks gives a bounded line", () => {
  const line = described(packetOf(...new Array(5000).fill(encodeCookieAck())));
  assert.ok(line.endsWith("and 19872 bytes more"), line);
  assert.ok(line.length < 1000);
});

Deno.test("any bytes read as one printable line of bounded length", () => {
  const chunk = fc.tuple(fc.nat(20), fc.nat(255), fc.nat(60), fc.uint8Array({ maxLength: 60 }))
    .map(([type, flags, length, value]) => Uint8Array.of(type, flags, 0, length, ...value));
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.array(chunk).map((chunks) => packetOf(...chunks)),
  );
  fc.assert(fc.property(bytes, (packet) => {
    const line = described(packet);
    assert.match(line, /^\P{C}+$/u);
    assert.ok(line.length < 20000);
  }));
});
