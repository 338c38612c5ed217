/** Messages that are given up while their streams start again (RFC 3758 and RFC 6525 together). */
import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import { forwardsOf, timed } from "../testing/partial_puppet.ts";
import type { Puppet } from "../testing/puppet.ts";
import { reconfigPuppet, reconfigsIn } from "../testing/reconfig.ts";
import { chunksOfType, namesOf, type SentPacket } from "../testing/sent_packet.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { dataSsn, dataStream } from "../wire/data.ts";
import { encodeReconfig, ReconfigResult } from "../wire/reconfig.ts";

/** Three full chunks: what the first window takes, so that what is queued behind it waits. */
const MUCH = 3 * 1452;

function connected(): Puppet {
  return reconfigPuppet({ init: { forwardTsnSupported: true, supportedExtensions: [130] } });
}

function reset(puppet: Puppet, streams: readonly number[]): SentPacket[] {
  puppet.subject.do(() => puppet.association.resetStreams({ outgoing: streams }));
  return puppet.subject.take();
}

/** Agrees to the one request that is in these packets. */
function agree(puppet: Puppet, packets: readonly SentPacket[], own = tsn(0)): SentPacket[] {
  const [request] = reconfigsIn(packets);
  assert.ok(request && request.kind !== "response");
  const { sequence, kind } = request;
  const result = ReconfigResult.Performed;
  const next = kind === "reset-association" ? { sender: tsn(500), receiver: own } : undefined;
  return puppet.send(encodeReconfig([{ kind: "response", sequence, result, next }]));
}

/** "stream/SSN" of each DATA chunk. */
function numbersOf(packets: readonly SentPacket[]): string {
  return chunksOfType(packets, ChunkType.Data)
    .map((chunk) => `${dataStream(chunk, 0)}/${dataSsn(chunk, 0)}`)
    .join(" ");
}

Deno.test("a reset waits no longer for a message that has expired, and what came later stays held", () => {
  const puppet = connected();
  puppet.submit(MUCH);
  puppet.submit(10, { stream: 3, ...timed(200) });
  assert.deepEqual(reset(puppet, [3]), []);
  puppet.submit(10, { stream: 3 });
  const packets = puppet.wait(250);
  assert.deepEqual(namesOf(packets), ["RE-CONFIG"]);
  assert.equal(numbersOf(puppet.ack(3)), "");
  assert.equal(numbersOf(agree(puppet, packets)), "3/0");
});

Deno.test("with the last message that may leave gone, the one before it is the last", () => {
  const puppet = connected();
  puppet.submit(MUCH);
  puppet.submit(10, { stream: 3 });
  puppet.submit(10, { stream: 3, ...timed(200) });
  reset(puppet, [3]);
  puppet.submit(10, { stream: 3 });
  assert.deepEqual(puppet.wait(250), []);
  const packets = puppet.ack(3);
  assert.match(numbersOf(packets), /3\/0$/);
  assert.equal(reconfigsIn(packets).length, 1);
  assert.equal(numbersOf(agree(puppet, packets)), "3/0");
});

Deno.test("a held message that expires lets none behind it leave", () => {
  const puppet = connected();
  const packets = reset(puppet, [3]);
  puppet.submit(10, { stream: 3, ...timed(200) });
  puppet.submit(10, { stream: 3 });
  assert.equal(numbersOf(puppet.wait(250)), "");
  assert.equal(puppet.association.bufferedBytes, 10);
  assert.equal(numbersOf(agree(puppet, packets)), "3/0");
});

Deno.test("a FORWARD TSN lists no number of before a reset: the stream would skip new messages", () => {
  const puppet = connected();
  puppet.submit(10, { stream: 3, ...timed(200) });
  puppet.submit(10, { stream: 4, ...timed(200) });
  // That it agrees means that it has both; its SACK got lost.
  agree(puppet, reset(puppet, [3]));
  assert.deepEqual(forwardsOf(puppet, puppet.wait(1000)), ["1 (stream 4 SSN 0)"]);
});

Deno.test("an association starts again only once the peer has skipped what was given up", () => {
  const puppet = connected();
  puppet.submit(10, timed(200));
  puppet.subject.do(() => puppet.association.resetAssociation());
  const skipping = puppet.wait(1000);
  assert.deepEqual(forwardsOf(puppet, skipping), ["0 (stream 0 SSN 0)"]);
  assert.deepEqual(reconfigsIn(skipping), []);
  const asking = puppet.ack(1);
  agree(puppet, asking, tsn(puppet.subjectTsn - 1000));
  puppet.submit(10, timed(200));
  assert.deepEqual(forwardsOf(puppet, puppet.wait(4000)), ["-1000 (stream 0 SSN 0)"]);
});
