/** The side that asks: INIT, INIT ACK, COOKIE ECHO, their timers and failures (RFC 9260, 5.1, 5.2.6). */
import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import { data, init, initAck, packet, parameter, rawChunk } from "../testing/chunks.ts";
import { Puppet, PUPPET_PORT, readInit, SUBJECT_PORT } from "../testing/puppet.ts";
import {
  causeCodesOf,
  chunkOfType,
  chunksOfType,
  namesOf,
  type SentPacket,
} from "../testing/sent_packet.ts";
import { address, TestEndpoint } from "../testing/test_endpoint.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { encodeCookieAck } from "../wire/cookie.ts";
import { encodeError } from "../wire/error.ts";
import { CauseCode, chunkCauses } from "../wire/error_cause.ts";
import { ParameterType } from "../wire/parameter.ts";

const TWO = { addresses: ["10.0.0.1", "10.0.1.1"], peers: ["10.0.0.2", "10.0.1.2"] };

function lostReason(puppet: Puppet): string | undefined {
  const event = puppet.subject.events.at(-1);
  return event?.kind === "communication-lost" ? event.reason.kind : undefined;
}

function initOf(packets: readonly SentPacket[]) {
  return readInit(chunkOfType(packets, ChunkType.Init));
}

function staleError(staleness: number): Uint8Array {
  return encodeError([{ code: CauseCode.StaleCookie, staleness }]);
}

Deno.test("associating sends an INIT with tag 0 that says what we offer (RFC 9260, section 5.1, A)", () => {
  const puppet = new Puppet({
    ...TWO,
    associate: {
      parameters: { receiveBuffer: 99_000, outboundStreams: 12, inboundStreams: 34 },
      adaptationIndication: 7,
    },
  });
  const packets = puppet.beAsked();
  assert.deepEqual(namesOf(packets), ["INIT"]);
  assert.equal(packets[0].tag, 0);
  const sent = initOf(packets);
  assert.notEqual(sent.initiateTag, 0);
  assert.equal(sent.receiverWindow, 99_000);
  assert.equal(sent.outboundStreams, 12);
  assert.equal(sent.inboundStreams, 34);
  assert.equal(sent.adaptationIndication, 7);
  assert.deepEqual(sent.addresses.map(String), TWO.addresses);
  assert.deepEqual(sent.supportedAddressTypes, [5]);
});

Deno.test("a host with one address lists none: the packet's source says it", () => {
  assert.deepEqual(initOf(new Puppet().beAsked()).addresses, []);
});

Deno.test("both families are announced where the host has both", () => {
  const puppet = new Puppet({ addresses: ["10.0.0.1", "fd00::1"] });
  assert.deepEqual(initOf(puppet.beAsked()).supportedAddressTypes, [5, 6]);
});

Deno.test("INIT ACK is answered with its cookie, COOKIE ACK makes the association (section 5.1, C and E)", () => {
  const puppet = new Puppet();
  puppet.beAsked();
  const cookie = Uint8Array.from({ length: 77 }, (_, i) => i);
  const echo = puppet.answer({ stateCookie: cookie });
  assert.deepEqual(namesOf(echo), ["COOKIE ECHO"]);
  assert.equal(echo[0].tag, puppet.tag);
  assert.deepEqual(echo[0].chunks[0].slice(4), cookie);
  assert.equal(puppet.association.state, "COOKIE-ECHOED");
  puppet.send(encodeCookieAck());
  assert.equal(puppet.association.state, "ESTABLISHED");
  const event = puppet.subject.events.at(-1);
  assert.ok(event?.kind === "communication-up" && !event.incoming);
});

Deno.test("messages may be queued before the association is up, and leave in their order", () => {
  const puppet = new Puppet({ parameters: { noDelay: 1 } });
  puppet.beAsked();
  for (let i = 0; i < 5; i++) puppet.submit(1000, { stream: i });
  const packets = [...puppet.answer(), ...puppet.send(encodeCookieAck())];
  assert.deepEqual(puppet.offsets(packets), [0, 1, 2, 3, 4]);
});

