/** Probes for the path MTU, and black holes (RFC 8899, sections 4, 5.1 and 6.2; RFC 4820). */
import assert from "node:assert/strict";
import { rawChunk } from "../testing/chunks.ts";
import { Puppet, type PuppetOptions } from "../testing/puppet.ts";
import { namesOf, type SentPacket } from "../testing/sent_packet.ts";
import { address } from "../testing/test_endpoint.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { encodeHeartbeat, encodeHeartbeatAck } from "../wire/heartbeat.ts";

/** Bytes in front of the SCTP packet in an IPv4 packet. */
const IPV4_HEADER = 20;

const TWO_PATHS = {
  addresses: ["10.0.0.1", "10.0.1.1"],
  peers: ["10.0.0.2", "10.0.1.2"],
} as const;

/** A subject in the middle of sending, with parameters so that the test sees nothing else. */
function sending(options: PuppetOptions = {}) {
  const parameters = { heartbeat: 0, noDelay: 1, ...options.parameters };
  const puppet = new Puppet({ ...options, parameters });
  const verified = puppet.answerHeartbeats([...puppet.connect(), ...puppet.wait(10)]);
  assert.deepEqual(verified, []);
  return { puppet, packets: puppet.submit(5000) };
}

function tooBig(puppet: Puppet, { from, to, bytes }: SentPacket, mtu: number): SentPacket[] {
  puppet.subject.do((endpoint, now) =>
    endpoint.handleIcmp(now, {
      kind: "packet-too-big",
      local: address(from),
      remote: address(to),
      mtu,
      quoted: bytes.subarray(0, 28),
    })
  );
  return puppet.subject.take();
}

/** Acknowledges all that was submitted; returns what else leaves meanwhile. */
function ackAll(puppet: Puppet): SentPacket[] {
  const others: SentPacket[] = [];
  const { association } = puppet;
  while (association.bufferedBytes > 0) {
    const { outstanding } = association.tx;
    const sent = outstanding.nextTsn - puppet.subjectTsn;
    others.push(...puppet.ack(sent).filter(({ names }) => names !== "DATA"));
  }
  return others;
}

/** Sizes of the IP packets that are probes. */
function probesAmong(packets: readonly SentPacket[]): number[] {
  return packets.filter(({ names }) => names === "HEARTBEAT+PAD")
    .map(({ bytes }) => bytes.length + IPV4_HEADER);
}

function pmtusOf({ association }: Puppet): number[] {
  return association.paths.map(({ pmtu }) => pmtu);
}

/** Lets T3-rtx expire twice, answering nothing but what is asked of small packets. */
function loseDataTwice(puppet: Puppet): SentPacket[] {
  return [...puppet.wait(1100), ...puppet.wait(2100)];
}

Deno.test("packet too big has its size probed at once, with HEARTBEAT and PAD alone in a packet", () => {
  const { puppet, packets } = sending();
  const then = tooBig(puppet, packets[0], 1400);
  assert.deepEqual(probesAmong(then), [1400]);
  assert.deepEqual(pmtusOf(puppet), [1200], "until then what nearly every path carries");
  puppet.answerHeartbeats(then);
  assert.deepEqual(pmtusOf(puppet), [1400]);
  ackAll(puppet);
  assert.deepEqual(probesAmong(puppet.wait(60_000)), [], "nothing larger passes");
});

Deno.test("what is larger than the PMTU leaves for IP to cut up, a probe never does", () => {
  const { puppet, packets } = sending();
  const then = tooBig(puppet, packets[0], 1400);
  const probe = then.find(({ names }) => names === "HEARTBEAT+PAD");
  assert.equal(probe?.unfragmented, Infinity);
  const again = then.filter(({ names }) => names === "DATA");
  assert.ok(again.length > 0);
  for (const { bytes, unfragmented } of again) {
    assert.ok(bytes.length > 1180);
    assert.equal(unfragmented, 1180);
  }
});

Deno.test("full packets that are lost twice while small ones pass are a black hole (section 4.3)", () => {
  const { puppet } = sending();
  const first = puppet.wait(1100);
  assert.deepEqual(probesAmong(first), [], "one loss says nothing");
  const second = puppet.wait(2100);
  assert.deepEqual(probesAmong(second), [1200]);
  assert.deepEqual(pmtusOf(puppet), [1500], "it may as well be down");
  const then = puppet.answerHeartbeats(second);
  assert.equal(puppet.association.paths[0].pmtu, 1200);
  assert.deepEqual(probesAmong(then), [1280], "the search goes on upwards");
  assert.ok(then.some(({ names, unfragmented }) => names === "DATA" && unfragmented === 1180));
  const end = puppet.answerHeartbeats(puppet.answerHeartbeats(then));
  assert.deepEqual([pmtusOf(puppet), probesAmong(end)], [[1400], [1420]]);
});

