import assert from "node:assert/strict";
import type { Parameters } from "../parameters.ts";
import { init, parameter, rawChunk } from "../testing/chunks.ts";
import { Puppet, type PuppetOptions, readInit } from "../testing/puppet.ts";
import { chunkOfType, namesOf, type SentPacket } from "../testing/sent_packet.ts";
import { WirePair } from "../testing/wire_pair.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { checksumIsZero } from "../wire/common_header.ts";
import { encodeCookieEcho } from "../wire/cookie.ts";
import type { InitFields } from "../wire/init.ts";
import { encodeShutdownAck } from "../wire/shutdown.ts";
import { address, localAddresses } from "../testing/test_endpoint.ts";

const ON: Partial<Parameters> = { zeroChecksum: 1 };
const DTLS: Partial<InitFields> = { errorDetectionMethod: 1 };

function puppet(options: PuppetOptions = {}): Puppet {
  return new Puppet({ isInsideDtls: true, parameters: ON, init: DTLS, ...options });
}

/** Each packet as its chunks, with a "-" before those without a checksum. */
function marked(packets: readonly SentPacket[]): string[] {
  return packets.map(({ bytes, names }) => checksumIsZero(bytes, 0) ? `-${names}` : names);
}

/** The packet with these chunks, its checksum taken out. */
function bare(peer: Puppet, chunks: readonly Uint8Array[], tag = peer.subjectTag): Uint8Array {
  const bytes = peer.packetOf({ tag }, chunks);
  bytes.fill(0, 8, 12);
  return bytes;
}

const HEARTBEAT = rawChunk(ChunkType.Heartbeat, 0, parameter(1, Uint8Array.of(1, 2, 3, 4)));

Deno.test("an INIT says that packets need no checksum, by the method of DTLS (RFC 9653, section 4)", () => {
  for (const zeroChecksum of [0, 1]) {
    const peer = puppet({ parameters: { zeroChecksum } });
    const asked = readInit(chunkOfType(peer.beAsked(), ChunkType.Init));
    assert.equal(asked.errorDetectionMethod, zeroChecksum === 1 ? 1 : undefined);
  }
});

Deno.test("an INIT ACK says so to a peer who says so, by the same method", () => {
  for (const errorDetectionMethod of [undefined, 0, 1, 2]) {
    const answer = puppet().learn(new Puppet().requestInitAck());
    assert.equal(answer.errorDetectionMethod, undefined);
    const peer = puppet({ init: { errorDetectionMethod } });
    const said = peer.learn(peer.requestInitAck()).errorDetectionMethod;
    assert.equal(said, errorDetectionMethod === 1 ? 1 : undefined);
  }
});

Deno.test("nobody does without checksums where the lower layer does not find errors", () => {
  const message = /zeroChecksum needs packets that travel inside DTLS/;
  assert.throws(() => new Puppet({ parameters: ON }), { name: "RangeError", message });
  const peer = new Puppet();
  const options = { remotePort: 7, remoteAddresses: [address("10.0.0.2")], parameters: ON };
  peer.subject.do((endpoint, now) => {
    assert.throws(() => endpoint.listen(7, { parameters: ON }), { name: "RangeError", message });
    assert.throws(() => endpoint.associate(now, options), { name: "RangeError", message });
  });
  assert.equal(peer.subject.associations.length, 0);
});

Deno.test("once both sides said so packets leave without a checksum, but for those that need one (section 5.2)", () => {
  const peer = puppet({ addresses: ["10.0.0.1", "10.0.1.1"] });
  assert.deepEqual(marked(peer.beAsked()), ["INIT"]);
  assert.deepEqual(marked(peer.answer()), ["COOKIE ECHO"]);
  assert.deepEqual(marked(peer.wait(1000)), ["COOKIE ECHO"], "and again");
  peer.send(rawChunk(ChunkType.CookieAck));
  assert.deepEqual(marked(peer.submit(20)), ["-DATA"]);
  peer.ack(1);
  assert.ok(marked(peer.submit(20_000)).every((name) => name === "-DATA"), "in bulk");
  assert.deepEqual(marked(peer.data({ immediate: true })), ["-SACK"]);
  assert.deepEqual(marked(peer.send(HEARTBEAT)), ["-HEARTBEAT ACK"]);
});

