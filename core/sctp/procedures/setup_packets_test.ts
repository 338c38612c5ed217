/** What shares a packet with COOKIE ECHO and COOKIE ACK, and where they go (RFC 9260, 5.1 and 5.4). */
import assert from "node:assert/strict";
import { initAck, parameter } from "../testing/chunks.ts";
import { Puppet } from "../testing/puppet.ts";
import { causeCodesOf, chunkOfType, namesOf } from "../testing/sent_packet.ts";
import { address } from "../testing/test_endpoint.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { encodeCookieAck, encodeCookieEcho } from "../wire/cookie.ts";
import { CauseCode } from "../wire/error_cause.ts";
import { encodeHeartbeat } from "../wire/heartbeat.ts";

const TWO = { addresses: ["10.0.0.1", "10.0.1.1"], peers: ["10.0.0.2", "10.0.1.2"] };

/** A parameter that is to be reported (bits 11), of `length` bytes. */
function unknown(length: number): Uint8Array {
  return parameter(0xc123, new Uint8Array(length));
}

Deno.test("a report about the INIT ACK goes with the COOKIE ECHO if it fits (section 3.2.2)", () => {
  const puppet = new Puppet();
  puppet.beAsked();
  assert.deepEqual(namesOf(puppet.answer({}, unknown(600))), ["COOKIE ECHO+ERROR"]);
  assert.deepEqual(namesOf(puppet.wait(1100)), ["COOKIE ECHO+ERROR"]);
  assert.deepEqual(puppet.send(encodeCookieAck()), []);
});

Deno.test("a report too large for the COOKIE ECHO's packet leaves after COOKIE ACK, once (section 3.2.2)", () => {
  const puppet = new Puppet();
  puppet.beAsked();
  const stateCookie = new Uint8Array(1000);
  assert.deepEqual(namesOf(puppet.answer({ stateCookie }, unknown(600))), ["COOKIE ECHO"]);
  assert.deepEqual(namesOf(puppet.wait(1100)), ["COOKIE ECHO"]);
  const sent = puppet.send(encodeCookieAck());
  assert.deepEqual(namesOf(sent), ["ERROR"]);
  const error = chunkOfType(sent, ChunkType.Error);
  assert.deepEqual(causeCodesOf(error), [CauseCode.UnrecognizedParameters]);
  assert.deepEqual(puppet.send(encodeCookieAck()), []);
});

for (const [length, place] of [[1444, "10.0.1.2"], [1448, "10.0.0.2"]] as const) {
  const fits = length === 1444;
  Deno.test(`a COOKIE ECHO ${fits ? "with" : "without"} room for a HEARTBEAT ${fits ? "may try" : "avoids"} an unconfirmed address (section 5.4)`, () => {
    const puppet = new Puppet({ ...TWO, associate: { remoteAddresses: [address("10.0.0.2")] } });
    puppet.beAsked();
    const stateCookie = new Uint8Array(length);
    puppet.send(initAck({ stateCookie, addresses: TWO.peers.map(address) }));
    assert.ok(puppet.association.paths.some(({ status }) => status === "unconfirmed"));
    const sent = puppet.wait(1100);
    assert.deepEqual(sent.map(({ to }) => to), [place]);
    assert.deepEqual(namesOf(sent), [fits ? "COOKIE ECHO+HEARTBEAT" : "COOKIE ECHO"]);
  });
}

Deno.test("COOKIE ACK is first in its packet, also behind an answer that waits (section 5.1, D)", () => {
  const puppet = new Puppet();
  puppet.connect();
  puppet.sendUndrained(encodeHeartbeat(new Uint8Array(4)));
  puppet.sendUndrained(encodeCookieEcho(puppet.cookie));
  puppet.subject.drain();
  assert.deepEqual(namesOf(puppet.subject.take()), ["COOKIE ACK+HEARTBEAT ACK"]);
});

Deno.test("a primary path that the user set in COOKIE-WAIT stays the primary one (section 11.1.6)", () => {
  const puppet = new Puppet(TWO);
  puppet.beAsked();
  const { association } = puppet;
  const [, second] = association.paths;
  puppet.subject.do(() => association.setPrimary(second));
  puppet.answer();
  puppet.send(encodeCookieAck());
  assert.equal(association.primaryPath?.index, second.index);
  assert.deepEqual(puppet.submit(100).map(({ to }) => to), ["10.0.1.2"]);
});

Deno.test("an INIT ACK with a_rwnd below 1500 is refused, and COOKIE-WAIT goes on (section 3.3.3)", () => {
  const puppet = new Puppet();
  puppet.beAsked();
  const refusal = puppet.answer({ receiverWindow: 1499 });
  assert.deepEqual(namesOf(refusal), ["ABORT"]);
  assert.equal(refusal[0].tag, puppet.tag);
  assert.equal(refusal[0].chunks[0][1], 0, "no T bit: the tag is the peer's own");
  assert.equal(puppet.association.state, "COOKIE-WAIT");
  assert.deepEqual(namesOf(puppet.wait(1100)), ["INIT"]);
  assert.deepEqual(namesOf(puppet.answer({ receiverWindow: 1500 })), ["COOKIE ECHO"]);
});
