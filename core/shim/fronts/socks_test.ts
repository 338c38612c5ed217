import assert from "node:assert/strict";
import { IpAddress } from "../../sctp/base/address.ts";
import { readGreeting, readRequest, type SocksProgress, socksReply } from "./socks.ts";

function request(...bytes: number[]): SocksProgress {
  return readRequest(Uint8Array.from(bytes), bytes.length);
}

function greeting(...bytes: number[]): SocksProgress {
  return readGreeting(Uint8Array.from(bytes), bytes.length);
}

/** The answer that a fault gives the client. */
function answerTo(progress: SocksProgress): number[] {
  assert.equal(progress.kind, "fault");
  return progress.kind === "fault" ? [...progress.answer] : [];
}

Deno.test("RFC 1928, section 3: a client without authentication is welcome, others are not", () => {
  assert.deepEqual(greeting(5, 1, 0), { kind: "greeting" });
  assert.deepEqual(greeting(5, 2, 2, 0), { kind: "greeting" });
  assert.deepEqual(answerTo(greeting(5, 1, 2)), [5, 0xff]);
  assert.deepEqual(answerTo(greeting(5, 0)), [5, 0xff]);
  assert.deepEqual(answerTo(greeting(4, 1)), [], "SOCKS4 is another protocol");
});

Deno.test("RFC 1928, section 4: addresses of all three types", () => {
  assert.deepEqual(request(5, 1, 0, 1, 192, 0, 2, 7, 0, 80), {
    kind: "request",
    request: { host: IpAddress.parse("192.0.2.7"), port: 80 },
  });
  const v6 = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9];
  assert.deepEqual(request(5, 1, 0, 4, ...v6, 1, 187), {
    kind: "request",
    request: { host: IpAddress.parse("2001:db8::9"), port: 443 },
  });
  const name = [...new TextEncoder().encode("example.org")];
  assert.deepEqual(request(5, 1, 0, 3, name.length, ...name, 0, 22), {
    kind: "request",
    request: { host: "example.org", port: 22 },
  });
  const literal = [...new TextEncoder().encode("192.0.2.7")];
  assert.deepEqual(request(5, 1, 0, 3, literal.length, ...literal, 0, 22), {
    kind: "request",
    request: { host: IpAddress.parse("192.0.2.7"), port: 22 },
  });
});

Deno.test("section 6: what is not served is answered by its reply", () => {
  assert.deepEqual(answerTo(request(5, 2, 0, 1, 192, 0, 2, 7, 0, 80)), [...socksReply(7)]);
  assert.deepEqual(answerTo(request(5, 1, 0, 9, 1)), [...socksReply(8)]);
  assert.deepEqual(answerTo(request(5, 1, 0, 1, 192, 0, 2, 7, 0, 0)), [...socksReply(1)]);
  assert.deepEqual(answerTo(request(5, 1, 0, 3, 0, 0, 80)), [...socksReply(1)]);
});

Deno.test("a message in pieces is asked for without ever reaching beyond its end", () => {
  const messages = [
    { read: readGreeting, bytes: [5, 3, 1, 2, 0] },
    { read: readRequest, bytes: [5, 1, 0, 1, 192, 0, 2, 7, 0, 80] },
    { read: readRequest, bytes: [5, 1, 0, 3, 4, 104, 111, 115, 116, 0, 80] },
    { read: readRequest, bytes: [5, 1, 0, 4, ...new Array(16).fill(9), 0, 80] },
  ];
  for (const { read, bytes } of messages) {
    let length = 0;
    for (;;) {
      const progress = read(Uint8Array.from(bytes), length);
      if (progress.kind !== "more") break;
      assert.ok(progress.bytes > 0);
      length += progress.bytes;
      assert.ok(length <= bytes.length);
    }
    assert.equal(length, bytes.length);
  }
});

Deno.test("every two bytes at the start of a message are answered without a throw", () => {
  const bytes = new Uint8Array(300).fill(1);
  for (let i = 0; i < 65_536; i++) {
    bytes[0] = i >> 8;
    bytes[3] = i;
    readGreeting(bytes, 300);
    readRequest(bytes, 300);
  }
});