Deno.test("small packets that are lost say nothing of the PMTU", () => {
  const { puppet } = sending();
  ackAll(puppet);
  puppet.submit(1000);
  assert.deepEqual(probesAmong(loseDataTwice(puppet)), []);
});

Deno.test("small messages that share a packet are as large as one", () => {
  const { puppet } = sending();
  ackAll(puppet);
  for (let i = 0; i < 6; i++) puppet.submit(250);
  const packets = loseDataTwice(puppet);
  assert.deepEqual(probesAmong(packets), [1200]);
});

Deno.test("a full packet that arrives takes the suspicion away", () => {
  const { puppet } = sending();
  puppet.wait(1100);
  ackAll(puppet);
  puppet.submit(5000);
  assert.deepEqual(probesAmong(puppet.wait(1100)), []);
});

Deno.test("a path that is down makes the packets of no other smaller", () => {
  const { puppet } = sending({ ...TWO_PATHS, parameters: { pathMaxRetrans: 1 } });
  loseDataTwice(puppet);
  puppet.wait(120_000);
  assert.deepEqual(pmtusOf(puppet), [1500, 1500]);
});

Deno.test("a probe is lost after PROBE_TIMER, and the last of MAX_PROBES ends the search; no error is counted", () => {
  const { puppet, packets } = sending();
  puppet.answerHeartbeats(tooBig(puppet, packets[0], 1400));
  ackAll(puppet);
  const raised = puppet.wait(600_000);
  assert.deepEqual(probesAmong(raised), [1420], "after PMTU_RAISE_TIMER");
  assert.deepEqual(probesAmong(puppet.wait(14_900)), []);
  assert.deepEqual(probesAmong(puppet.wait(100)), [1420]);
  assert.deepEqual(probesAmong(puppet.wait(15_000)), [1420]);
  assert.deepEqual(probesAmong(puppet.wait(15_000)), []);
  assert.deepEqual(probesAmong(puppet.wait(500_000)), []);
  assert.deepEqual(pmtusOf(puppet), [1400]);
  assert.equal(puppet.association.paths[0].errorCount, 0);
});

Deno.test("only the answer to the probe at hand counts, and only once", () => {
  const { puppet, packets } = sending();
  const [probe] = tooBig(puppet, packets[0], 1400).filter(({ names }) => names === "HEARTBEAT+PAD");
  const [heartbeat] = probe.chunks;
  const forged = heartbeat.slice(4);
  forged[forged.length - 1] ^= 1;
  puppet.send(encodeHeartbeatAck(forged));
  assert.deepEqual(pmtusOf(puppet), [1200]);
  puppet.send(encodeHeartbeatAck(heartbeat.slice(4)));
  assert.deepEqual(pmtusOf(puppet), [1400]);
  puppet.send(encodeHeartbeatAck(heartbeat.slice(4)));
  assert.equal(puppet.subject.endpoint.metrics.dropped["forged-heartbeat-ack"], 2);
});

Deno.test("errors that cannot be, or say nothing new, cause no probe", () => {
  const { puppet, packets } = sending();
  for (const mtu of [0, 575, 1500, 65_535]) {
    assert.deepEqual(probesAmong(tooBig(puppet, packets[0], mtu)), [], String(mtu));
  }
  assert.deepEqual(probesAmong(tooBig(puppet, packets[0], 1400)), [1400]);
  assert.deepEqual(probesAmong(tooBig(puppet, packets[0], 1400)), [], "again");
});

Deno.test("where it is switched off, nothing is probed, and ICMP is believed (RFC 9260, section 7.3)", () => {
  const { puppet, packets } = sending({ parameters: { pathMtuDiscovery: 0 } });
  assert.deepEqual(probesAmong(loseDataTwice(puppet)), []);
  assert.deepEqual(probesAmong(tooBig(puppet, packets[0], 1400)), []);
  assert.deepEqual(pmtusOf(puppet), [1400]);
});

Deno.test("a probe of the peer is answered without its padding (RFC 4820, section 3)", () => {
  const puppet = new Puppet({ parameters: { heartbeat: 0 } });
  puppet.connect();
  const heartbeat = encodeHeartbeat(new Uint8Array(12).fill(3));
  const answer = puppet.send(heartbeat, rawChunk(ChunkType.Pad, 0, new Uint8Array(1000)));
  assert.deepEqual(namesOf(answer), ["HEARTBEAT ACK"]);
  assert.equal(answer[0].chunks[0].length, heartbeat.length);
});
