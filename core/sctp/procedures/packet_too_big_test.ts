/** "Packet too big" by ICMP: a smaller PMTU, and what did not pass (RFC 9260, sections 7.3 and 10). */
import assert from "node:assert/strict";
import { Puppet } from "../testing/puppet.ts";
import type { SentPacket } from "../testing/sent_packet.ts";
import { address } from "../testing/test_endpoint.ts";

/** Reports that this packet did not pass a link of `mtu` bytes; returns what leaves at once. */
function tooBig({ subject }: Puppet, { from, to, bytes }: SentPacket, mtu: number): SentPacket[] {
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

Deno.test("what was too big for the path leaves again at once, one chunk in each packet (section 6.9)", () => {
  const puppet = new Puppet({ parameters: { pathMtuDiscovery: 0 } });
  puppet.connect();
  const [packet] = puppet.submit(3500);
  const lost = tooBig(puppet, packet, 1000);
  assert.deepEqual(puppet.offsets(lost), [0, 1]);
  assert.ok(lost.every(({ chunks }) => chunks.length === 1));
  const { association } = puppet;
  assert.equal(association.paths[0].pmtu, 1000);
  assert.equal(association.metrics.timeouts, 0);
  puppet.ack(3);
  assert.equal(association.bufferedBytes, 0);
  assert.ok(puppet.submit(4000).every(({ bytes }) => bytes.length <= 980));
});

Deno.test("what fits the new PMTU does not leave again", () => {
  const puppet = new Puppet({ parameters: { noDelay: 1, pathMtuDiscovery: 0 } });
  puppet.connect();
  puppet.submit(500);
  const [packet] = puppet.submit(1400);
  puppet.submit(600);
  assert.deepEqual(puppet.offsets(tooBig(puppet, packet, 1000)), [1]);
});

Deno.test("an MTU that is no smaller, or that no network has, changes nothing", () => {
  const puppet = new Puppet();
  puppet.connect();
  const [packet] = puppet.submit(1400);
  for (const mtu of [1500, 9000, 575, 0]) assert.deepEqual(tooBig(puppet, packet, mtu), []);
  assert.equal(puppet.association.paths[0].pmtu, 1500);
});
