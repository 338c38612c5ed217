/** A peer whose NAT gives it another UDP port, or address (RFC 6951, section 5.4). */
import assert from "node:assert/strict";
import { data } from "../testing/chunks.ts";
import { type Envelope, Puppet, type PuppetOptions } from "../testing/puppet.ts";
import { chunkOfType, namesOf, type SentPacket } from "../testing/sent_packet.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { encodeHeartbeatAck } from "../wire/heartbeat.ts";
import { encodeShutdown } from "../wire/shutdown.ts";
import { tsn } from "../base/serial.ts";

const OLD = 9899;
const NEW = 40_000;
const ELSEWHERE = "10.0.0.66";

/** A subject whose peer came from UDP port {@link OLD}. */
function established(options: PuppetOptions = {}): Puppet {
  const puppet = new Puppet({ encapsulationPort: OLD, ...options });
  puppet.connect();
  return puppet;
}

/** Where packets went: address and UDP port, and their chunks. */
function destinations(packets: readonly SentPacket[]): string[] {
  return packets.map(({ to, encapsulationPort, names }) => `${to}:${encapsulationPort} ${names}`);
}

/** The puppet's answer to the HEARTBEAT among these packets, from a place. */
function answerFrom(puppet: Puppet, packets: readonly SentPacket[], place: Envelope) {
  const heartbeat = chunkOfType(packets, ChunkType.Heartbeat);
  return puppet.sendIn(place, encodeHeartbeatAck(heartbeat.slice(4)));
}

function next(puppet: Puppet): Uint8Array {
  return data(puppet.nextTsn++, { immediate: true });
}

function dropped(puppet: Puppet, reason: "forged-heartbeat-ack" | "unknown-source"): number {
  return puppet.subject.endpoint.metrics.dropped[reason];
}

Deno.test("packets from another UDP port are taken, and answered where the peer was until the port is proved", () => {
  const puppet = established();
  const asked = puppet.sendIn({ encapsulationPort: NEW }, next(puppet));
  assert.deepEqual(destinations(asked), [`10.0.0.2:${NEW} HEARTBEAT`, `10.0.0.2:${OLD} SACK`]);
  assert.deepEqual(destinations(puppet.submit(10)), [`10.0.0.2:${OLD} DATA`]);
  answerFrom(puppet, asked, { encapsulationPort: NEW });
  puppet.ack(1);
  assert.deepEqual(destinations(puppet.submit(10)), [`10.0.0.2:${NEW} DATA`]);
  assert.equal(puppet.association.paths.length, 1);
});

Deno.test("the proof of a port has to come from there, and from nobody who guesses", () => {
  const puppet = established();
  const asked = puppet.sendIn({ encapsulationPort: NEW }, next(puppet));
  answerFrom(puppet, asked, { encapsulationPort: OLD });
  const forged = encodeHeartbeatAck(chunkOfType(asked, ChunkType.Heartbeat).slice(4));
  forged[forged.length - 1] ^= 1;
  puppet.sendIn({ encapsulationPort: NEW }, forged);
  assert.equal(dropped(puppet, "forged-heartbeat-ack"), 2);
  assert.deepEqual(destinations(puppet.submit(10)), [`10.0.0.2:${OLD} DATA`]);
});

Deno.test("a flood of ports is asked one HEARTBEAT per RTO", () => {
  const puppet = established();
  const heartbeats: SentPacket[] = [];
  for (let i = 0; i < 500; i++) {
    const sent = puppet.sendIn({ encapsulationPort: 20_000 + i }, next(puppet));
    heartbeats.push(...sent.filter(({ names }) => names === "HEARTBEAT"));
    puppet.wait(2);
  }
  assert.equal(heartbeats.length, 1);
  puppet.wait(1000);
  const later = puppet.sendIn({ encapsulationPort: NEW }, next(puppet));
  assert.deepEqual(destinations(later)[0], `10.0.0.2:${NEW} HEARTBEAT`, "and then another one");
});

Deno.test("a port is taken without proof while no HEARTBEAT can be sent", () => {
  const puppet = established();
  puppet.send(encodeShutdown(tsn(puppet.subjectTsn - 1)));
  assert.equal(puppet.association.state, "SHUTDOWN-ACK-SENT");
  puppet.sendIn({ encapsulationPort: NEW }, encodeShutdown(tsn(puppet.subjectTsn - 1)));
  assert.deepEqual(destinations(puppet.wait(1500)).at(-1), `10.0.0.2:${NEW} SHUTDOWN ACK`);
});

