import assert from "node:assert/strict";
import { IpAddress } from "../base/address.ts";
import { decodeAddress, encodeAddress, isUsableAddress } from "./address_parameter.ts";
import { hex } from "./fixtures.ts";

Deno.test("addresses have the layouts of RFC 9260, sections 3.3.2.1.1 and 3.3.2.1.2", () => {
  assert.deepEqual(encodeAddress(IpAddress.parse("10.9.1.2")), hex("0005 0008 0a090102"));
  assert.deepEqual(
    encodeAddress(IpAddress.parse("fd09:1::2")),
    hex("0006 0014 fd090001 00000000 00000000 00000002"),
  );
});

Deno.test("addresses come back as they were written", () => {
  for (const text of ["10.9.1.2", "255.255.255.255", "fd09:1::2", "::"]) {
    assert.equal(decodeAddress(encodeAddress(IpAddress.parse(text)), 0)?.text, text);
  }
});

Deno.test("an address of the wrong length is none", () => {
  assert.equal(decodeAddress(hex("0005 0007 0a0901"), 0), undefined);
  assert.equal(decodeAddress(hex("0006 0008 0a090102"), 0), undefined);
});

Deno.test("wildcard, multicast, broadcast and IPv4-mapped addresses are not usable", () => {
  const usable = (text: string) => isUsableAddress(IpAddress.parse(text));
  for (const text of ["10.9.1.2", "127.0.0.1", "fd09:1::2", "::1", "fe80::1"]) {
    assert.equal(usable(text), true, text);
  }
  for (
    const text of ["0.0.0.0", "::", "224.0.0.1", "255.255.255.255", "ff02::1", "::ffff:10.9.1.2"]
  ) {
    assert.equal(usable(text), false, text);
  }
});
