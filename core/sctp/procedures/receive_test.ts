/** Which packets are believed, and what becomes of their chunks (RFC 9260, 3.2, 6.8, 6.10, 8.5). */
import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import { data, init, packet, rawChunk, sack, seal } from "../testing/chunks.ts";
import { Puppet, PUPPET_PORT, SUBJECT_PORT } from "../testing/puppet.ts";
import { causeCodesOf, chunkOfType, chunksOfType, namesOf } from "../testing/sent_packet.ts";
import { encodeAbort } from "../wire/abort.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { encodeCookieEcho } from "../wire/cookie.ts";
import { CauseCode, chunkCauses } from "../wire/error_cause.ts";
import { encodeHeartbeat } from "../wire/heartbeat.ts";
import { encodeShutdownAck, encodeShutdownComplete } from "../wire/shutdown.ts";

function established(options: ConstructorParameters<typeof Puppet>[0] = {}): Puppet {
  const puppet = new Puppet(options);
  puppet.connect();
  return puppet;
}

function drops(puppet: Puppet) {
  return puppet.subject.endpoint.metrics.dropped;
}

// Section 6.8.

Deno.test("a packet with a wrong checksum is dropped silently, whichever bit is wrong (RFC 9260, section 6.8)", () => {
  const puppet = established();
  const right = puppet.packetOf({}, [data(1000)]);
  for (let bit = 0; bit < right.length * 8; bit++) {
    const wrong = right.slice();
    wrong[bit >> 3] ^= 1 << (bit & 7);
    assert.deepEqual(puppet.sendBytes(wrong), []);
  }
  assert.equal(drops(puppet)["bad-checksum"], right.length * 8);
  assert.deepEqual(namesOf(puppet.sendBytes(right)), ["SACK"]);
});

Deno.test("less than a common header and a chunk header is no packet", () => {
  const puppet = established();
  const right = puppet.packetOf({}, [data(1000)]);
  for (let length = 0; length < 16; length++) {
    assert.deepEqual(puppet.sendBytes(right.slice(0, length)), []);
  }
  assert.equal(drops(puppet)["too-short"], 16);
});

// Section 8.5: Verification Tags.

Deno.test("a packet with another tag than ours is dropped silently (section 8.5)", () => {
  const puppet = established();
  for (const tag of [puppet.subjectTag + 1, puppet.tag, 0, 0xffff_ffff]) {
    assert.deepEqual(puppet.sendIn({ tag: tag >>> 0 }, data(1000)), [], String(tag));
  }
  assert.equal(drops(puppet)["bad-tag"], 4);
  assert.equal(puppet.association.heldBytes, 0);
});

Deno.test("tag 0 is for an INIT that is alone; anything else with it is dropped silently (8.5.1, A)", () => {
  const puppet = new Puppet();
  puppet.bring("CLOSED");
  for (const chunks of [[data(1)], [encodeShutdownAck()], [rawChunk(0xff)], [init(), data(1)]]) {
    assert.deepEqual(puppet.sendIn({ tag: 0 }, ...chunks), []);
  }
  assert.deepEqual(puppet.sendIn({ tag: 7 }, init()), [], "and an INIT has no other tag");
  assert.deepEqual(namesOf(puppet.sendIn({ tag: 0 }, init())), ["INIT ACK"]);
});

Deno.test("ABORT is believed with our tag, or with the peer's own tag and the T bit (8.5.1, B)", () => {
  const cases: [string, boolean, (puppet: Puppet) => number, boolean][] = [
    ["our tag, T 0", false, ({ subjectTag }) => subjectTag, true],
    ["the peer's tag, T 1", true, ({ tag }) => tag, true],
    ["our tag, T 1", true, ({ subjectTag }) => subjectTag, false],
    ["the peer's tag, T 0", false, ({ tag }) => tag, false],
    ["another tag, T 0", false, () => 12345, false],
    ["another tag, T 1", true, () => 12345, false],
  ];
  for (const [name, reflected, tagOf, isBelieved] of cases) {
    const puppet = established();
    const answer = puppet.sendIn({ tag: tagOf(puppet) }, encodeAbort(reflected, []));
    assert.deepEqual(answer, [], `${name}: an ABORT is never answered (section 9.1)`);
    assert.equal(puppet.subject.associations.length, isBelieved ? 0 : 1, name);
  }
});

