/**
 * Acknowledgements that are not true. For what was sent and cannot have arrived yet, SCTP has no proof
 * (as TCP; RFC 5681, section 6): a peer that acknowledges early gets what it asks for faster, and loses it
 * where the network does. What it gains is bounded here; docs/attacks.md says what cannot be told.
 */
import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import { SLOW_START_L } from "../congestion/reno.ts";
import { nrSack, sack } from "../testing/chunks.ts";
import { Puppet } from "../testing/puppet.ts";
import { causeCodesOf, chunkOfType, chunksOfType, namesOf } from "../testing/sent_packet.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { CauseCode } from "../wire/error_cause.ts";
import { encodeShutdown } from "../wire/shutdown.ts";

/** PMDCS over IPv4 with 1,500 bytes. */
const PMDCS = 1468;

function sending(bytes: number): Puppet {
  const puppet = new Puppet({ parameters: { noDelay: 1 } });
  puppet.connect();
  puppet.submit(bytes);
  return puppet;
}

function drops({ subject }: Puppet) {
  return subject.endpoint.metrics.dropped;
}

Deno.test("SACKs for data never sent, in every form, grow no window and release nothing", () => {
  const puppet = sending(3000);
  const { association } = puppet;
  const [{ cwnd }] = association.paths;
  const exaggerated = [[2, 60_000], [4, 4], [65_535, 65_535]] as const;
  for (const gap of exaggerated) puppet.send(sack(puppet.subjectTsn - 1, { gaps: [gap] }));
  assert.equal(drops(puppet)["unsent-acknowledged"], exaggerated.length);
  for (const old of [-1000, 2 ** 31]) puppet.send(sack(puppet.subjectTsn + old));
  assert.equal(drops(puppet)["old-sack"], 2);
  assert.equal(association.paths[0].cwnd, cwnd);
  assert.equal(association.bufferedBytes, 3000);
});

Deno.test("NR-SACKs for data never sent give nothing back for good, and are counted", () => {
  const puppet = new Puppet({
    parameters: { noDelay: 1, nonRenegableSack: 1 },
    init: { supportedExtensions: [ChunkType.NrSack] },
  });
  puppet.connect();
  puppet.submit(3000);
  const lies = [[2, 60_000], [4, 4], [65_535, 65_535]] as const;
  for (const lie of lies) {
    puppet.send(nrSack(puppet.subjectTsn - 1, { firm: [lie] }));
    puppet.send(nrSack(puppet.subjectTsn - 1, { gaps: [lie] }));
  }
  assert.equal(drops(puppet)["unsent-acknowledged"], 2 * lies.length);
  assert.equal(puppet.association.bufferedBytes, 3000);
});

Deno.test("who acknowledges all up to a TSN that was never sent is not talked to any more", () => {
  for (const chunk of [sack(1), encodeShutdown(tsn(1))]) {
    const puppet = sending(3000);
    const beyond = tsn(puppet.subjectTsn + 3);
    new DataView(chunk.buffer, chunk.byteOffset).setUint32(4, beyond);
    const abort = chunkOfType(puppet.send(chunk), ChunkType.Abort);
    assert.deepEqual(causeCodesOf(abort), [CauseCode.ProtocolViolation]);
    assert.equal(drops(puppet)["unsent-acknowledged"], 1);
    assert.deepEqual(puppet.subject.associations, []);
  }
});

Deno.test("one byte acknowledged at a time grows the window no faster (RFC 9260, section 7.2.1)", () => {
  const puppet = sending(4000);
  const [path] = puppet.association.paths;
  const before = path.cwnd;
  for (let i = 0; i < 50; i++) puppet.ack(1);
  assert.ok(path.cwnd <= before + PMDCS);
});

Deno.test("what is acknowledged before it can have arrived opens the window by no more than that, and by 8 packets a SACK", () => {
  const puppet = new Puppet({ parameters: { noDelay: 1 } });
  puppet.connect();
  const { paths: [path], parameters: { maxBurst, sendBuffer } } = puppet.association;
  let [sent, bound] = [0, path.cwnd];
  for (let round = 0; round < 40; round++) {
    let leaving = puppet.submit(60_000);
    while (leaving.length > 0) {
      // At once, without waiting for any network: all that has left.
      const acked = leaving.length;
      sent += chunksOfType(leaving, ChunkType.Data).length;
      bound += Math.min(acked, SLOW_START_L) * PMDCS;
      leaving = puppet.ack(sent);
      assert.ok(leaving.length <= acked + maxBurst, `${leaving.length} packets behind ${acked}`);
      assert.ok(path.cwnd <= bound, `${path.cwnd}, section 7.2.1 allows ${bound}`);
    }
  }
  // A window that is not in use does not grow, and what can be in flight is what the user has handed over.
  assert.ok(path.cwnd <= sendBuffer + PMDCS, `${path.cwnd}`);
});

Deno.test("a trickle, however fast it is acknowledged, opens no window for a flood", () => {
  const puppet = sending(100);
  const [path] = puppet.association.paths;
  const before = path.cwnd;
  for (let n = 1; n < 500; n++) {
    puppet.ack(n);
    puppet.submit(100);
  }
  assert.equal(path.cwnd, before);
});

Deno.test("gaps that are acknowledged while the first packet is held back open no window", () => {
  const puppet = sending(60_000);
  const [path] = puppet.association.paths;
  const before = path.cwnd;
  for (let last = 2; last < 5; last++) puppet.ack(0, { gaps: [[2, last]] });
  assert.ok(path.cwnd <= before, `${path.cwnd} bytes`);
});

Deno.test("a window as large as can be said lets no more leave than congestion control does", () => {
  const puppet = new Puppet({ init: { receiverWindow: 0xffff_ffff }, parameters: { noDelay: 1 } });
  puppet.connect();
  const [path] = puppet.association.paths;
  puppet.submit(1_000_000);
  assert.ok(path.flightSize <= path.cwnd + PMDCS);
  puppet.ack(1, { window: 0xffff_ffff });
  assert.ok(path.flightSize <= path.cwnd + PMDCS);
});

Deno.test("an early acknowledgement makes no time-out shorter than RTO.Min", () => {
  const puppet = sending(1000);
  puppet.ack(1);
  const [{ rto }] = puppet.association.paths;
  assert.equal(rto, puppet.association.parameters.rtoMin);
});

Deno.test("many SACKs in one packet are work for one, the others are counted", () => {
  const puppet = sending(4000);
  const chunks = Array.from(
    { length: 60 },
    (_, i) => sack(puppet.subjectTsn - 1, { gaps: [[2, 2 + (i & 1)]] }),
  );
  puppet.send(...chunks);
  assert.equal(puppet.association.metrics.sacksReceived, 1);
  assert.equal(drops(puppet)["unexpected-chunk"], 59);
});

Deno.test("acknowledging and taking it back, again and again, costs no packet of ours", () => {
  const puppet = sending(4000);
  let answered = 0;
  for (let i = 0; i < 500; i++) {
    const gaps = i & 1 ? [] : [[2, 3]] as const;
    answered += namesOf(puppet.send(sack(puppet.subjectTsn - 1, { gaps }))).length;
  }
  assert.ok(answered <= 8, `${answered} packets for 500 SACKs`);
  assert.equal(puppet.association.bufferedBytes, 4000);
});
