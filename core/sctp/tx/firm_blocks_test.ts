/** NR-SACK (draft-natarajan-tsvwg-sctp-nrsack), as its receiver and as its sender. */
import assert from "node:assert/strict";
import { nrSack, type NrSackTemplate } from "../testing/chunks.ts";
import { Puppet, type PuppetOptions, readInit } from "../testing/puppet.ts";
import { chunkOfType, namesOf, type SentPacket } from "../testing/sent_packet.ts";
import { describeChunk } from "../wire/describe.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import type { SendFailure } from "./send_failure.ts";

const AGREED: PuppetOptions = {
  parameters: { nonRenegableSack: 1, noDelay: 1, maxBurst: 100 },
  init: { supportedExtensions: [ChunkType.NrSack], forwardTsnSupported: true },
};

/** A subject with messages of 1,000 bytes in flight, as TSNs 0 to count - 1. */
function sending(count: number): Puppet {
  const puppet = new Puppet(AGREED);
  puppet.connect();
  for (let i = 0; i < count; i++) puppet.submit(1000, { stream: i });
  return puppet;
}

/** An NR-SACK for the TSNs before `cumulative`; blocks are counted from 0 as TSNs are. */
function acknowledge(
  puppet: Puppet,
  cumulative: number,
  { gaps = [], firm = [], window }: NrSackTemplate,
): SentPacket[] {
  const relative = ([first, last]: readonly [number, number]) =>
    [first - cumulative + 1, last - cumulative + 1] as const;
  const template = { gaps: gaps.map(relative), firm: firm.map(relative), window };
  return puppet.send(nrSack(puppet.subjectTsn + cumulative - 1, template));
}

function failuresOf(puppet: Puppet): SendFailure[] {
  return puppet.subject.events.flatMap((event) =>
    event.kind === "send-failed" ? [event.failure] : []
  );
}

Deno.test("NR-SACK is offered by its switch, and answered where the peer offers it too", () => {
  for (const nonRenegableSack of [0, 1]) {
    const puppet = new Puppet({ parameters: { nonRenegableSack } });
    const asked = readInit(chunkOfType(puppet.beAsked(), ChunkType.Init));
    assert.equal(asked.supportedExtensions.includes(ChunkType.NrSack), nonRenegableSack === 1);
    for (const supportedExtensions of [[], [ChunkType.NrSack]]) {
      const other = new Puppet({ parameters: { nonRenegableSack } });
      const answer = other.learn(other.requestInitAck({ supportedExtensions }));
      const isAgreed = nonRenegableSack === 1 && supportedExtensions.length > 0;
      assert.equal(answer.supportedExtensions.includes(ChunkType.NrSack), isAgreed);
    }
  }
});

Deno.test("what has arrived behind a gap is acknowledged for good, where that was agreed on", () => {
  const puppet = new Puppet(AGREED);
  puppet.connect();
  puppet.nextTsn++;
  puppet.data();
  puppet.nextTsn++;
  puppet.data();
  puppet.nextTsn--;
  const chunk = chunkOfType(puppet.data(), ChunkType.NrSack);
  assert.match(
    describeChunk(chunk, 0),
    /^NR-SACK cumulative TSN 999 a_rwnd \d+ firm gaps 2-2, 4-4 duplicates 1003$/,
  );
  const plain = new Puppet({ parameters: AGREED.parameters });
  plain.connect();
  plain.nextTsn++;
  assert.deepEqual(namesOf(plain.data()), ["SACK"]);
});

Deno.test("an NR Gap Ack Block gives payload back at once, an R Gap Ack Block does not", () => {
  const puppet = sending(5);
  acknowledge(puppet, 0, { gaps: [[1, 1]], firm: [[2, 3]] });
  assert.equal(puppet.association.bufferedBytes, 3000);
  assert.equal(puppet.association.paths[0].flightSize, 2 * 1016);
  acknowledge(puppet, 0, { firm: [[1, 3]] });
  assert.equal(puppet.association.bufferedBytes, 2000);
  acknowledge(puppet, 5, {});
  assert.equal(puppet.association.bufferedBytes, 0);
  assert.equal(puppet.subject.endpoint.bufferedMemory, 0);
});

