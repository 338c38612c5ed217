/** Chunks behind AUTH, in both directions (RFC 4895, sections 5.1, 6.2 and 6.3). */
import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import { AuthPuppet, type AuthPuppetOptions } from "../testing/auth_puppet.ts";
import { data, rawChunk, sack } from "../testing/chunks.ts";
import type { Puppet } from "../testing/puppet.ts";
import { chunkOfType, chunksOfType, namesOf } from "../testing/sent_packet.ts";
import { encodeAbort } from "../wire/abort.ts";
import { LISTABLE_CHUNKS } from "../wire/auth_parameters.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { encodeCookieEcho } from "../wire/cookie.ts";
import { CauseCode, chunkCauses } from "../wire/error_cause.ts";
import { encodeHeartbeat } from "../wire/heartbeat.ts";
import { encodeShutdown, encodeShutdownAck, encodeShutdownComplete } from "../wire/shutdown.ts";

const HEARTBEAT = encodeHeartbeat(Uint8Array.of(1, 2, 3, 4));
const WANTS_HEARTBEAT = { authentication: { chunks: [ChunkType.Heartbeat] } };

function drops(puppet: Puppet) {
  return puppet.subject.endpoint.metrics.dropped;
}

/** A puppet with an association. */
function connected(options: AuthPuppetOptions = {}): AuthPuppet {
  const puppet = new AuthPuppet(options);
  puppet.learn(puppet.requestInitAck());
  puppet.sendAuth(encodeCookieEcho(puppet.cookie));
  assert.equal(puppet.association.state, "ESTABLISHED");
  return puppet;
}

// Receiving, section 6.3.

Deno.test("a listed chunk is taken behind AUTH only; without, it is dropped in silence and counted", () => {
  const puppet = connected(WANTS_HEARTBEAT);
  assert.deepEqual(puppet.send(HEARTBEAT), []);
  assert.equal(drops(puppet)["unauthenticated-chunk"], 1);
  assert.deepEqual(namesOf(puppet.sendAuth(HEARTBEAT)), ["HEARTBEAT ACK"]);
});

Deno.test("chunks in front of AUTH are not authenticated (section 5.1)", () => {
  const puppet = connected(WANTS_HEARTBEAT);
  const packets = puppet.send(HEARTBEAT, ...puppet.sealed({}, data(1000)));
  assert.deepEqual(chunksOfType(packets, ChunkType.HeartbeatAck), []);
  assert.equal(puppet.association.readableBytes, 10, "what is behind it is");
});

Deno.test("a chunk that is not listed needs no AUTH, and bears one", () => {
  const puppet = connected(WANTS_HEARTBEAT);
  puppet.send(data(1000));
  puppet.sendAuth(data(1001, { ssn: 1 }));
  assert.equal(puppet.association.readableBytes, 20);
});

Deno.test("every type but four can be listed, and then nobody without the key is heard", () => {
  const puppet = connected({ authentication: { chunks: LISTABLE_CHUNKS } });
  const { association } = puppet;
  const forged = [
    encodeAbort(false, []),
    encodeAbort(true, []),
    data(1000),
    sack(puppet.subjectTsn - 1),
    HEARTBEAT,
    encodeShutdown(tsn(puppet.subjectTsn - 1)),
    encodeShutdownAck(),
    encodeShutdownComplete(false),
    rawChunk(ChunkType.Error, 0),
    rawChunk(ChunkType.Ecne, 0, new Uint8Array(4)),
    rawChunk(ChunkType.Cwr, 0, new Uint8Array(4)),
    rawChunk(ChunkType.CookieAck),
    encodeCookieEcho(puppet.cookie),
  ];
  for (const chunk of forged) {
    assert.deepEqual(puppet.send(chunk), [], `chunk type ${chunk[0]}`);
    const { length } = puppet.subject.events;
    assert.equal(association.state, "ESTABLISHED");
    assert.equal(length, puppet.subject.events.length);
  }
  // An ABORT with the reflected tag speaks for itself only, and is not authentic either.
  assert.deepEqual(puppet.sendIn({ tag: puppet.tag }, encodeAbort(true, [])), []);
  assert.equal(association.state, "ESTABLISHED");
  puppet.sendAuth(encodeAbort(false, []));
  assert.equal(association.state, "CLOSED");
});

