import assert from "node:assert/strict";
import fc from "fast-check";
import { tsn } from "../base/serial.ts";
import { chunkFlags, chunkLength, chunkType } from "./chunk.ts";
import { ChunkType } from "./chunk_type.ts";
import {
  DATA_HEADER_LENGTH,
  DataFlag,
  dataPayloadLength,
  dataPpid,
  dataSsn,
  dataStream,
  dataTsn,
  describeData,
  putDataHeader,
} from "./data.ts";
import { hex } from "./fixtures.ts";

Deno.test("a DATA header has the layout of RFC 9260, section 3.3.1", () => {
  const bytes = new Uint8Array(DATA_HEADER_LENGTH);
  const flags = DataFlag.Begin | DataFlag.End;
  putDataHeader(bytes, 0, flags, 5, tsn(0x01020304), 0x0506, 0x0708, 0x090a0b0c);
  assert.deepEqual(bytes, hex("00 03 0015 01020304 0506 0708 090a0b0c"));
});

Deno.test("a DATA header comes back as it was written, at any place", () => {
  fc.assert(fc.property(
    fc.nat(50),
    fc.nat(15),
    fc.nat(65519),
    fc.nat(0xffffffff),
    fc.nat(0xffff),
    fc.nat(0xffff),
    fc.nat(0xffffffff),
    (offset, flags, length, sequence, stream, streamSequence, ppid) => {
      const bytes = new Uint8Array(offset + DATA_HEADER_LENGTH + 1).fill(0xee);
      putDataHeader(bytes, offset, flags, length, tsn(sequence), stream, streamSequence, ppid);
      assert.equal(chunkType(bytes, offset), ChunkType.Data);
      assert.equal(chunkFlags(bytes, offset), flags);
      assert.equal(chunkLength(bytes, offset), length + DATA_HEADER_LENGTH);
      assert.equal(dataPayloadLength(bytes, offset), length);
      assert.equal(dataTsn(bytes, offset), sequence);
      assert.equal(dataStream(bytes, offset), stream);
      assert.equal(dataSsn(bytes, offset), streamSequence);
      assert.equal(dataPpid(bytes, offset), ppid);
      assert.ok(bytes.subarray(0, offset).every((byte) => byte === 0xee));
      assert.equal(bytes[offset + DATA_HEADER_LENGTH], 0xee);
    },
  ));
});

Deno.test("a DATA chunk too short for its own fields has a negative payload length", () => {
  assert.equal(dataPayloadLength(hex("0003000f"), 0), -1);
  assert.equal(dataPayloadLength(hex("00030010"), 0), 0);
});

Deno.test("a DATA chunk reads as its fields, an unordered one without SSN", () => {
  const bytes = new Uint8Array(DATA_HEADER_LENGTH);
  putDataHeader(bytes, 0, DataFlag.Begin | DataFlag.End, 5, tsn(7), 1, 2, 3);
  assert.equal(describeData(bytes, 0), "DATA TSN 7 stream 1 SSN 2 PPID 3 flags BE 5 bytes");
  putDataHeader(bytes, 0, DataFlag.Unordered | DataFlag.Immediate, 5, tsn(7), 1, 2, 3);
  assert.equal(describeData(bytes, 0), "DATA TSN 7 stream 1 unordered PPID 3 flags IU 5 bytes");
  putDataHeader(bytes, 0, 0, 5, tsn(7), 1, 2, 3);
  assert.equal(describeData(bytes, 0), "DATA TSN 7 stream 1 SSN 2 PPID 3 flags none 5 bytes");
});
