/**
 * RE-CONFIG and its parameters (RFC 6525, sections 3 and 4).
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  Type = 130   |  Chunk Flags  |         Chunk Length          |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \             one or two of the following parameters            \
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * 13 Outgoing SSN Reset Request   sequence | response sequence | last TSN | streams, 16 bits each
 * 14 Incoming SSN Reset Request   sequence | streams, 16 bits each
 * 15 SSN/TSN Reset Request        sequence
 * 16 Re-configuration Response    sequence | result | (sender's next TSN | receiver's next TSN)
 * 17 Add Outgoing Streams         sequence | streams, 16 bits | reserved, 16 bits
 * 18 Add Incoming Streams         sequence | streams, 16 bits | reserved, 16 bits
 * ```
 * Every field without a width has 32 bits. No stream listed means all streams.
 */
import { readU16, readU32, writeU16, writeU32 } from "../base/bytes.ts";
import { type Tsn, tsn } from "../base/serial.ts";
import { CHUNK_HEADER_LENGTH, chunkLength, newChunk } from "./chunk.ts";
import { ChunkType } from "./chunk_type.ts";
import { fault, isFault, type WireFault } from "./fault.ts";
import { badParameterLength, parameterName, ParameterType } from "./parameter.ts";
import { listItems } from "./text.ts";
import {
  joinTlvs,
  newTlv,
  nextTlv,
  TLV_HEADER_LENGTH,
  tlvIsWhole,
  tlvLength,
  tlvsEnd,
  tlvType,
} from "./tlv.ts";

/** What became of a request (RFC 6525, table 3). */
export const ReconfigResult = {
  NothingToDo: 0,
  Performed: 1,
  Denied: 2,
  WrongSsn: 3,
  /** A request is in progress already. */
  Busy: 4,
  BadSequenceNumber: 5,
  InProgress: 6,
} as const;
export type ReconfigResult = (typeof ReconfigResult)[keyof typeof ReconfigResult];

const RESULT_NAMES = [
  "nothing to do",
  "performed",
  "denied",
  "wrong SSN",
  "request already in progress",
  "bad sequence number",
  "in progress",
] as const;

/** Result of a request in words. */
export function describeResult(result: number): string {
  return RESULT_NAMES[result] ?? `result ${result}`;
}

/** A request by which one side asks the other to take part in a change. */
export type ReconfigRequest =
  /** The sender's streams start again from SSN 0 behind `lastTsn`. */
  | {
    readonly kind: "reset-outgoing";
    readonly sequence: number;
    /** The request of the peer's that this answers, else the last one that came. */
    readonly responseSequence: number;
    /** The last TSN that the sender assigned. */
    readonly lastTsn: Tsn;
    /** Empty: all. */
    readonly streams: readonly number[];
  }
  /** The receiver is to reset streams of its own. */
  | {
    readonly kind: "reset-incoming";
    readonly sequence: number;
    readonly streams: readonly number[];
  }
  /** TSNs and SSNs of both sides start again. */
  | { readonly kind: "reset-association"; readonly sequence: number }
  /** The sender wants so many more streams to send on. */
  | { readonly kind: "add-outgoing"; readonly sequence: number; readonly count: number }
  /** The receiver is to have so many more streams to send on. */
  | { readonly kind: "add-incoming"; readonly sequence: number; readonly count: number };

/** The answer to a request. */
export interface ReconfigResponse {
  readonly kind: "response";
  /** Of the request. */
  readonly sequence: number;
  /** A {@link ReconfigResult}, or what a later version may say. */
  readonly result: number;
  /** Of a reset of the association: the TSNs with which both sides go on. */
  readonly next: { readonly sender: Tsn; readonly receiver: Tsn } | undefined;
}

export type ReconfigParameter = ReconfigRequest | ReconfigResponse;

/** Parameters that a chunk has at most (RFC 6525, section 3.1). */
const MAX_PARAMETERS = 2;

/** Pairs of parameters that may share a chunk, in this order (section 3.1, 3, 7, 9 and 10). */
const PAIRS: readonly string[] = [
  "reset-outgoing reset-incoming",
  "add-outgoing add-incoming",
  "response reset-outgoing",
  "response response",
];

/**
 * Reads the whole RE-CONFIG at `offset`: one parameter, or two that may stand together. Section 3.1
 * lists the pairs in an order that nothing else depends on, so either order is taken.
 */
export function decodeReconfig(
  bytes: Uint8Array,
  offset: number,
): readonly ReconfigParameter[] | WireFault {
  const type = ChunkType.ReConfig;
  const end = offset + chunkLength(bytes, offset);
  const parameters: ReconfigParameter[] = [];
  for (let at = offset + CHUNK_HEADER_LENGTH; !tlvsEnd(at, end); at = nextTlv(bytes, at)) {
    if (!tlvIsWhole(bytes, at, end)) return badParameterLength(bytes, at, type);
    if (parameters.length === MAX_PARAMETERS) {
      return fault("bad-parameter", type, at, "more than two parameters");
    }
    const parameter = decodeParameter(bytes, at);
    if (!parameter) {
      const detail = `${parameterName(tlvType(bytes, at))} of ${tlvLength(bytes, at)} bytes`;
      return fault("bad-parameter", type, at, detail);
    }
    parameters.push(parameter);
  }
  const [first, second] = parameters.map(({ kind }) => kind);
  if (!first) return fault("missing-parameter", type, offset, "RE-CONFIG without parameters");
  const mayStandTogether = !second || PAIRS.includes(`${first} ${second}`) ||
    PAIRS.includes(`${second} ${first}`);
  if (mayStandTogether) return parameters;
  return fault("bad-parameter", type, offset, `${first} together with ${second}`);
}

