/** Addresses are proved before they are used (RFC 9260, section 5.4). */
import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import { data, initAck, rawChunk, sack } from "../testing/chunks.ts";
import { Puppet } from "../testing/puppet.ts";
import { chunkOfType, chunksOfType, namesOf, type SentPacket } from "../testing/sent_packet.ts";
import { address } from "../testing/test_endpoint.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { encodeCookieAck, encodeCookieEcho } from "../wire/cookie.ts";
import { encodeHeartbeat, encodeHeartbeatAck } from "../wire/heartbeat.ts";
import { encodeShutdown } from "../wire/shutdown.ts";

const TWO = { addresses: ["10.0.0.1", "10.0.1.1"], peers: ["10.0.0.2", "10.0.1.2"] };
const OTHER = { from: "10.0.1.2", to: "10.0.1.1" };

function statuses(puppet: Puppet): string[] {
  return puppet.association.paths.map(({ status }) => status);
}

function sentTo(packets: readonly SentPacket[], to: string): string[] {
  return namesOf(packets.filter((packet) => packet.to === to));
}

/** Lets time pass with a peer that answers HEARTBEATs on its first address only. */
function attend(puppet: Puppet, milliseconds: number): SentPacket[] {
  const sent: SentPacket[] = [];
  const end = puppet.subject.now + milliseconds;
  while (puppet.subject.now < end) {
    const packets = puppet.wait(100);
    puppet.answerHeartbeats(packets.filter(({ to }) => to === "10.0.0.2"));
    sent.push(...packets);
  }
  return sent;
}

Deno.test("addresses that the user names are confirmed (RFC 9260, section 5.4, rule 1)", () => {
  const puppet = new Puppet(TWO);
  puppet.accept();
  assert.deepEqual(statuses(puppet), ["active", "active"]);
});

Deno.test("of a peer that asks only the address is confirmed that the INIT ACK went to (rule 2)", () => {
  const puppet = new Puppet(TWO);
  puppet.connect();
  assert.deepEqual(statuses(puppet), ["active", "unconfirmed"]);
});

Deno.test("addresses of an INIT ACK that the user has not named are unconfirmed (rule 3)", () => {
  const puppet = new Puppet({ addresses: TWO.addresses });
  puppet.beAsked();
  puppet.answer({ addresses: TWO.peers.map(address) });
  assert.deepEqual(statuses(puppet), ["active", "unconfirmed"]);
});

Deno.test("an unconfirmed address is probed at once when the association is up, and once an RTO", () => {
  const puppet = new Puppet(TWO);
  puppet.connect();
  const probes = puppet.wait(2900);
  assert.deepEqual(sentTo(probes, "10.0.1.2"), ["HEARTBEAT", "HEARTBEAT"]);
  assert.equal(probes[0].at, 1000);
  assert.ok(probes[1].at >= 2000, "not before the first had its RTO");
});

Deno.test("the echo of the nonce confirms the address, and the user is told", () => {
  const puppet = new Puppet(TWO);
  puppet.connect();
  puppet.answerHeartbeats(puppet.wait(50));
  assert.deepEqual(statuses(puppet), ["active", "active"]);
  const last = puppet.subject.events.at(-1);
  assert.ok(last?.kind === "path-status" && last.status === "active");
  assert.equal(last.path.remote.text, "10.0.1.2");
});

Deno.test("HB.Max.Burst probes leave at a time", () => {
  const many = Array.from({ length: 6 }, (_, i) => `10.0.${i}.2`);
  const own = Array.from({ length: 6 }, (_, i) => `10.0.${i}.1`);
  const puppet = new Puppet({ addresses: own, peers: many, parameters: { hbMaxBurst: 2 } });
  puppet.connect();
  const firstProbes = puppet.wait(900);
  assert.equal(chunksOfType(firstProbes, ChunkType.Heartbeat).length, 2);
});