Deno.test("SHUTDOWN COMPLETE is believed by the same rule (8.5.1, C)", () => {
  const cases: [string, boolean, (puppet: Puppet) => number, boolean][] = [
    ["our tag, T 0", false, ({ subjectTag }) => subjectTag, true],
    ["the peer's tag, T 1", true, ({ tag }) => tag, true],
    ["our tag, T 1", true, ({ subjectTag }) => subjectTag, false],
    ["the peer's tag, T 0", false, ({ tag }) => tag, false],
  ];
  for (const [name, reflected, tagOf, isBelieved] of cases) {
    const puppet = new Puppet();
    puppet.bring("SHUTDOWN-ACK-SENT");
    puppet.sendIn({ tag: tagOf(puppet) }, encodeShutdownComplete(reflected));
    assert.equal(puppet.subject.associations.length, isBelieved ? 0 : 1, name);
  }
});

Deno.test("a tag that was reflected vouches for one chunk only", () => {
  const puppet = established();
  puppet.sendIn(
    { tag: puppet.tag },
    encodeShutdownComplete(true),
    data(1000),
    encodeAbort(false, []),
  );
  assert.equal(puppet.association.heldBytes, 0);
  assert.equal(puppet.association.state, "ESTABLISHED");
});

Deno.test("a reflected ABORT behind other chunks needs its own tag", () => {
  const puppet = established();
  puppet.send(sack(puppet.subjectTsn - 1), encodeAbort(true, []));
  assert.equal(puppet.association.state, "ESTABLISHED");
  puppet.send(sack(puppet.subjectTsn - 1), encodeAbort(false, []));
  assert.equal(puppet.subject.associations.length, 0);
});

Deno.test("with an unknown peer's tag no ABORT can have been reflected", () => {
  const puppet = new Puppet();
  puppet.bring("COOKIE-WAIT");
  puppet.sendIn({ tag: 0 }, encodeAbort(true, []));
  assert.equal(puppet.association.state, "COOKIE-WAIT");
});

Deno.test("a SHUTDOWN ACK to a forming association is out of the blue, with any tag (8.5.1, E)", () => {
  for (const state of ["COOKIE-WAIT", "COOKIE-ECHOED"] as const) {
    for (const own of [true, false]) {
      const puppet = new Puppet();
      puppet.bring(state);
      const tag = own ? puppet.subjectTag : 4711;
      const packets = puppet.sendIn({ tag }, encodeShutdownAck());
      assert.deepEqual(namesOf(packets), ["SHUTDOWN COMPLETE"], state);
      assert.equal(packets[0].tag, tag);
      assert.equal(packets[0].chunks[0][1], 1, "T bit");
      assert.equal(puppet.association.state, state);
    }
  }
});

// Section 6.10: chunks.

Deno.test("chunks are processed in their order; a partial one at the end is dropped (section 6.10)", () => {
  const puppet = established();
  const bytes = puppet.packetOf({}, [data(1000), data(1001, { ssn: 1 })]);
  const short = seal(bytes.slice(0, bytes.length - 8));
  const [answer] = puppet.sendBytes(short);
  assert.equal(new DataView(chunkOfType([answer], ChunkType.Sack).buffer).getUint32(4), 1000);
  assert.equal(drops(puppet)["malformed-chunk"], 1);
});

