import assert from "node:assert/strict";
import fc from "fast-check";
import { parseSyn } from "./tcp_syn.ts";

/** A SYN from port 40000 to 443, sequence number 0xfffffffe. */
const TCP = "9c4001bb fffffffe 00000000 5002ffff 00000000";
const V4 = `45000028 00004000 40060000 0a090001 c6336407 ${TCP}`;
const V6_ADDRESSES = "fd090000000000000000000000000001 20010db8000000000000000000000007";
const V6 = `60000000 00140640 ${V6_ADDRESSES} ${TCP}`;

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.replaceAll(" ", "").match(/../g)!, (pair) => parseInt(pair, 16));
}

function parse(hex: string, interfaceIndex?: number) {
  const packet = bytesOf(hex);
  const bytes = new Uint8Array(packet.length + 10);
  bytes.set(packet, 5);
  return parseSyn(bytes, 5, packet.length, interfaceIndex);
}

function show(hex: string, interfaceIndex?: number): string {
  const syn = parse(hex, interfaceIndex);
  if (typeof syn === "string") return syn;
  const { source, destination } = syn;
  return `${source.address} ${source.port} > ${destination.address} ${destination.port} ` +
    syn.sequenceNumber.toString(16);
}

Deno.test("a SYN tells both ends and its sequence number, IPv4 and IPv6", () => {
  assert.equal(show(V4), "10.9.0.1 40000 > 198.51.100.7 443 fffffffe");
  assert.equal(show(V6), "fd09::1 40000 > 2001:db8::7 443 fffffffe");
});

Deno.test("IP options and extension headers are passed over", () => {
  const options = V4.replace("45000028", "4600002c").replace("c6336407", "c6336407 01010101");
  assert.equal(show(options), show(V4));
  const headers = "3c00010400000000 060101060000000000000000 00000000";
  const extended = V6.replace("00140640", "00240040").replace(TCP, `${headers} ${TCP}`);
  assert.equal(show(extended), show(V6));
});

Deno.test("a link-local address has the link that the packet leaves by for a scope", () => {
  const linkLocal = V6.replaceAll("fd09", "fe80");
  assert.equal(show(linkLocal, 3), "fe80::1%3 40000 > 2001:db8::7 443 fffffffe");
});

Deno.test("an option that signs the segment is found among others, wherever it stands", () => {
  const withOptions = (options: string) => {
    const words = 5 + options.replaceAll(" ", "").length / 8;
    const syn = parse(V4.replace("5002ffff", `${words.toString(16)}002ffff`) + options);
    return typeof syn === "object" && syn.signed;
  };
  const md5 = `1312${"00".repeat(16)}`;
  assert.equal(withOptions(""), false);
  assert.equal(withOptions("020405b4 01030307 0402080a 00000000 00000000"), false);
  assert.equal(withOptions(`0101 ${md5}`), true);
  assert.equal(withOptions(`020405b4 ${md5} 0101`), true);
  assert.equal(withOptions("1d100101 00000000 00000000 00000000"), true, "TCP-AO");
  assert.equal(withOptions(`00000000 0101 ${md5}`), false, "nothing counts behind the end");
  assert.equal(withOptions("22001313 00000000"), false, "a length of 0 ends the walk");
  assert.equal(withOptions("22131313"), false, "so does one beyond the header");
});

Deno.test("what is no SYN says why", () => {
  const flags = (value: string) => V4.replace("5002", `50${value}`);
  assert.equal(parse(flags("12")), "not-syn");
  assert.equal(parse(flags("04")), "not-syn");
  assert.equal(parse(flags("10")), "not-syn");
  assert.equal(typeof parse(flags("c2")), "object", "ECN's flags belong to a SYN");
  assert.equal(parse(V4.replace("4006", "4011")), "not-tcp");
  assert.equal(parse(V6.replace("1406", "1411")), "not-tcp");
  assert.equal(parse(V4.replace("00004000", "00000001")), "fragment");
  assert.equal(parse(V6.replace("00140640", "00142c40")), "fragment");
  assert.equal(parse(V4.replace("45", "44")), "not-ip");
  assert.equal(parse("00"), "not-ip");
});

Deno.test("a packet that ends early says so, wherever it ends", () => {
  for (const packet of [V4, V6].map(bytesOf)) {
    for (let length = 0; length < packet.length; length++) {
      assert.equal(parseSyn(packet, 0, length), "truncated", `${length} bytes`);
    }
  }
});

Deno.test("any bytes are a SYN, or none", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 120 }), fc.nat(130), (bytes, length) => {
    assert.ok(["object", "string"].includes(typeof parseSyn(bytes, 0, length)));
    if (bytes.length > 0) bytes[0] = 0x60;
    assert.ok(["object", "string"].includes(typeof parseSyn(bytes, 0, length)));
  }));
});
