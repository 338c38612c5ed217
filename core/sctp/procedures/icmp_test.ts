/** ICMP errors as input (RFC 9260, section 10). */
import assert from "node:assert/strict";
import type { IcmpKind } from "../icmp_error.ts";
import { Puppet, type PuppetOptions } from "../testing/puppet.ts";
import type { SentPacket } from "../testing/sent_packet.ts";
import { address } from "../testing/test_endpoint.ts";

interface Quote {
  readonly kind: IcmpKind;
  readonly mtu?: number;
  /** Bytes of the packet that come back. */
  readonly length?: number;
  /** Changes the quoted bytes. */
  readonly change?: (quoted: Uint8Array) => void;
}

/** An error about a packet of the subject's. */
function report({ subject }: Puppet, packet: SentPacket, quote: Quote): void {
  const quoted = packet.bytes.slice(0, quote.length ?? packet.bytes.length);
  quote.change?.(quoted);
  subject.do((endpoint, now) =>
    endpoint.handleIcmp(now, {
      kind: quote.kind,
      local: address(packet.from),
      remote: address(packet.to),
      mtu: quote.mtu ?? 0,
      quoted,
    })
  );
}

/** A subject that has just sent DATA, long enough after it last heard of its peer. */
function sending(options: PuppetOptions = {}): { puppet: Puppet; packet: SentPacket } {
  const puppet = new Puppet({ parameters: { noDelay: 1 }, ...options });
  puppet.connect();
  puppet.wait(5000);
  return { puppet, packet: puppet.submit(1000)[0] };
}

function isOver({ subject }: Puppet): boolean {
  return subject.associations.length === 0;
}

Deno.test("protocol unreachable about a packet of ours ends the association (RFC 9260, section 10, ICMP8)", () => {
  const { puppet, packet } = sending();
  report(puppet, packet, { kind: "protocol-unreachable" });
  assert.ok(isOver(puppet));
  const event = puppet.subject.events.at(-1);
  assert.ok(event?.kind === "communication-lost" && event.reason.kind === "no-sctp-at-peer");
  assert.equal(puppet.subject.endpoint.pool.liveBytes, 0);
});

Deno.test("eight quoted bytes are enough: ports and tag (ICMP5 and ICMP6)", () => {
  const { puppet, packet } = sending();
  report(puppet, packet, { kind: "protocol-unreachable", length: 8 });
  assert.ok(isOver(puppet));
});

Deno.test("an error whose tag is not the peer's is discarded (ICMP6)", () => {
  const { puppet, packet } = sending();
  for (let bit = 0; bit < 32; bit++) {
    report(puppet, packet, {
      kind: "protocol-unreachable",
      change: (quoted) => quoted[4 + (bit >> 3)] ^= 1 << (bit & 7),
    });
  }
  assert.ok(!isOver(puppet));
  assert.equal(puppet.subject.endpoint.metrics.dropped["icmp-not-ours"], 32);
});

Deno.test("an error about other ports, or too short to tell, is nobody's (ICMP5)", () => {
  const { puppet, packet } = sending();
  const kind = "protocol-unreachable";
  report(puppet, packet, { kind, change: (quoted) => quoted[1] ^= 1 });
  report(puppet, packet, { kind, change: (quoted) => quoted[3] ^= 1 });
  for (let length = 0; length < 8; length++) report(puppet, packet, { kind, length });
  assert.ok(!isOver(puppet));
});

Deno.test("an error about an INIT counts if its Initiate Tag is ours, and only in COOKIE-WAIT (ICMP6, ICMP8)", () => {
  const kind = "protocol-unreachable";
  const puppet = new Puppet();
  const [init] = puppet.beAsked();
  report(puppet, init, { kind, change: (quoted) => quoted[16] ^= 1 });
  report(puppet, init, { kind, change: (quoted) => quoted[12] = 2 });
  report(puppet, init, { kind, length: 19 });
  assert.ok(!isOver(puppet));
  report(puppet, init, { kind, length: 20 });
  assert.ok(isOver(puppet));
  const later = new Puppet();
  const [other] = later.beAsked();
  later.answer();
  report(later, other, { kind });
  assert.ok(!isOver(later));
});

Deno.test("port unreachable and other unreachables change nothing (ICMP3, ICMP9)", () => {
  const { puppet, packet } = sending();
  for (const kind of ["port-unreachable", "destination-unreachable"] as const) {
    report(puppet, packet, { kind });
    assert.ok(!isOver(puppet));
    assert.equal(puppet.association.paths[0].errorCount, 0);
    assert.equal(puppet.association.paths[0].status, "active");
  }
});

Deno.test("an INIT that does not reach its destination goes to the next address at once (ICMP9)", () => {
  const kind = "destination-unreachable";
  const puppet = new Puppet({ peers: ["10.0.0.2", "10.0.1.2"] });
  const [init] = puppet.beAsked();
  assert.equal(init.to, "10.0.0.2");
  const [next, none] = [init, init].map((packet) => {
    puppet.subject.take();
    report(puppet, packet, { kind });
    return puppet.subject.take()[0];
  });
  assert.deepEqual([next.to, next.bytes[12]], ["10.0.1.2", 1]);
  assert.equal(none, undefined, "an error that is repeated says nothing new");
  assert.ok(!isOver(puppet));
  report(puppet, next, { kind, change: (quoted) => quoted[16] ^= 1 });
  assert.ok(!isOver(puppet), "an Initiate Tag of somebody else's");
  report(puppet, next, { kind });
  assert.ok(isOver(puppet));
  const event = puppet.subject.events.at(-1);
  assert.ok(event?.kind === "communication-lost");
  assert.equal(event.reason.kind, "destination-unreachable");
});

Deno.test("packet too big lowers the PMTU of its path only, and of chunks for all (ICMP7; section 7.3)", () => {
  const { puppet, packet } = sending({
    addresses: ["10.0.0.1", "10.0.1.1"],
    peers: ["10.0.0.2", "10.0.1.2"],
    parameters: { pathMtuDiscovery: 0 },
  });
  report(puppet, packet, { kind: "packet-too-big", mtu: 1000, length: 8 });
  assert.deepEqual(puppet.association.paths.map(({ pmtu }) => pmtu), [1000, 1500]);
  assert.equal(puppet.association.tx.chunkPayload, 1000 - 20 - 12 - 16);
});

Deno.test("a PMTU never grows by an error, and never below what each network carries", () => {
  const { puppet, packet } = sending();
  for (const mtu of [0, 1, 575, 1500, 1501, 65_535]) {
    report(puppet, packet, { kind: "packet-too-big", mtu });
    assert.equal(puppet.association.paths[0].pmtu, 1500, String(mtu));
  }
  report(puppet, packet, { kind: "packet-too-big", mtu: 576 });
  assert.equal(puppet.association.paths[0].pmtu, 576);
  const six = sending({ addresses: ["fd00::1"], peers: ["fd00::2"] });
  report(six.puppet, six.packet, { kind: "packet-too-big", mtu: 1279 });
  assert.equal(six.puppet.association.paths[0].pmtu, 1500);
  report(six.puppet, six.packet, { kind: "packet-too-big", mtu: 1280 });
  assert.equal(six.puppet.association.paths[0].pmtu, 1280);
});

Deno.test("an error about a path that is not ours changes none", () => {
  const { puppet, packet } = sending();
  report(puppet, { ...packet, from: "10.0.9.1" }, { kind: "packet-too-big", mtu: 600 });
  assert.deepEqual(puppet.association.paths.map(({ pmtu }) => pmtu), [1500]);
});