Deno.test("a chunk length below four ends the packet", () => {
  for (const length of [0, 1, 2, 3]) {
    const puppet = established();
    const bytes = puppet.packetOf({}, [data(1000), rawChunk(0x80), data(1001, { ssn: 1 })]);
    bytes[12 + 28 + 3] = length;
    puppet.sendBytes(seal(bytes));
    assert.equal(puppet.association.metrics.dataChunksReceived, 1);
  }
});

Deno.test("a missing final padding harms nobody", () => {
  const puppet = established();
  const bytes = puppet.packetOf({}, [data(1000, { payload: 5 })]);
  assert.deepEqual(namesOf(puppet.sendBytes(seal(bytes.slice(0, -3)))), ["SACK"]);
  assert.equal(puppet.read().bytes.length, 5);
});

Deno.test("a chunk too short for its fields is dropped, and the next one processed", () => {
  const puppet = established();
  const short = [
    rawChunk(ChunkType.Data, 3, new Uint8Array(11)),
    rawChunk(ChunkType.Sack, 0, new Uint8Array(8)),
    rawChunk(ChunkType.Shutdown, 0, new Uint8Array(2)),
    rawChunk(ChunkType.Ecne, 0),
  ];
  puppet.send(...short, data(1000));
  assert.equal(drops(puppet)["malformed-chunk"], short.length);
  assert.equal(puppet.association.state, "ESTABLISHED");
  assert.equal(puppet.association.metrics.dataChunksReceived, 1);
});

// Section 3.2: unknown chunks, by their two highest bits.

for (
  const [type, reports, stops] of [
    [0x3f, false, true],
    [0x7f, true, true],
    [0xbf, false, false],
    [0xff, true, false],
  ] as const
) {
  const bits = (type >> 6).toString(2).padStart(2, "0");
  Deno.test(`an unknown chunk with bits ${bits} is ${reports ? "reported" : "not reported"} and ${stops ? "ends" : "does not end"} its packet (section 3.2)`, () => {
    const puppet = established();
    const unknown = rawChunk(type, 0x55, Uint8Array.of(1, 2, 3));
    const packets = puppet.send(unknown, data(1000));
    assert.equal(puppet.association.metrics.dataChunksReceived, stops ? 0 : 1);
    const errors = chunksOfType(packets, ChunkType.Error);
    assert.equal(errors.length, reports ? 1 : 0);
    if (!reports) return;
    const [cause] = chunkCauses(errors[0], 0);
    assert.deepEqual(cause, { code: CauseCode.UnrecognizedChunkType, chunk: unknown });
  });
}

Deno.test("reports of unknown chunks stay small and few", () => {
  const puppet = established();
  const packets = puppet.send(
    ...Array.from({ length: 300 }, () => rawChunk(0xff)),
    rawChunk(0xff, 0, new Uint8Array(30_000)),
  );
  const errors = chunksOfType(packets, ChunkType.Error);
  assert.ok(errors.length <= 16, `${errors.length} reports`);
  for (const { bytes } of packets) assert.ok(bytes.length <= 1480);
});

Deno.test("DATA without user data ends the association with a No User Data cause (section 6.2)", () => {
  const puppet = established();
  const packets = puppet.send(data(1000, { payload: 0 }));
  assert.deepEqual(causeCodesOf(chunkOfType(packets, ChunkType.Abort)), [CauseCode.NoUserData]);
  assert.equal(packets[0].tag, puppet.tag);
  const event = puppet.subject.events.at(-1);
  assert.ok(event?.kind === "communication-lost" && event.reason.kind === "protocol-violation");
});

Deno.test("nothing of a packet is processed behind the chunk that ended the association", () => {
  const puppet = established();
  puppet.send(encodeAbort(false, []), data(1000), encodeHeartbeat(new Uint8Array(4)));
  assert.deepEqual(puppet.subject.take(), []);
  assert.equal(puppet.subject.endpoint.pool.liveBytes, 0);
});

// RFC 6951, section 5.4: UDP ports.

