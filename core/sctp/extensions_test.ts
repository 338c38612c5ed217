import assert from "node:assert/strict";
import {
  agreedExtensions,
  chunksOfExtensions,
  EXTENSIONS,
  offeredExtensions,
  rfcsOfExtensions,
  understandsChunk,
} from "./extensions.ts";
import { PARAMETERS, withParameters } from "./parameters.ts";
import { init } from "./testing/chunks.ts";
import { Puppet, readInit } from "./testing/puppet.ts";
import { CHUNK_KINDS, ChunkType } from "./wire/chunk_type.ts";

const ALL = EXTENSIONS.reduce((set, { bit }) => set | bit, 0);
const ALL_OFFERED = withParameters({
  ...Object.fromEntries(EXTENSIONS.map(({ offeredBy }) => [offeredBy, 1])),
  fragmentInterleave: 2,
});
/** Chunks that are a violation where they were not agreed on (RFC 8260). */
const REFUSED: readonly number[] = [ChunkType.IData, ChunkType.IForwardTsn];

Deno.test("every extension has a bit of its own among sixteen, a switch, and what it needs before it", () => {
  let seen = 0;
  for (const { bit, offeredBy, needs, chunks } of EXTENSIONS) {
    assert.equal(bit & (bit - 1), 0, "one bit");
    assert.ok(bit > 0 && bit < 0x10000);
    assert.equal(seen & bit, 0, "its own");
    assert.equal(needs & ~seen, 0, "rows above");
    assert.equal(PARAMETERS[offeredBy].unit, "switch");
    for (const type of chunks) assert.ok(CHUNK_KINDS.some((row) => row.type === type));
    seen |= bit;
  }
});

Deno.test("each extension is offered by its switch, unless it lacks what it needs", () => {
  for (const { bit, offeredBy } of EXTENSIONS) {
    const offered = offeredExtensions(withParameters({ ...ALL_OFFERED, [offeredBy]: 0 }));
    assert.equal(offered & bit, 0);
    for (const row of EXTENSIONS) {
      if ((row.needs & bit) !== 0) assert.equal(offered & row.bit, 0, `${row.rfc} needs ${bit}`);
    }
    assert.equal(offeredExtensions(ALL_OFFERED), ALL);
  }
});

Deno.test("nothing is agreed with a peer that says nothing", () => {
  assert.equal(agreedExtensions(ALL_OFFERED, readInit(init())), 0);
});

Deno.test("a chunk of an extension is understood by those who have it, others by all or by none", () => {
  const types = EXTENSIONS.flatMap(({ chunks }) => chunks);
  assert.deepEqual(chunksOfExtensions(ALL), types);
  assert.deepEqual(chunksOfExtensions(0), []);
  assert.deepEqual(rfcsOfExtensions(ALL), [4895, 6525, 3758, 8260, 5061, 9653]);
  for (let type = 0; type < 256; type++) {
    const isKnown = CHUNK_KINDS.some((row) => row.type === type);
    const isBase = isKnown && !types.some((one) => one === type);
    assert.equal(understandsChunk(0, type), isBase, `chunk type ${type}`);
    assert.equal(understandsChunk(ALL, type), isKnown, `chunk type ${type}`);
  }
});

Deno.test("a chunk of an extension that was not agreed is an unknown one, by its highest bits", () => {
  const puppet = new Puppet();
  puppet.connect();
  const dropped = puppet.subject.endpoint.metrics.dropped;
  const types = EXTENSIONS.flatMap(({ chunks }) => chunks).filter((one) => !REFUSED.includes(one));
  for (const [i, type] of types.entries()) {
    puppet.send(Uint8Array.of(type, 0, 0, 4));
    assert.equal(dropped["unrecognized-chunk"], i + 1, `chunk type ${type}`);
  }
  assert.ok(understandsChunk(0, ChunkType.Data));
});
