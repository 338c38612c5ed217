import assert from "node:assert/strict";
import fc from "fast-check";
import { IpAddress } from "./address.ts";

Deno.test("IPv6 addresses are written as RFC 5952, section 4, has them", () => {
  const vectors: [string, string][] = [
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:0db8::0001", "2001:db8::1"],
    ["2001:db8:0:0:0:0:2:1", "2001:db8::2:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:db8:0:0:1:0:0:0", "2001:db8:0:0:1::"],
    ["2001:DB8::ABCD", "2001:db8::abcd"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["1:0:0:0:0:0:0:0", "1::"],
    ["::192.0.2.1", "::c000:201"],
    ["fe80::1%3", "fe80::1%3"],
  ];
  for (const [text, canonical] of vectors) assert.equal(IpAddress.parse(text).text, canonical);
});

Deno.test("text that names no address is refused", () => {
  const wrong = [
    "",
    ":",
    ":::",
    "1::2::3",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "12345::",
    "g::",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "1.2.3.-4",
    " 1.2.3.4",
    "1.2.3.4::",
    "::1.2.3",
    "fe80::1%",
    "fe80::1%eth0",
    "fe80::1%1%2",
    "10.0.0.010",
    "localhost",
  ];
  for (const text of wrong) {
    assert.equal(IpAddress.tryParse(text), undefined, text);
    assert.throws(() => IpAddress.parse(text), TypeError, text);
  }
});

Deno.test("every address comes back from its text", () => {
  const v4 = fc.uint8Array({ minLength: 4, maxLength: 4 });
  const v6 = fc.uint8Array({ minLength: 16, maxLength: 16 });
  const sparse = v6.map((bytes) => bytes.map((byte) => byte & 1 ? byte : 0));
  fc.assert(fc.property(fc.oneof(v4, v6, sparse), fc.nat(9), (bytes, scope) => {
    const family = bytes.length === 4 ? 4 : 6;
    const address = IpAddress.fromBytes(family, bytes, 0, family === 4 ? 0 : scope);
    const again = IpAddress.parse(address.text);
    assert.ok(again.equals(address) && address.equals(again));
    assert.equal(again.text, address.text);
  }));
});

Deno.test("addresses differ by family, bytes and zone", () => {
  const parse = IpAddress.parse;
  assert.ok(!parse("10.0.0.1").equals(parse("10.0.0.2")));
  assert.ok(!parse("::a00:1").equals(parse("10.0.0.1")));
  assert.ok(!parse("fe80::1%1").equals(parse("fe80::1%2")));
});

Deno.test("an address knows whether one host can have it, and how far it reaches", () => {
  const isUnicast = (text: string) => IpAddress.parse(text).isUnicast;
  for (const text of ["10.0.0.1", "223.255.255.255", "::1", "2001:db8::1"]) {
    assert.ok(isUnicast(text), text);
  }
  for (const text of ["0.0.0.0", "224.0.0.1", "255.255.255.255", "::", "ff02::1"]) {
    assert.ok(!isUnicast(text), text);
  }
  assert.ok(IpAddress.parse("127.9.9.9").isLoopback && IpAddress.parse("::1").isLoopback);
  assert.ok(!IpAddress.parse("128.0.0.1").isLoopback && !IpAddress.parse("::2").isLoopback);
  assert.ok(IpAddress.parse("169.254.1.1").isLinkLocal && IpAddress.parse("febf::1").isLinkLocal);
  assert.ok(!IpAddress.parse("fec0::1").isLinkLocal);
});

Deno.test("addresses share a prefix bit by bit", () => {
  const [a, b] = [IpAddress.parse("10.1.2.3"), IpAddress.parse("10.1.2.131")];
  assert.ok(a.sharesPrefix(b, 0) && a.sharesPrefix(b, 24));
  assert.ok(!a.sharesPrefix(b, 25) && !a.sharesPrefix(b, 32));
  assert.ok(!a.sharesPrefix(IpAddress.parse("::1"), 0));
});