Deno.test("an ASCONF has a checksum, and what shares its packet (section 5.2)", () => {
  const pair = new WirePair({
    a: { isInsideDtls: true, parameters: { ...ON, asconfWithoutAuth: 1, authentication: 0 } },
    b: { isInsideDtls: true, parameters: { ...ON, asconfWithoutAuth: 1, authentication: 0 } },
  });
  const seen: string[] = [];
  pair.script = (packet) => {
    seen.push(...marked([packet]));
    return [10];
  };
  const association = pair.associate(["10.0.0.2"]);
  pair.run(500);
  seen.length = 0;
  pair.a.do((endpoint, now) => {
    endpoint.handleNetworkChange(now, localAddresses(["10.0.0.1", "10.0.1.1"]));
    association.addLocalAddress(now, address("10.0.1.1"));
  });
  pair.collect();
  pair.run(500);
  assert.ok(seen.includes("ASCONF"), seen.join());
  assert.ok(!seen.some((name) => name.startsWith("-") && name.includes("ASCONF+")), seen.join());
  assert.ok(seen.includes("-ASCONF-ACK"), seen.join());
});

Deno.test("what is answered out of the blue has a checksum (section 5.2)", () => {
  const peer = puppet();
  peer.connect();
  const answered = peer.sendIn({ tag: 77, sourcePort: 99 }, HEARTBEAT);
  assert.deepEqual(marked(answered), ["ABORT"]);
});

for (const side of ["asked", "asking"] as const) {
  Deno.test(`packets without a checksum are taken of a peer who was told, as the side that is ${side} (section 5.3)`, () => {
    const peer = puppet();
    if (side === "asked") peer.connect();
    else peer.accept();
    assert.deepEqual(namesOf(peer.sendBytes(bare(peer, [HEARTBEAT]))), ["HEARTBEAT ACK"]);
    assert.deepEqual(namesOf(peer.send(HEARTBEAT)), ["HEARTBEAT ACK"], "and those that have one");
    const wrong = peer.packetOf({}, [HEARTBEAT]);
    wrong[9] ^= 1;
    assert.deepEqual(peer.sendBytes(wrong), [], "a wrong one is an error still");
    assert.equal(peer.subject.endpoint.metrics.dropped["bad-checksum"], 1);
  });
}

const UNTOLD: Readonly<Record<string, PuppetOptions>> = {
  "who does not say so himself": { init: {} },
  "by a switch that is off": { parameters: { zeroChecksum: 0 } },
  "on a transport that finds no errors": { isInsideDtls: false, parameters: {} },
};

for (const [why, options] of Object.entries(UNTOLD)) {
  Deno.test(`packets without a checksum are dropped of a peer who was not told, ${why}`, () => {
    const peer = puppet(options);
    peer.connect();
    assert.deepEqual(peer.sendBytes(bare(peer, [HEARTBEAT])), []);
    assert.equal(peer.subject.endpoint.metrics.dropped["bad-checksum"], 1);
    assert.deepEqual(marked(peer.send(HEARTBEAT)), ["HEARTBEAT ACK"], "nor are they sent");
  });
}

Deno.test("INIT and COOKIE ECHO are not taken without a checksum", () => {
  const peer = puppet();
  peer.learn(peer.requestInitAck());
  assert.deepEqual(peer.sendBytes(bare(peer, [init(DTLS)], 0)), []);
  assert.deepEqual(peer.sendBytes(bare(peer, [encodeCookieEcho(peer.cookie)])), []);
  assert.equal(peer.subject.endpoint.metrics.dropped["bad-checksum"], 2);
  assert.deepEqual(namesOf(peer.send(encodeCookieEcho(peer.cookie))), ["COOKIE ACK"]);
});

Deno.test("a peer whose SHUTDOWN COMPLETE was lost gets another one, though its packets have no checksum", () => {
  const peer = puppet();
  peer.connect();
  const { association } = peer;
  peer.subject.do((_, now) => association.shutdown(now));
  peer.subject.take();
  const last = bare(peer, [encodeShutdownAck()]);
  assert.deepEqual(namesOf(peer.sendBytes(last)), ["SHUTDOWN COMPLETE"]);
  assert.equal(peer.subject.associations.length, 0);
  assert.deepEqual(marked(peer.sendBytes(last)), ["SHUTDOWN COMPLETE"]);
});
