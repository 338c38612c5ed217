/** Writing and reading chunks: DATA and SACK in place, INIT and INIT ACK as values. */
import { IpAddress } from "../core/sctp/base/address.ts";
import { tsn } from "../core/sctp/base/serial.ts";
import { chunkFlags } from "../core/sctp/wire/chunk.ts";
import { ChunkType } from "../core/sctp/wire/chunk_type.ts";
import {
  DataFlag,
  dataPayloadLength,
  dataPpid,
  dataSsn,
  dataStream,
  dataTsn,
  putDataHeader,
} from "../core/sctp/wire/data.ts";
import { decodeInit, encodeInit, type InitFields } from "../core/sctp/wire/init.ts";
import {
  putSackGap,
  putSackHeader,
  sackCumulativeTsn,
  sackGapCount,
  sackGapEnd,
  sackGapStart,
  sackIsWellFormed,
  sackWindow,
} from "../core/sctp/wire/sack.ts";
import type { Benchmark } from "./benchmark.ts";
import { nanosecondsEach, type Operation } from "./measure.ts";

/** Gap ack blocks of the measured SACK: what a short loss leaves. */
const GAPS = 2;
const COOKIE_BYTES = 160;
const PAYLOAD_BYTES = 1444;

const chunk = new Uint8Array(2048);

const INIT: InitFields = {
  initiateTag: 0x1234_5678,
  receiverWindow: 4 << 20,
  outboundStreams: 64,
  inboundStreams: 65_535,
  initialTsn: tsn(1),
  addresses: ["192.0.2.1", "198.51.100.1", "2001:db8::1"].map((text) => IpAddress.parse(text)),
  supportedAddressTypes: [5, 6],
  ecnCapable: true,
};
const INIT_ACK: InitFields = { ...INIT, stateCookie: new Uint8Array(COOKIE_BYTES) };

export const wire: Benchmark = {
  name: "wire",
  title: "Chunks of a packet",
  run(context) {
    const measure = (row: string, column: string, operation: Operation) =>
      context.keep({
        row,
        column,
        unit: "ns",
        samples: nanosecondsEach(operation, context.effort),
      });
    measure("DATA", "encode", encodeData);
    measure("DATA", "decode", decodeData);
    measure(`SACK with ${GAPS} gaps`, "encode", encodeSack);
    measure(`SACK with ${GAPS} gaps`, "decode", decodeSack);
    for (const [row, type, fields] of INITS) {
      measure(row, "encode", encodeOf(type, fields));
      measure(row, "decode", decodeOf(type, fields));
    }
  },
};

const INITS = [
  ["INIT with 3 addresses", ChunkType.Init, INIT],
  ["INIT ACK with 3 addresses", ChunkType.InitAck, INIT_ACK],
] as const;

function encodeData(count: number): number {
  const flags = DataFlag.Begin | DataFlag.End;
  for (let i = 0; i < count; i++) {
    putDataHeader(chunk, 0, flags, PAYLOAD_BYTES, tsn(i), i & 63, i & 0xffff, i);
  }
  return chunk[7];
}

function decodeData(count: number): number {
  encodeData(1);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    chunk[7] = i;
    sum += dataTsn(chunk, 0) ^ dataStream(chunk, 0) ^ dataSsn(chunk, 0) ^ dataPpid(chunk, 0);
    sum += chunkFlags(chunk, 0) ^ dataPayloadLength(chunk, 0);
  }
  return sum;
}

function encodeSack(count: number): number {
  for (let i = 0; i < count; i++) {
    putSackHeader(chunk, 0, tsn(i), 1 << 20, GAPS, 0);
    for (let gap = 0; gap < GAPS; gap++) putSackGap(chunk, 0, gap, 4 * gap + 2, 4 * gap + 3);
  }
  return chunk[7];
}

function decodeSack(count: number): number {
  encodeSack(1);
  let sum = 0;
  for (let i = 0; i < count; i++) {
    chunk[7] = i;
    if (!sackIsWellFormed(chunk, 0)) break;
    sum += sackCumulativeTsn(chunk, 0) ^ sackWindow(chunk, 0);
    for (let gap = sackGapCount(chunk, 0) - 1; gap >= 0; gap--) {
      sum += sackGapEnd(chunk, 0, gap) - sackGapStart(chunk, 0, gap);
    }
  }
  return sum;
}

function encodeOf(type: typeof ChunkType.Init | typeof ChunkType.InitAck, fields: InitFields) {
  return (count: number) => {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += encodeInit(type, fields).length;
    return sum;
  };
}

function decodeOf(type: typeof ChunkType.Init | typeof ChunkType.InitAck, fields: InitFields) {
  const bytes = encodeInit(type, fields);
  return (count: number) => {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const init = decodeInit(bytes, 0);
      sum += "addresses" in init ? init.addresses.length : 0;
    }
    return sum;
  };
}
