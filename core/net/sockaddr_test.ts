import assert from "node:assert/strict";
import { IpAddress } from "../sctp/base/address.ts";
import { AddressCache, readSockaddrPort, writeSockaddr } from "./sockaddr.ts";

Deno.test("addresses of both families survive the way through their C form", () => {
  const cache = new AddressCache();
  for (const text of ["127.0.0.1", "192.0.2.255", "::1", "2001:db8::ff", "fe80::1%4000000"]) {
    const bytes = new Uint8Array(40).fill(0xee);
    const address = IpAddress.parse(text);
    const length = writeSockaddr(bytes, 4, address, 51234);
    assert.equal(length, address.family === 4 ? 16 : 28);
    assert.equal(bytes[4 + length], 0xee, "nothing is written behind the address");
    assert.equal(cache.fromSockaddr(bytes, 4)?.text, text);
    assert.equal(readSockaddrPort(bytes, 4), 51234);
  }
});

Deno.test("the same bytes give the same object", () => {
  const cache = new AddressCache();
  const bytes = new Uint8Array(28);
  const kept = IpAddress.parse("10.0.0.1");
  cache.keep(kept);
  writeSockaddr(bytes, 0, kept, 1);
  assert.equal(cache.fromSockaddr(bytes, 0), kept);
  writeSockaddr(bytes, 0, IpAddress.parse("10.0.0.2"), 1);
  const second = cache.fromSockaddr(bytes, 0);
  writeSockaddr(bytes, 0, IpAddress.parse("10.0.0.2"), 2);
  assert.equal(cache.fromSockaddr(bytes, 0), second, "whatever the port");
  assert.notEqual(second, kept);
});

Deno.test("a table of one place still gives the right address, and scopes differ", () => {
  const cache = new AddressCache(1);
  const bytes = new Uint8Array(28);
  for (const text of ["10.0.0.1", "10.0.0.2", "fe80::1%2", "fe80::1%3", "::a00:1", "10.0.0.1"]) {
    writeSockaddr(bytes, 0, IpAddress.parse(text), 9);
    assert.equal(cache.fromSockaddr(bytes, 0)?.text, text);
  }
});

Deno.test("a socket address of another family is no IP address", () => {
  assert.equal(new AddressCache().fromSockaddr(new Uint8Array(28).fill(1), 0), undefined);
});
