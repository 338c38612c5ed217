import assert from "node:assert/strict";
import { address, localAddresses } from "../testing/test_endpoint.ts";
import { pairAddresses } from "./pairing.ts";

function pairs(locals: string[], remotes: string[]): string[] {
  return pairAddresses(localAddresses(locals), remotes.map(address))
    .map(({ local, remote }) => `${local} ${remote}`);
}

Deno.test("two addresses on two links give two paths that share nothing", () => {
  assert.deepEqual(
    pairs(["10.0.0.1", "10.0.1.1"], ["10.0.0.2", "10.0.1.2"]),
    ["10.0.0.1 10.0.0.2", "10.0.1.1 10.0.1.2"],
  );
});

Deno.test("the link decides, not the order of the addresses", () => {
  assert.deepEqual(
    pairs(["10.0.1.1", "10.0.0.1"], ["10.0.0.2", "10.0.1.2"]),
    ["10.0.0.1 10.0.0.2", "10.0.1.1 10.0.1.2"],
  );
});

Deno.test("a host with two uplinks has two paths to a peer with one distant address", () => {
  assert.deepEqual(
    pairs(["192.0.2.1", "198.51.100.1"], ["203.0.113.9"]),
    ["192.0.2.1 203.0.113.9", "198.51.100.1 203.0.113.9"],
  );
});

Deno.test("distant addresses are paired so that paths share as little as possible", () => {
  assert.deepEqual(
    pairs(["192.0.2.1", "198.51.100.1"], ["203.0.113.9", "203.0.113.10"]),
    ["192.0.2.1 203.0.113.9", "198.51.100.1 203.0.113.10"],
  );
});

Deno.test("families and scopes are never mixed", () => {
  assert.deepEqual(pairs(["10.0.0.1", "fd00::1"], ["10.0.0.2", "fd00::2"]), [
    "10.0.0.1 10.0.0.2",
    "fd00::1 fd00::2",
  ]);
  assert.deepEqual(pairs(["10.0.0.1"], ["fd00::2"]), []);
  assert.deepEqual(pairs(["127.0.0.1"], ["10.0.0.2"]), []);
  assert.deepEqual(pairs(["10.0.0.1"], ["127.0.0.2"]), []);
  assert.deepEqual(pairs(["fe80::1%1"], ["fe80::2%2"]), []);
  assert.deepEqual(pairs(["fe80::1%2", "fd00::1"], ["fe80::2%2"]), ["fe80::1%2 fe80::2%2"]);
});
