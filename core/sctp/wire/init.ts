/**
 * INIT and INIT ACK (RFC 9260, sections 3.3.2 and 3.3.3).
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * | Type = 1 or 2 |  Chunk Flags  |         Chunk Length          |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                         Initiate Tag                          |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |          Advertised Receiver Window Credit (a_rwnd)           |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  Number of Outbound Streams   |   Number of Inbound Streams   |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                          Initial TSN                          |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \              Optional/Variable-Length Parameters              \
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 */
import type { IpAddress } from "../base/address.ts";
import { padded, readU16, readU32, writeU16, writeU32 } from "../base/bytes.ts";
import { type Tsn, tsn } from "../base/serial.ts";
import {
  decodeAddress,
  encodeAddress,
  isAddressType,
  isUsableAddress,
  MAX_ADDRESSES,
} from "./address_parameter.ts";
import { authParameterList, type PartialAuthParameters } from "./auth_parameters.ts";
import {
  CHUNK_HEADER_LENGTH,
  chunkLength,
  chunkType,
  MAX_CHUNK_LENGTH,
  newChunk,
} from "./chunk.ts";
import { CHUNK_TYPES, chunkName, type ChunkType } from "./chunk_type.ts";
import { fault, type WireFault } from "./fault.ts";
import {
  badParameterLength,
  parameterName,
  parameterStopsProcessing,
  ParameterType,
  parameterWantsReport,
} from "./parameter.ts";
import {
  joinTlvs,
  newTlv,
  nextTlv,
  TLV_HEADER_LENGTH,
  tlvBytes,
  tlvIsWhole,
  tlvLength,
  tlvsEnd,
  tlvType,
  tlvValue,
} from "./tlv.ts";

/** Bytes in front of the parameters. */
export const INIT_HEADER_LENGTH = 20;

/**
 * The most parameters of one kind that are kept: unknown ones of the peer's to report, and reports
 * about ours. RFC 9260, section 12.4, lets a receiver omit reports so that an answer stays small.
 */
export const MAX_UNRECOGNIZED = 16;

/** A decoded INIT or INIT ACK. All byte arrays are copies. */
export interface InitChunk {
  /** Verification Tag that the peer wants to see. 0 is invalid, and left to the caller to refuse. */
  initiateTag: number;
  /** Advertised Receiver Window Credit in bytes. Less than 1500 is for the caller to refuse. */
  receiverWindow: number;
  /** Number of Outbound Streams (OS). 0 is for the caller to refuse. */
  outboundStreams: number;
  /** Number of Inbound Streams (MIS). 0 is for the caller to refuse. */
  inboundStreams: number;
  initialTsn: Tsn;
  /** Usable addresses among the first {@link MAX_ADDRESSES} listed, in the peer's order. */
  addresses: IpAddress[];
  /** Address parameter types (5, 6) that the peer can use; `undefined` means any. */
  supportedAddressTypes: number[] | undefined;
  /** Suggested Cookie Life-Span Increment in milliseconds. */
  cookiePreservative: number | undefined;
  /** The State Cookie of an INIT ACK. */
  stateCookie: Uint8Array | undefined;
  /** True if the peer understands ECN (reserved in RFC 9260, table 6, note 2). */
  ecnCapable: boolean;
  /** Adaptation code point (RFC 5061, section 4.2.6). */
  adaptationIndication: number | undefined;
  /** True if the peer understands FORWARD TSN (RFC 3758, section 3.1). */
  forwardTsnSupported: boolean;
  /** The peer takes packets without a checksum if this method finds errors (RFC 9653, section 4). */
  errorDetectionMethod: number | undefined;
  /** Chunk types of the extensions that the peer names (RFC 5061, section 4.2.7). */
  supportedExtensions: number[];
  /** RANDOM, CHUNKS and HMAC-ALGO as they came (RFC 4895, section 3). */
  auth: PartialAuthParameters;
  /** The whole Host Name Address parameter: its presence calls for an ABORT (section 3.3.2.1.4). */
  hostName: Uint8Array | undefined;
  /** Whole parameters of ours that the peer reports as unknown to it. */
  unrecognizedInPeer: Uint8Array[];
  /** Whole parameters of the peer's that are unknown here and whose action bits ask for a report. */
  unrecognized: Uint8Array[];
}

/** What {@link encodeInit} writes: an {@link InitChunk}, its optional parameters left out at will. */
export interface InitFields {
  readonly initiateTag: number;
  readonly receiverWindow: number;
  readonly outboundStreams: number;
  readonly inboundStreams: number;
  readonly initialTsn: Tsn;
  readonly addresses?: readonly IpAddress[];
  readonly supportedAddressTypes?: readonly number[];
  readonly cookiePreservative?: number;
  readonly stateCookie?: Uint8Array;
  readonly ecnCapable?: boolean;
  readonly adaptationIndication?: number;
  readonly forwardTsnSupported?: boolean;
  readonly errorDetectionMethod?: number;
  /** Chunk types; the parameter is left out if there are none. */
  readonly supportedExtensions?: readonly number[];
  readonly auth?: PartialAuthParameters;
  /** Parameters to report in Unrecognized Parameter parameters. */
  readonly unrecognized?: readonly Uint8Array[];
}

