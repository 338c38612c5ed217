import assert from "node:assert/strict";
import { IpAddress } from "../../sctp/base/address.ts";
import { type Arrived, clientOf, reachedAddress } from "./arrival.ts";

const at = (text: string) => IpAddress.parse(text);

/** A path as a trunk has it: "LOCAL REMOTE", proved both ways, reached by packets only, or neither. */
function path(ends: string, state: "proved" | "reached" | "new" = "proved") {
  const [local, remote] = ends.split(" ").map(at);
  const metrics = { packetsReceived: state === "new" ? 0 : 1 };
  return { local, remote, isConfirmed: state === "proved", metrics };
}

/** A trunk of a host with these addresses; the first path is the primary one. */
function trunk(addresses: string, ...paths: ReturnType<typeof path>[]): Arrived {
  const localAddresses = addresses.split(" ").map((text) => ({ address: at(text) }));
  return { paths, primaryPath: paths[0], host: { localAddresses } } as unknown as Arrived;
}

const HOST = "10.0.0.2 192.168.0.2";

Deno.test("a server is reached where packets of the trunk have arrived, and not at other addresses", () => {
  const one = trunk(HOST, path("10.0.0.2 10.0.0.1"), path("192.168.0.2 10.0.0.1", "new"));
  assert.equal(reachedAddress(one, at("10.0.0.2"))?.text, "10.0.0.2");
  assert.equal(reachedAddress(one, at("192.168.0.2")), undefined);
  const two = trunk(HOST, path("10.0.0.2 10.0.0.1"), path("192.168.0.2 10.0.0.1", "reached"));
  assert.equal(reachedAddress(two, at("192.168.0.2"))?.text, "192.168.0.2");
});

Deno.test("an address that the host has not is a translator's, and stands for the one behind it", () => {
  const behind = trunk(HOST, path("192.168.0.2 203.0.113.9"));
  assert.equal(reachedAddress(behind, at("198.51.100.7"))?.text, "192.168.0.2");
});

Deno.test("a client is believed where it has proved to be, and is else where the trunk comes from", () => {
  const one = trunk(HOST, path("10.0.0.2 10.0.0.1"), path("10.0.0.2 10.0.1.1", "reached"));
  const source = (text: string) => clientOf(one, { address: at(text), port: 4000 });
  assert.equal(source("10.0.0.1").address()?.text, "10.0.0.1");
  for (const claimed of ["10.0.1.1", "127.0.0.1", "8.8.8.8"]) {
    assert.equal(source(claimed).address()?.text, "10.0.0.1", claimed);
  }
  assert.equal(source("10.0.0.1").port, 4000);
});

Deno.test("a client has an address of another family only if the trunk has one", () => {
  const four = trunk(HOST, path("10.0.0.2 10.0.0.1"));
  assert.equal(clientOf(four, { address: at("10.0.0.1"), port: 1 }).address(6), undefined);
  const both = trunk(`${HOST} fd00::2`, path("10.0.0.2 10.0.0.1"), path("fd00::2 fd00::1"));
  const client = clientOf(both, { address: at("10.0.0.1"), port: 1 });
  assert.equal(client.address(6)?.text, "fd00::1");
  assert.equal(client.address(4)?.text, "10.0.0.1");
});
