/** The bound on memory that all associations of an endpoint share (RFC 9260, section 6.2: a_rwnd). */
import assert from "node:assert/strict";
import { Endpoint } from "./endpoint.ts";
import { simEnvironment } from "../sim/environment.ts";
import { heapPages, MAX_POOL_LIMIT, SlabPool } from "./base/slab_pool.ts";
import type { Association } from "./association.ts";
import { data, init, sack } from "./testing/chunks.ts";
import { PLAIN, Puppet } from "./testing/puppet.ts";
import { chunkOfType } from "./testing/sent_packet.ts";
import { ChunkType } from "./wire/chunk_type.ts";
import { encodeCookieEcho } from "./wire/cookie.ts";
import { sackCumulativeTsn, sackWindow } from "./wire/sack.ts";

const LIMIT = 64 * 1024;
const OTHER_PORT = 6001;

/** Two associations with peers on PUPPET_PORT and OTHER_PORT that share 64 KiB. */
function twoAssociations(): { puppet: Puppet; associations: Association[]; otherTag: number } {
  const puppet = new Puppet({ maxBufferedMemory: LIMIT });
  puppet.connect();
  const envelope = { sourcePort: OTHER_PORT };
  const answer = puppet.sendIn({ ...envelope, tag: 0 }, init({ initiateTag: 0x99 }));
  const firstTag = puppet.subjectTag;
  const { initiateTag: otherTag, stateCookie } = puppet.learn(answer);
  puppet.sendIn(envelope, encodeCookieEcho(stateCookie ?? new Uint8Array(0)));
  puppet.subjectTag = firstTag;
  return { puppet, associations: puppet.subject.associations, otherTag };
}

/** What the first peer sends fills the memory; nobody reads it. */
function fill(puppet: Puppet): void {
  for (let ssn = 0; !puppet.subject.endpoint.pool.isFull; ssn++) {
    puppet.data({ ssn, payload: 1000 });
  }
  assert.ok(puppet.subject.endpoint.bufferedMemory < LIMIT + 2048);
}

Deno.test("memory that is used up closes the windows of all associations, reading opens them", () => {
  const { puppet, associations: [first], otherTag } = twoAssociations();
  const toOther = { sourcePort: OTHER_PORT, tag: otherTag };
  const probe = () => chunkOfType(puppet.sendIn(toOther, data(1000)), ChunkType.Sack);
  fill(puppet);
  const refusal = probe();
  assert.deepEqual([sackCumulativeTsn(refusal, 0), sackWindow(refusal, 0)], [999, 0]);
  assert.equal(puppet.subject.endpoint.metrics.dropped["no-room"], 1);
  while (first.readableBytes > 0) puppet.read(2000, first);
  const taken = probe();
  assert.equal(sackCumulativeTsn(taken, 0), 1000);
  assert.ok(sackWindow(taken, 0) > 1 << 20);
});

Deno.test("memory that is used up by data behind a hole still takes what fills it", () => {
  const { puppet, associations: [first] } = twoAssociations();
  const hole = puppet.nextTsn++;
  const { pool } = puppet.subject.endpoint;
  for (let ssn = 1; !pool.isFull; ssn++) puppet.data({ ssn, payload: 1000 });
  // What is further on lets nothing be read: there is no room for it.
  puppet.nextTsn++;
  puppet.data({ stream: 1, payload: 1000 });
  assert.equal(puppet.subject.endpoint.metrics.dropped["no-room"], 1);
  puppet.send(data(hole, { ssn: 0, payload: 1000 }));
  assert.equal(first.readableBytes, first.heldBytes);
  puppet.read(2000, first);
  puppet.read(2000, first);
  assert.ok(!pool.isFull && !pool.isExhausted);
});

Deno.test("while memory is used up each association may send one message, no more", () => {
  const { puppet, associations: [first, second] } = twoAssociations();
  fill(puppet);
  const send = (association: Association) =>
    puppet.subject.do((_, now) => association.send(now, new Uint8Array(100), PLAIN));
  assert.deepEqual([first, first, second, second].map(send), [true, false, true, false]);
  puppet.subject.take();
  puppet.send(sack(first.tx.outstanding.nextTsn - 1));
  assert.deepEqual(puppet.subject.eventKinds.slice(-1), ["writable"]);
  assert.ok(send(first));
});

Deno.test("a limit that no memory could keep is refused", () => {
  for (const limit of [0, -1, NaN, Infinity, MAX_POOL_LIMIT + 1]) {
    assert.throws(() => new SlabPool(heapPages, limit), RangeError);
    assert.throws(() => new Endpoint(simEnvironment(1), { maxBufferedMemory: limit }), RangeError);
  }
  assert.equal(new SlabPool(heapPages, MAX_POOL_LIMIT).isFull, false);
});
