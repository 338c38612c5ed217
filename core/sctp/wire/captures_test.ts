/** Packets of usrsctp, compared field by field with what tshark read in them. */
import assert from "node:assert/strict";
import { crc32cScalar } from "../checksum/scalar.ts";
import { chunkIsWhole, chunkType, nextChunk } from "./chunk.ts";
import { ChunkType, fixedLength } from "./chunk_type.ts";
import {
  checksumIsRight,
  COMMON_HEADER_LENGTH,
  destinationPort,
  putCommonHeader,
  sealChecksum,
  sourcePort,
  verificationTag,
} from "./common_header.ts";
import { dataPpid, dataSsn, dataStream, dataTsn } from "./data.ts";
import { describePacket } from "./describe.ts";
import { isFault } from "./fault.ts";
import { hex } from "./fixtures.ts";
import { decodeInit, encodeInit } from "./init.ts";
import {
  sackCumulativeTsn,
  sackDuplicate,
  sackDuplicateCount,
  sackGapCount,
  sackGapEnd,
  sackGapStart,
  sackIsWellFormed,
  sackWindow,
} from "./sack.ts";
import { shutdownCumulativeTsn } from "./shutdown.ts";

/** One line of a capture: the packet and what tshark says about it. */
interface Captured {
  readonly hex: string;
  readonly ports: readonly [number, number];
  readonly tag: number;
  readonly chunkTypes: readonly number[];
  readonly data?: readonly unknown[];
  readonly sack?: unknown;
  readonly init?: unknown;
  readonly shutdownTsn?: number;
}

const CAPTURES = ["usrsctp-shutdown", "usrsctp-duplicates"];

function readCapture(name: string): Captured[] {
  const url = new URL(`../../../testdata/captures/${name}.jsonl`, import.meta.url);
  return Deno.readTextFileSync(url).trimEnd().split("\n").map((line) => JSON.parse(line));
}

/** Offsets of the chunks of a packet. */
function chunkOffsets(packet: Uint8Array): number[] {
  const offsets: number[] = [];
  for (
    let at = COMMON_HEADER_LENGTH;
    at < packet.length;
    at = nextChunk(packet, at, packet.length)
  ) {
    assert.ok(chunkIsWhole(packet, at, packet.length));
    offsets.push(at);
  }
  return offsets;
}

function readSack(packet: Uint8Array, at: number): unknown {
  assert.ok(sackIsWellFormed(packet, at));
  const indices = (length: number) => Array.from({ length }, (_, i) => i);
  return {
    cumulativeTsn: sackCumulativeTsn(packet, at),
    window: sackWindow(packet, at),
    gaps: indices(sackGapCount(packet, at))
      .map((i) => [sackGapStart(packet, at, i), sackGapEnd(packet, at, i)]),
    duplicates: indices(sackDuplicateCount(packet, at)).map((i) => sackDuplicate(packet, at, i)),
  };
}

function readInit(packet: Uint8Array, at: number): unknown {
  const init = decodeInit(packet, at);
  assert.ok(!isFault(init));
  const { stateCookie, addresses } = init;
  return {
    initiateTag: init.initiateTag,
    receiverWindow: init.receiverWindow,
    outboundStreams: init.outboundStreams,
    inboundStreams: init.inboundStreams,
    initialTsn: init.initialTsn,
    addresses: addresses.map(String),
    adaptationIndication: init.adaptationIndication,
    cookieLength: stateCookie?.length ?? 0,
  };
}

/** What our readers see in a packet, in the form of a captured line. */
function read(packet: Uint8Array): Omit<Captured, "hex"> {
  const offsets = chunkOffsets(packet);
  const ofType = (...types: number[]) =>
    offsets.filter((at) => types.includes(chunkType(packet, at)));
  const data = ofType(ChunkType.Data).map((at) => ({
    tsn: dataTsn(packet, at),
    stream: dataStream(packet, at),
    ssn: dataSsn(packet, at),
    ppid: dataPpid(packet, at),
  }));
  const [sack] = ofType(ChunkType.Sack);
  const [init] = ofType(ChunkType.Init, ChunkType.InitAck);
  const [shutdown] = ofType(ChunkType.Shutdown);
  return {
    ports: [sourcePort(packet, 0), destinationPort(packet, 0)],
    tag: verificationTag(packet, 0),
    chunkTypes: offsets.map((at) => chunkType(packet, at)),
    ...(data.length > 0 && { data }),
    ...(sack !== undefined && { sack: readSack(packet, sack) }),
    ...(init !== undefined && { init: readInit(packet, init) }),
    ...(shutdown !== undefined && { shutdownTsn: shutdownCumulativeTsn(packet, shutdown) }),
  };
}

for (const name of CAPTURES) {
  const capture = readCapture(name);

  Deno.test(`every packet of ${name} reads as tshark reads it`, () => {
    for (const { hex: digits, ...expected } of capture) {
      assert.deepEqual(read(hex(digits)), expected);
    }
  });

  Deno.test(`every packet of ${name} has a right checksum, and sealing gives the same`, () => {
    for (const { hex: digits } of capture) {
      const packet = hex(digits);
      assert.ok(checksumIsRight(crc32cScalar, packet, 0, packet.length));
      const [source, destination] = [sourcePort(packet, 0), destinationPort(packet, 0)];
      putCommonHeader(packet, 0, source, destination, verificationTag(packet, 0));
      sealChecksum(crc32cScalar, packet, 0, packet.length);
      assert.deepEqual(packet, hex(digits));
    }
  });

  Deno.test(`no packet of ${name} reads as malformed`, () => {
    for (const { hex: digits } of capture) {
      const packet = hex(digits);
      assert.doesNotMatch(describePacket(packet, 0, packet.length), /malformed|truncated/);
    }
  });

  Deno.test(`an INIT of ${name} that is encoded again says the same`, () => {
    for (const { hex: digits } of capture.filter(({ init }) => init)) {
      const init = decodeInit(hex(digits), COMMON_HEADER_LENGTH);
      assert.ok(!isFault(init));
      const type = init.stateCookie ? ChunkType.InitAck : ChunkType.Init;
      const again = decodeInit(encodeInit(type, { ...init, unrecognized: [] }), 0);
      assert.deepEqual(again, { ...init, unrecognized: [] });
    }
  });

  Deno.test(`a packet of ${name} cut anywhere is read without an exception`, () => {
    const seen = new Set<number>();
    for (const { hex: digits } of capture) {
      const packet = hex(digits);
      const type = chunkType(packet, COMMON_HEADER_LENGTH);
      if (seen.has(type)) continue;
      seen.add(type);
      for (let length = 0; length <= packet.length; length++) {
        describePacket(packet.slice(0, length), 0, length);
        packet[COMMON_HEADER_LENGTH + 3] = length;
        if (length >= fixedLength(type)) describePacket(packet, 0, packet.length);
      }
    }
  });
}
