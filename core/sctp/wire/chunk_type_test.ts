import assert from "node:assert/strict";
import {
  chunkName,
  ChunkType,
  fixedLength,
  isKnownChunk,
  stopsProcessing,
  wantsReport,
} from "./chunk_type.ts";

Deno.test("every chunk type of RFC 9260 has its name", () => {
  const names = Object.values(ChunkType).map(chunkName).join(", ");
  assert.equal(
    names,
    "DATA, INIT, INIT ACK, SACK, HEARTBEAT, HEARTBEAT ACK, ABORT, SHUTDOWN, SHUTDOWN ACK, ERROR, " +
      "COOKIE ECHO, COOKIE ACK, ECNE, CWR, SHUTDOWN COMPLETE",
  );
});

Deno.test("an unknown chunk type is named by its number", () => {
  assert.equal(chunkName(15), "chunk 15");
  assert.equal(chunkName(255), "chunk 255");
  assert.equal(isKnownChunk(15), false);
  assert.equal(isKnownChunk(14), true);
});

Deno.test("the highest bits of an unknown chunk say what to do with it", () => {
  const actions = [0x3f, 0x7f, 0xbf, 0xff].map((
    type,
  ) => [stopsProcessing(type), wantsReport(type)]);
  assert.deepEqual(actions, [[true, false], [true, true], [false, false], [false, true]]);
});

Deno.test("fixed fields have the lengths of RFC 9260, section 3.3", () => {
  assert.equal(fixedLength(ChunkType.Data), 16);
  assert.equal(fixedLength(ChunkType.InitAck), 20);
  assert.equal(fixedLength(ChunkType.Shutdown), 8);
  assert.equal(fixedLength(ChunkType.ShutdownComplete), 4);
  assert.equal(fixedLength(0x80), 4);
});
