/** Somebody who has seen the tag and wants the peer's data, from another UDP port or address (RFC 6951, section 5.4). */
import assert from "node:assert/strict";
import { data } from "../testing/chunks.ts";
import { type Envelope, Puppet } from "../testing/puppet.ts";
import { chunksOfType, type SentPacket } from "../testing/sent_packet.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { encodeHeartbeatAck } from "../wire/heartbeat.ts";

const PEER = { port: 9899, address: "10.0.0.2" } as const;

function established(): Puppet {
  const puppet = new Puppet({ encapsulationPort: PEER.port, parameters: { noDelay: 1 } });
  puppet.connect();
  return puppet;
}

/** A packet with the right tag from a place; gives what leaves, at once and soon. */
function appear(puppet: Puppet, place: Envelope): SentPacket[] {
  const packets = puppet.sendIn(place, data(puppet.nextTsn++, { ssn: puppet.nextTsn & 0xffff }));
  return [...packets, ...puppet.wait(1)];
}

function assertStays(puppet: Puppet): void {
  const places = puppet.submit(10).map(({ to, encapsulationPort }) => `${to}:${encapsulationPort}`);
  assert.deepEqual(places, [`${PEER.address}:${PEER.port}`]);
}

Deno.test("packets from a thousand UDP ports take no data there, and cost a HEARTBEAT per RTO", () => {
  const puppet = established();
  const heartbeats = Array.from(
    { length: 1000 },
    (_, i) =>
      chunksOfType(appear(puppet, { encapsulationPort: 20_000 + i }), ChunkType.Heartbeat).length,
  );
  assert.ok(heartbeats.reduce((sum, count) => sum + count, 0) <= 2, "in one second");
  assert.equal(puppet.association.paths.length, 1);
  assertStays(puppet);
});

Deno.test("packets from a thousand addresses take no data there: one is asked, the others are counted", () => {
  const puppet = established();
  for (let i = 0; i < 1000; i++) {
    appear(puppet, { from: `10.9.${i >> 8}.${1 + i % 250}`, encapsulationPort: PEER.port });
  }
  assert.ok(puppet.association.paths.length <= 2);
  assert.ok(puppet.subject.endpoint.metrics.dropped["unknown-source"] >= 990);
  assertStays(puppet);
});

Deno.test("a proof that is guessed, or comes from elsewhere, takes no data there and is counted", () => {
  const puppet = established();
  const place = { encapsulationPort: 40_000 };
  const [heartbeat] = chunksOfType(appear(puppet, place), ChunkType.Heartbeat);
  for (let i = 0; i < 256; i++) {
    const forged = encodeHeartbeatAck(heartbeat.slice(4));
    forged[forged.length - 1] ^= 1 + i;
    if (forged[forged.length - 1] === heartbeat[heartbeat.length - 1]) {
      forged[forged.length - 2] ^= 1;
    }
    puppet.sendIn(place, forged);
  }
  puppet.send(encodeHeartbeatAck(heartbeat.slice(4)));
  assert.equal(puppet.subject.endpoint.metrics.dropped["forged-heartbeat-ack"], 257);
  assertStays(puppet);
});
