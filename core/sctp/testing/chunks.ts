/** Chunks and packets by hand: templates that show only the fields that matter. */
import { padded, writeU16 } from "../base/bytes.ts";
import { type Tsn, tsn } from "../base/serial.ts";
import { crc32cScalar } from "../checksum/scalar.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { COMMON_HEADER_LENGTH, putCommonHeader, sealChecksum } from "../wire/common_header.ts";
import { DATA_HEADER_LENGTH, DataFlag, putDataHeader } from "../wire/data.ts";
import { forwardTsnLength, putForwardTsnHeader, putSkippedStream } from "../wire/forward_tsn.ts";
import {
  iForwardTsnLength,
  putIForwardTsnHeader,
  putSkippedMessage,
} from "../wire/i_forward_tsn.ts";
import { putBlock, putDuplicateTsn } from "../wire/gap_blocks.ts";
import { I_DATA_HEADER_LENGTH, putIDataHeader } from "../wire/idata.ts";
import { encodeInit, type InitFields } from "../wire/init.ts";
import { NR_SACK_HEADER_LENGTH, putNrSackHeader } from "../wire/nr_sack.ts";
import { putSackDuplicate, putSackGap, putSackHeader, SACK_HEADER_LENGTH } from "../wire/sack.ts";

/** A packet of these chunks, padded and with its checksum. */
export function packet(
  sourcePort: number,
  destinationPort: number,
  tag: number,
  chunks: readonly Uint8Array[],
): Uint8Array {
  const length = chunks.reduce((sum, { length }) => sum + padded(length), COMMON_HEADER_LENGTH);
  const bytes = new Uint8Array(length);
  putCommonHeader(bytes, 0, sourcePort, destinationPort, tag);
  let at = COMMON_HEADER_LENGTH;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += padded(chunk.length);
  }
  return seal(bytes);
}

/** Puts the right checksum into a packet that was changed. */
export function seal(bytes: Uint8Array): Uint8Array {
  sealChecksum(crc32cScalar, bytes, 0, bytes.length);
  return bytes;
}

/** Any chunk; its length field says what is there. */
export function rawChunk(type: number, flags = 0, value: Uint8Array = new Uint8Array(0)) {
  const chunk = new Uint8Array(4 + value.length);
  chunk[0] = type;
  chunk[1] = flags;
  writeU16(chunk, 2, chunk.length);
  chunk.set(value, 4);
  return chunk;
}

/** Any parameter or error cause. */
export function parameter(type: number, value: Uint8Array = new Uint8Array(0)): Uint8Array {
  const item = new Uint8Array(padded(4 + value.length));
  writeU16(item, 0, type);
  writeU16(item, 2, 4 + value.length);
  item.set(value, 4);
  return item;
}

export interface DataTemplate {
  readonly stream?: number;
  readonly ssn?: number;
  readonly ppid?: number;
  readonly unordered?: boolean;
  readonly immediate?: boolean;
  /** Fragment marks: "B", "E", "BE" (default) or "". */
  readonly marks?: "B" | "E" | "BE" | "";
  /** User data, or its length. */
  readonly payload?: Uint8Array | number;
}

/** A DATA chunk; a whole message of 10 bytes on stream 0 if nothing else is said. */
export function data(sequence: number, template: DataTemplate = {}): Uint8Array {
  const { stream = 0, ssn = 0, ppid = 0, marks = "BE", payload = 10 } = template;
  const bytes = typeof payload === "number" ? new Uint8Array(payload).fill(sequence) : payload;
  let flags = 0;
  if (marks.includes("B")) flags |= DataFlag.Begin;
  if (marks.includes("E")) flags |= DataFlag.End;
  if (template.unordered) flags |= DataFlag.Unordered;
  if (template.immediate) flags |= DataFlag.Immediate;
  const chunk = new Uint8Array(DATA_HEADER_LENGTH + bytes.length);
  putDataHeader(chunk, 0, flags, bytes.length, tsn(sequence), stream, ssn, ppid);
  chunk.set(bytes, DATA_HEADER_LENGTH);
  return chunk;
}

export interface IDataTemplate extends Omit<DataTemplate, "ssn"> {
  readonly mid?: number;
  /** Means nothing with the mark "B". */
  readonly fsn?: number;
}

/** An I-DATA chunk; a whole message of 10 bytes on stream 0 if nothing else is said. */
export function iData(sequence: number, template: IDataTemplate = {}): Uint8Array {
  const { stream = 0, mid = 0, fsn = 0, ppid = 0, marks = "BE" } = template;
  const plain = data(sequence, template);
  const payload = plain.subarray(DATA_HEADER_LENGTH);
  const chunk = new Uint8Array(I_DATA_HEADER_LENGTH + payload.length);
  const ppidOrFsn = marks.includes("B") ? ppid : fsn;
  putIDataHeader(chunk, 0, plain[1], payload.length, tsn(sequence), stream, mid, ppidOrFsn);
  chunk.set(payload, I_DATA_HEADER_LENGTH);
  return chunk;
}