Deno.test("every flipped bit from AUTH to the end of the packet discards what is behind AUTH", () => {
  const puppet = connected({ authentication: { chunks: LISTABLE_CHUNKS } });
  const whole = puppet.packetOf({}, puppet.sealed({}, HEARTBEAT));
  for (let bit = 8 * 12; bit < 8 * whole.length; bit++) {
    const flipped = whole.slice(12);
    flipped[(bit >> 3) - 12] ^= 1 << (bit & 7);
    const answers = puppet.sendBytes(puppet.packetOf({}, [flipped]));
    assert.deepEqual(chunksOfType(answers, ChunkType.HeartbeatAck), [], `bit ${bit - 96}`);
    assert.equal(puppet.association.state, "ESTABLISHED");
  }
  assert.deepEqual(namesOf(puppet.sendBytes(whole)), ["HEARTBEAT ACK"]);
});

Deno.test("an HMAC of any other length than its own is wrong, whatever is in it", () => {
  const puppet = connected(WANTS_HEARTBEAT);
  for (const hmac of [1, 3]) {
    for (let length = 0; length < 48; length++) {
      if (length === (hmac === 1 ? 20 : 32)) continue;
      assert.deepEqual(puppet.sendSealed({ hmac, length }, {}, HEARTBEAT), [], `${length} bytes`);
    }
  }
  assert.equal(drops(puppet)["bad-auth"], 2 * 47);
});

Deno.test("the flags of AUTH are ignored (section 5.1)", () => {
  const puppet = connected(WANTS_HEARTBEAT);
  assert.deepEqual(namesOf(puppet.sendSealed({ flags: 0xff }, {}, HEARTBEAT)), ["HEARTBEAT ACK"]);
});

Deno.test("the padding of the chunks is part of what is authenticated (section 6.2)", () => {
  const puppet = connected({ authentication: { chunks: [ChunkType.Data] } });
  const chunks = puppet.sealed({}, data(1000, { payload: 5 }));
  const packet = puppet.packetOf({}, chunks);
  const tampered = packet.slice(12);
  tampered[tampered.length - 1] = 1;
  assert.deepEqual(puppet.sendBytes(puppet.packetOf({}, [tampered])), []);
  assert.equal(puppet.association.readableBytes, 0);
  puppet.sendBytes(packet);
  assert.equal(puppet.association.readableBytes, 5);
});

for (const hmac of [0, 2, 4, 0xffff]) {
  Deno.test(`HMAC ${hmac}, which we have not listed, discards the rest and is reported (section 4.1)`, () => {
    const puppet = connected(WANTS_HEARTBEAT);
    const [answer, ...more] = puppet.sendSealed({ hmac }, {}, HEARTBEAT, data(1000));
    assert.deepEqual(more, []);
    assert.equal(answer.names, "ERROR");
    assert.deepEqual(chunkCauses(answer.chunks[0], 0), [{ code: CauseCode.UnsupportedHmac, hmac }]);
    assert.equal(answer.chunks[0].length, 4 + 6);
    assert.equal(drops(puppet)["unsupported-hmac"], 1);
    assert.equal(puppet.association.readableBytes, 0);
  });
}

Deno.test("an HMAC that we know and have not listed is not supported either", () => {
  const puppet = new AuthPuppet({ authentication: { hmacs: [1] } });
  puppet.connect();
  assert.deepEqual(namesOf(puppet.sendSealed({ hmac: 3 }, {}, HEARTBEAT)), ["ERROR"]);
  assert.deepEqual(namesOf(puppet.sendSealed({ hmac: 1 }, {}, HEARTBEAT)), ["HEARTBEAT ACK"]);
});

Deno.test("reports about HMACs are bounded within a batch of packets", () => {
  const puppet = connected();
  for (let i = 0; i < 100; i++) puppet.sendUndrained(...puppet.sealed({ hmac: 9 }, HEARTBEAT));
  puppet.subject.drain();
  assert.ok(chunksOfType(puppet.subject.take(), ChunkType.Error).length <= 16);
});

