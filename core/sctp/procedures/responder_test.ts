/** The side that is asked: INIT, cookie, COOKIE ECHO (RFC 9260, sections 5.1 and 5.1.1 to 5.1.5). */
import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import { data, init, parameter, rawChunk } from "../testing/chunks.ts";
import { Puppet, readInit, SUBJECT_PORT } from "../testing/puppet.ts";
import { causeCodesOf, chunkOfType, namesOf, type SentPacket } from "../testing/sent_packet.ts";
import { address } from "../testing/test_endpoint.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { encodeCookieEcho } from "../wire/cookie.ts";
import { CauseCode, chunkCauses } from "../wire/error_cause.ts";
import type { InitFields } from "../wire/init.ts";
import { ParameterType } from "../wire/parameter.ts";

function initAckOf(packets: readonly SentPacket[]) {
  return readInit(chunkOfType(packets, ChunkType.InitAck));
}

/** The one cause of the ABORT that an INIT is answered with. */
function refusalOf(packets: readonly SentPacket[], tag: number): number[] {
  assert.deepEqual(namesOf(packets), ["ABORT"]);
  assert.equal(packets[0].tag, tag);
  assert.equal(packets[0].chunks[0][1], 0, "the T bit is not set (RFC 9260, section 8.4, 3)");
  return causeCodesOf(packets[0].chunks[0]);
}

Deno.test("an INIT is answered with an INIT ACK, and nothing is kept (RFC 9260, section 5.1, B)", () => {
  const puppet = new Puppet();
  const packets = puppet.requestInitAck();
  assert.deepEqual(namesOf(packets), ["INIT ACK"]);
  assert.equal(packets[0].tag, puppet.tag);
  assert.equal(packets[0].to, "10.0.0.2");
  assert.equal(puppet.subject.associations.length, 0);
  assert.equal(puppet.subject.nextTimeout, Infinity);
  assert.equal(puppet.subject.endpoint.pool.reservedBytes, 0);
});

Deno.test("each INIT ACK has a tag and an Initial TSN of its own (section 5.3.1)", () => {
  const puppet = new Puppet();
  const [a, b] = [initAckOf(puppet.requestInitAck()), initAckOf(puppet.requestInitAck())];
  assert.notEqual(a.initiateTag, b.initiateTag);
  assert.notEqual(a.initialTsn, b.initialTsn);
});

Deno.test("INIT ACK offers the listener's parameters", () => {
  const puppet = new Puppet({
    addresses: ["10.0.0.1", "10.0.1.1"],
    listen: {
      parameters: { receiveBuffer: 77_000, outboundStreams: 7, inboundStreams: 9 },
      adaptationIndication: 5,
    },
    init: { inboundStreams: 100, ecnCapable: true },
  });
  const answer = initAckOf(puppet.requestInitAck());
  assert.equal(answer.receiverWindow, 77_000);
  assert.equal(answer.outboundStreams, 7);
  assert.equal(answer.inboundStreams, 9);
  assert.equal(answer.adaptationIndication, 5);
  assert.equal(answer.ecnCapable, true);
  assert.deepEqual(answer.addresses.map(String), ["10.0.0.1", "10.0.1.1"]);
});

Deno.test("a cookie makes an association: ESTABLISHED, COOKIE ACK, COMMUNICATION UP (section 5.1.5)", () => {
  const puppet = new Puppet();
  assert.deepEqual(namesOf(puppet.connect()), ["COOKIE ACK"]);
  const { association } = puppet;
  assert.equal(association.state, "ESTABLISHED");
  assert.ok(association.incoming);
  const event = puppet.subject.events.at(-1);
  assert.ok(event?.kind === "communication-up" && event.incoming);
  assert.equal(association.peerTag, puppet.tag);
  assert.equal(association.localTag, puppet.subjectTag);
});

