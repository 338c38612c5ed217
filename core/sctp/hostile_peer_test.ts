/**
 * Peers that mean harm: spoofed setups, forged answers, floods. What they cost stays within bounds
 * that are stated here:
 *
 * - an INIT costs its answer, which waits in a queue of 2 MiB at most ({@link REPLY_MEMORY});
 * - received data occupies at most six receive buffers and two chunks ({@link Reception}), whatever its
 *   order, size and streams, and nothing once the association is over;
 * - a packet is answered by a number of packets that its length bounds.
 */
import assert from "node:assert/strict";
import { IpAddress } from "./base/address.ts";
import { tsn } from "./base/serial.ts";
import { instant } from "./base/time.ts";
import { REPLY_MEMORY } from "./reply_queue.ts";
import { data, type DataTemplate, init, packet, rawChunk } from "./testing/chunks.ts";
import { Puppet, PUPPET_PORT, SUBJECT_PORT } from "./testing/puppet.ts";
import { TestEndpoint } from "./testing/test_endpoint.ts";
import { ChunkType } from "./wire/chunk_type.ts";
import { encodeAbort } from "./wire/abort.ts";
import { encodeCookieEcho } from "./wire/cookie.ts";
import { encodeHeartbeat, encodeHeartbeatAck } from "./wire/heartbeat.ts";

const INITS = 100_000;
const BUFFER = 16_384;
const MEMORY_BOUND = 6 * BUFFER + 2 * 1600;

Deno.test(`${INITS} spoofed INITs leave no association, no timer and no memory (RFC 9260, section 5.1, B)`, () => {
  const subject = new TestEndpoint();
  subject.do((engine) => engine.listen(SUBJECT_PORT));
  const [{ address: destination }] = subject.endpoint.localAddresses;
  for (let i = 0; i < INITS; i++) {
    // Each from an address, a port and with a tag of its own.
    const bytes = packet(1 + i % 65_535, SUBJECT_PORT, 0, [init({ initiateTag: i + 1 })]);
    subject.endpoint.handlePacket(instant(1000 + i / 100), {
      buffer: bytes,
      offset: 0,
      length: bytes.length,
      source: IpAddress.fromBytes(4, Uint8Array.of(11, i >>> 16, i >>> 8, i)),
      destination,
      encapsulationPort: 0,
      ecn: 0,
    });
    if (i % 1000 === 999) subject.drain();
  }
  assert.equal(subject.take().length, INITS);
  assert.equal(subject.associations.length, 0);
  assert.equal(subject.nextTimeout, Infinity);
  assert.equal(subject.endpoint.pool.reservedBytes, 0);
  assert.equal(subject.events.length, 0);
});

Deno.test("answers to a flood wait in a bounded queue; what does not fit is counted and forgotten", () => {
  const subject = new TestEndpoint();
  subject.do((engine) => engine.listen(SUBJECT_PORT));
  const bytes = packet(PUPPET_PORT, SUBJECT_PORT, 0, [init()]);
  for (let i = 0; i < 20_000; i++) {
    subject.arriveUndrained(bytes, { from: "10.0.0.2", to: "10.0.0.1" });
  }
  subject.drain();
  const sent = subject.take();
  const size = sent.reduce((sum, { bytes }) => sum + bytes.length, 0);
  assert.ok(size <= REPLY_MEMORY);
  assert.equal(sent.length + subject.endpoint.metrics.dropped["reply-queue-full"], 20_000);
});

Deno.test("a COOKIE ECHO that is played again makes no second association and takes nothing twice", () => {
  const puppet = new Puppet();
  puppet.learn(puppet.requestInitAck());
  const echo = [encodeCookieEcho(puppet.cookie), data(1000)] as const;
  for (let i = 0; i < 50; i++) {
    const answer = puppet.send(...echo);
    assert.ok(answer[0].names.startsWith("COOKIE ACK"));
  }
  assert.equal(puppet.association.metrics.duplicatesReceived, 49);
  assert.equal(puppet.association.heldBytes, 10);
  const elsewhere = { from: "10.0.0.66", encapsulationPort: 666 };
  assert.deepEqual(puppet.sendIn(elsewhere, ...echo), []);
  assert.equal(puppet.association.paths[0].route.encapsulationPort, 0);
  assert.equal(puppet.subject.associations.length, 1);
  assert.equal(puppet.association.paths.length, 1, "a stranger who plays it again gains no path");
});

Deno.test("a cookie is worthless to someone else's ports, and after its time", () => {
  const puppet = new Puppet();
  puppet.learn(puppet.requestInitAck());
  puppet.sendIn({ sourcePort: 6666 }, encodeCookieEcho(puppet.cookie));
  puppet.subject.advance(120_001);
  puppet.send(encodeCookieEcho(puppet.cookie));
  assert.equal(puppet.subject.associations.length, 0);
});