/** One parameter; `undefined` if its type does not belong here, or its length not to its type. */
function decodeParameter(bytes: Uint8Array, at: number): ReconfigParameter | undefined {
  const length = tlvLength(bytes, at);
  const sequence = readU32(bytes, at + 4);
  switch (tlvType(bytes, at)) {
    case ParameterType.OutgoingSsnReset:
      return hasStreams(length, 16)
        ? {
          kind: "reset-outgoing",
          sequence,
          responseSequence: readU32(bytes, at + 8),
          lastTsn: tsn(readU32(bytes, at + 12)),
          streams: streamsIn(bytes, at + 16, at + length),
        }
        : undefined;
    case ParameterType.IncomingSsnReset:
      return hasStreams(length, 8)
        ? { kind: "reset-incoming", sequence, streams: streamsIn(bytes, at + 8, at + length) }
        : undefined;
    case ParameterType.SsnTsnReset:
      return length === 8 ? { kind: "reset-association", sequence } : undefined;
    case ParameterType.ReconfigResponse:
      return decodeResponse(bytes, at, length, sequence);
    case ParameterType.AddOutgoingStreams:
      return length === 12
        ? { kind: "add-outgoing", sequence, count: readU16(bytes, at + 8) }
        : undefined;
    case ParameterType.AddIncomingStreams:
      return length === 12
        ? { kind: "add-incoming", sequence, count: readU16(bytes, at + 8) }
        : undefined;
    default:
      return undefined;
  }
}

function hasStreams(length: number, fixed: number): boolean {
  return length >= fixed && (length - fixed) % 2 === 0;
}

function streamsIn(bytes: Uint8Array, start: number, end: number): number[] {
  const streams: number[] = [];
  for (let at = start; at < end; at += 2) streams.push(readU16(bytes, at));
  return streams;
}

function decodeResponse(
  bytes: Uint8Array,
  at: number,
  length: number,
  sequence: number,
): ReconfigResponse | undefined {
  if (length !== 12 && length !== 20) return undefined;
  const next = length === 12
    ? undefined
    : { sender: tsn(readU32(bytes, at + 12)), receiver: tsn(readU32(bytes, at + 16)) };
  return { kind: "response", sequence, result: readU32(bytes, at + 8), next };
}

/** A RE-CONFIG with these parameters, which may stand together. */
export function encodeReconfig(parameters: readonly ReconfigParameter[]): Uint8Array {
  return newChunk(ChunkType.ReConfig, 0, joinTlvs(parameters.map(encodeParameter)));
}

function encodeParameter(parameter: ReconfigParameter): Uint8Array {
  switch (parameter.kind) {
    case "reset-outgoing": {
      const { responseSequence, lastTsn, streams } = parameter;
      const fields = [parameter.sequence, responseSequence, lastTsn];
      return newTlv(ParameterType.OutgoingSsnReset, fieldsAndStreams(fields, streams));
    }
    case "reset-incoming": {
      const { sequence, streams } = parameter;
      return newTlv(ParameterType.IncomingSsnReset, fieldsAndStreams([sequence], streams));
    }
    case "reset-association":
      return newTlv(ParameterType.SsnTsnReset, fieldsAndStreams([parameter.sequence], []));
    case "response": {
      const { sequence, result, next } = parameter;
      const fields = next ? [sequence, result, next.sender, next.receiver] : [sequence, result];
      return newTlv(ParameterType.ReconfigResponse, fieldsAndStreams(fields, []));
    }
    case "add-outgoing":
      return newTlv(ParameterType.AddOutgoingStreams, countOf(parameter));
    case "add-incoming":
      return newTlv(ParameterType.AddIncomingStreams, countOf(parameter));
    default:
      return parameter satisfies never;
  }
}

function fieldsAndStreams(fields: readonly number[], streams: readonly number[]): Uint8Array {
  const value = new Uint8Array(4 * fields.length + 2 * streams.length);
  fields.forEach((field, i) => writeU32(value, 4 * i, field));
  streams.forEach((stream, i) => writeU16(value, 4 * fields.length + 2 * i, stream));
  return value;
}

function countOf({ sequence, count }: { sequence: number; count: number }): Uint8Array {
  return fieldsAndStreams([sequence], [count, 0]);
}

/** Streams that an Outgoing SSN Reset Request can list beside other chunks of 1,200 bytes' packets. */
export const MAX_LISTED_STREAMS = (1200 - CHUNK_HEADER_LENGTH - TLV_HEADER_LENGTH - 12) / 2;

/** The whole RE-CONFIG at `offset` in words. */
export function describeReconfig(bytes: Uint8Array, offset: number): string {
  const parameters = decodeReconfig(bytes, offset);
  if (isFault(parameters)) return `malformed RE-CONFIG (${parameters.detail})`;
  return `RE-CONFIG ${parameters.map(describeParameter).join(", ")}`;
}

function describeParameter(parameter: ReconfigParameter): string {
  const { kind, sequence } = parameter;
  switch (kind) {
    case "reset-outgoing": {
      const { lastTsn, streams } = parameter;
      return `${kind} ${sequence} of ${describeStreams(streams)} behind TSN ${lastTsn}`;
    }
    case "reset-incoming":
      return `${kind} ${sequence} of ${describeStreams(parameter.streams)}`;
    case "reset-association":
      return `${kind} ${sequence}`;
    case "response":
      return `${kind} to ${sequence}: ${describeResult(parameter.result)}`;
    case "add-outgoing":
    case "add-incoming":
      return `${kind} ${sequence}: ${parameter.count} streams`;
    default:
      return kind satisfies never;
  }
}

function describeStreams(streams: readonly number[]): string {
  return streams.length === 0 ? "all streams" : `streams ${listItems(streams, String)}`;
}