Deno.test("a HEARTBEAT ACK proves nothing with a wrong nonce, path or length, or twice", () => {
  const puppet = new Puppet(TWO);
  puppet.connect();
  const heartbeat = chunkOfType(puppet.wait(50), ChunkType.Heartbeat);
  const info = heartbeat.slice(4);
  for (let bit = 0; bit < info.length * 8; bit++) {
    const forged = info.slice();
    forged[bit >> 3] ^= 1 << (bit & 7);
    puppet.send(encodeHeartbeatAck(forged));
  }
  for (let length = 0; length < info.length; length++) {
    puppet.send(rawChunk(ChunkType.HeartbeatAck, 0, info.slice(0, length)));
  }
  assert.deepEqual(statuses(puppet), ["active", "unconfirmed"]);
  puppet.send(encodeHeartbeatAck(info));
  assert.deepEqual(statuses(puppet), ["active", "active"]);
  const { srtt } = puppet.association.paths[1];
  puppet.wait(10);
  puppet.send(encodeHeartbeatAck(info));
  assert.equal(puppet.association.paths[1].srtt, srtt, "the nonce is used up");
});

Deno.test("no DATA goes to an address that is not confirmed, whatever fails", () => {
  const puppet = new Puppet({ ...TWO, parameters: { associationMaxRetrans: 30 } });
  puppet.connect();
  puppet.wait(0);
  puppet.submit(5000);
  const packets = puppet.wait(400_000);
  assert.deepEqual(statuses(puppet), ["inactive", "inactive"], "never confirmed, and given up");
  assert.ok(sentTo(packets, "10.0.0.2").includes("DATA"));
  for (const names of sentTo(packets, "10.0.1.2")) assert.equal(names, "HEARTBEAT");
});

Deno.test("errors of a probe do not count for the association", () => {
  const puppet = new Puppet({ ...TWO, parameters: { associationMaxRetrans: 1 } });
  puppet.connect();
  attend(puppet, 200_000);
  assert.equal(puppet.association.state, "ESTABLISHED");
  assert.deepEqual(statuses(puppet), ["active", "inactive"]);
});

Deno.test("an address that was given up is still probed, at the normal rate, and can be confirmed", () => {
  const puppet = new Puppet({ ...TWO, parameters: { hbInterval: 10_000, rtoMax: 2000 } });
  puppet.connect();
  const toOther = (packets: SentPacket[]) => packets.filter(({ to }) => to === "10.0.1.2");
  attend(puppet, 60_000);
  assert.equal(statuses(puppet)[1], "inactive");
  const probes = toOther(attend(puppet, 60_000));
  assert.ok(probes.length >= 4 && probes.length <= 6, `${probes.length} probes in a minute`);
  while (statuses(puppet)[1] === "inactive") puppet.answerHeartbeats(toOther(attend(puppet, 100)));
  assert.equal(statuses(puppet)[1], "active");
});

Deno.test("DATA from an unconfirmed address is acknowledged at a confirmed one", () => {
  const puppet = new Puppet(TWO);
  puppet.connect();
  const packets = puppet.sendIn(OTHER, data(1000));
  assert.deepEqual(packets.map(({ names, to }) => [names, to]), [["SACK", "10.0.0.2"]]);
  puppet.answerHeartbeats(puppet.wait(50));
  const later = puppet.sendIn(OTHER, data(1001), data(1001));
  assert.equal(later[0].to, "10.0.1.2", "but there, once it is confirmed (section 6.7)");
});

Deno.test("only a HEARTBEAT ACK goes to an unconfirmed address that provokes an answer", () => {
  const chunks: [string, Uint8Array][] = [
    ["HEARTBEAT", encodeHeartbeat(new Uint8Array(8))],
    ["unknown chunk to report", rawChunk(0x7f)],
    ["DATA on a stream that does not exist", data(1000, { stream: 99 })],
    ["SHUTDOWN", encodeShutdown(tsn(0))],
  ];
  for (const [name, chunk] of chunks) {
    const puppet = new Puppet(TWO);
    puppet.connect();
    const isShutdown = chunk[0] === ChunkType.Shutdown;
    const answer = puppet.sendIn(
      OTHER,
      isShutdown ? encodeShutdown(tsn(puppet.subjectTsn - 1)) : chunk,
    );
    const expected = name === "HEARTBEAT" ? "10.0.1.2" : "10.0.0.2";
    assert.ok(answer.length > 0, name);
    for (const { to } of answer) assert.equal(to, expected, name);
  }
});

