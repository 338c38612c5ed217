/** Losses and ECN-Echo: one reaction for one congestion (RFC 9260, 7.2; RFC 3168, 6.1). */
import assert from "node:assert/strict";
import { type Tsn, tsn, tsnAdd } from "../base/serial.ts";
import { Ecn } from "../packet.ts";
import { data, sack } from "../testing/chunks.ts";
import { Puppet } from "../testing/puppet.ts";
import { chunkOfType, chunksOfType, type SentPacket } from "../testing/sent_packet.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { ecneTsn, encodeCwr, encodeEcne } from "../wire/ecn.ts";

/** A window of many chunks in flight, with ECN; `first` is the first of them. */
function inTransfer(): { puppet: Puppet; first: Tsn } {
  const puppet = new Puppet({ init: { ecnCapable: true } });
  puppet.connect();
  puppet.submit(30 * 1400);
  for (let round = 1; round <= 6; round++) puppet.ack(3 * round);
  const { tx } = puppet.association;
  assert.ok(tx.outstanding.count >= 8);
  return { puppet, first: tx.outstanding.firstTsn };
}

/** The first chunk in flight is missed three times; returns what the third causes. */
function lose(puppet: Puppet, first: Tsn): SentPacket[] {
  return [2, 3, 4].flatMap((last) => puppet.send(sack(tsnAdd(first, -1), { gaps: [[2, last]] })));
}

Deno.test("cwnd is reduced once for a loss and an ECN-Echo of the same window (RFC 3168, section 6.1.2)", () => {
  const { puppet, first } = inTransfer();
  const [path] = puppet.association.paths;
  const before = path.cwnd;
  lose(puppet, first);
  const reduced = path.cwnd;
  assert.ok(reduced < before);
  const answer = puppet.send(encodeEcne(tsnAdd(first, 1)));
  assert.equal(path.cwnd, reduced);
  assert.equal(path.metrics.ecnReductions, 0);
  // The peer still has to hear that the sender has reacted.
  chunkOfType(answer, ChunkType.Cwr);
});

Deno.test("a time-out of T3-rtx is the reaction to an ECN-Echo of its window too", () => {
  const { puppet, first } = inTransfer();
  const [path] = puppet.association.paths;
  puppet.wait(1100);
  const { cwnd, ssthresh } = path;
  puppet.send(encodeEcne(first));
  assert.deepEqual([path.cwnd, path.ssthresh], [cwnd, ssthresh]);
  assert.equal(path.metrics.ecnReductions, 0);
});

Deno.test("an ECN-Echo about later data reduces cwnd again, once however often it comes", () => {
  const { puppet, first } = inTransfer();
  const [path] = puppet.association.paths;
  puppet.send(encodeEcne(first));
  assert.equal(path.metrics.ecnReductions, 1);
  const newest = tsn(puppet.association.tx.outstanding.nextTsn - 1);
  puppet.send(sack(newest));
  puppet.submit(20 * 1400);
  for (let i = 0; i < 3; i++) puppet.send(encodeEcne(tsnAdd(newest, 1)));
  assert.equal(path.metrics.ecnReductions, 2);
});

Deno.test("what is sent again is not ECN-capable (RFC 3168, section 6.1.5)", () => {
  const { puppet, first } = inTransfer();
  const again = lose(puppet, first).filter((sent) => puppet.offsets([sent]).includes(18));
  assert.deepEqual(again.map(({ ecn }) => ecn), [Ecn.NotEct]);
  puppet.send(sack(puppet.association.tx.outstanding.nextTsn - 1));
  const fresh = puppet.submit(3000);
  assert.ok(chunksOfType(fresh, ChunkType.Data).length > 0);
  assert.ok(fresh.every(({ ecn }) => ecn === Ecn.Ect0));
});

Deno.test("ECN-Echo names the lowest TSN of the packet that was marked, whatever else is missing", () => {
  const puppet = new Puppet({ init: { ecnCapable: true } });
  puppet.connect();
  const marked = puppet.sendIn({ ecn: Ecn.Ce }, data(1004), data(1003));
  assert.equal(ecneTsn(chunkOfType(marked, ChunkType.Ecne), 0), 1003);
  // A CWR for data before it ends nothing, one for it does.
  puppet.send(encodeCwr(tsn(1002)));
  chunkOfType(puppet.send(data(1006)), ChunkType.Ecne);
  puppet.send(encodeCwr(tsn(1003)));
  assert.deepEqual(chunksOfType(puppet.send(data(1008)), ChunkType.Ecne), []);
});

for (const signal of ["loss", "ECN-Echo"] as const) {
  Deno.test(`a cwnd below its floor is not raised by ${signal} (RFC 9260, section 7.2.3)`, () => {
    const puppet = new Puppet({ init: { ecnCapable: true }, parameters: { noDelay: 1 } });
    puppet.connect();
    for (let i = 0; i < 4; i++) puppet.submit(1000);
    const [path] = puppet.association.paths;
    const first = tsn(puppet.subjectTsn);
    const before = path.cwnd;
    assert.ok(before < 4 * 1400);
    if (signal === "loss") lose(puppet, first);
    else puppet.send(encodeEcne(first));
    assert.equal(path.metrics.fastRetransmits + path.metrics.ecnReductions, 1);
    assert.ok(path.cwnd <= before);
  });
}