// Timers: sections 5.1.4 and 5.1.6.

Deno.test("INIT is sent again, the same, at doubling intervals, Max.Init.Retransmits times (section 5.1.6)", () => {
  const puppet = new Puppet({ parameters: { maxInitRetransmits: 3 } });
  const [first] = puppet.beAsked();
  const again = puppet.wait(60_000);
  assert.deepEqual(again.map(({ at }) => at - first.at), [1000, 3000, 7000]);
  for (const { bytes } of again) assert.deepEqual(bytes, first.bytes);
  assert.equal(lostReason(puppet), "unreachable");
  assert.equal(puppet.subject.nextTimeout, Infinity);
  assert.equal(puppet.subject.associations.length, 0);
});

Deno.test("INITs take turns over all addresses of the peer (section 5.1)", () => {
  const puppet = new Puppet(TWO);
  const packets = [...puppet.beAsked(), ...puppet.wait(10_000)];
  assert.deepEqual(packets.slice(0, 4).map(({ to }) => to), [
    "10.0.0.2",
    "10.0.1.2",
    "10.0.0.2",
    "10.0.1.2",
  ]);
});

Deno.test("COOKIE ECHO is sent again the same way, and takes turns too (section 5.1.4)", () => {
  const puppet = new Puppet({ ...TWO, parameters: { maxInitRetransmits: 3 } });
  puppet.beAsked();
  const [first] = puppet.answer();
  const again = puppet.wait(60_000);
  assert.deepEqual(again.map(({ names }) => names), ["COOKIE ECHO", "COOKIE ECHO", "COOKIE ECHO"]);
  assert.deepEqual([first, ...again].map(({ to }) => to), [
    "10.0.0.2",
    "10.0.1.2",
    "10.0.0.2",
    "10.0.1.2",
  ]);
  assert.equal(lostReason(puppet), "unreachable");
});

Deno.test("the handshake measures the RTT, unless a chunk was sent twice (section 6.3.1, C5)", () => {
  const puppet = new Puppet({ parameters: { rtoMin: 100 } });
  puppet.beAsked();
  puppet.wait(60);
  puppet.answer();
  assert.equal(puppet.association.paths[0].srtt, 60);
  const slow = new Puppet({ parameters: { rtoMin: 100 } });
  slow.beAsked();
  slow.wait(1060);
  slow.answer();
  assert.equal(slow.association.paths[0].rtt.hasSample, false);
});

// What INIT ACK may say.

Deno.test("outbound streams shrink to what the peer takes in (section 5.1.1)", () => {
  const puppet = new Puppet({ associate: { parameters: { outboundStreams: 10 } } });
  puppet.beAsked();
  puppet.answer({ inboundStreams: 4, outboundStreams: 3 });
  puppet.send(encodeCookieAck());
  assert.equal(puppet.association.outboundStreams, 4);
  assert.equal(puppet.association.inboundStreams, 3);
});

Deno.test("messages that wait on streams which the peer does not accept end the association (section 5.1.1)", () => {
  const puppet = new Puppet({ associate: { parameters: { outboundStreams: 10 } } });
  puppet.beAsked();
  puppet.submit(10, { stream: 6 });
  const packets = [...puppet.answer({ inboundStreams: 4 })];
  if (puppet.subject.associations.length > 0) packets.push(...puppet.send(encodeCookieAck()));
  assert.equal(chunksOfType(packets, ChunkType.Abort).length, 1);
  const event = puppet.subject.events.at(-1);
  assert.ok(event?.kind === "communication-lost" && event.reason.kind === "too-few-streams");
  assert.equal(event.reason.offered, 4);
  assert.equal(puppet.subject.endpoint.pool.liveBytes, 0);
});