export interface SackTemplate {
  readonly window?: number;
  /** First and last TSN of each block, as distances from the Cumulative TSN Ack. */
  readonly gaps?: readonly (readonly [number, number])[];
  readonly duplicates?: readonly number[];
}

/** A SACK; the window is wide open if nothing else is said. */
export function sack(cumulative: number, template: SackTemplate = {}): Uint8Array {
  const { window = 1 << 20, gaps = [], duplicates = [] } = template;
  const chunk = new Uint8Array(SACK_HEADER_LENGTH + 4 * (gaps.length + duplicates.length));
  putSackHeader(chunk, 0, tsn(cumulative), window, gaps.length, duplicates.length);
  gaps.forEach(([first, last], i) => putSackGap(chunk, 0, i, first, last));
  duplicates.forEach((value, i) => putSackDuplicate(chunk, 0, gaps.length, i, value as Tsn));
  return chunk;
}

export interface NrSackTemplate extends SackTemplate {
  /** NR Gap Ack Blocks; {@link gaps} are the renegable ones. */
  readonly firm?: readonly (readonly [number, number])[];
}

/** An NR-SACK; the window is wide open if nothing else is said. */
export function nrSack(cumulative: number, template: NrSackTemplate = {}): Uint8Array {
  const { window = 1 << 20, gaps = [], firm = [], duplicates = [] } = template;
  const blocks = [...gaps, ...firm];
  const chunk = new Uint8Array(NR_SACK_HEADER_LENGTH + 4 * (blocks.length + duplicates.length));
  const counts = [gaps.length, firm.length, duplicates.length] as const;
  putNrSackHeader(chunk, 0, tsn(cumulative), window, ...counts);
  blocks.forEach(([first, last], i) => putBlock(chunk, NR_SACK_HEADER_LENGTH, i, first, last));
  const duplicatesAt = NR_SACK_HEADER_LENGTH + 4 * blocks.length;
  duplicates.forEach((value, i) => putDuplicateTsn(chunk, duplicatesAt, i, value as Tsn));
  return chunk;
}

/** A FORWARD TSN; each entry is a stream and the highest Stream Sequence Number that it skips. */
export function forwardTsn(
  cumulative: number,
  skipped: readonly (readonly [stream: number, ssn: number])[] = [],
): Uint8Array {
  const chunk = new Uint8Array(forwardTsnLength(skipped.length));
  putForwardTsnHeader(chunk, 0, tsn(cumulative), skipped.length);
  skipped.forEach(([stream, ssn], i) => putSkippedStream(chunk, 0, i, stream, ssn));
  return chunk;
}

/** What an I-FORWARD-TSN skips in a stream: messages up to a number, ordered ones unless it says "U". */
export type SkippedMessage = readonly [stream: number, mid: number, order?: "U"];

/** An I-FORWARD-TSN. */
export function iForwardTsn(
  cumulative: number,
  skipped: readonly SkippedMessage[] = [],
): Uint8Array {
  const chunk = new Uint8Array(iForwardTsnLength(skipped.length));
  putIForwardTsnHeader(chunk, 0, tsn(cumulative), skipped.length);
  skipped.forEach(([stream, mid, order], i) =>
    putSkippedMessage(chunk, 0, i, stream, order === "U", mid)
  );
  return chunk;
}

/** What an INIT or INIT ACK says if the test does not care. */
export const INIT_DEFAULTS = {
  initiateTag: 0x5eed_0001,
  receiverWindow: 1 << 20,
  outboundStreams: 10,
  inboundStreams: 10,
  initialTsn: tsn(1000),
} as const satisfies InitFields;

/** An INIT chunk. */
export function init(fields: Partial<InitFields> = {}, extra?: Uint8Array): Uint8Array {
  return withExtra(encodeInit(ChunkType.Init, { ...INIT_DEFAULTS, ...fields }), extra);
}

/** An INIT ACK chunk; without `stateCookie: undefined` it carries one of four bytes. */
export function initAck(fields: Partial<InitFields> = {}, extra?: Uint8Array): Uint8Array {
  const stateCookie = Uint8Array.of(1, 2, 3, 4);
  const init = { ...INIT_DEFAULTS, stateCookie, ...fields };
  return withExtra(encodeInit(ChunkType.InitAck, init), extra);
}

/** The chunk with one more parameter at its end. */
function withExtra(chunk: Uint8Array, extra: Uint8Array | undefined): Uint8Array {
  if (!extra) return chunk;
  const longer = new Uint8Array(chunk.length + extra.length);
  longer.set(chunk);
  longer.set(extra, chunk.length);
  writeU16(longer, 2, longer.length);
  return longer;
}