/**
 * Reads the whole INIT or INIT ACK chunk at `offset`.
 *
 * Known parameters that stand where the RFC has no use for them are skipped; of one that may stand
 * only once, the first counts.
 */
export function decodeInit(bytes: Uint8Array, offset: number): InitChunk | WireFault {
  const type = chunkType(bytes, offset);
  const length = chunkLength(bytes, offset);
  if (length < INIT_HEADER_LENGTH) {
    return fault("too-short", type, offset, `${chunkName(type)} of ${length} bytes`);
  }
  const reading: Reading = { init: decodeFixedFields(bytes, offset), addressesRead: 0 };
  const end = offset + length;
  for (let at = offset + INIT_HEADER_LENGTH; !tlvsEnd(at, end); at = nextTlv(bytes, at)) {
    if (!tlvIsWhole(bytes, at, end)) return badParameterLength(bytes, at, type);
    const parameter = tlvType(bytes, at);
    const take = KNOWN.get(parameter);
    if (take === undefined) {
      if (parameterWantsReport(parameter)) keep(reading.init.unrecognized, tlvBytes(bytes, at));
      if (parameterStopsProcessing(parameter)) break;
    } else if (!take(reading, bytes, at)) {
      const detail = `${parameterName(parameter)} of ${tlvLength(bytes, at)} bytes`;
      return fault("bad-parameter", type, at, detail);
    }
  }
  return reading.init;
}

interface Reading {
  readonly init: InitChunk;
  addressesRead: number;
}

/** Takes in the parameter at an offset; false if its length does not suit its type. */
type Take = (reading: Reading, bytes: Uint8Array, at: number) => boolean;

const KNOWN = new Map<number, Take>([
  [ParameterType.HeartbeatInfo, () => true],
  [ParameterType.Ipv4Address, takeAddress],
  [ParameterType.Ipv6Address, takeAddress],
  [ParameterType.StateCookie, ({ init }, bytes, at) => {
    init.stateCookie ??= tlvValue(bytes, at);
    return true;
  }],
  [ParameterType.UnrecognizedParameter, ({ init }, bytes, at) => {
    keep(init.unrecognizedInPeer, tlvValue(bytes, at));
    return true;
  }],
  [ParameterType.CookiePreservative, ({ init }, bytes, at) => {
    init.cookiePreservative ??= readU32(bytes, at + TLV_HEADER_LENGTH);
    return tlvLength(bytes, at) === 8;
  }],
  [ParameterType.HostNameAddress, ({ init }, bytes, at) => {
    init.hostName ??= tlvBytes(bytes, at);
    return true;
  }],
  [ParameterType.SupportedAddressTypes, ({ init }, bytes, at) => {
    init.supportedAddressTypes ??= addressTypes(bytes, at);
    return true;
  }],
  [ParameterType.EcnCapable, ({ init }, bytes, at) => {
    init.ecnCapable = true;
    return tlvLength(bytes, at) === TLV_HEADER_LENGTH;
  }],
  [ParameterType.ForwardTsnSupported, ({ init }, bytes, at) => {
    init.forwardTsnSupported = true;
    return tlvLength(bytes, at) === TLV_HEADER_LENGTH;
  }],
  [ParameterType.ZeroChecksumAcceptable, ({ init }, bytes, at) => {
    init.errorDetectionMethod ??= readU32(bytes, at + TLV_HEADER_LENGTH);
    return tlvLength(bytes, at) === 8;
  }],
  [ParameterType.AdaptationLayerIndication, ({ init }, bytes, at) => {
    init.adaptationIndication ??= readU32(bytes, at + TLV_HEADER_LENGTH);
    return tlvLength(bytes, at) === 8;
  }],
  [ParameterType.SupportedExtensions, ({ init }, bytes, at) => {
    if (init.supportedExtensions.length === 0) {
      init.supportedExtensions = Array.from(tlvValue(bytes, at).subarray(0, CHUNK_TYPES));
    }
    return true;
  }],
  [ParameterType.Random, ({ init }, bytes, at) => {
    init.auth.random ??= tlvBytes(bytes, at);
    return true;
  }],
  [ParameterType.ChunkList, ({ init }, bytes, at) => {
    init.auth.chunkList ??= tlvBytes(bytes, at);
    return true;
  }],
  [ParameterType.RequestedHmacAlgorithm, ({ init }, bytes, at) => {
    init.auth.hmacList ??= tlvBytes(bytes, at);
    return true;
  }],
]);