Deno.test("a key id that is not configured discards in silence, 0 too where other keys are", () => {
  const secret = new Uint8Array(16).fill(4);
  const puppet = new AuthPuppet({
    authentication: { chunks: [ChunkType.Heartbeat], keys: [{ id: 7, secret }] },
  });
  puppet.connect();
  for (const keyId of [0, 1, 6, 8, 0xffff]) {
    assert.deepEqual(puppet.sendSealed({ keyId, secret }, {}, HEARTBEAT), []);
    assert.deepEqual(puppet.sendSealed({ keyId }, {}, HEARTBEAT), []);
  }
  assert.equal(drops(puppet)["unknown-key"], 10);
  assert.deepEqual(namesOf(puppet.sendSealed({ keyId: 7, secret }, {}, HEARTBEAT)), [
    "HEARTBEAT ACK",
  ]);
});

Deno.test("a second AUTH in a packet discards what is behind it (section 5.1)", () => {
  const puppet = connected(WANTS_HEARTBEAT);
  const inner = puppet.sealed({}, HEARTBEAT);
  const packets = puppet.sendAuth(data(1000), ...inner);
  assert.deepEqual(chunksOfType(packets, ChunkType.HeartbeatAck), []);
  assert.equal(puppet.association.readableBytes, 10, "what is between them is authentic");
  assert.equal(drops(puppet)["bad-auth"], 1);
});

Deno.test("AUTH alone, AUTH last, and AUTH without its fields do nothing", () => {
  const puppet = connected(WANTS_HEARTBEAT);
  assert.deepEqual(puppet.sendAuth(), []);
  assert.deepEqual(namesOf(puppet.send(data(1000), ...puppet.sealed({}))), ["SACK"]);
  assert.equal(puppet.association.readableBytes, 10);
  for (let length = 0; length < 4; length++) {
    puppet.send(rawChunk(ChunkType.Auth, 0, new Uint8Array(length)), HEARTBEAT);
  }
  assert.equal(drops(puppet)["malformed-chunk"], 4);
  assert.equal(puppet.association.state, "ESTABLISHED");
});

Deno.test("a packet that is played again is a duplicate, and nothing else", () => {
  const puppet = connected({ authentication: { chunks: [ChunkType.Data] } });
  const packet = puppet.packetOf({}, puppet.sealed({}, data(1000)));
  puppet.sendBytes(packet);
  puppet.sendBytes(packet);
  assert.equal(puppet.association.readableBytes, 10);
  assert.equal(drops(puppet)["duplicate-data"], 1);
});

Deno.test("what was sealed for one association is not authentic in another (section 9)", () => {
  const keys = [{ id: 1, secret: new Uint8Array(32).fill(1) }];
  const authentication = { chunks: [ChunkType.Data], keys };
  const one = new AuthPuppet({ authentication, seed: 1 });
  const other = new AuthPuppet({ authentication, seed: 2 });
  one.connect();
  other.connect();
  const seal = { keyId: 1, secret: keys[0].secret };
  const chunks = one.sealed(seal, data(1000));
  other.send(...chunks);
  assert.equal(other.association.readableBytes, 0);
  assert.equal(drops(other)["bad-auth"], 1);
  one.send(...chunks);
  assert.equal(one.association.readableBytes, 10);
});

// Sending, section 6.2.

Deno.test("DATA goes behind AUTH where the peer has listed it; what it has not listed goes without", () => {
  const puppet = connected({ wants: [ChunkType.Data] });
  const [packet] = puppet.submit(100);
  assert.equal(packet.names, "AUTH+DATA");
  assert.deepEqual(puppet.check(packet), { keyId: 0, hmac: 3 });
  puppet.ack(1);
  assert.deepEqual(namesOf(puppet.send(HEARTBEAT)), ["HEARTBEAT ACK"]);
  puppet.data();
  puppet.data({ ssn: 1 });
  const [both] = puppet.submit(100);
  assert.equal(both.names, "SACK+AUTH+DATA", "AUTH stands before the first chunk that needs it");
  puppet.check(both);
});

