import assert from "node:assert/strict";
import { IpAddress } from "../../sctp/base/address.ts";
import type { Path } from "../../sctp/path/path.ts";
import { configured } from "../../rules/testing/configured.ts";
import { admit, type AdmittedBy, type AdmittingHost, type Opening } from "./admission.ts";
import { FLAG_BEGUN, RefuseReason } from "./message.ts";

const address = IpAddress.parse;

function path(local: string, remote: string, isConfirmed = true): Path {
  return { local: address(local), remote: address(remote), isConfirmed } as Path;
}

/** A client at two addresses, one of them not proved yet. */
const ASSOCIATION: AdmittedBy = {
  primaryPath: path("10.0.0.2", "10.0.0.1"),
  paths: [
    path("10.0.0.2", "10.0.0.1"),
    path("10.0.1.2", "10.0.1.1"),
    path("10.0.1.2", "10.0.2.1", false),
  ],
  knowsPeerAddress: ({ text }) => text === "10.0.2.1",
};

/** What a client behind a NAT has. */
const TRANSLATED: AdmittedBy = {
  primaryPath: path("10.0.0.2", "198.51.100.1"),
  paths: [path("10.0.0.2", "198.51.100.1")],
  knowsPeerAddress: () => false,
};

function host(changes: Partial<AdmittingHost> = {}): AdmittingHost {
  return {
    table: configured("-c local -p enable -P udp -s 53").table,
    isLocal: (one) => ["10.0.0.2", "10.0.1.2"].includes(one.text),
    isServed: () => true,
    isTaken: () => false,
    randomPort: () => 60_000,
    ...changes,
  };
}

function open(source: string, destination = "10.0.0.2", port = 53, begun = false): Opening {
  return {
    source: address(source),
    sourcePort: 5000,
    destination: address(destination),
    destinationPort: port,
    has: (flag) => begun && flag === FLAG_BEGUN,
  };
}

/** "10.0.0.1:5000 > 10.0.0.2:53" if it is taken, else the reason. */
function outcome(opening: Opening, association = ASSOCIATION, changes = {}): string | number {
  const admission = admit(host(changes), association, opening);
  if (typeof admission === "number") return admission;
  const { local, remote, translated } = admission;
  const ends = `${remote.address}:${remote.port} > ${local.address}:${local.port}`;
  return translated ? `${ends} translated` : ends;
}

Deno.test("a flow from an address that the peer has proved keeps its ends, whichever path it is of", () => {
  assert.equal(outcome(open("10.0.0.1")), "10.0.0.1:5000 > 10.0.0.2:53");
  assert.equal(outcome(open("10.0.1.1", "10.0.1.2")), "10.0.1.1:5000 > 10.0.1.2:53");
});

Deno.test("a peer cannot speak for an address that it has not proved", () => {
  for (const source of ["10.0.9.9", "127.0.0.1"]) {
    assert.equal(outcome(open(source)), "10.0.0.1:5000 > 10.0.0.2:53 translated");
  }
});

Deno.test("behind a NAT a flow seems to come from there, if it has not begun otherwise", () => {
  const flow = open("192.168.1.5");
  assert.equal(outcome(flow, TRANSLATED), "198.51.100.1:5000 > 10.0.0.2:53 translated");
  const begun = open("192.168.1.5", "10.0.0.2", 53, true);
  assert.equal(outcome(begun, TRANSLATED), RefuseReason.Translated);
});

Deno.test("a flow from an address that is not proved yet may ask again", () => {
  for (const begun of [true, false]) {
    assert.equal(outcome(open("10.0.2.1", "10.0.1.2", 53, begun)), RefuseReason.NotProved);
  }
});

Deno.test("a destination that is not this host's is the one that the association has reached", () => {
  assert.equal(outcome(open("10.0.0.1", "203.0.113.1")), "10.0.0.1:5000 > 10.0.0.2:53");
});

Deno.test("only what the rules enable is taken, and its rule counts a hit", () => {
  const { table } = host();
  assert.equal(outcome(open("10.0.0.1", "10.0.0.2", 54), ASSOCIATION, { table }), 1);
  assert.equal(table.chain("local", "enable").entries[0].hits, 0);
  outcome(open("10.0.0.1"), ASSOCIATION, { table });
  assert.equal(table.chain("local", "enable").entries[0].hits, 1);
});

Deno.test("a rule for TCP enables no UDP", () => {
  const { table } = configured("-c local -p enable -s 53");
  assert.equal(outcome(open("10.0.0.1"), ASSOCIATION, { table }), RefuseReason.NotEnabled);
});

Deno.test("a family that no path has is refused", () => {
  assert.equal(outcome(open("2001:db8::1", "2001:db8::2")), RefuseReason.NotEnabled);
});

Deno.test("of two clients behind one NAT with the same port, the second gets another one", () => {
  const isTaken = (_: unknown, remote: { port: number }) => remote.port === 5000;
  assert.equal(
    outcome(open("192.168.1.6"), TRANSLATED, { isTaken }),
    "198.51.100.1:60000 > 10.0.0.2:53 translated",
  );
  const begun = open("10.0.0.1", "10.0.0.2", 53, true);
  assert.equal(outcome(begun, ASSOCIATION, { isTaken }), RefuseReason.Translated);
  assert.equal(outcome(open("10.0.0.1"), ASSOCIATION, { isTaken: () => true }), RefuseReason.Busy);
});