Deno.test("DATA behind the COOKIE ECHO is acknowledged at once, behind the COOKIE ACK (section 5.1.5, 7)", () => {
  const puppet = new Puppet();
  puppet.learn(puppet.requestInitAck());
  const packets = puppet.send(encodeCookieEcho(puppet.cookie), data(1000), data(1001, { ssn: 1 }));
  assert.deepEqual(namesOf(packets), ["COOKIE ACK+SACK"]);
  assert.equal(puppet.association.readableBytes, 20);
});

// Section 5.1.1: streams.

Deno.test("outbound streams are as many as the peer takes in, both ways (section 5.1.1)", () => {
  const puppet = new Puppet({
    listen: { parameters: { outboundStreams: 20, inboundStreams: 3 } },
    init: { outboundStreams: 10, inboundStreams: 5 },
  });
  puppet.connect();
  assert.equal(puppet.association.outboundStreams, 5);
  assert.equal(puppet.association.inboundStreams, 3);
  puppet.submit(10, { stream: 4 });
  assert.throws(() => puppet.submit(10, { stream: 5 }), RangeError);
});

Deno.test("INIT ACK asks for no more streams than the INIT allows (section 5.1.1)", () => {
  const puppet = new Puppet({ init: { inboundStreams: 2 } });
  assert.equal(initAckOf(puppet.requestInitAck()).outboundStreams, 2);
});

// Section 5.1.2: addresses.

Deno.test("the source of the INIT is an address of the peer, next to those that it lists (section 5.1.2, C)", () => {
  const puppet = new Puppet({ addresses: ["10.0.0.1", "10.0.1.1"] });
  puppet.learn(puppet.requestInitAck({ addresses: [address("10.0.1.2")] }));
  puppet.send(encodeCookieEcho(puppet.cookie));
  assert.deepEqual(
    puppet.association.paths.map(({ local, remote }) => `${local} ${remote}`),
    ["10.0.0.1 10.0.0.2", "10.0.1.1 10.0.1.2"],
  );
});

Deno.test("addresses that no packet could reach are not taken", () => {
  const puppet = new Puppet();
  const addresses = ["127.0.0.1", "0.0.0.0", "224.0.0.9", "169.254.1.1", "fd00::1", "10.0.0.2"];
  puppet.learn(puppet.requestInitAck({ addresses: addresses.map(address) }));
  puppet.send(encodeCookieEcho(puppet.cookie));
  assert.deepEqual(puppet.association.paths.map(({ remote }) => remote.text), ["10.0.0.2"]);
});

Deno.test("a Host Name Address is refused with Unresolvable Address (section 5.1.2, B)", () => {
  const puppet = new Puppet();
  const name = parameter(ParameterType.HostNameAddress, new TextEncoder().encode("a.example"));
  const packets = puppet.requestInitAck({}, name);
  assert.deepEqual(refusalOf(packets, puppet.tag), [CauseCode.UnresolvableAddress]);
});

Deno.test("only families that the peer understands are listed to it (section 3.3.2.1.5)", () => {
  const addresses = ["10.0.0.1", "10.0.1.1", "fd00::1"];
  const listed = (fields: Partial<InitFields>) => {
    const puppet = new Puppet({ addresses });
    return initAckOf(puppet.requestInitAck(fields)).addresses.map(String);
  };
  assert.deepEqual(listed({}), addresses);
  assert.deepEqual(listed({ supportedAddressTypes: [5, 6] }), addresses);
  assert.deepEqual(listed({ supportedAddressTypes: [5] }), ["10.0.0.1", "10.0.1.1"]);
  const contradicting = { supportedAddressTypes: [5], addresses: [address("fd00::2")] };
  assert.deepEqual(listed(contradicting), addresses, "section 5.1.2: what it lists it understands");
  assert.deepEqual(listed({ supportedAddressTypes: [6] }), addresses, "the packet came over IPv4");
});

Deno.test("a listener on some addresses answers and lists no others", () => {
  const addresses = ["10.0.0.1", "10.0.1.1", "10.0.2.1"];
  const listen = { localAddresses: ["10.0.0.1", "10.0.1.1"].map(address) };
  const puppet = new Puppet({ addresses, listen });
  const answer = initAckOf(puppet.requestInitAck());
  assert.deepEqual(answer.addresses.map(String), ["10.0.0.1", "10.0.1.1"]);
  const packets = puppet.sendIn({ tag: 0, to: "10.0.2.1" }, init());
  assert.deepEqual(namesOf(packets), ["ABORT"]);
});