function decodeFixedFields(bytes: Uint8Array, offset: number): InitChunk {
  return {
    initiateTag: readU32(bytes, offset + 4),
    receiverWindow: readU32(bytes, offset + 8),
    outboundStreams: readU16(bytes, offset + 12),
    inboundStreams: readU16(bytes, offset + 14),
    initialTsn: tsn(readU32(bytes, offset + 16)),
    addresses: [],
    supportedAddressTypes: undefined,
    cookiePreservative: undefined,
    stateCookie: undefined,
    ecnCapable: false,
    adaptationIndication: undefined,
    forwardTsnSupported: false,
    errorDetectionMethod: undefined,
    supportedExtensions: [],
    auth: {},
    hostName: undefined,
    unrecognizedInPeer: [],
    unrecognized: [],
  };
}

function takeAddress(reading: Reading, bytes: Uint8Array, at: number): boolean {
  if (reading.addressesRead === MAX_ADDRESSES) return true;
  reading.addressesRead++;
  const address = decodeAddress(bytes, at);
  if (address && isUsableAddress(address)) reading.init.addresses.push(address);
  return address !== undefined;
}

/** IPv4 and IPv6 as listed: a host name MUST be ignored, and other types mean nothing here. */
function addressTypes(bytes: Uint8Array, at: number): number[] {
  const types: number[] = [];
  const end = at + tlvLength(bytes, at);
  for (let i = at + TLV_HEADER_LENGTH; i + 2 <= end; i += 2) {
    const type = readU16(bytes, i);
    if (isAddressType(type) && !types.includes(type)) types.push(type);
  }
  return types;
}

function keep(list: Uint8Array[], parameter: Uint8Array): void {
  if (list.length < MAX_UNRECOGNIZED) list.push(parameter);
}

/**
 * A chunk of type INIT or INIT ACK, padded.
 *
 * Reports of unrecognized parameters that would not fit into a chunk any more are left out.
 * @throws RangeError if the other fields do not fit into a chunk (65,535 bytes).
 */
export function encodeInit(
  type: typeof ChunkType.Init | typeof ChunkType.InitAck,
  init: InitFields,
): Uint8Array {
  const parameters = joinTlvs(fitting(encodeParameters(init), init.unrecognized ?? []));
  const value = new Uint8Array(INIT_HEADER_LENGTH - CHUNK_HEADER_LENGTH + parameters.length);
  writeU32(value, 0, init.initiateTag);
  writeU32(value, 4, init.receiverWindow);
  writeU16(value, 8, init.outboundStreams);
  writeU16(value, 10, init.inboundStreams);
  writeU32(value, 12, init.initialTsn);
  value.set(parameters, INIT_HEADER_LENGTH - CHUNK_HEADER_LENGTH);
  return newChunk(type, 0, value);
}

function encodeParameters(init: InitFields): Uint8Array[] {
  const parameters: Uint8Array[] = [];
  if (init.stateCookie) parameters.push(newTlv(ParameterType.StateCookie, init.stateCookie));
  for (const address of init.addresses ?? []) parameters.push(encodeAddress(address));
  if (init.cookiePreservative !== undefined) {
    parameters.push(numberParameter(ParameterType.CookiePreservative, init.cookiePreservative));
  }
  if (init.ecnCapable) parameters.push(newTlv(ParameterType.EcnCapable, new Uint8Array(0)));
  if (init.forwardTsnSupported) {
    parameters.push(newTlv(ParameterType.ForwardTsnSupported, new Uint8Array(0)));
  }
  if (init.errorDetectionMethod !== undefined) {
    const method = init.errorDetectionMethod;
    parameters.push(numberParameter(ParameterType.ZeroChecksumAcceptable, method));
  }
  if (init.supportedAddressTypes) parameters.push(typesParameter(init.supportedAddressTypes));
  if (init.adaptationIndication !== undefined) {
    const indication = init.adaptationIndication;
    parameters.push(numberParameter(ParameterType.AdaptationLayerIndication, indication));
  }
  if (init.supportedExtensions && init.supportedExtensions.length > 0) {
    const types = Uint8Array.from(init.supportedExtensions);
    parameters.push(newTlv(ParameterType.SupportedExtensions, types));
  }
  if (init.auth) parameters.push(...authParameterList(init.auth));
  return parameters;
}

function numberParameter(type: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  writeU32(bytes, 0, value);
  return newTlv(type, bytes);
}

function typesParameter(types: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(2 * types.length);
  types.forEach((type, i) => writeU16(bytes, 2 * i, type));
  return newTlv(ParameterType.SupportedAddressTypes, bytes);
}

/** The parameters and, behind them, as many reports as a chunk has room for. */
function fitting(parameters: Uint8Array[], unrecognized: readonly Uint8Array[]): Uint8Array[] {
  let length = parameters.reduce((sum, item) => sum + padded(item.length), INIT_HEADER_LENGTH);
  const all = [...parameters];
  for (const item of unrecognized) {
    length += padded(TLV_HEADER_LENGTH + item.length);
    if (length > MAX_CHUNK_LENGTH) break;
    all.push(newTlv(ParameterType.UnrecognizedParameter, item));
  }
  return all;
}