Deno.test("a long message fills packets that are no longer than the PMTU, AUTH included", () => {
  const puppet = connected({ wants: [ChunkType.Data], parameters: { pathMtu: 1280 } });
  const packets = puppet.submit(20_000);
  assert.ok(packets.length > 1);
  for (const packet of packets) {
    puppet.check(packet);
    assert.ok(packet.bytes.length <= 1280 - 20);
  }
  assert.equal(packets[0].bytes.length, 1260, "full");
});

Deno.test("messages that waited before the peer's wish was known are cut for AUTH as well", () => {
  const puppet = new AuthPuppet({ wants: [ChunkType.Data] });
  puppet.beAsked();
  puppet.submit(200_000);
  const packets = [...puppet.answer(), ...puppet.send(rawChunk(ChunkType.CookieAck))];
  const withData = packets.filter(({ names }) => names.includes("DATA"));
  assert.ok(withData.length > 1);
  for (const packet of withData) {
    puppet.check(packet);
    assert.ok(packet.bytes.length <= 1480);
  }
});

Deno.test("what is sent again is authenticated again", () => {
  const puppet = connected({ wants: [ChunkType.Data] });
  puppet.submit(100);
  const [again] = puppet.wait(1000).filter(({ names }) => names.includes("DATA"));
  puppet.check(again);
});

Deno.test("SACK with an AUTH of its own, and with ECNE", () => {
  const wants = [ChunkType.Sack, ChunkType.Ecne];
  const puppet = connected({ wants, init: { ecnCapable: true } });
  const [packet] = puppet.sendIn({ ecn: 3 }, data(1000));
  assert.equal(packet.names, "AUTH+SACK+ECNE");
  puppet.check(packet);
});

/** What makes the subject send a chunk of each type on its own. */
const CAUSES: readonly [
  type: ChunkType,
  send: (puppet: AuthPuppet) => ReturnType<Puppet["send"]>,
][] = [
  [ChunkType.HeartbeatAck, (puppet) => puppet.send(HEARTBEAT)],
  [ChunkType.Heartbeat, (puppet) => {
    const [path] = puppet.association.paths;
    puppet.subject.do((_, now) => puppet.association.requestHeartbeat(now, path));
    return puppet.subject.take();
  }],
  [ChunkType.Error, (puppet) => puppet.send(rawChunk(0xfe))],
  [ChunkType.Shutdown, (puppet) => puppet.shutdown()],
  [ChunkType.ShutdownAck, (puppet) => puppet.send(encodeShutdown(tsn(puppet.subjectTsn - 1)))],
  [ChunkType.Abort, (puppet) => {
    puppet.subject.do((_, now) => puppet.association.abort(now));
    return puppet.subject.take();
  }],
  [ChunkType.CookieAck, (puppet) => puppet.send(encodeCookieEcho(puppet.cookie))],
];

for (const [type, send] of CAUSES) {
  Deno.test(`chunk type ${type} goes behind AUTH if the peer has listed it, and bare if not`, () => {
    const puppet = connected({ wants: [type] });
    const [packet] = send(puppet);
    chunkOfType([packet], type);
    assert.ok(packet.names.startsWith("AUTH+"), packet.names);
    puppet.check(packet);
    const [bare] = send(connected({ wants: [] }));
    assert.ok(!bare.names.includes("AUTH"), bare.names);
  });
}

Deno.test("SHUTDOWN COMPLETE is never authenticated, whatever the peer has listed", () => {
  const puppet = connected({ wants: [...LISTABLE_CHUNKS, ChunkType.ShutdownComplete] });
  puppet.shutdown();
  assert.deepEqual(namesOf(puppet.acknowledgeShutdown()), ["SHUTDOWN COMPLETE"]);
});

Deno.test("a packet without user data has no idle AUTH", () => {
  const puppet = connected({ wants: [ChunkType.Data] });
  for (const packet of [...puppet.send(HEARTBEAT), ...puppet.data(), ...puppet.data()]) {
    assert.ok(!packet.names.includes("AUTH"), packet.names);
  }
});

Deno.test("T1-cookie sends AUTH and COOKIE ECHO again, as they were", () => {
  const puppet = new AuthPuppet({ wants: [ChunkType.CookieEcho] });
  puppet.beAsked();
  const [first] = puppet.answer();
  const [again] = puppet.wait(3000);
  assert.deepEqual(again.bytes, first.bytes);
  puppet.check(again);
});