Deno.test("the address that the INIT came to is one of the association's, known to the endpoint or not", () => {
  const puppet = new Puppet({ addresses: ["10.0.1.1", "10.0.2.1"] });
  // The host has got it since the endpoint was told of its addresses.
  const to = "10.0.0.1";
  puppet.subject.do((endpoint) => endpoint.listen(SUBJECT_PORT));
  const answer = puppet.sendIn({ tag: 0, to }, init());
  assert.deepEqual(answer.map(({ from }) => from), [to]);
  const { addresses } = puppet.learn(answer);
  assert.deepEqual(addresses.map(String), [to, "10.0.1.1", "10.0.2.1"]);
  puppet.sendIn({ to }, encodeCookieEcho(puppet.cookie));
  const used = puppet.association.localAddresses.map((local) => local.address.text);
  assert.deepEqual(used, [to, "10.0.1.1", "10.0.2.1"]);
});

// Sections 3.3.2 and 5.1: what is wrong with an INIT.

Deno.test("an Initiate Tag of 0 is dropped silently (section 3.3.2)", () => {
  const puppet = new Puppet();
  assert.deepEqual(puppet.requestInitAck({ initiateTag: 0 }), []);
});

Deno.test("values that cannot be are refused with Invalid Mandatory Parameter (sections 3.3.2 and 5.1)", () => {
  for (
    const fields of [
      { outboundStreams: 0 },
      { inboundStreams: 0 },
      { receiverWindow: 1499 },
    ]
  ) {
    const puppet = new Puppet();
    const packets = puppet.requestInitAck(fields);
    assert.deepEqual(refusalOf(packets, puppet.tag), [CauseCode.InvalidMandatoryParameter]);
  }
  assert.equal(namesOf(new Puppet().requestInitAck({ receiverWindow: 1500 }))[0], "INIT ACK");
});

Deno.test("a parameter that is not well formed gets no answer", () => {
  const puppet = new Puppet();
  const wrong = parameter(ParameterType.Ipv4Address, new Uint8Array(8));
  assert.deepEqual(puppet.requestInitAck({}, wrong), []);
  const endless = parameter(0xc001, new Uint8Array(8));
  endless[3] = 200;
  assert.deepEqual(puppet.requestInitAck({}, endless), []);
  assert.equal(puppet.subject.endpoint.metrics.dropped["malformed-parameter"], 2);
});

// Section 3.2.1: unknown parameters, by their two highest bits.

for (
  const [type, reports, stops] of [
    [0x3fff, false, true],
    [0x7fff, true, true],
    [0xbfff, false, false],
    [0xffff, true, false],
  ] as const
) {
  const bits = (type >> 14).toString(2).padStart(2, "0");
  Deno.test(`an unknown parameter with bits ${bits} is ${reports ? "reported" : "not reported"} and ${stops ? "hides" : "does not hide"} what follows (section 3.2.1)`, () => {
    const puppet = new Puppet({ addresses: ["10.0.0.1", "10.0.1.1"] });
    const unknown = parameter(type, Uint8Array.of(1, 2, 3, 4));
    const later = parameter(ParameterType.Ipv4Address, Uint8Array.of(10, 0, 1, 2));
    const answer = initAckOf(puppet.requestInitAck({}, Uint8Array.of(...unknown, ...later)));
    assert.deepEqual(answer.unrecognizedInPeer, reports ? [unknown] : []);
    puppet.cookie = answer.stateCookie ?? new Uint8Array(0);
    puppet.subjectTag = answer.initiateTag;
    puppet.send(encodeCookieEcho(puppet.cookie));
    const hasLater = puppet.association.paths.some(({ remote }) => remote.text === "10.0.1.2");
    assert.equal(hasLater, !stops);
  });
}

// Limits.

