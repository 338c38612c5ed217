import assert from "node:assert/strict";
import { findLoop, type LoopQuestion } from "./forward_loops.ts";

const OWN = ["127.0.0.1", "10.0.0.1", "::1"];

/** Forwards as "LISTEN:PORT=SERVER,SERVER:PORT", serves as "PORT=SERVER:PORT". */
function loopOf(
  forwards: readonly string[],
  serves: readonly string[] = [],
  more: Partial<LoopQuestion> = {},
): string | undefined {
  return findLoop({
    forwards: forwards.map((text) => {
      const [, address, port, servers, serverPort] = /^(.+):(\d+)=(.+):(\d+)$/.exec(text)!;
      return {
        listen: { address, port: Number(port) },
        name: servers,
        addresses: servers.split(","),
        port: Number(serverPort),
      };
    }),
    serves: serves.map((text) => {
      const [, port, address, hostPort] = /^(\d+)=(.+):(\d+)$/.exec(text)!;
      return {
        port: Number(port),
        name: address,
        addresses: [address],
        hostPort: Number(hostPort),
      };
    }),
    fallback: true,
    servesItself: true,
    isOwn: ({ text }) => OWN.includes(text),
    ...more,
  });
}

Deno.test("a forward to its own front is a loop, by whichever address of the host", () => {
  assert.equal(loopOf(["127.0.0.1:7001=127.0.0.1:7001"]), "127.0.0.1:7001");
  assert.equal(loopOf(["0.0.0.0:7001=192.0.2.1,10.0.0.1:7001"]), "0.0.0.0:7001");
  assert.equal(loopOf([":::7001=::1:7001"]), "[::]:7001");
});

Deno.test("forwards are told apart by address and port", () => {
  assert.equal(loopOf(["127.0.0.1:7001=127.0.0.1:7002"]), undefined);
  assert.equal(loopOf(["127.0.0.1:7001=10.0.0.1:7001"]), undefined, "nobody listens there");
  assert.equal(loopOf(["127.0.0.1:7001=192.0.2.1:7001"]), undefined, "another host's");
});

Deno.test("a chain is none, a ring of forwards is a loop, and who merely leads there is not blamed", () => {
  const chain = ["127.0.0.1:7001=127.0.0.1:7002", "127.0.0.1:7002=192.0.2.1:22"];
  assert.equal(loopOf(chain), undefined);
  const ring = ["127.0.0.1:7002=127.0.0.1:7003", "127.0.0.1:7003=127.0.0.1:7002"];
  assert.equal(loopOf([chain[0], ...ring]), "127.0.0.1:7002");
});

Deno.test("by SCTP to this daemon, and from there to the front again, is a loop too", () => {
  const forwards = ["127.0.0.1:7001=10.0.0.1:22"];
  const serves = ["22=127.0.0.1:7001"];
  assert.equal(loopOf(forwards, serves), "127.0.0.1:7001");
  assert.equal(loopOf(forwards, serves, { fallback: false }), "127.0.0.1:7001");
  assert.equal(loopOf(forwards, serves, { servesItself: false }), undefined);
  assert.equal(loopOf(forwards, ["23=127.0.0.1:7001"]), undefined);
});

Deno.test("without the fallback no forward leads to a front", () => {
  assert.equal(loopOf(["127.0.0.1:7001=127.0.0.1:7001"], [], { fallback: false }), undefined);
});