Deno.test("an INIT ACK without a cookie is refused with Missing Mandatory Parameter (section 3.3.3)", () => {
  const puppet = new Puppet();
  puppet.beAsked();
  const packets = puppet.answer({ stateCookie: undefined });
  assert.deepEqual(namesOf(packets), ["ABORT"]);
  assert.equal(packets[0].tag, puppet.tag);
  assert.equal(packets[0].chunks[0][1], 0, "no T bit: the tag is the peer's own");
  assert.deepEqual(chunkCauses(packets[0].chunks[0], 0), [
    { code: CauseCode.MissingMandatoryParameter, types: [ParameterType.StateCookie] },
  ]);
  assert.equal(lostReason(puppet), "protocol-violation");
});

Deno.test("an INIT ACK with Initiate Tag 0 ends the attempt; the ABORT reflects our tag (section 3.3.3)", () => {
  const puppet = new Puppet();
  puppet.beAsked();
  const packets = puppet.answer({ initiateTag: 0 });
  assert.deepEqual(namesOf(packets), ["ABORT"]);
  assert.equal(packets[0].tag, puppet.subjectTag);
  assert.equal(packets[0].chunks[0][1], 1);
  assert.equal(puppet.subject.associations.length, 0);
});

Deno.test("an INIT ACK without streams is refused (section 3.3.3)", () => {
  for (const fields of [{ outboundStreams: 0 }, { inboundStreams: 0 }]) {
    const puppet = new Puppet();
    puppet.beAsked();
    const packets = puppet.answer(fields);
    assert.deepEqual(causeCodesOf(packets[0].chunks[0]), [CauseCode.InvalidMandatoryParameter]);
    assert.equal(puppet.subject.associations.length, 0);
  }
});

Deno.test("an INIT ACK that offers less than 1500 bytes of window is never used (section 3.3.3)", () => {
  const puppet = new Puppet();
  puppet.beAsked();
  puppet.answer({ receiverWindow: 1499 });
  assert.ok(!puppet.subject.associations.some(({ state }) => state === "COOKIE-ECHOED"));
});

Deno.test("a Host Name Address in an INIT ACK is refused (section 5.1.2, B)", () => {
  const puppet = new Puppet();
  puppet.beAsked();
  const name = parameter(ParameterType.HostNameAddress, new TextEncoder().encode("a.example"));
  const packets = puppet.answer({}, name);
  assert.deepEqual(causeCodesOf(packets[0].chunks[0]), [CauseCode.UnresolvableAddress]);
});

Deno.test("a malformed INIT ACK is ignored: INIT goes on", () => {
  const puppet = new Puppet();
  puppet.beAsked();
  assert.deepEqual(puppet.answer({}, parameter(ParameterType.Ipv4Address, new Uint8Array(2))), []);
  assert.equal(puppet.association.state, "COOKIE-WAIT");
  assert.deepEqual(namesOf(puppet.answer()), ["COOKIE ECHO"]);
});

Deno.test("unknown parameters of an INIT ACK are reported with the COOKIE ECHO, by their bits (section 3.2.2)", () => {
  for (
    const [type, reports] of [[0x7ffe, true], [0xfffe, true], [0x3ffe, false], [0xbffe, false]]
  ) {
    const puppet = new Puppet();
    puppet.beAsked();
    const unknown = parameter(Number(type), Uint8Array.of(1, 2, 3, 4));
    const packets = puppet.answer({}, unknown);
    assert.deepEqual(namesOf(packets), [reports ? "COOKIE ECHO+ERROR" : "COOKIE ECHO"]);
    if (!reports) continue;
    assert.deepEqual(chunkCauses(chunkOfType(packets, ChunkType.Error), 0), [
      { code: CauseCode.UnrecognizedParameters, parameters: unknown },
    ]);
  }
});

Deno.test("a cookie as long as a chunk can be is echoed whole", () => {
  const puppet = new Puppet();
  puppet.beAsked();
  const stateCookie = new Uint8Array(65_000).fill(7);
  const echo = chunkOfType(puppet.answer({ stateCookie }), ChunkType.CookieEcho);
  assert.deepEqual(echo.slice(4), stateCookie);
});

