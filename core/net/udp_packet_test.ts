import assert from "node:assert/strict";
import fc from "fast-check";
import { UdpPacket } from "./udp_packet.ts";

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.replaceAll(/\s/g, "").match(/../g)!, (byte) => parseInt(byte, 16));
}

/** 10.0.0.1 port 5000 to 10.0.0.2 port 53: "hi". */
const V4 = bytesOf("4500001e 00004000 40110000 0a000001 0a000002  1388 0035 000a 0000 6869");
/** 2001:db8::1 port 5000 to 2001:db8::2 port 53: nothing. */
const V6 = bytesOf(
  "60000000 00081140 20010db8000000000000000000000001 20010db8000000000000000000000002" +
    "1388 0035 0008 ffff",
);

function changed(bytes: Uint8Array, at: number, ...values: number[]): Uint8Array {
  const copy = bytes.slice();
  copy.set(values, at);
  return copy;
}

Deno.test("a datagram's ends and payload are read, over IPv4 and IPv6", () => {
  const packet = new UdpPacket();
  assert.ok(packet.read(V4, 0, V4.length));
  assert.deepEqual(
    [packet.source.text, packet.sourcePort, packet.destination.text, packet.destinationPort],
    ["10.0.0.1", 5000, "10.0.0.2", 53],
  );
  assert.equal(
    new TextDecoder().decode(V4.subarray(packet.offset, packet.offset + packet.length)),
    "hi",
  );
  assert.ok(packet.read(V6, 0, V6.length));
  assert.deepEqual([packet.source.text, packet.destination.text], ["2001:db8::1", "2001:db8::2"]);
  assert.equal(packet.length, 0);
});

Deno.test("options of IPv4 are passed over, and padding behind the datagram is none of it", () => {
  const packet = new UdpPacket();
  const withOption = Uint8Array.from([0x46, 0, 0, 0x22, ...V4.subarray(4, 20), 1, 1, 1, 0].concat([
    ...V4.subarray(20),
  ]));
  assert.ok(packet.read(withOption, 0, withOption.length));
  assert.deepEqual([packet.sourcePort, packet.length], [5000, 2]);
  const longer = changed(Uint8Array.from([...V4, 0, 0]), 3, 0x20);
  assert.ok(packet.read(longer, 0, longer.length));
  assert.equal(packet.length, 2);
});

Deno.test("what is no whole datagram is left alone", () => {
  const cases: Record<string, Uint8Array> = {
    "another protocol": changed(V4, 9, 6),
    "a first fragment": changed(V4, 6, 0x20, 0),
    "a later fragment": changed(V4, 6, 0, 5),
    "a header of 16 bytes": changed(V4, 0, 0x44),
    "a packet that was cut": V4.subarray(0, V4.length - 1),
    "a datagram longer than its packet": changed(V4, 25, 11),
    "a datagram shorter than its header": changed(V4, 25, 7),
    "an IPv6 extension header": changed(V6, 6, 60),
    "an IPv6 packet that was cut": V6.subarray(0, V6.length - 1),
    "another version": changed(V4, 0, 0x55),
    nothing: new Uint8Array(0),
  };
  const packet = new UdpPacket();
  for (const [what, bytes] of Object.entries(cases)) {
    assert.equal(packet.read(bytes, 0, bytes.length), false, what);
  }
});

Deno.test("whatever the bytes are, a payload that is told of lies within them", () => {
  const packet = new UdpPacket();
  const noise = fc.uint8Array({ minLength: 0, maxLength: 100 });
  const damaged = fc.tuple(fc.constantFrom(V4, V6), fc.nat(47), fc.nat(255))
    .map(([bytes, at, value]) => changed(bytes, at % bytes.length, value));
  fc.assert(
    fc.property(fc.oneof(noise, damaged), fc.nat(8), fc.nat(120), (bytes, offset, length) => {
      if (!packet.read(bytes, offset, length)) return;
      assert.ok(packet.offset >= offset && packet.length >= 0);
      assert.ok(packet.offset + packet.length <= Math.min(offset + length, bytes.length));
    }),
  );
});
