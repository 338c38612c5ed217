/** Agreeing on authentication, and COOKIE ECHO behind AUTH (RFC 4895, sections 3, 6.1 and 6.3). */
import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import { AuthPuppet, type AuthPuppetOptions } from "../testing/auth_puppet.ts";
import { data, init, parameter } from "../testing/chunks.ts";
import { Puppet, readInit, SUBJECT_PORT } from "../testing/puppet.ts";
import { causeCodesOf, chunkOfType, namesOf, type SentPacket } from "../testing/sent_packet.ts";
import { WirePair } from "../testing/wire_pair.ts";
import { LISTABLE_CHUNKS, listedChunks, listedHmacs } from "../wire/auth_parameters.ts";
import type { AuthParameters } from "../wire/auth_parameters.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { encodeCookieAck, encodeCookieEcho } from "../wire/cookie.ts";
import { CauseCode, chunkCauses } from "../wire/error_cause.ts";
import { encodeShutdownAck } from "../wire/shutdown.ts";

const SECRET = Uint8Array.from({ length: 20 }, (_, i) => 7 * i);
const KEYS = [{ id: 5, secret: SECRET }];
const COOKIE = [ChunkType.CookieEcho];

function drops(puppet: Puppet) {
  return puppet.subject.endpoint.metrics.dropped;
}

function authIn(packets: readonly SentPacket[], type: ChunkType): AuthParameters {
  const { auth } = readInit(chunkOfType(packets, type));
  assert.ok(auth.random && auth.hmacList);
  return auth as AuthParameters;
}

Deno.test("INIT has one RANDOM of 32 bytes and HMAC-ALGO with SHA-1, and no empty CHUNKS (section 6.1)", () => {
  const puppet = new AuthPuppet({ parameters: { addressReconfiguration: 0 } });
  const said = authIn(puppet.beAsked(), ChunkType.Init);
  assert.equal(said.random.length, 36);
  assert.deepEqual(listedHmacs(said), [3, 1]);
  assert.equal(said.chunkList, undefined);
});

Deno.test("ASCONF and ASCONF-ACK are to be authenticated, whatever the user wants (RFC 5061, section 4.1)", () => {
  const listed = (chunks: readonly number[]) =>
    listedChunks(authIn(new AuthPuppet({ authentication: { chunks } }).beAsked(), ChunkType.Init));
  const both = [ChunkType.Asconf, ChunkType.AsconfAck];
  assert.deepEqual(listed([]), both);
  assert.deepEqual(listed([ChunkType.Data, ChunkType.Asconf]), [
    ChunkType.Data,
    ChunkType.Asconf,
    ChunkType.AsconfAck,
  ]);
});

Deno.test("the Supported Extensions list AUTH (RFC 5061, section 4.2.7)", () => {
  const puppet = new AuthPuppet();
  const asked = readInit(chunkOfType(puppet.beAsked(), ChunkType.Init));
  assert.ok(asked.supportedExtensions.includes(ChunkType.Auth));
});

Deno.test("each association has a Random Number of its own", () => {
  const puppet = new AuthPuppet();
  const [one, other] = [1, 2].map((initiateTag) =>
    authIn(puppet.requestInitAck({ initiateTag }), ChunkType.InitAck)
  );
  assert.notDeepEqual(one.random, other.random);
  assert.notDeepEqual(one.random.slice(4), new Uint8Array(32));
});

Deno.test("INIT ACK says nothing of authentication to a peer that has none", () => {
  const puppet = new Puppet();
  const answer = readInit(chunkOfType(puppet.requestInitAck(), ChunkType.InitAck));
  assert.deepEqual(answer.auth, {});
  assert.deepEqual(answer.supportedExtensions, []);
});

Deno.test("switched off, nothing is offered, and a peer's offer is ignored", () => {
  const puppet = new AuthPuppet({ parameters: { authentication: 0 } });
  const answer = readInit(chunkOfType(puppet.requestInitAck(), ChunkType.InitAck));
  assert.deepEqual(answer.auth, {});
  puppet.connect();
  assert.equal(puppet.association.extensions, 0);
  assert.deepEqual(namesOf(puppet.send(...puppet.sealed({}, data(1000)))), []);
  assert.equal(drops(puppet)["unrecognized-chunk"], 1, "AUTH stops the packet (section 5)");
});