Deno.test("until COOKIE ACK every packet starts with COOKIE ECHO (section 5.1, C)", () => {
  const puppet = new Puppet({ addresses: TWO.addresses, parameters: { hbInterval: 0 } });
  puppet.beAsked();
  const packets = puppet.answer({ addresses: TWO.peers.map(address) });
  for (const { names } of [...packets, ...puppet.wait(60_000)]) assert.match(names, /^COOKIE ECHO/);
});

// Section 5.2.6: stale cookies.

Deno.test("a stale cookie is answered with INIT and a Cookie Preservative near the RTT (section 5.2.6)", () => {
  const puppet = new Puppet();
  puppet.beAsked();
  puppet.answer();
  puppet.wait(200);
  const packets = puppet.send(staleError(100_000));
  assert.deepEqual(namesOf(packets), ["INIT"]);
  assert.equal(initOf(packets).cookiePreservative, 300);
  assert.equal(initOf(packets).initiateTag, puppet.subjectTag);
  assert.equal(puppet.association.state, "COOKIE-WAIT");
  puppet.answer();
  puppet.wait(100);
  const limited = puppet.send(staleError(0xffff_ffff));
  assert.equal(initOf(limited).cookiePreservative, 1100, "at most a second beyond the RTT");
});

Deno.test("messages that left with a stale cookie leave again, in order, each once", () => {
  const puppet = new Puppet({ parameters: { noDelay: 1 } });
  puppet.beAsked();
  puppet.submit(100);
  puppet.submit(100);
  puppet.answer();
  puppet.send(staleError(0));
  assert.deepEqual(puppet.offsets(puppet.answer()), [0, 1]);
  puppet.send(encodeCookieAck());
  puppet.ack(2);
  assert.equal(puppet.association.bufferedBytes, 0);
});

Deno.test("cookies that go stale without end end the attempt", () => {
  const puppet = new Puppet();
  puppet.beAsked();
  let rounds = 0;
  for (; puppet.subject.associations.length > 0 && rounds < 100; rounds++) {
    puppet.answer();
    puppet.send(staleError(1));
  }
  assert.ok(rounds < 10);
  assert.equal(lostReason(puppet), "stale-cookie");
});

Deno.test("an ERROR about a stale cookie means nothing in other states (section 5.2.6)", () => {
  for (const state of ["COOKIE-WAIT", "ESTABLISHED", "SHUTDOWN-SENT"] as const) {
    const puppet = new Puppet();
    puppet.bring(state);
    const events = puppet.subject.events.length;
    assert.deepEqual(puppet.send(staleError(1)), [], state);
    assert.equal(puppet.association.state, state);
    assert.equal(puppet.subject.events.length, events);
  }
});

Deno.test("a COOKIE ECHO that waits to leave is not sent with a tag that is gone", () => {
  const puppet = new Puppet();
  puppet.beAsked();
  puppet.answer();
  puppet.subject.now = puppet.subject.nextTimeout;
  puppet.subject.endpoint.handleTimeout(puppet.subject.now);
  puppet.sendUndrained(staleError(1));
  puppet.subject.drain();
  assert.deepEqual(namesOf(puppet.subject.take()), ["INIT"]);
});

// Ends of the attempt.

Deno.test("an ABORT in answer to the INIT ends the attempt (section 8.4, 3)", () => {
  const puppet = new Puppet();
  puppet.beAsked();
  puppet.send(encodeErrorlessAbort());
  assert.equal(lostReason(puppet), "aborted-by-peer");
});

function encodeErrorlessAbort(): Uint8Array {
  return rawChunk(ChunkType.Abort);
}

Deno.test("SHUTDOWN and DATA before the association is up are discarded (sections 6 and 9.2)", () => {
  for (const state of ["COOKIE-WAIT", "COOKIE-ECHOED"] as const) {
    const puppet = new Puppet();
    puppet.bring(state);
    assert.deepEqual(puppet.send(rawChunk(ChunkType.Shutdown, 0, new Uint8Array(4))), []);
    assert.deepEqual(puppet.send(data(1000)), []);
    assert.equal(puppet.association.state, state);
    assert.equal(puppet.association.heldBytes, 0);
  }
});