Deno.test("forged HEARTBEAT ACKs measure nothing, confirm nothing and clear no error", () => {
  const puppet = new Puppet({
    addresses: ["10.0.0.1", "10.0.1.1"],
    peers: ["10.0.0.2", "10.0.1.2"],
  });
  puppet.connect();
  puppet.wait(1500);
  const before = puppet.association.paths.map(({ status, errorCount, srtt }) => ({
    status,
    errorCount,
    srtt,
  }));
  for (let i = 0; i < 500; i++) {
    const info = Uint8Array.from({ length: 16 }, (_, k) => (i * 31 + k * 7) & 0xff);
    info.set([0, 1, 0, 16, 0, 0, 0, i & 1]);
    puppet.send(encodeHeartbeatAck(info));
  }
  const after = puppet.association.paths.map(({ status, errorCount, srtt }) => ({
    status,
    errorCount,
    srtt,
  }));
  assert.deepEqual(after, before);
  assert.equal(puppet.subject.endpoint.metrics.dropped["forged-heartbeat-ack"], 500);
});

interface Flood {
  readonly name: string;
  readonly chunk: (i: number) => [number, DataTemplate];
}

const FLOODS: readonly Flood[] = [
  {
    name: "one message without end",
    chunk: (i) => [i, { marks: i === 0 ? "B" : "", payload: 1400 }],
  },
  { name: "fragments without beginning", chunk: (i) => [i, { marks: "", payload: 1400 }] },
  { name: "beginnings without end, each alone", chunk: (i) => [2 * i, { marks: "B", ssn: i }] },
  { name: "gaps: every second TSN", chunk: (i) => [2 * i + 1, { ssn: i, payload: 1 }] },
  {
    name: "gaps, then their fill but the first",
    chunk: (i) => i < 3000 ? [2 * i + 1, { payload: 1 }] : [2 * (i - 2999), { payload: 1400 }],
  },
  { name: "every stream there is", chunk: (i) => [i, { stream: i & 0xffff, payload: 1 }] },
  {
    name: "every stream, never its turn",
    chunk: (i) => [i, { stream: i & 0xffff, ssn: 5, payload: 1 }],
  },
  { name: "messages of one byte", chunk: (i) => [i, { ssn: i, payload: 1 }] },
  { name: "unordered messages", chunk: (i) => [i, { unordered: true, payload: 1400 }] },
  { name: "the far end of the window", chunk: (i) => [65_535 - i, { ssn: i, payload: 700 }] },
  { name: "the same TSN", chunk: () => [3, { payload: 1400 }] },
];

for (const { name, chunk } of FLOODS) {
  Deno.test(`a flood of DATA (${name}) stays below ${MEMORY_BOUND} bytes and is gone with the association`, () => {
    const parameters = { receiveBuffer: BUFFER, inboundStreams: 65_535 };
    const puppet = new Puppet({
      listen: { parameters },
      init: { outboundStreams: 65_535 },
    });
    puppet.connect();
    puppet.subject.checks = false;
    const { association } = puppet;
    for (let i = 0; i < 8000 && association.state === "ESTABLISHED"; i += 8) {
      const chunks = Array.from({ length: 8 }, (_, k) => {
        const [offset, template] = chunk(i + k);
        return data(tsn(1000 + offset), template);
      });
      const packets = puppet.send(...chunks);
      assert.ok(packets.length <= 2, "one SACK for a packet (section 6.2)");
      assert.ok(puppet.subject.endpoint.pool.liveBytes <= MEMORY_BOUND);
      assert.ok(association.heldBytes <= MEMORY_BOUND);
    }
    puppet.send(encodeAbort(false, []));
    assert.equal(puppet.subject.endpoint.pool.liveBytes, 0);
    assert.equal(puppet.subject.nextTimeout, Infinity);
  });
}

Deno.test("a packet full of control chunks is answered by no more bytes than it has", () => {
  const fills: [string, () => Uint8Array][] = [
    ["HEARTBEAT", () => encodeHeartbeat(new Uint8Array(0))],
    ["empty HEARTBEAT", () => rawChunk(ChunkType.Heartbeat)],
    ["unknown chunk", () => rawChunk(0xff)],
    ["SHUTDOWN ACK", () => rawChunk(ChunkType.ShutdownAck)],
    ["COOKIE ACK", () => rawChunk(ChunkType.CookieAck)],
    ["ECNE", () => rawChunk(ChunkType.Ecne, 0, new Uint8Array(4))],
  ];
  for (const [name, make] of fills) {
    const puppet = new Puppet();
    puppet.connect();
    const chunks = Array.from({ length: 350 }, make);
    const size = puppet.packetOf({}, chunks).length;
    const answered = puppet.send(...chunks).reduce((sum, { bytes }) => sum + bytes.length, 0);
    assert.ok(answered <= size + 200, `${name}: ${answered} bytes for ${size}`);
  }
});

Deno.test("a stranger without the tag changes nothing of an association, whatever he sends", () => {
  const puppet = new Puppet();
  puppet.connect();
  const before = puppet.association.timers.earliest;
  for (let type = 0; type < 256; type++) {
    if (type === ChunkType.Init) continue;
    const chunk = rawChunk(type, type & 1, new Uint8Array(24));
    const answer = puppet.sendIn({ tag: 0xbad }, chunk);
    assert.ok(answer.length <= 1, `type ${type}`);
  }
  assert.equal(puppet.association.state, "ESTABLISHED");
  assert.equal(puppet.association.timers.earliest, before);
  assert.equal(puppet.association.metrics.packetsReceived, 0);
});