for (const length of [0, 1, 31, 33, 64]) {
  const random = new Uint8Array(length).fill(9);

  Deno.test(`an INIT whose Random Number has ${length} bytes is answered with ABORT (section 6.1)`, () => {
    const puppet = new AuthPuppet({ random });
    const [answer] = puppet.requestInitAck();
    assert.equal(answer.names, "ABORT");
    assert.deepEqual(causeCodesOf(answer.chunks[0]), [CauseCode.ProtocolViolation]);
    const off = new AuthPuppet({ random, parameters: { authentication: 0 } });
    assert.deepEqual(namesOf(off.requestInitAck()), ["INIT ACK"], "ignored where it is off");
  });

  Deno.test(`an INIT ACK whose Random Number has ${length} bytes ends the attempt with ABORT`, () => {
    const puppet = new AuthPuppet({ random });
    puppet.beAsked();
    const [answer] = puppet.answer();
    assert.equal(answer.names, "ABORT");
    assert.deepEqual(causeCodesOf(answer.chunks[0]), [CauseCode.ProtocolViolation]);
    assert.deepEqual(puppet.subject.associations, []);
  });
}

const INCOMPLETE: Record<string, AuthPuppetOptions["init"]> = {
  "no HMAC-ALGO": { auth: { random: parameter(0x8002, new Uint8Array(32)) } },
  "no RANDOM": { auth: { hmacList: parameter(0x8004, Uint8Array.of(0, 1, 0, 3)) } },
  "no HMAC that we know": {
    auth: {
      random: parameter(0x8002, new Uint8Array(32)),
      hmacList: parameter(0x8004, Uint8Array.of(0, 0, 0, 2)),
    },
  },
  "an endless HMAC-ALGO": {
    auth: {
      random: parameter(0x8002, new Uint8Array(32)),
      hmacList: parameter(0x8004, new Uint8Array(2000).fill(1)),
    },
  },
  "an endless CHUNKS": {
    auth: {
      random: parameter(0x8002, new Uint8Array(32)),
      chunkList: parameter(0x8003, new Uint8Array(400)),
      hmacList: parameter(0x8004, Uint8Array.of(0, 1, 0, 3)),
    },
  },
};

for (const [what, fields] of Object.entries(INCOMPLETE)) {
  Deno.test(`a peer with ${what} is one without authentication, and refused where that is demanded`, () => {
    const puppet = new Puppet({ init: fields });
    puppet.connect();
    assert.equal(puppet.association.extensions, 0);
    const strict = new Puppet({ init: fields, authentication: { chunks: [ChunkType.Data] } });
    const [refusal] = strict.requestInitAck();
    assert.equal(refusal.names, "ABORT");
    assert.deepEqual(chunkCauses(refusal.chunks[0], 0), [
      { code: CauseCode.MissingMandatoryParameter, types: [0x8002, 0x8004] },
    ]);
    assert.equal(drops(strict)["bad-init"], 1);
  });
}

Deno.test("where chunks must be authenticated, an INIT ACK without authentication ends the attempt", () => {
  const puppet = new Puppet({ authentication: { chunks: [ChunkType.Data] } });
  puppet.beAsked();
  const refusal = puppet.answer();
  assert.deepEqual(namesOf(refusal), ["ABORT"]);
  assert.deepEqual([refusal[0].tag, refusal[0].chunks[0][1]], [puppet.tag, 0], "no T bit");
  const [event] = puppet.subject.events;
  assert.ok(event.kind === "communication-lost");
  assert.deepEqual(event.reason, { kind: "no-authentication" });
});

Deno.test("INIT, INIT ACK, SHUTDOWN COMPLETE and AUTH in a peer's CHUNKS are ignored (section 3.2)", () => {
  const puppet = new AuthPuppet({ wants: [1, 2, 14, 15, ChunkType.Data, 200] });
  assert.deepEqual(listedChunks(puppet.spoken), [ChunkType.Data, 200]);
  puppet.connect();
  for (const type of [1, 2, 14, 15]) {
    assert.equal(puppet.association.authentication?.mustSend(type), false);
  }
  assert.ok(puppet.association.authentication?.mustSend(ChunkType.Data));
});

Deno.test("what may not be listed is refused when it is asked for, with its name", () => {
  for (const type of [1, 2, 14, 15, -1, 256, 1.5]) {
    const listen = () => new Puppet({ authentication: { chunks: [type] } });
    assert.throws(listen, RangeError, `chunk type ${type}`);
  }
  assert.throws(() => new Puppet({ authentication: { chunks: [1] } }), /INIT cannot be/);
  assert.throws(() => new Puppet({ authentication: { chunks: [0, 0] } }), /DATA stands twice/);
  assert.throws(() => new Puppet({ authentication: { hmacs: [3] } }), /SHA-1/);
  const off = { parameters: { authentication: 0 }, authentication: { chunks: [0] } };
  assert.throws(() => new Puppet(off), /parameter authentication is 0/);
});