Deno.test("a listener's backlog and the endpoint's limit are kept, with Out of Resource (section 5.1)", () => {
  const puppet = new Puppet({ listen: { backlog: 1 } });
  const second = initAckOf(puppet.requestInitAck({ initiateTag: 5 }));
  puppet.connect();
  const refused = puppet.sendIn({ tag: 0, from: "10.0.0.3" }, init({ initiateTag: 9 }));
  assert.deepEqual(refusalOf(refused, 9), [CauseCode.OutOfResource]);
  assert.ok(second.stateCookie);
  const late = puppet.sendIn(
    { tag: second.initiateTag, from: "10.0.0.3" },
    encodeCookieEcho(second.stateCookie),
  );
  assert.deepEqual(refusalOf(late, 5), [CauseCode.OutOfResource]);
  assert.equal(puppet.subject.associations.length, 1);
});

Deno.test("a listener that is gone takes no more cookies; its associations stay", () => {
  const puppet = new Puppet();
  puppet.connect();
  const other = initAckOf(puppet.sendIn({ tag: 0, from: "10.0.0.3" }, init({ initiateTag: 9 })));
  puppet.subject.do((endpoint) => endpoint.stopListening(SUBJECT_PORT));
  assert.ok(other.stateCookie);
  const packets = puppet.sendIn(
    { tag: other.initiateTag, from: "10.0.0.3" },
    encodeCookieEcho(other.stateCookie),
  );
  assert.deepEqual(namesOf(packets), ["ABORT"]);
  assert.deepEqual(namesOf(puppet.data()), ["SACK"]);
});

// Section 5.1.5: cookies.

Deno.test("a cookie is good only with its tag and ports (section 5.1.5, 3)", () => {
  const puppet = new Puppet();
  puppet.learn(puppet.requestInitAck());
  const echo = encodeCookieEcho(puppet.cookie);
  for (
    const envelope of [
      { tag: puppet.subjectTag + 1 },
      { tag: puppet.tag },
      { sourcePort: 6001 },
      { destinationPort: 5001 },
    ]
  ) {
    assert.deepEqual(puppet.sendIn(envelope, echo), []);
  }
  assert.equal(puppet.subject.endpoint.metrics.dropped["bad-cookie"], 4);
  assert.deepEqual(namesOf(puppet.send(echo)), ["COOKIE ACK"]);
});

Deno.test("no changed bit of a COOKIE ECHO makes an association", () => {
  const puppet = new Puppet();
  puppet.learn(puppet.requestInitAck());
  for (let bit = 0; bit < puppet.cookie.length * 8; bit++) {
    const forged = puppet.cookie.slice();
    forged[bit >> 3] ^= 1 << (bit & 7);
    assert.deepEqual(puppet.send(encodeCookieEcho(forged), data(1000)), []);
  }
  assert.equal(puppet.subject.associations.length, 0);
});

Deno.test("an expired cookie is answered with its staleness in microseconds (sections 3.3.10.3 and 5.1.5, 4)", () => {
  const puppet = new Puppet({ parameters: { validCookieLife: 5000 } });
  puppet.learn(puppet.requestInitAck());
  puppet.subject.advance(5000);
  const fresh = new Puppet({ parameters: { validCookieLife: 5000 } });
  fresh.learn(fresh.requestInitAck());
  fresh.subject.advance(5000);
  assert.deepEqual(namesOf(fresh.send(encodeCookieEcho(fresh.cookie))), ["COOKIE ACK"]);
  puppet.subject.advance(1.5);
  const packets = puppet.send(encodeCookieEcho(puppet.cookie), data(1000));
  assert.deepEqual(namesOf(packets), ["ERROR"]);
  assert.equal(packets[0].tag, puppet.tag);
  assert.deepEqual(chunkCauses(packets[0].chunks[0], 0), [
    { code: CauseCode.StaleCookie, staleness: 1500 },
  ]);
  assert.equal(puppet.subject.associations.length, 0);
});