Deno.test("room that an NR-SACK makes is told to a user who waits for it", () => {
  const puppet = new Puppet({ ...AGREED, parameters: { ...AGREED.parameters, sendBuffer: 4096 } });
  puppet.connect();
  for (let i = 0; i < 4; i++) puppet.submit(1000);
  assert.throws(() => puppet.submit(1000), /no room/);
  acknowledge(puppet, 0, { gaps: [[1, 3]] });
  assert.ok(!puppet.subject.eventKinds.includes("writable"));
  acknowledge(puppet, 0, { firm: [[1, 3]] });
  assert.ok(puppet.subject.eventKinds.includes("writable"));
  puppet.submit(1000);
});

Deno.test("what was acknowledged for good is not sent again, whatever is said of it later", () => {
  const puppet = sending(4);
  acknowledge(puppet, 0, { firm: [[1, 2]] });
  const after = [
    ...acknowledge(puppet, 0, {}),
    ...acknowledge(puppet, 0, { firm: [[3, 3]] }),
    ...acknowledge(puppet, 0, { gaps: [[1, 3]] }),
    ...puppet.wait(20_000),
  ];
  const again = new Set(puppet.offsets(after));
  assert.deepEqual([...again], [0]);
  acknowledge(puppet, 4, {});
  assert.equal(puppet.association.bufferedBytes, 0);
});

Deno.test("an R Gap Ack Block can be taken back: its chunk is sent again", () => {
  const puppet = sending(3);
  acknowledge(puppet, 0, { gaps: [[1, 1]], firm: [[2, 2]] });
  acknowledge(puppet, 1, { firm: [[2, 2]] });
  assert.deepEqual([...new Set(puppet.offsets(puppet.wait(5000)))], [1]);
});

Deno.test("blocks beyond what was sent, or out of order, are not read", () => {
  const puppet = sending(3);
  acknowledge(puppet, 0, { firm: [[1, 9]] });
  acknowledge(puppet, 0, { firm: [[2, 2], [1, 1]] });
  assert.equal(puppet.association.bufferedBytes, 2000);
});

Deno.test("an NR-SACK whose lists do not fit into it is dropped", () => {
  const puppet = sending(2);
  const chunk = nrSack(puppet.subjectTsn, { firm: [] });
  chunk[15] = 1;
  puppet.send(chunk);
  assert.equal(puppet.association.bufferedBytes, 2000);
  assert.equal(puppet.subject.endpoint.metrics.dropped["malformed-chunk"], 1);
});

Deno.test("an NR-SACK that was not agreed on is a chunk that nobody knows", () => {
  const puppet = new Puppet();
  puppet.connect();
  puppet.submit(1000);
  assert.deepEqual(puppet.send(nrSack(puppet.subjectTsn)), []);
  assert.equal(puppet.association.bufferedBytes, 1000);
});

Deno.test("a message that is acknowledged for good has not failed when the association is lost", () => {
  const puppet = sending(3);
  const { association } = puppet;
  association.notifySendFailures(true);
  acknowledge(puppet, 0, { firm: [[1, 1]] });
  puppet.subject.do((_, now) => association.abort(now));
  assert.deepEqual(failuresOf(puppet).map(({ stream }) => stream), [0, 2]);
});

Deno.test("of a message that is acknowledged for good in part the rest comes back", () => {
  const puppet = new Puppet(AGREED);
  puppet.connect();
  const { association } = puppet;
  association.notifySendFailures(true);
  const message = new Uint8Array(4000).map((_, i) => i >>> 8);
  const sent = puppet.offsets(puppet.submit(message, { ppid: 9 }));
  assert.deepEqual(sent, [0, 1, 2]);
  acknowledge(puppet, 0, { firm: [[1, 1]] });
  puppet.subject.do((_, now) => association.abort(now));
  const [failure] = failuresOf(puppet);
  assert.deepEqual(failure.data, Uint8Array.of(...message.slice(0, 1452), ...message.slice(2904)));
  assert.equal(failure.isWhole, false);
  assert.equal(failure.ppid, 9);
});

Deno.test("a partially reliable message keeps its payload until it is over", () => {
  const puppet = new Puppet(AGREED);
  puppet.connect();
  const reliability = { policy: "ttl", value: 500 } as const;
  puppet.submit(1000, { stream: 0, reliability });
  puppet.submit(1000, { stream: 1, reliability });
  acknowledge(puppet, 0, { firm: [[1, 1]] });
  assert.equal(puppet.association.bufferedBytes, 2000);
  puppet.wait(3000);
  acknowledge(puppet, 2, {});
  assert.equal(puppet.association.bufferedBytes, 0);
  assert.equal(puppet.subject.endpoint.bufferedMemory, 0);
});
