/** Which addresses a side that asks for an association offers, and which of the peer's it trusts. */
import assert from "node:assert/strict";
import { IpAddress } from "../base/address.ts";
import { encodeCookieAck } from "../wire/cookie.ts";
import { isFault } from "../wire/fault.ts";
import { decodeInit } from "../wire/init.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { Puppet } from "../testing/puppet.ts";
import { chunkOfType } from "../testing/sent_packet.ts";
import { initAck } from "../testing/chunks.ts";
import { address } from "../testing/test_endpoint.ts";

/** The addresses in the INIT that the subject sends when the user names one address of the peer. */
function offered(addresses: readonly string[], peer: string): readonly string[] {
  const puppet = new Puppet({ addresses, peers: [peer] });
  const init = decodeInit(chunkOfType(puppet.beAsked(), ChunkType.Init), 0);
  assert.ok(!isFault(init));
  return (init.addresses ?? []).map(({ text }) => text);
}

Deno.test("the INIT offers the addresses on other links too, for the peer's addresses that are not known yet", () => {
  assert.deepEqual(offered(["10.0.0.1", "10.0.1.1", "fd00::1"], "10.0.0.2"), [
    "10.0.0.1",
    "10.0.1.1",
    "fd00::1",
  ]);
});

Deno.test("the INIT offers no address that the peer cannot use", () => {
  assert.deepEqual(offered(["10.0.0.1", "10.0.1.1", "127.0.0.1", "fe80::1"], "10.0.0.2"), [
    "10.0.0.1",
    "10.0.1.1",
  ]);
  assert.deepEqual(offered(["10.0.0.1", "127.0.0.1", "127.0.0.2"], "127.0.0.9"), [
    "127.0.0.1",
    "127.0.0.2",
  ]);
});

Deno.test("a peer's second address, named in its INIT ACK, is paired with the address on its link", () => {
  const puppet = new Puppet({ addresses: ["10.0.0.1", "10.0.1.1"], peers: ["10.0.0.2"] });
  puppet.beAsked();
  puppet.answer({ addresses: ["10.0.0.2", "10.0.1.2"].map(address) });
  puppet.send(encodeCookieAck());
  const paths = puppet.association.paths.map((path) =>
    `${path.local} ${path.remote} ${path.status}`
  );
  assert.deepEqual(paths, ["10.0.0.1 10.0.0.2 active", "10.0.1.1 10.0.1.2 unconfirmed"]);
});

Deno.test("an INIT ACK from another address than asked does not confirm that address (RFC 9260, section 5.4)", () => {
  const puppet = new Puppet({ addresses: ["10.0.0.1", "10.0.1.1"], peers: ["10.0.0.2"] });
  puppet.beAsked();
  const addresses = ["10.0.0.2", "10.0.1.2"].map(address);
  const answer = puppet.sendIn({ from: "10.0.1.2" }, initAck({ addresses }));
  assert.deepEqual(answer.map(({ names, to }) => `${names} ${to}`), ["COOKIE ECHO 10.0.0.2"]);
  const { association } = puppet;
  assert.equal(association.primaryPath?.remote.text, "10.0.0.2");
  const other = association.paths.find(({ remote }) => remote.equals(IpAddress.parse("10.0.1.2")));
  assert.equal(other?.status, "unconfirmed");
});

Deno.test("an INIT ACK from another address that the user named makes that path the primary", () => {
  const puppet = new Puppet({
    addresses: ["10.0.0.1", "10.0.1.1"],
    peers: ["10.0.0.2", "10.0.1.2"],
  });
  puppet.beAsked();
  const addresses = puppet.addresses.map(address);
  puppet.sendIn({ from: "10.0.1.2", to: "10.0.1.1" }, initAck({ addresses }));
  assert.equal(puppet.association.primaryPath?.remote.text, "10.0.1.2");
});
