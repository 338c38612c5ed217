/** "Protocol unreachable" by ICMP: when it ends an association, and when a late peer causes it. */
import assert from "node:assert/strict";
import { PLAIN, Puppet } from "../testing/puppet.ts";
import type { SentPacket } from "../testing/sent_packet.ts";
import { address } from "../testing/test_endpoint.ts";

/** Reports that this packet met a host that takes no SCTP. */
function unreachable({ subject }: Puppet, { from, to, bytes }: SentPacket): void {
  subject.do((endpoint, now) =>
    endpoint.handleIcmp(now, {
      kind: "protocol-unreachable",
      local: address(from),
      remote: address(to),
      mtu: 0,
      quoted: bytes.subarray(0, 28),
    })
  );
}

/** Sends a message of 100 bytes; returns its packet. */
function sendMessage({ subject, association }: Puppet): SentPacket {
  subject.do((_endpoint, now) => association.send(now, new Uint8Array(100), PLAIN));
  return subject.take()[0];
}

/** How the association ended, if it did. */
function endOf({ subject }: Puppet): string | undefined {
  const lost = subject.events.find((event) => event.kind === "communication-lost");
  return lost?.reason.kind;
}

Deno.test("an INIT that meets a host without SCTP ends the setup", () => {
  const puppet = new Puppet();
  const [init] = puppet.beAsked();
  unreachable(puppet, init);
  assert.equal(endOf(puppet), "no-sctp-at-peer");
});

Deno.test("a late error about the INIT changes nothing once it was answered", () => {
  const puppet = new Puppet();
  const [init] = puppet.beAsked();
  puppet.answer();
  unreachable(puppet, init);
  assert.equal(endOf(puppet), undefined);
});

for (const setup of ["accept", "connect"] as const) {
  Deno.test(`a peer that is heard is not given up for a full buffer (${setup})`, () => {
    const puppet = new Puppet();
    puppet[setup]();
    unreachable(puppet, sendMessage(puppet));
    assert.equal(endOf(puppet), undefined);
    puppet.ack(1);
    assert.equal(puppet.association.bufferedBytes, 0);
  });

  Deno.test(`a peer that is gone is given up at the first error after RTO.Min (${setup})`, () => {
    const puppet = new Puppet();
    puppet[setup]();
    unreachable(puppet, sendMessage(puppet));
    while (endOf(puppet) === undefined) {
      puppet.subject.fireNext();
      for (const sent of puppet.subject.take()) unreachable(puppet, sent);
    }
    assert.equal(endOf(puppet), "no-sctp-at-peer");
    assert.ok(puppet.subject.now <= 1000 + 2 * puppet.subject.endpoint.parameters.rtoMin);
  });
}

Deno.test("a peer that is gone once everything was acknowledged has ended in peace", () => {
  const puppet = new Puppet();
  puppet.bring("SHUTDOWN-ACK-SENT");
  const [again] = puppet.wait(1100);
  assert.equal(again.names, "SHUTDOWN ACK");
  unreachable(puppet, again);
  assert.equal(endOf(puppet), undefined);
  assert.equal(puppet.subject.events.at(-1)?.kind, "shutdown-complete");
});

Deno.test("an error about a packet with another tag is nobody's", () => {
  const puppet = new Puppet();
  puppet.accept();
  puppet.subject.advance(5000);
  puppet.subject.take();
  const packet = sendMessage(puppet);
  const bytes = packet.bytes.slice();
  bytes[4] ^= 1;
  unreachable(puppet, { ...packet, bytes });
  assert.equal(endOf(puppet), undefined);
  unreachable(puppet, packet);
  assert.equal(endOf(puppet), "no-sctp-at-peer");
});
