/** Which association a packet belongs to (RFC 9260, sections 5.1.2, D and 8.5.1). */
import assert from "node:assert/strict";
import { init, initAck, rawChunk } from "./testing/chunks.ts";
import { Puppet, PUPPET_PORT, SUBJECT_PORT } from "./testing/puppet.ts";
import { namesOf } from "./testing/sent_packet.ts";
import { address } from "./testing/test_endpoint.ts";
import { ChunkType } from "./wire/chunk_type.ts";
import { encodeCookieAck, encodeCookieEcho } from "./wire/cookie.ts";

const TWO = { addresses: ["10.0.0.1", "10.0.1.1"], peers: ["10.0.0.2", "10.0.1.2"] };
/** The second address of the puppet, where somebody else may be. */
const OTHER = { from: "10.0.1.2", to: "10.0.1.1" };

/** A peer at `place` with this tag gets an association between the usual ports. */
function connectFrom(puppet: Puppet, place: { from: string; to?: string }, initiateTag: number) {
  puppet.learn(puppet.sendIn({ ...place, tag: 0 }, init({ initiateTag, addresses: [] })));
  return puppet.sendIn(place, encodeCookieEcho(puppet.cookie));
}

/** Remote addresses of all associations' paths. */
function remotes({ subject }: Puppet): string[][] {
  return subject.associations.map(({ paths }) => paths.map(({ remote }) => remote.text));
}

Deno.test("2,000 associations between the same two ports are told apart by address (section 5.1.2, D)", () => {
  const count = 2000;
  const puppet = new Puppet();
  puppet.bring("CLOSED");
  // The invariants of all, after each packet, are checked once at the end instead.
  puppet.subject.checks = false;
  const from = (i: number) => `10.1.${i >> 8}.${i & 255}`;
  for (let i = 0; i < count; i++) connectFrom(puppet, { from: from(i) }, i + 1);
  puppet.subject.checks = true;
  const { endpoint } = puppet.subject;
  assert.equal(endpoint.associationCount, count);
  for (let i = 0; i < count; i++) {
    const found = endpoint.demultiplexer.find(SUBJECT_PORT, PUPPET_PORT, [address(from(i))]);
    assert.equal(found?.peerTag, i + 1);
  }
  // An ABORT with the T bit carries the peer's own tag: only its source says whose it is.
  puppet.sendIn({ from: from(77), tag: 78 }, rawChunk(ChunkType.Abort, 1));
  puppet.sendIn({ from: from(99), tag: 78 }, rawChunk(ChunkType.Abort, 1));
  assert.equal(endpoint.associationCount, count - 1);
  const gone = endpoint.demultiplexer.find(SUBJECT_PORT, PUPPET_PORT, [address(from(77))]);
  assert.ok(!gone);
});

Deno.test("an INIT ACK that lists an address of another association gets no path there (section 5.1.2, D)", () => {
  const puppet = new Puppet({ ...TWO, associate: { remoteAddresses: [address("10.0.0.2")] } });
  puppet.bring("CLOSED");
  connectFrom(puppet, OTHER, 0x99);
  const [other] = puppet.subject.associations;
  puppet.subject.do((endpoint, now) =>
    endpoint.associate(now, {
      remotePort: PUPPET_PORT,
      localPort: SUBJECT_PORT,
      remoteAddresses: [address("10.0.0.2")],
    })
  );
  puppet.subject.take();
  const asked = puppet.subject.associations[1];
  puppet.sendIn({ tag: asked.localTag }, initAck({ addresses: TWO.peers.map(address) }));
  puppet.sendIn({ tag: asked.localTag }, encodeCookieAck());
  assert.equal(asked.state, "ESTABLISHED");
  assert.deepEqual(remotes(puppet), [["10.0.1.2"], ["10.0.0.2"]]);
  // The address is still the first one's: an ABORT with its peer's tag is believed from there.
  puppet.sendIn({ ...OTHER, tag: 0x99 }, rawChunk(ChunkType.Abort, 1));
  assert.equal(other.state, "CLOSED");
  assert.equal(asked.state, "ESTABLISHED");
});

Deno.test("a cookie with an address that became another's meanwhile makes nothing (section 5.1.2, D)", () => {
  const puppet = new Puppet(TWO);
  puppet.learn(puppet.requestInitAck());
  const { cookie, subjectTag } = puppet;
  assert.deepEqual(namesOf(connectFrom(puppet, OTHER, 0x99)), ["COOKIE ACK"]);
  assert.deepEqual(puppet.sendIn({ tag: subjectTag }, encodeCookieEcho(cookie)), []);
  assert.deepEqual(remotes(puppet), [["10.0.1.2"]]);
  assert.equal(puppet.subject.endpoint.metrics.dropped["unexpected-chunk"], 1);
});

Deno.test("an INIT may not list another's address; it is free again when that association is over", () => {
  const puppet = new Puppet(TWO);
  puppet.bring("CLOSED");
  connectFrom(puppet, OTHER, 0x99);
  assert.deepEqual(namesOf(puppet.requestInitAck()), ["ABORT"]);
  assert.deepEqual(remotes(puppet), [["10.0.1.2"]]);
  puppet.sendIn(OTHER, rawChunk(ChunkType.Abort));
  puppet.connect();
  assert.deepEqual(remotes(puppet), [["10.0.0.2", "10.0.1.2"]]);
});
