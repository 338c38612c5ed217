/** Packets that an endpoint under test has sent, taken apart for assertions. */
import { readU16 } from "../base/bytes.ts";
import { dataTsn } from "../wire/data.ts";
import { chunkIsWhole, chunkLength, chunkType, nextChunk } from "../wire/chunk.ts";
import { chunkName, type ChunkType } from "../wire/chunk_type.ts";
import { COMMON_HEADER_LENGTH, verificationTag } from "../wire/common_header.ts";
import { describePacket } from "../wire/describe.ts";
import type { Ecn, PacketBatch, Route } from "../packet.ts";

/** One packet; chunks are copies without their padding, so offset 0 of each is its header. */
export interface SentPacket {
  /** Virtual time in milliseconds. */
  readonly at: number;
  /** Source and destination address as text. */
  readonly from: string;
  readonly to: string;
  readonly encapsulationPort: number;
  readonly ecn: Ecn;
  /** See {@link Route}. */
  readonly unfragmented: number | undefined;
  readonly tag: number;
  readonly bytes: Uint8Array;
  readonly chunks: readonly Uint8Array[];
  /** Chunk names, such as `SACK+DATA+DATA`. */
  readonly names: string;
}

/** The packets of a batch. */
export function packetsOf(batch: PacketBatch, at: number): SentPacket[] {
  return Array.from({ length: batch.count }, (_, i) => {
    const start = batch.offsets[i];
    const bytes = batch.memory.slice(start, start + batch.lengths[i]);
    return packetOf(bytes, batch.routes[i] as Route, at);
  });
}

function packetOf(bytes: Uint8Array, route: Route, at: number): SentPacket {
  const chunks = chunksOf(bytes);
  return {
    at,
    from: route.local.text,
    to: route.remote.text,
    encapsulationPort: route.encapsulationPort,
    ecn: route.ecn,
    unfragmented: route.unfragmented,
    tag: verificationTag(bytes, 0),
    bytes,
    chunks,
    names: chunks.map((chunk) => chunkName(chunkType(chunk, 0))).join("+"),
  };
}

/** The chunks of a packet; throws if they do not fill it exactly. */
export function chunksOf(bytes: Uint8Array): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  const end = bytes.length;
  for (let at = COMMON_HEADER_LENGTH; at < end; at = nextChunk(bytes, at, end)) {
    if (!chunkIsWhole(bytes, at, end)) {
      throw new Error(`malformed packet: ${describePacket(bytes, 0, end)}`);
    }
    chunks.push(bytes.slice(at, at + chunkLength(bytes, at)));
  }
  return chunks;
}

/** Names of the chunks of each packet. */
export function namesOf(packets: readonly SentPacket[]): string[] {
  return packets.map((packet) => packet.names);
}

/** All chunks of a type, in the order in which they were sent. */
export function chunksOfType(packets: readonly SentPacket[], type: ChunkType): Uint8Array[] {
  return packets.flatMap(({ chunks }) => chunks.filter((chunk) => chunkType(chunk, 0) === type));
}

/** The first chunk of a type; throws if there is none. */
export function chunkOfType(packets: readonly SentPacket[], type: ChunkType): Uint8Array {
  const [chunk] = chunksOfType(packets, type);
  if (!chunk) throw new Error(`no ${chunkName(type)} in [${namesOf(packets).join(", ")}]`);
  return chunk;
}

/** TSNs of all DATA chunks, in the order in which they were sent. */
export function tsnsOf(packets: readonly SentPacket[]): number[] {
  return chunksOfType(packets, 0).map((chunk) => dataTsn(chunk, 0));
}

/** Cause codes in an ERROR or ABORT chunk. */
export function causeCodesOf(chunk: Uint8Array): number[] {
  const codes: number[] = [];
  for (let at = 4; at + 4 <= chunk.length; at += (readU16(chunk, at + 2) + 3) & ~3) {
    codes.push(readU16(chunk, at));
  }
  return codes;
}