for (const [list, chosen] of [[[3, 1], 3], [[1, 3], 1], [[1], 1], [[2, 0, 77, 1, 3], 1]] as const) {
  Deno.test(`of the peer's HMACs ${list} the first one that is supported is used (section 6.1)`, () => {
    const puppet = new AuthPuppet({ hmacs: list, wants: [ChunkType.Data] });
    puppet.connect();
    const [packet] = puppet.submit(100);
    assert.deepEqual(puppet.check(packet), { keyId: 0, hmac: chosen });
  });
}

for (const wants of [undefined, [], [ChunkType.Data], [ChunkType.Data, ...LISTABLE_CHUNKS]]) {
  for (const first of [0, 255]) {
    const order = first === 0 ? "smaller" : "larger";
    Deno.test(`the association key with ${wants?.length ?? "no"} chunks listed, our vector ${order} (section 6.1)`, () => {
      const random = new Uint8Array(32).fill(255 - first);
      const authentication = { chunks: [ChunkType.Heartbeat], keys: KEYS };
      const puppet = new AuthPuppet({ wants, random, authentication });
      puppet.connect();
      // Whatever the peer has listed, it can authenticate what we have listed.
      const seal = { secret: SECRET, keyId: 5 };
      puppet.sendSealed(seal, {}, data(1000));
      assert.equal(puppet.association.readableBytes, 10);
    });
  }
}

Deno.test("a COOKIE ECHO that must be authenticated and is not makes nothing, and gets no answer", () => {
  const puppet = new AuthPuppet({ authentication: { chunks: COOKIE } });
  puppet.learn(puppet.requestInitAck());
  assert.deepEqual(puppet.send(encodeCookieEcho(puppet.cookie)), []);
  assert.deepEqual(puppet.subject.associations, []);
  assert.equal(drops(puppet)["unauthenticated-chunk"], 1);
});

Deno.test("AUTH and COOKIE ECHO make an association by the keys of the cookie (section 6.3)", () => {
  const puppet = new AuthPuppet({ authentication: { chunks: [...COOKIE, ChunkType.Data] } });
  puppet.learn(puppet.requestInitAck());
  const packets = puppet.sendAuth(encodeCookieEcho(puppet.cookie), data(1000));
  assert.deepEqual(namesOf(packets), ["COOKIE ACK+SACK"]);
  assert.equal(puppet.association.readableBytes, 10, "what follows is authenticated as well");
});

Deno.test("AUTH and COOKIE ECHO with a wrong key, HMAC or bit make nothing, and get no answer", () => {
  const puppet = new AuthPuppet({ authentication: { chunks: COOKIE, keys: KEYS } });
  puppet.learn(puppet.requestInitAck());
  const echo = encodeCookieEcho(puppet.cookie);
  const wrong = [
    puppet.sealed({}, echo),
    puppet.sealed({ keyId: 5, secret: SECRET.slice(1) }, echo),
    puppet.sealed({ keyId: 6, secret: SECRET }, echo),
    puppet.sealed({ keyId: 5, secret: SECRET, hmac: 2 }, echo),
    puppet.sealed({ keyId: 5, secret: SECRET, length: 20 }, echo),
  ];
  for (const chunks of wrong) assert.deepEqual(puppet.send(...chunks), []);
  const [auth] = puppet.sealed({ keyId: 5, secret: SECRET }, echo);
  for (let bit = 0; bit < 8 * auth.length; bit++) {
    const flipped = auth.slice();
    flipped[bit >> 3] ^= 1 << (bit & 7);
    // A flipped bit of type or length makes it another packet, which is nobody's.
    if (bit >= 8 && (bit < 16 || bit >= 32)) assert.deepEqual(puppet.send(flipped, echo), []);
  }
  assert.deepEqual(puppet.subject.associations, []);
  assert.deepEqual(puppet.subject.events, []);
  assert.deepEqual(namesOf(puppet.send(auth, echo)), ["COOKIE ACK"], "the right one does");
});

Deno.test("a cookie of a peer without authentication is nothing behind AUTH", () => {
  const puppet = new AuthPuppet({ parameters: { authentication: 0 } });
  puppet.learn(puppet.requestInitAck());
  assert.deepEqual(puppet.sendAuth(encodeCookieEcho(puppet.cookie)), []);
  assert.deepEqual(puppet.subject.associations, []);
});

