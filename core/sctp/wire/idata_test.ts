import assert from "node:assert/strict";
import fc from "fast-check";
import { tsn } from "../base/serial.ts";
import { chunkFlags, chunkLength } from "./chunk.ts";
import { DataFlag, dataStream, dataTsn } from "./data.ts";
import { describeChunk } from "./describe.ts";
import { hex } from "./fixtures.ts";
import {
  describeIData,
  I_DATA_HEADER_LENGTH,
  iDataMid,
  iDataPpidOrFsn,
  putIDataHeader,
} from "./idata.ts";

function iDataOf(flags: number, payload: number, ...rest: [number, number, number, number]) {
  const [sequence, stream, mid, ppidOrFsn] = rest;
  const bytes = new Uint8Array(I_DATA_HEADER_LENGTH + payload).fill(0xee);
  putIDataHeader(bytes, 0, flags, payload, tsn(sequence), stream, mid, ppidOrFsn);
  return bytes;
}

Deno.test("an I-DATA chunk is encoded as RFC 8260, section 2.1, draws it", () => {
  assert.deepEqual(
    iDataOf(DataFlag.Begin | DataFlag.Unordered, 2, 0x89abcdef, 0xfffe, 0x01020304, 0xa0b0c0d0),
    hex("40 06 0016 89abcdef fffe 0000 01020304 a0b0c0d0 eeee"),
  );
});

Deno.test("an I-DATA chunk comes back as it was written", () => {
  const word = fc.nat(0xffff_ffff);
  fc.assert(fc.property(fc.nat(15), word, fc.nat(0xffff), word, word, (flags, ...fields) => {
    const bytes = iDataOf(flags, 5, ...fields);
    assert.equal(chunkLength(bytes, 0), bytes.length);
    assert.equal(chunkFlags(bytes, 0), flags);
    const read = [dataTsn, dataStream, iDataMid, iDataPpidOrFsn].map((field) => field(bytes, 0));
    assert.deepEqual(read, fields);
  }));
});

Deno.test("an I-DATA chunk in words says which of PPID and FSN it has", () => {
  const first = iDataOf(DataFlag.Begin, 3, 7, 2, 9, 51);
  assert.equal(describeIData(first, 0), "I-DATA TSN 7 stream 2 MID 9 PPID 51 flags B 3 bytes");
  const last = iDataOf(DataFlag.End | DataFlag.Unordered, 1, 8, 2, 9, 1);
  const words = "I-DATA TSN 8 stream 2 unordered MID 9 FSN 1 flags UE 1 bytes";
  assert.equal(describeChunk(last, 0), words);
});