Deno.test("COOKIE ACK goes to an unconfirmed address only together with a HEARTBEAT", () => {
  const puppet = new Puppet(TWO);
  puppet.learn(puppet.requestInitAck());
  const packets = puppet.sendIn(OTHER, encodeCookieEcho(puppet.cookie));
  assert.deepEqual(packets.map(({ names, to }) => [names, to]), [
    ["COOKIE ACK+HEARTBEAT", "10.0.1.2"],
  ]);
  assert.deepEqual(statuses(puppet), ["active", "unconfirmed"]);
});

Deno.test("COOKIE ECHO goes to an unconfirmed address only together with a HEARTBEAT, and without DATA", () => {
  const puppet = new Puppet({ addresses: TWO.addresses });
  puppet.beAsked();
  puppet.submit(100);
  const answer = puppet.send(initAck({ addresses: TWO.peers.map(address) }));
  assert.deepEqual(namesOf(answer), ["COOKIE ECHO+DATA"]);
  const again = puppet.wait(12_000);
  assert.deepEqual(again.filter(({ to }) => to === "10.0.0.2").map(({ names }) => names), [
    "COOKIE ECHO+DATA",
  ]);
  const [first, ...others] = sentTo(again, "10.0.1.2");
  assert.equal(first, "COOKIE ECHO+HEARTBEAT");
  for (const names of others) assert.match(names, /^(COOKIE ECHO\+)?HEARTBEAT$/);
});

Deno.test("DATA that went with the COOKIE ECHO is sent again to a confirmed address", () => {
  const puppet = new Puppet({ addresses: TWO.addresses });
  puppet.beAsked();
  puppet.submit(100);
  puppet.send(initAck({ addresses: TWO.peers.map(address) }));
  puppet.wait(1100);
  const packets = [...puppet.send(encodeCookieAck()), ...puppet.wait(10_000)];
  const carriers = packets.filter(({ names }) => names.includes("DATA"));
  assert.ok(carriers.length > 0);
  for (const { to } of carriers) assert.equal(to, "10.0.0.2");
  puppet.ack(1);
});

Deno.test("a packet between a known address of the peer and another one of ours makes a new path", () => {
  const puppet = new Puppet({ addresses: ["10.0.0.1", "10.0.1.1"], peers: ["10.0.0.2"] });
  puppet.connect();
  const before = puppet.association.paths.length;
  puppet.sendIn({ to: "10.0.5.1" }, sack(puppet.subjectTsn - 1));
  assert.equal(puppet.association.paths.length, before + 1);
  const path = puppet.association.paths[before];
  assert.equal(`${path.local} ${path.remote} ${path.status}`, "10.0.5.1 10.0.0.2 unconfirmed");
  const probes = puppet.wait(50);
  assert.ok(probes.some(({ from, names }) => from === "10.0.5.1" && names === "HEARTBEAT"));
});

Deno.test("a packet from an address that is not the peer's is not believed, even with the right tag", () => {
  const puppet = new Puppet();
  puppet.connect();
  assert.deepEqual(puppet.sendIn({ from: "10.0.0.66" }, data(1000)), []);
  assert.equal(puppet.association.heldBytes, 0);
  assert.equal(puppet.subject.endpoint.metrics.dropped["unknown-source"], 1);
});

Deno.test("a peer cannot make paths without end", () => {
  const puppet = new Puppet({ addresses: ["10.0.0.1"] });
  puppet.connect();
  for (let i = 0; i < 300; i++) {
    puppet.sendIn({ to: `10.9.${i >> 8}.${i & 255}` }, sack(puppet.subjectTsn - 1));
  }
  assert.equal(puppet.association.paths.length, 64);
});

Deno.test("addresses of INIT ACKs without end do not make paths without end", () => {
  const puppet = new Puppet({ associate: { parameters: { maxInitRetransmits: 100 } } });
  puppet.beAsked();
  const stale = rawChunk(ChunkType.Error, 0, Uint8Array.of(0, 3, 0, 8, 0, 0, 0, 0));
  for (let round = 0; round < 5; round++) {
    const addresses = Array.from({ length: 64 }, (_, i) => address(`10.${round}.8.${i + 1}`));
    puppet.answer({ addresses });
    if (round < 3) puppet.send(stale);
  }
  assert.ok(puppet.association.paths.length <= 64, String(puppet.association.paths.length));
});
