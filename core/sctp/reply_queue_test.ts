import assert from "node:assert/strict";
import { crc32cScalar } from "./checksum/scalar.ts";
import { Ecn, PacketBatch } from "./packet.ts";
import { type Reply, REPLY_MEMORY, ReplyQueue } from "./reply_queue.ts";
import { address } from "./testing/test_endpoint.ts";
import { PacketWriter } from "./tx/packet_writer.ts";
import { verificationTag } from "./wire/common_header.ts";

const ROUTE = {
  local: address("10.0.0.1"),
  remote: address("10.0.0.2"),
  encapsulationPort: 0,
  ecn: Ecn.NotEct,
};

function reply(tag: number, length = 4): Reply {
  return { route: ROUTE, sourcePort: 1, destinationPort: 2, tag, chunk: new Uint8Array(length) };
}

Deno.test("answers leave in their order, a batch at a time", () => {
  const queue = new ReplyQueue();
  const writer = new PacketWriter(crc32cScalar);
  for (let tag = 1; tag <= 5; tag++) queue.push(reply(tag));
  const tags: number[] = [];
  for (let more = true; more;) {
    const batch = new PacketBatch(new Uint8Array(1000), 2);
    more = queue.drain(writer, batch);
    for (let i = 0; i < batch.count; i++) {
      tags.push(verificationTag(batch.memory, batch.offsets[i]));
    }
  }
  assert.deepEqual(tags, [1, 2, 3, 4, 5]);
  assert.ok(queue.isEmpty);
});

Deno.test("answers that wait take no more than a fixed memory, also while a few leave", () => {
  const queue = new ReplyQueue();
  const writer = new PacketWriter(crc32cScalar);
  let taken = 0;
  while (queue.push(reply(taken, 1000))) taken++;
  assert.ok(taken * 1000 < REPLY_MEMORY);
  for (let round = 0; round < 100; round++) {
    queue.drain(writer, new PacketBatch(new Uint8Array(4096), 3));
    let again = 0;
    while (queue.push(reply(0, 1000))) again++;
    assert.equal(again, 3);
  }
});
