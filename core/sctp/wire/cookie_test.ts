import assert from "node:assert/strict";
import fc from "fast-check";
import { cookieBytes, describeCookieEcho, encodeCookieAck, encodeCookieEcho } from "./cookie.ts";
import { embedded, hex } from "./fixtures.ts";

Deno.test("the cookie chunks have the layouts of RFC 9260", () => {
  assert.deepEqual(encodeCookieEcho(hex("c0ffee")), hex("0a000007 c0ffee00"));
  assert.deepEqual(encodeCookieAck(), hex("0b000004"));
});

Deno.test("a cookie comes back as it was sent, without padding", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 500 }), (cookie) => {
    assert.deepEqual(cookieBytes(embedded(encodeCookieEcho(cookie)), 7), cookie);
  }));
});

Deno.test("a COOKIE ECHO reads as its length", () => {
  assert.equal(describeCookieEcho(encodeCookieEcho(hex("c0ffee")), 0), "COOKIE ECHO of 3 bytes");
});