Deno.test("a shutdown before the association is up waits for it, if there is something to deliver", () => {
  const puppet = new Puppet({ parameters: { noDelay: 1 } });
  puppet.beAsked();
  puppet.submit(100);
  puppet.shutdown();
  assert.throws(() => puppet.submit(100), /shutdown/);
  const packets = [...puppet.answer(), ...puppet.send(encodeCookieAck())];
  assert.deepEqual(puppet.offsets(packets), [0]);
  assert.equal(puppet.association.state, "SHUTDOWN-PENDING");
  assert.deepEqual(namesOf(puppet.ack(1)), ["SHUTDOWN"]);
});

Deno.test("a shutdown with nothing to deliver ends an attempt that was not answered", () => {
  const puppet = new Puppet();
  puppet.beAsked();
  puppet.shutdown();
  assert.equal(puppet.subject.associations.length, 0);
  assert.equal(lostReason(puppet), "aborted-locally");
});

// Misuse.

Deno.test("an association that cannot be is refused when it is asked for", () => {
  const endpoint = new TestEndpoint();
  const ask = (changes: object) => () =>
    endpoint.do((engine, now) =>
      engine.associate(now, {
        remotePort: PUPPET_PORT,
        remoteAddresses: [address("10.0.0.2")],
        localPort: SUBJECT_PORT,
        ...changes,
      })
    );
  assert.throws(ask({ remotePort: 0 }), RangeError);
  assert.throws(ask({ remotePort: 65_536 }), RangeError);
  assert.throws(ask({ localPort: 1.5 }), RangeError);
  assert.throws(ask({ remoteAddresses: [] }), RangeError);
  assert.throws(ask({ remoteAddresses: [address("fd00::2")] }), /reach/);
  assert.throws(ask({ parameters: { rtoMin: 0 } }), RangeError);
  assert.equal(endpoint.associations.length, 0);
  ask({})();
  assert.throws(ask({}), /already/);
});

Deno.test("ports that nobody asked for are dynamic ones, and each its own", () => {
  const endpoint = new TestEndpoint();
  const ports = Array.from(
    { length: 50 },
    () =>
      endpoint.do((engine, now) =>
        engine.associate(now, {
          remotePort: PUPPET_PORT,
          remoteAddresses: [address("10.0.0.2")],
        })
      ).localPort,
  );
  assert.equal(new Set(ports).size, 50);
  for (const port of ports) assert.ok(port >= 49_152 && port <= 65_535);
});

Deno.test("a peer with more addresses than paths may have is still reached", () => {
  const remoteAddresses = Array.from({ length: 100 }, (_, i) => address(`10.0.0.${i + 2}`));
  const endpoint = new TestEndpoint();
  const association = endpoint.do((engine, now) =>
    engine.associate(now, { remotePort: PUPPET_PORT, remoteAddresses })
  );
  assert.equal(association.paths.length, 64);
});

Deno.test("INIT ACK counts only with our tag, and from where it may come", () => {
  const puppet = new Puppet();
  puppet.beAsked();
  assert.deepEqual(puppet.sendIn({ tag: puppet.subjectTag + 1 }, initAck()), []);
  assert.equal(puppet.association.state, "COOKIE-WAIT");
  const bundled = packet(PUPPET_PORT, SUBJECT_PORT, 0, [initAck(), init()]);
  assert.deepEqual(puppet.sendBytes(bundled), []);
  assert.equal(tsn(puppet.subjectTsn), puppet.association.tx.initialTsn);
});

Deno.test("ADAPTATION_INDICATION: what the peer says of its upper layer is told once it is up (RFC 5061, 4.2.6)", () => {
  for (const isAsked of [true, false]) {
    const puppet = new Puppet({ init: { adaptationIndication: 0xfeed } });
    if (isAsked) puppet.connect();
    else puppet.accept();
    const up = puppet.subject.eventKinds.indexOf("communication-up");
    const told = puppet.subject.events[up + 1];
    assert.ok(told.kind === "adaptation-indication");
    assert.equal(told.indication, 0xfeed);
  }
});