Deno.test("a Cookie Preservative makes the cookie last longer, up to twice as long (section 3.3.2.1.3)", () => {
  for (const [asked, lasts] of [[2000, 7000], [100_000_000, 10_000]]) {
    const puppet = new Puppet({ parameters: { validCookieLife: 5000 } });
    puppet.learn(puppet.requestInitAck({ cookiePreservative: asked }));
    puppet.subject.advance(lasts);
    assert.deepEqual(namesOf(puppet.send(encodeCookieEcho(puppet.cookie))), ["COOKIE ACK"]);
    const late = new Puppet({ parameters: { validCookieLife: 5000 } });
    late.learn(late.requestInitAck({ cookiePreservative: asked }));
    late.subject.advance(lasts + 1);
    assert.deepEqual(namesOf(late.send(encodeCookieEcho(late.cookie))), ["ERROR"]);
  }
});

Deno.test("a listener's own Valid.Cookie.Life counts for its cookies", () => {
  const puppet = new Puppet({ listen: { parameters: { validCookieLife: 500 } } });
  puppet.learn(puppet.requestInitAck());
  puppet.subject.advance(600);
  assert.deepEqual(namesOf(puppet.send(encodeCookieEcho(puppet.cookie))), ["ERROR"]);
});

Deno.test("a COOKIE ECHO that is cut short is dropped silently", () => {
  const puppet = new Puppet();
  puppet.learn(puppet.requestInitAck());
  for (let length = 0; length < puppet.cookie.length; length += 7) {
    assert.deepEqual(puppet.send(encodeCookieEcho(puppet.cookie.slice(0, length))), []);
  }
  assert.deepEqual(puppet.send(rawChunk(ChunkType.CookieEcho)), []);
});

Deno.test("a COOKIE ECHO of an association that is over makes no second one (section 5.3.1)", () => {
  const puppet = new Puppet();
  puppet.learn(puppet.requestInitAck());
  const echo = [encodeCookieEcho(puppet.cookie), data(1000)] as const;
  puppet.send(...echo);
  puppet.send(rawChunk(ChunkType.Abort));
  const events = puppet.subject.events.length;
  const packets = puppet.send(...echo);
  assert.deepEqual(namesOf(packets), ["ABORT"], "the peer's association ends, if it has one");
  assert.deepEqual([packets[0].tag, packets[0].chunks[0][1]], [puppet.subjectTag, 1]);
  assert.equal(puppet.subject.associations.length, 0);
  assert.equal(puppet.subject.events.length, events);
  puppet.subject.advance(59_000);
  assert.deepEqual(namesOf(puppet.send(...echo)), ["ABORT"], "for as long as it is valid");
  puppet.subject.advance(2000);
  assert.deepEqual(
    namesOf(puppet.send(...echo)),
    ["ABORT"],
    "and when it is stale: no new attempt",
  );
  assert.deepEqual(namesOf(puppet.connect()), ["COOKIE ACK"], "a new cookie is welcome");
});

Deno.test("a new association has no tag that is spent: its COOKIE ECHO would be taken for an old one", () => {
  // So few tags are left that one of those that are spent would soon come again.
  const puppet = new Puppet({ highNumbers: true });
  for (let i = 0; i < 500; i++) {
    assert.deepEqual(namesOf(puppet.connect()), ["COOKIE ACK"]);
    puppet.send(rawChunk(ChunkType.Abort));
  }
});

Deno.test("ECN is used only if both sides say so", () => {
  for (const [own, peer] of [[0, false], [0, true], [1, false], [1, true]] as const) {
    const puppet = new Puppet({
      listen: { parameters: { ecn: own } },
      init: { ecnCapable: peer },
    });
    puppet.connect();
    assert.equal(puppet.association.ecnEnabled, own === 1 && peer);
  }
});

Deno.test("the peer's Initial TSN may be any, also the last before 0", () => {
  const puppet = new Puppet({ init: { initialTsn: tsn(0xffff_ffff) } });
  puppet.connect();
  puppet.send(data(0xffff_ffff), data(0, { ssn: 1 }));
  assert.equal(puppet.association.rx?.tracker.cumulative, 0);
});