Deno.test("no port is learned from a packet whose tag or checksum is wrong", () => {
  const puppet = established({ encapsulationPort: 9899 });
  puppet.sendIn({ encapsulationPort: 666, tag: puppet.subjectTag + 1 }, data(1000));
  puppet.sendIn({ encapsulationPort: 666, from: "10.0.0.66" }, data(1000));
  const corrupt = puppet.packetOf({}, [data(1000)]);
  corrupt[30] ^= 1;
  puppet.sendBytes(corrupt, { encapsulationPort: 666 });
  puppet.sendIn({ encapsulationPort: 666, tag: 0 }, init({ initiateTag: 99 }));
  assert.equal(puppet.submit(10)[0].encapsulationPort, 9899);
});

Deno.test("an INIT ACK goes to the port that the INIT came from, and so do answers out of the blue", () => {
  const puppet = new Puppet({ encapsulationPort: 1234 });
  assert.equal(puppet.requestInitAck()[0].encapsulationPort, 1234);
  const [abort] = puppet.sendIn({ tag: 5, encapsulationPort: 4321 }, data(1));
  assert.equal(abort.encapsulationPort, 4321);
});

Deno.test("a port that changes between INIT and COOKIE ECHO is followed", () => {
  const puppet = new Puppet({ encapsulationPort: 1234 });
  puppet.learn(puppet.requestInitAck());
  const [answer] = puppet.sendIn({ encapsulationPort: 777 }, encodeCookieEcho(puppet.cookie));
  assert.equal(answer.encapsulationPort, 777);
});

Deno.test("each path has a port of its own", () => {
  const puppet = established({
    addresses: ["10.0.0.1", "10.0.1.1"],
    peers: ["10.0.0.2", "10.0.1.2"],
    encapsulationPort: 9899,
  });
  const envelope = { from: "10.0.1.2", to: "10.0.1.1", encapsulationPort: 5555 };
  puppet.sendIn(envelope, sack(puppet.subjectTsn - 1));
  assert.deepEqual(
    puppet.association.paths.map(({ route }) => route.encapsulationPort),
    [9899, 5555],
  );
});

// Ports of SCTP.

Deno.test("a packet for other ports of the same addresses belongs to nobody", () => {
  const puppet = established();
  for (const ports of [{ sourcePort: PUPPET_PORT + 1 }, { destinationPort: SUBJECT_PORT + 1 }]) {
    const packets = puppet.sendIn(ports, data(1000));
    assert.deepEqual(namesOf(packets), ["ABORT"]);
  }
  assert.equal(puppet.association.heldBytes, 0);
});

Deno.test("nothing is answered to or from port 0, or an address that no host can have", () => {
  const puppet = new Puppet();
  puppet.bring("CLOSED");
  const chunks = [[init(), 0], [data(1), 9], [encodeCookieEcho(new Uint8Array(90)), 9]] as const;
  for (const [chunk, tag] of chunks) {
    assert.deepEqual(puppet.sendIn({ tag, sourcePort: 0 }, chunk), []);
    assert.deepEqual(puppet.sendIn({ tag, destinationPort: 0 }, chunk), []);
    for (const strange of ["0.0.0.0", "224.0.0.1", "255.255.255.255"]) {
      assert.deepEqual(puppet.sendIn({ tag, from: strange }, chunk), []);
      assert.deepEqual(puppet.sendIn({ tag, to: strange }, chunk), []);
    }
  }
});

Deno.test("a packet leaves its buffer as it was", () => {
  const puppet = established();
  const bytes = packet(PUPPET_PORT, SUBJECT_PORT, puppet.subjectTag, [data(1000), rawChunk(0xff)]);
  const copy = bytes.slice();
  puppet.sendBytes(bytes);
  assert.deepEqual(bytes, copy);
  assert.equal(puppet.association.rx?.tracker.cumulative, tsn(1000));
});
