import assert from "node:assert/strict";
import {
  CHUNK_KINDS,
  CHUNK_TYPES,
  chunkName,
  ChunkType,
  fixedLength,
  isKnownChunk,
  stopsProcessing,
  wantsReport,
} from "./chunk_type.ts";

Deno.test("every chunk type has its name, in the order of their numbers", () => {
  const names = Object.values(ChunkType).map(chunkName).join(", ");
  assert.equal(
    names,
    "DATA, INIT, INIT ACK, SACK, HEARTBEAT, HEARTBEAT ACK, ABORT, SHUTDOWN, SHUTDOWN ACK, ERROR, " +
      "COOKIE ECHO, COOKIE ACK, ECNE, CWR, SHUTDOWN COMPLETE, AUTH, NR-SACK, I-DATA, " +
      "ASCONF-ACK, RE-CONFIG, PAD, FORWARD TSN, ASCONF, I-FORWARD-TSN",
  );
});

Deno.test("every chunk type has one row, whose fixed fields are whole words", () => {
  assert.deepEqual(CHUNK_KINDS.map(({ type }) => type), Object.values(ChunkType));
  for (const { type, fixedLength, rfc } of CHUNK_KINDS) {
    assert.ok(type >= 0 && type < CHUNK_TYPES);
    assert.ok(fixedLength >= 4 && fixedLength % 4 === 0);
    assert.ok(type === ChunkType.NrSack || (rfc !== undefined && rfc > 0));
  }
});

Deno.test("every number that has no row is unknown, and named by its number", () => {
  for (let type = 0; type < CHUNK_TYPES; type++) {
    if (CHUNK_KINDS.some((row) => row.type === type)) continue;
    assert.equal(isKnownChunk(type), false);
    assert.equal(chunkName(type), `chunk ${type}`);
    assert.equal(fixedLength(type), 4);
  }
  assert.equal(isKnownChunk(ChunkType.Auth), true);
});

Deno.test("the highest bits of an unknown chunk say what to do with it", () => {
  const actions = [0x3f, 0x7f, 0xbf, 0xff].map((
    type,
  ) => [stopsProcessing(type), wantsReport(type)]);
  assert.deepEqual(actions, [[true, false], [true, true], [false, false], [false, true]]);
});

Deno.test("fixed fields have the lengths of RFC 9260, section 3.3, and of the extensions", () => {
  assert.equal(fixedLength(ChunkType.Data), 16);
  assert.equal(fixedLength(ChunkType.InitAck), 20);
  assert.equal(fixedLength(ChunkType.Shutdown), 8);
  assert.equal(fixedLength(ChunkType.ShutdownComplete), 4);
  assert.equal(fixedLength(ChunkType.Auth), 8);
  assert.equal(fixedLength(ChunkType.ForwardTsn), 8);
});
