import assert from "node:assert/strict";
import { formatHostPort, parseForward, parseServe } from "./endpoint_spec.ts";

function forward(text: string) {
  const { listen, hosts, port } = parseForward(text);
  return [listen.address.text, listen.port, hosts, port];
}

Deno.test("a forward names where to listen and the server, by name or by several addresses", () => {
  assert.deepEqual(forward("127.0.0.1:2222=server:22"), ["127.0.0.1", 2222, ["server"], 22]);
  assert.deepEqual(forward("2222=server:22"), ["127.0.0.1", 2222, ["server"], 22]);
  assert.deepEqual(
    forward("0.0.0.0:0=10.0.0.2,10.0.1.2:22"),
    ["0.0.0.0", 0, ["10.0.0.2", "10.0.1.2"], 22],
  );
  assert.deepEqual(
    forward("[::1]:80=[fd00::2],[fd01::2]:8080"),
    ["::1", 80, ["fd00::2", "fd01::2"], 8080],
  );
  assert.deepEqual(forward("[::1]:80=[fd00::2]:8080"), ["::1", 80, ["fd00::2"], 8080]);
});

Deno.test("a forward that says too little is refused with the reason and an example", () => {
  for (
    const [text, why] of [
      ["2222", /needs one =/],
      ["1=2=3", /needs one =/],
      ["localhost:2222=server:22", /"localhost" is no IP address/],
      ["2222=server", /needs a port/],
      ["2222=:22", /needs a host/],
      ["2222=a,:22", /needs a host/],
      ["2222=server:0", /"0" in .* is no port from 1/],
      ["70000=server:22", /"70000" in .* is no port/],
      ["2222=server:ssh", /"ssh" in .* is no port/],
    ] as [string, RegExp][]
  ) {
    assert.throws(
      () => parseForward(text),
      (e: Error) => e instanceof TypeError && why.test(e.message),
    );
  }
});

Deno.test("what to serve is an SCTP port, with a TCP server on the same port unless told", () => {
  assert.deepEqual(parseServe("22"), { port: 22, host: "127.0.0.1", hostPort: 22 });
  assert.deepEqual(parseServe("80=8080"), { port: 80, host: "127.0.0.1", hostPort: 8080 });
  assert.deepEqual(parseServe("80=[::1]:8080"), { port: 80, host: "::1", hostPort: 8080 });
  assert.deepEqual(parseServe("80=web:8080"), { port: 80, host: "web", hostPort: 8080 });
  assert.throws(() => parseServe("http"), TypeError);
  assert.throws(() => parseServe("80=8080=1"), TypeError);
});

Deno.test("an IPv6 address is bracketed before its port", () => {
  assert.equal(formatHostPort("::1", 22), "[::1]:22");
  assert.equal(formatHostPort("10.0.0.1", 22), "10.0.0.1:22");
});
