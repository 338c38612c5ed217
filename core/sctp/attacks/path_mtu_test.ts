/** Lies about the path MTU, by ICMP and by a peer (RFC 8899, section 4.6; RFC 9260, section 10). */
import assert from "node:assert/strict";
import { Puppet } from "../testing/puppet.ts";
import type { SentPacket } from "../testing/sent_packet.ts";
import { address } from "../testing/test_endpoint.ts";
import { encodeHeartbeatAck } from "../wire/heartbeat.ts";

/** The smallest MTU that an IPv4 network may have for us. */
const SMALLEST = 576;

/** A subject in the middle of sending, and a packet of its. */
function sending(): { puppet: Puppet; packet: SentPacket } {
  const puppet = new Puppet({ parameters: { heartbeat: 0, noDelay: 1 } });
  puppet.answerHeartbeats([...puppet.connect(), ...puppet.wait(10)]);
  return { puppet, packet: puppet.submit(1400)[0] };
}

/** "Packet too big" about that packet, from anybody who has seen it. */
function lie({ subject }: Puppet, { from, to, bytes }: SentPacket, mtu: number): SentPacket[] {
  subject.do((endpoint, now) =>
    endpoint.handleIcmp(now, {
      kind: "packet-too-big",
      local: address(from),
      remote: address(to),
      mtu,
      quoted: bytes.subarray(0, 28),
    })
  );
  return subject.take();
}

Deno.test("an MTU that no network has, or no packet of ours meets, changes nothing and is counted", () => {
  const { puppet, packet } = sending();
  for (const mtu of [0, 68, 575, 1500, 9000, 65_535]) {
    assert.deepEqual(lie(puppet, packet, mtu), []);
  }
  assert.equal(puppet.association.paths[0].pmtu, 1500);
  assert.equal(puppet.subject.endpoint.metrics.dropped["useless-mtu"], 6);
});

Deno.test("an error about a packet that is not ours is nobody's, and counted", () => {
  const { puppet, packet } = sending();
  const forged = { ...packet, bytes: packet.bytes.slice() };
  for (let i = 0; i < 100; i++) {
    // The Verification Tag of the peer, which a stranger has to guess.
    forged.bytes[4] = packet.bytes[4] + 1 + i;
    lie(puppet, forged, 600);
  }
  assert.equal(puppet.association.paths[0].pmtu, 1500);
  assert.equal(puppet.subject.endpoint.metrics.dropped["icmp-not-ours"], 100);
});

Deno.test("a storm of errors, each a little smaller, costs a probe for each byte at most, and no data", () => {
  const { puppet, packet } = sending();
  let probes = 0;
  for (let i = 0; i < 5000; i++) {
    const mtu = 1499 - (i % 1500);
    probes += lie(puppet, packet, mtu).filter(({ names }) => /HEARTBEAT/.test(names)).length;
  }
  assert.ok(probes <= 1500 - SMALLEST, `${probes} probes for 5,000 errors`);
  const [path] = puppet.association.paths;
  assert.ok(path.pmtu >= SMALLEST);
  assert.ok(puppet.subject.endpoint.metrics.dropped["useless-mtu"] > 3000);
  puppet.ack(1);
  assert.equal(puppet.association.bufferedBytes, 0);
  assert.deepEqual(puppet.submit(3000).map(({ names }) => names)[0], "DATA");
});

Deno.test("what an error says is a place to probe at: without an answer it is not used for good", () => {
  const { puppet, packet } = sending();
  lie(puppet, packet, 1400);
  const before = puppet.association.paths[0].pmtu;
  assert.equal(before, 1200, "BASE_PLPMTU until a probe came through");
});

Deno.test("a peer that acknowledges probes which it never had makes no packet larger", () => {
  const { puppet, packet } = sending();
  lie(puppet, packet, 1400);
  const before = puppet.association.paths[0].pmtu;
  for (let i = 0; i < 200; i++) {
    const info = Uint8Array.from({ length: 20 }, (_, k) => (i * 37 + k * 11) & 0xff);
    info.set([0, 1, 0, 20, 0, 0, 0, 0]);
    puppet.send(encodeHeartbeatAck(info));
  }
  assert.equal(puppet.association.paths[0].pmtu, before);
  assert.equal(puppet.subject.endpoint.metrics.dropped["forged-heartbeat-ack"], 200);
});