Deno.test("a peer that moves to another address is asked there, and then data goes there", () => {
  const puppet = established();
  const place = { from: ELSEWHERE, encapsulationPort: NEW };
  const asked = [...puppet.sendIn(place, next(puppet)), ...puppet.wait(0)];
  const words = destinations(asked);
  assert.ok(words.includes(`${ELSEWHERE}:${NEW} HEARTBEAT`), words.join());
  assert.ok(words.includes(`10.0.0.2:${OLD} SACK`), words.join());
  assert.deepEqual(destinations(puppet.submit(10)), [`10.0.0.2:${OLD} DATA`]);
  const moved = destinations(answerFrom(puppet, asked, place));
  assert.ok(moved.includes(`${ELSEWHERE}:${NEW} SACK`), `acknowledged again, here: ${moved}`);
  assert.ok(moved.includes(`10.0.0.2:${OLD} HEARTBEAT`), `is the peer there still? ${moved}`);
  puppet.ack(1);
  assert.deepEqual(destinations(puppet.submit(10)), [`${ELSEWHERE}:${NEW} DATA`]);
  const changes = puppet.subject.events.filter(({ kind }) => kind === "peer-address");
  assert.equal(changes.length, 1);
});

Deno.test("the old address fails when it no longer answers, without harm to the association", () => {
  const puppet = established({ parameters: { pathMaxRetrans: 2, hbInterval: 1000 } });
  const place = { from: ELSEWHERE, encapsulationPort: NEW };
  const asked = [...puppet.sendIn(place, next(puppet)), ...puppet.wait(0)];
  answerFrom(puppet, asked, place);
  for (let i = 0; i < 40; i++) {
    const sent = puppet.wait(1000).filter(({ to, names }) =>
      to === ELSEWHERE && names.includes("HEARTBEAT")
    );
    if (sent.length > 0) answerFrom(puppet, sent, place);
  }
  assert.deepEqual(
    puppet.association.paths.map(({ remote, status }) => `${remote} ${status}`),
    ["10.0.0.2 inactive", `${ELSEWHERE} active`],
  );
});

Deno.test("an address that does not answer is forgotten, and another one may be tried", () => {
  const puppet = established({ parameters: { pathMaxRetrans: 2 } });
  puppet.sendIn({ from: ELSEWHERE, encapsulationPort: 666 }, next(puppet));
  assert.equal(puppet.association.paths.length, 2);
  const other = { from: "10.0.0.77", encapsulationPort: NEW };
  puppet.sendIn(other, next(puppet));
  assert.equal(dropped(puppet, "unknown-source"), 1, "one at a time");
  const sent = puppet.wait(60_000).filter(({ to }) => to === ELSEWHERE);
  assert.ok(sent.length > 0 && sent.length <= 4, `${sent.length} HEARTBEATs`);
  assert.equal(puppet.association.paths.length, 1);
  puppet.sendIn(other, next(puppet));
  assert.equal(puppet.association.paths.length, 2);
});

Deno.test("a peer that goes on moving leaves few addresses behind", () => {
  const puppet = established();
  for (let i = 0; i < 100; i++) {
    const place = { from: `10.0.7.${i + 1}`, encapsulationPort: NEW };
    const asked = [...puppet.sendIn(place, next(puppet)), ...puppet.wait(0)];
    answerFrom(puppet, asked.filter(({ to }) => to === place.from), place);
  }
  assert.equal(puppet.association.paths.length, 5);
  assert.deepEqual(destinations(puppet.submit(10)), [`10.0.7.100:${NEW} DATA`]);
});

const UNFOLLOWED: Readonly<Record<string, readonly [PuppetOptions, Envelope]>> = {
  "where packets travel directly over IP": [{ encapsulationPort: 0 }, { encapsulationPort: 0 }],
  "with followPeer off": [{ parameters: { followPeer: 0 } }, {}],
  "with a tag that is wrong": [{}, { tag: 4711 }],
  "to an address that is not ours": [{}, { to: "10.0.5.5" }],
};

for (const [why, [options, envelope]] of Object.entries(UNFOLLOWED)) {
  Deno.test(`no address is learned ${why}`, () => {
    const puppet = established(options);
    const place = { from: ELSEWHERE, encapsulationPort: NEW, ...envelope };
    const answered = namesOf([...puppet.sendIn(place, next(puppet)), ...puppet.wait(100)]);
    assert.ok(!answered.includes("HEARTBEAT"), answered.join());
    assert.equal(puppet.association.paths.length, 1);
  });
}

Deno.test("with followPeer off no port is learned", () => {
  const puppet = established({ parameters: { followPeer: 0 } });
  const sent = puppet.sendIn({ encapsulationPort: NEW }, next(puppet));
  assert.deepEqual(destinations(sent), [`10.0.0.2:${OLD} SACK`]);
});