Deno.test("a listener's keys and chunks are its own, and those of the moment the INIT came", () => {
  const puppet = new AuthPuppet({ listen: { authentication: { chunks: COOKIE, keys: KEYS } } });
  puppet.learn(puppet.requestInitAck());
  puppet.subject.do((endpoint) => {
    endpoint.stopListening(SUBJECT_PORT);
    endpoint.listen(SUBJECT_PORT, { authentication: { keys: KEYS, hmacs: [1] } });
  });
  // The new listener wants nothing, but the INIT ACK has said that COOKIE ECHO is authenticated.
  const echo = encodeCookieEcho(puppet.cookie);
  assert.deepEqual(puppet.send(echo), []);
  assert.deepEqual(namesOf(puppet.sendSealed({ keyId: 5, secret: SECRET }, {}, echo)), [
    "COOKIE ACK",
  ]);
});

Deno.test("COOKIE ECHO; AUTH; DATA, as in section 7", () => {
  const puppet = new AuthPuppet({ authentication: { chunks: [ChunkType.Data] } });
  puppet.learn(puppet.requestInitAck());
  const echo = encodeCookieEcho(puppet.cookie);
  assert.deepEqual(namesOf(puppet.send(echo, data(1000), ...puppet.sealed({}, data(1001)))), [
    "COOKIE ACK+SACK",
  ]);
  assert.equal(puppet.association.heldBytes, 10, "the one behind AUTH was taken, not the other");
});

Deno.test("our COOKIE ECHO goes behind AUTH to a peer that wants it so, with what is bundled", () => {
  const puppet = new AuthPuppet({ wants: COOKIE, associate: { authentication: { keys: KEYS } } });
  puppet.beAsked();
  puppet.submit(100);
  const [packet] = puppet.answer();
  assert.equal(packet.names, "AUTH+COOKIE ECHO+DATA");
  assert.deepEqual(puppet.check(packet, SECRET), { keyId: 5, hmac: 3 });
});

Deno.test("an attempt may be given up for want of a key that the peer most likely has", () => {
  const authentication = { nullKeySuffices: false };
  const puppet = new AuthPuppet({ wants: COOKIE, associate: { authentication } });
  puppet.beAsked();
  assert.deepEqual(namesOf(puppet.answer()), ["ABORT"]);
  const [event] = puppet.subject.events;
  assert.ok(event.kind === "communication-lost");
  assert.deepEqual(event.reason, { kind: "no-shared-key" });
  const other = new AuthPuppet({ wants: [0], associate: { authentication } });
  other.accept();
  assert.equal(other.association.state, "ESTABLISHED", "other chunks do not tell of a key");
});

Deno.test("ERROR and ABORT in answer to a cookie are authenticated if the peer wants them so", () => {
  const wants = [ChunkType.Error, ChunkType.Abort];
  const stale = new AuthPuppet({ wants, parameters: { validCookieLife: 100 } });
  stale.learn(stale.requestInitAck());
  stale.wait(200);
  const [report] = stale.send(encodeCookieEcho(stale.cookie));
  assert.equal(report.names, "AUTH+ERROR");
  stale.check(report);
  const full = new AuthPuppet({ wants, listen: { backlog: 1 } });
  full.learn(full.requestInitAck({ initiateTag: 1 }));
  const { cookie, subjectTag } = full;
  const other = { sourcePort: 6001 };
  const second = readInit(
    chunkOfType(
      full.sendIn({ tag: 0, ...other }, init({ auth: full.spoken, initiateTag: 2 })),
      ChunkType.InitAck,
    ),
  );
  full.sendIn({ tag: subjectTag }, encodeCookieEcho(cookie));
  const [refusal] = full.sendIn(
    { tag: second.initiateTag, ...other },
    encodeCookieEcho(second.stateCookie ?? cookie),
  );
  assert.equal(refusal.names, "AUTH+ABORT");
  full.heard = second.auth;
  full.check(refusal);
});

// Section 6.3: packets that are nobody's are judged without their AUTH chunk.

for (
  const [chunk, answer] of [
    [encodeShutdownAck(), ["SHUTDOWN COMPLETE"]],
    [encodeCookieAck(), []],
    [data(1), ["ABORT"]],
  ] as const
) {
  Deno.test(`AUTH and chunk type ${chunk[0]} out of the blue get what it gets alone`, () => {
    const puppet = new AuthPuppet();
    puppet.bring("CLOSED");
    puppet.subjectTag = 99;
    assert.deepEqual(namesOf(puppet.sendAuth(chunk)), answer);
    assert.equal(drops(puppet)["out-of-the-blue"], 1);
  });
}

