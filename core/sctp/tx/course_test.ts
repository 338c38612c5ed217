/** Messages with an address or a key of their own (SCTP_ADDR_OVER, SCTP_AUTHINFO): where each packet goes. */
import assert from "node:assert/strict";
import { readU16 } from "../base/bytes.ts";
import { SeededRandom, uniform } from "../base/random.ts";
import { chunksOfType, type SentPacket } from "../testing/sent_packet.ts";
import { PLAIN } from "../testing/puppet.ts";
import { WirePair } from "../testing/wire_pair.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { dataStream } from "../wire/data.ts";
import { type Course, Courses } from "./course.ts";

const [ONE, TWO] = ["10.0.0.2", "10.0.1.2"];
const KEYS = [1, 2].map((id) => ({ id, secret: new Uint8Array(16).fill(id) }));
const AUTHENTIC = { keys: KEYS, chunks: [ChunkType.Data] };

/** Two hosts with two links, whose packets with DATA are kept. */
function linked(loss = 0): { pair: WirePair; sent: SentPacket[] } {
  const sent: SentPacket[] = [];
  const random = new SeededRandom(7);
  const parameters = { noDelay: 1, pathMaxRetrans: 1000, associationMaxRetrans: 1000 };
  const side = (i: number) => ({
    addresses: [`10.0.0.${i}`, `10.0.1.${i}`],
    parameters,
    authentication: AUTHENTIC,
  });
  const pair = new WirePair({
    a: side(1),
    b: side(2),
    script: (packet) => {
      if (chunksOfType([packet], ChunkType.Data).length === 0) return [10];
      sent.push(packet);
      return uniform(random) < loss ? [] : [10];
    },
  });
  return { pair, sent };
}

/** The key of a packet's AUTH chunk. */
function keyOf(packet: SentPacket): number {
  const [auth] = chunksOfType([packet], ChunkType.Auth);
  return readU16(auth, 4);
}

/** Streams of the messages in a packet: here each course has its own. */
function streamsOf(packet: SentPacket): number[] {
  return chunksOfType([packet], ChunkType.Data).map((chunk) => dataStream(chunk, 0));
}

Deno.test("messages of different keys never share a packet, not even when they are sent again", () => {
  const { pair, sent } = linked(0.3);
  const association = pair.associate([ONE, TWO]);
  pair.run(1000);
  for (let i = 0; i < 60; i++) {
    const key = 1 + i % 2;
    const options = { ...PLAIN, stream: key, course: { key } };
    pair.a.do((_, now) => association.send(now, Uint8Array.of(i), options));
  }
  pair.collect();
  pair.runUntil(() => association.bufferedBytes === 0, 600_000, "delivery");
  assert.ok(association.pathList.some(({ metrics }) => metrics.chunksRetransmitted > 0));
  for (const packet of sent) {
    const key = keyOf(packet);
    assert.deepEqual(new Set(streamsOf(packet)), new Set([key]), "each stream has its key");
  }
  assert.equal(pair.b.endpoint.metrics.dropped["bad-auth"], 0);
});

Deno.test("messages go to their addresses, and back to the primary one if theirs fails", () => {
  const { pair, sent } = linked();
  const association = pair.associate([ONE, TWO]);
  pair.run(1000);
  const pathTo = (remote: string) =>
    association.pathList.find((path) => path.remote.text === remote)!;
  const send = (remote: string, stream: number) =>
    pair.a.do((_, now) =>
      association.send(now, new Uint8Array(3000), {
        ...PLAIN,
        stream,
        course: { path: pathTo(remote).id },
      })
    );
  for (const [remote, stream] of [[ONE, 1], [TWO, 2], [ONE, 1], [TWO, 2]] as const) {
    send(remote, stream);
  }
  pair.collect();
  pair.runUntil(() => association.bufferedBytes === 0, 10_000, "delivery");
  const targets = (stream: number) =>
    new Set(sent.filter((each) => streamsOf(each).includes(stream)).map(({ to }) => to));
  assert.deepEqual([...targets(1)], [ONE]);
  assert.deepEqual([...targets(2)], [TWO]);
  pathTo(TWO).status = "inactive";
  sent.length = 0;
  send(TWO, 3);
  pair.collect();
  pair.run(5);
  assert.deepEqual([...targets(3)], [ONE]);
});

Deno.test("a key that is gone when its message leaves gives way to the active one", () => {
  const { pair, sent } = linked();
  const association = pair.associate([ONE]);
  pair.run(1000);
  pair.a.do((_, now) => {
    association.send(now, Uint8Array.of(1), { ...PLAIN, course: { key: 2 } });
    association.deactivateSharedKey(2);
    association.keys.delete(2);
  });
  pair.collect();
  pair.runUntil(() => association.bufferedBytes === 0, 10_000, "delivery");
  assert.deepEqual(sent.map(keyOf), [1]);
});

Deno.test("courses are told apart, and there is a limit to them", () => {
  const courses = new Courses();
  const all: Course[] = [{ path: 0 }, { key: 0 }, { path: 0, key: 0 }, {}];
  const numbers = all.map((course) => courses.numberOf(course));
  assert.equal(new Set(numbers).size, all.length);
  for (const [i, course] of all.entries()) {
    assert.deepEqual({ path: undefined, key: undefined, ...course }, courses.at(numbers[i]));
    assert.equal(courses.numberOf({ ...course }), numbers[i]);
  }
  assert.equal(courses.at(0), undefined);
  for (let path = 1; path < 70_000; path++) courses.numberOf({ path });
  assert.equal(courses.numberOf({ path: 80_000 }), 0);
});
