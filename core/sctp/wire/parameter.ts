/**
 * Chunk parameters (RFC 9260, section 3.2.1): types, names, action bits and the walk over them.
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |        Parameter Type         |       Parameter Length        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \                        Parameter Value                        \
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 */
import { fault, type WireFault } from "./fault.ts";
import { nextTlv, tlvBytes, tlvIsWhole, tlvLength, tlvsEnd, tlvType } from "./tlv.ts";

/** Parameter types that have a name here; not all of them are understood by the engine. */
export const ParameterType = {
  /** RFC 9260, section 3.3.5. */
  HeartbeatInfo: 1,
  /** RFC 9260, section 3.3.2.1.1. */
  Ipv4Address: 5,
  /** RFC 9260, section 3.3.2.1.2. */
  Ipv6Address: 6,
  /** RFC 9260, section 3.3.3.1.1. */
  StateCookie: 7,
  /** RFC 9260, section 3.3.3.1.2. */
  UnrecognizedParameter: 8,
  /** RFC 9260, section 3.3.2.1.3. */
  CookiePreservative: 9,
  /** RFC 9260, section 3.3.2.1.4: deprecated, its presence calls for an ABORT. */
  HostNameAddress: 11,
  /** RFC 9260, section 3.3.2.1.5. */
  SupportedAddressTypes: 12,
  /** RFC 6525, section 4.1. */
  OutgoingSsnReset: 13,
  /** RFC 6525, section 4.2. */
  IncomingSsnReset: 14,
  /** RFC 6525, section 4.3. */
  SsnTsnReset: 15,
  /** RFC 6525, section 4.4. */
  ReconfigResponse: 16,
  /** RFC 6525, section 4.5. */
  AddOutgoingStreams: 17,
  /** RFC 6525, section 4.6. */
  AddIncomingStreams: 18,
  /** RFC 9260, table 6, note 2. */
  EcnCapable: 0x8000,
  /** RFC 9653, section 4. */
  ZeroChecksumAcceptable: 0x8001,
  /** RFC 4895, section 3.1. */
  Random: 0x8002,
  /** RFC 4895, section 3.2. */
  ChunkList: 0x8003,
  /** RFC 4895, section 3.3. */
  RequestedHmacAlgorithm: 0x8004,
  /** RFC 4820, section 4. */
  Padding: 0x8005,
  /** RFC 5061, section 4.2.7. */
  SupportedExtensions: 0x8008,
  /** RFC 3758, section 3.1. */
  ForwardTsnSupported: 0xc000,
  /** RFC 5061, section 4.2.1. */
  AddIpAddress: 0xc001,
  /** RFC 5061, section 4.2.2. */
  DeleteIpAddress: 0xc002,
  /** RFC 5061, section 4.2.3. */
  ErrorCauseIndication: 0xc003,
  /** RFC 5061, section 4.2.4. */
  SetPrimaryAddress: 0xc004,
  /** RFC 5061, section 4.2.5. */
  SuccessIndication: 0xc005,
  /** RFC 5061, section 4.2.6. */
  AdaptationLayerIndication: 0xc006,
} as const;

const NAMES = new Map<number, string>([
  [ParameterType.HeartbeatInfo, "Heartbeat Info"],
  [ParameterType.Ipv4Address, "IPv4 Address"],
  [ParameterType.Ipv6Address, "IPv6 Address"],
  [ParameterType.StateCookie, "State Cookie"],
  [ParameterType.UnrecognizedParameter, "Unrecognized Parameter"],
  [ParameterType.CookiePreservative, "Cookie Preservative"],
  [ParameterType.HostNameAddress, "Host Name Address"],
  [ParameterType.SupportedAddressTypes, "Supported Address Types"],
  [ParameterType.OutgoingSsnReset, "Outgoing SSN Reset Request"],
  [ParameterType.IncomingSsnReset, "Incoming SSN Reset Request"],
  [ParameterType.SsnTsnReset, "SSN/TSN Reset Request"],
  [ParameterType.ReconfigResponse, "Re-configuration Response"],
  [ParameterType.AddOutgoingStreams, "Add Outgoing Streams Request"],
  [ParameterType.AddIncomingStreams, "Add Incoming Streams Request"],
  [ParameterType.EcnCapable, "ECN Capable"],
  [ParameterType.ZeroChecksumAcceptable, "Zero Checksum Acceptable"],
  [ParameterType.Random, "Random"],
  [ParameterType.ChunkList, "Chunk List"],
  [ParameterType.RequestedHmacAlgorithm, "Requested HMAC Algorithm"],
  [ParameterType.Padding, "Padding"],
  [ParameterType.SupportedExtensions, "Supported Extensions"],
  [ParameterType.ForwardTsnSupported, "Forward TSN Supported"],
  [ParameterType.AddIpAddress, "Add IP Address"],
  [ParameterType.DeleteIpAddress, "Delete IP Address"],
  [ParameterType.ErrorCauseIndication, "Error Cause Indication"],
  [ParameterType.SetPrimaryAddress, "Set Primary Address"],
  [ParameterType.SuccessIndication, "Success Indication"],
  [ParameterType.AdaptationLayerIndication, "Adaptation Layer Indication"],
]);

/** The name of a parameter type as its RFC writes it, or `parameter 0x....` for an unknown one. */
export function parameterName(type: number): string {
  return NAMES.get(type) ?? `parameter 0x${type.toString(16).padStart(4, "0")}`;
}

/**
 * True if an unknown parameter of this type ends the processing of its chunk's parameters: highest
 * bits 00 or 01 (RFC 9260, section 3.2.1, table 3).
 */
export function parameterStopsProcessing(type: number): boolean {
  return (type & 0x8000) === 0;
}

/** True if an unknown parameter of this type is to be reported: bits 01 or 11. */
export function parameterWantsReport(type: number): boolean {
  return (type & 0x4000) !== 0;
}

/** A parameter as it arrived. */
export interface RawParameter {
  readonly type: number;
  /** The whole parameter, type and length included, padding not; a copy. */
  readonly bytes: Uint8Array;
}

/**
 * Copies the parameters that lie between `start` and `end`.
 * @param chunkType type of the chunk they stand in, for the fault.
 */
export function walkParameters(
  bytes: Uint8Array,
  start: number,
  end: number,
  chunkType = -1,
): RawParameter[] | WireFault {
  const parameters: RawParameter[] = [];
  for (let offset = start; !tlvsEnd(offset, end); offset = nextTlv(bytes, offset)) {
    if (!tlvIsWhole(bytes, offset, end)) return badParameterLength(bytes, offset, chunkType);
    parameters.push({ type: tlvType(bytes, offset), bytes: tlvBytes(bytes, offset) });
  }
  return parameters;
}

/** The fault of a parameter that cannot have the length it names. */
export function badParameterLength(
  bytes: Uint8Array,
  offset: number,
  chunkType: number,
): WireFault {
  const name = parameterName(tlvType(bytes, offset));
  return fault("bad-length", chunkType, offset, `${name} of length ${tlvLength(bytes, offset)}`);
}