Deno.test("INIT behind AUTH is not alone, and not answered", () => {
  const puppet = new AuthPuppet();
  puppet.bring("CLOSED");
  assert.deepEqual(puppet.sendSealed({}, { tag: 0 }, init()), []);
  assert.equal(drops(puppet)["init-not-alone"], 1);
});

// Section 6.1: in a collision the Random Number goes with the tag.

Deno.test("two sides that ask at once agree on keys, also where COOKIE ECHO must be authenticated", () => {
  const authentication = { chunks: LISTABLE_CHUNKS, keys: KEYS };
  const pair = new WirePair({ a: { authentication }, b: { authentication } });
  const options = { localPort: 7000, remotePort: 7000 };
  pair.b.do((endpoint, now) =>
    endpoint.associate(now, {
      ...options,
      remoteAddresses: pair.a.endpoint.localAddresses.map(({ address }) => address),
    })
  );
  pair.associate(["10.0.0.2"], options);
  const up = () =>
    [pair.a, pair.b].every(({ associations }) =>
      associations.length === 1 && associations[0].state === "ESTABLISHED"
    );
  pair.runUntil(up, 10_000, "both up");
  const [a, b] = [pair.a.associations[0], pair.b.associations[0]];
  for (const [from, to] of [[a, b], [b, a]]) {
    const message = new Uint8Array(5000).fill(3);
    const side = from === a ? pair.a : pair.b;
    side.do((_, now) =>
      from.send(now, message, { stream: 0, ppid: 0, unordered: false, immediate: false })
    );
    pair.collect();
    pair.runUntil(() => to.readableBytes === 5000, 10_000, "the message arrives");
  }
});

// Sections 6.1 and 6.3: restart.

/** A puppet that comes back with another tag and another Random Number. */
function reborn(puppet: AuthPuppet): SentPacket[] {
  puppet.tag = 0x0dd_ba11;
  puppet.spoken = new AuthPuppet({ random: new Uint8Array(32).fill(0x77), wants: [] }).spoken;
  puppet.nextTsn = 9000;
  const fields = { initiateTag: puppet.tag, initialTsn: tsn(9000), auth: puppet.spoken };
  return puppet.sendIn({ tag: 0 }, init(fields));
}

Deno.test("a restart makes new keys: the old ones are worth nothing afterwards", () => {
  const puppet = new AuthPuppet({ authentication: { chunks: [ChunkType.Data] } });
  puppet.connect();
  const old = puppet.sealed({}, data(9000));
  const answer = reborn(puppet);
  const before = puppet.heard;
  puppet.learn(answer);
  assert.notDeepEqual(puppet.heard.random, before.random, "our Random Number is a new one, too");
  assert.deepEqual(namesOf(puppet.send(encodeCookieEcho(puppet.cookie))), ["COOKIE ACK"]);
  assert.ok(puppet.subject.eventKinds.includes("restart"));
  puppet.send(...old);
  assert.equal(puppet.association.readableBytes, 0);
  puppet.sendAuth(data(9000));
  assert.equal(puppet.association.readableBytes, 10);
});

Deno.test("where COOKIE ECHO must be authenticated, only who knows the old key can restart", () => {
  const puppet = new AuthPuppet({ authentication: { chunks: COOKIE } });
  puppet.learn(puppet.requestInitAck());
  puppet.sendAuth(encodeCookieEcho(puppet.cookie));
  const [oldSaid, oldHeard] = [puppet.spoken, puppet.heard];
  puppet.learn(reborn(puppet));
  const [newSaid, newHeard] = [puppet.spoken, puppet.heard];
  const echo = encodeCookieEcho(puppet.cookie);
  assert.deepEqual(puppet.send(echo), []);
  assert.deepEqual(puppet.sendAuth(echo), [], "the new key is not the association's");
  assert.ok(!puppet.subject.eventKinds.includes("restart"));
  [puppet.spoken, puppet.heard] = [oldSaid, oldHeard];
  assert.deepEqual(namesOf(puppet.sendAuth(echo)), ["COOKIE ACK"]);
  assert.ok(puppet.subject.eventKinds.includes("restart"));
  [puppet.spoken, puppet.heard] = [newSaid, newHeard];
  const [ack] = puppet.sendAuth(data(9000));
  assert.equal(ack.names, "SACK", "afterwards the new key holds");
});
