/**
 * Error causes, the contents of ERROR and ABORT (RFC 9260, section 3.3.10).
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |          Cause Code           |         Cause Length          |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \                  Cause-Specific Information                   \
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 */
import type { IpAddress } from "../base/address.ts";
import { padded, readU16, readU32, writeU16, writeU32 } from "../base/bytes.ts";
import { type Tsn, tsn } from "../base/serial.ts";
import { hmacName } from "./auth.ts";
import { decodeAddress, encodeAddress, isAddressType, MAX_ADDRESSES } from "./address_parameter.ts";
import { CHUNK_HEADER_LENGTH, chunkLength, MAX_CHUNK_LENGTH } from "./chunk.ts";
import { chunkName } from "./chunk_type.ts";
import { isFault } from "./fault.ts";
import { parameterName, walkParameters } from "./parameter.ts";
import { listItems, quoteBytes } from "./text.ts";
import {
  joinTlvs,
  newTlv,
  nextTlv,
  TLV_HEADER_LENGTH,
  tlvIsWhole,
  tlvsEnd,
  tlvType,
  tlvValue,
} from "./tlv.ts";

/** Cause codes of RFC 9260, table 11, of extensions, and one for everything else. */
export const CauseCode = {
  InvalidStreamIdentifier: 1,
  MissingMandatoryParameter: 2,
  StaleCookie: 3,
  OutOfResource: 4,
  UnresolvableAddress: 5,
  UnrecognizedChunkType: 6,
  InvalidMandatoryParameter: 7,
  UnrecognizedParameters: 8,
  NoUserData: 9,
  CookieReceivedWhileShuttingDown: 10,
  RestartWithNewAddresses: 11,
  UserInitiatedAbort: 12,
  ProtocolViolation: 13,
  /** RFC 5061, section 4.3.1. */
  DeleteLastAddress: 0xa0,
  /** RFC 5061, section 4.3.2. */
  ResourceShortage: 0xa1,
  /** RFC 5061, section 4.3.3. */
  DeleteSourceAddress: 0xa2,
  /** RFC 5061, section 4.3.4. */
  IllegalAsconfAck: 0xa3,
  /** RFC 5061, section 4.3.5. */
  NoAuthorization: 0xa4,
  /** RFC 4895, section 4.1. */
  UnsupportedHmac: 0x105,
  /** Never on the wire: a cause of another code, or of a known code with too little inside. */
  Unknown: -1,
} as const;
export type CauseCode = (typeof CauseCode)[keyof typeof CauseCode];

/** Why a change of addresses is refused (RFC 5061, section 4.3). */
export type RefusalCode =
  | typeof CauseCode.DeleteLastAddress
  | typeof CauseCode.ResourceShortage
  | typeof CauseCode.DeleteSourceAddress
  | typeof CauseCode.NoAuthorization;

/** One error cause. Byte arrays are copies. */
export type ErrorCause =
  /** DATA came on a stream that does not exist. */
  | { readonly code: typeof CauseCode.InvalidStreamIdentifier; readonly stream: number }
  /** Parameter types that an INIT or INIT ACK lacks. */
  | { readonly code: typeof CauseCode.MissingMandatoryParameter; readonly types: readonly number[] }
  /** How long ago the cookie expired, in microseconds; 0 if the peer does not tell. */
  | { readonly code: typeof CauseCode.StaleCookie; readonly staleness: number }
  | { readonly code: typeof CauseCode.OutOfResource }
  /** The whole parameter that holds the address or host name. */
  | { readonly code: typeof CauseCode.UnresolvableAddress; readonly parameter: Uint8Array }
  /** The whole chunk. */
  | { readonly code: typeof CauseCode.UnrecognizedChunkType; readonly chunk: Uint8Array }
  | { readonly code: typeof CauseCode.InvalidMandatoryParameter }
  /** The whole parameters, padded between one another. */
  | { readonly code: typeof CauseCode.UnrecognizedParameters; readonly parameters: Uint8Array }
  /** TSN of a DATA chunk without user data. */
  | { readonly code: typeof CauseCode.NoUserData; readonly tsn: Tsn }
  | { readonly code: typeof CauseCode.CookieReceivedWhileShuttingDown }
  /** Addresses that a restarting peer added. */
  | {
    readonly code: typeof CauseCode.RestartWithNewAddresses;
    readonly addresses: readonly IpAddress[];
  }
  /** What the peer's application said; may be empty. */
  | { readonly code: typeof CauseCode.UserInitiatedAbort; readonly reason: Uint8Array }
  /** Additional information, usually text; may be empty. */
  | { readonly code: typeof CauseCode.ProtocolViolation; readonly information: Uint8Array }
  /** The whole parameter of an ASCONF that was refused. */
  | { readonly code: RefusalCode; readonly request: Uint8Array }
  | { readonly code: typeof CauseCode.IllegalAsconfAck }
  /** The HMAC Identifier of an AUTH chunk. */
  | { readonly code: typeof CauseCode.UnsupportedHmac; readonly hmac: number }
  | {
    readonly code: typeof CauseCode.Unknown;
    /** The code on the wire. */
    readonly wireCode: number;
    readonly value: Uint8Array;
  };

/** The most causes of one chunk that are read, so that a peer cannot make its list costly. */
export const MAX_CAUSES = 64;

/** The longest value of one cause: what a chunk with this cause alone has room for. */
const MAX_VALUE_LENGTH = MAX_CHUNK_LENGTH - CHUNK_HEADER_LENGTH - TLV_HEADER_LENGTH;

const NAMES = new Map<number, string>([
  [CauseCode.InvalidStreamIdentifier, "Invalid Stream Identifier"],
  [CauseCode.MissingMandatoryParameter, "Missing Mandatory Parameter"],
  [CauseCode.StaleCookie, "Stale Cookie"],
  [CauseCode.OutOfResource, "Out of Resource"],
  [CauseCode.UnresolvableAddress, "Unresolvable Address"],
  [CauseCode.UnrecognizedChunkType, "Unrecognized Chunk Type"],
  [CauseCode.InvalidMandatoryParameter, "Invalid Mandatory Parameter"],
  [CauseCode.UnrecognizedParameters, "Unrecognized Parameters"],
  [CauseCode.NoUserData, "No User Data"],
  [CauseCode.CookieReceivedWhileShuttingDown, "Cookie Received While Shutting Down"],
  [CauseCode.RestartWithNewAddresses, "Restart of an Association with New Addresses"],
  [CauseCode.UserInitiatedAbort, "User-Initiated Abort"],
  [CauseCode.ProtocolViolation, "Protocol Violation"],
  [CauseCode.DeleteLastAddress, "Request to Delete Last Remaining IP Address"],
  [CauseCode.ResourceShortage, "Operation Refused Due to Resource Shortage"],
  [CauseCode.DeleteSourceAddress, "Request to Delete Source IP Address"],
  [CauseCode.IllegalAsconfAck, "Association Aborted Due to Illegal ASCONF-ACK"],
  [CauseCode.NoAuthorization, "Request Refused - No Authorization"],
  [CauseCode.UnsupportedHmac, "Unsupported HMAC Identifier"],
]);

/** The name of a cause code as the RFC writes it, or `cause N` for an unknown one. */
export function causeName(code: number): string {
  return NAMES.get(code) ?? `cause ${code}`;
}

/** A Protocol Violation that says in words what was violated. */
export function protocolViolation(words: string): ErrorCause {
  return { code: CauseCode.ProtocolViolation, information: new TextEncoder().encode(words) };
}

/**
 * Reads the causes between `offset` and `end`. What follows a malformed one is not read, as its
 * start is unknown; nor is what follows the first {@link MAX_CAUSES}.
 */
export function decodeCauses(bytes: Uint8Array, offset: number, end: number): ErrorCause[] {
  const causes: ErrorCause[] = [];
  for (let at = offset; causes.length < MAX_CAUSES && !tlvsEnd(at, end); at = nextTlv(bytes, at)) {
    if (!tlvIsWhole(bytes, at, end)) break;
    const code = tlvType(bytes, at);
    const value = tlvValue(bytes, at);
    causes.push(decodeCause(code, value) ?? { code: CauseCode.Unknown, wireCode: code, value });
  }
  return causes;
}

/** The causes of the whole ABORT or ERROR chunk at `offset`. */
export function chunkCauses(bytes: Uint8Array, offset: number): ErrorCause[] {
  return decodeCauses(bytes, offset + CHUNK_HEADER_LENGTH, offset + chunkLength(bytes, offset));
}

/** A known cause, or `undefined` where the code is unknown or its fields are not all there. */
function decodeCause(code: number, value: Uint8Array): ErrorCause | undefined {
  const hasWord = value.length >= 4;
  switch (code) {
    case CauseCode.InvalidStreamIdentifier:
      return hasWord ? { code, stream: readU16(value, 0) } : undefined;
    case CauseCode.MissingMandatoryParameter:
      return hasWord ? { code, types: missingTypes(value) } : undefined;
    case CauseCode.StaleCookie:
      return hasWord ? { code, staleness: readU32(value, 0) } : undefined;
    case CauseCode.NoUserData:
      return hasWord ? { code, tsn: tsn(readU32(value, 0)) } : undefined;
    case CauseCode.OutOfResource:
    case CauseCode.InvalidMandatoryParameter:
    case CauseCode.CookieReceivedWhileShuttingDown:
    case CauseCode.IllegalAsconfAck:
      return { code };
    case CauseCode.UnresolvableAddress:
      return { code, parameter: value };
    case CauseCode.UnrecognizedChunkType:
      return { code, chunk: value };
    case CauseCode.UnrecognizedParameters:
      return { code, parameters: value };
    case CauseCode.RestartWithNewAddresses:
      return { code, addresses: addressesOf(value) };
    case CauseCode.UserInitiatedAbort:
      return { code, reason: value };
    case CauseCode.ProtocolViolation:
      return { code, information: value };
    case CauseCode.DeleteLastAddress:
    case CauseCode.ResourceShortage:
    case CauseCode.DeleteSourceAddress:
    case CauseCode.NoAuthorization:
      return { code, request: value };
    case CauseCode.UnsupportedHmac:
      return value.length >= 2 ? { code, hmac: readU16(value, 0) } : undefined;
    default:
      return undefined;
  }
}

/** The types that are there, however many the count claims. */
function missingTypes(value: Uint8Array): number[] {
  const count = Math.min(readU32(value, 0), (value.length - 4) >> 1);
  return Array.from({ length: count }, (_, i) => readU16(value, 4 + 2 * i));
}

function addressesOf(value: Uint8Array): IpAddress[] {
  const addresses: IpAddress[] = [];
  for (let at = 0; !tlvsEnd(at, value.length); at = nextTlv(value, at)) {
    if (!tlvIsWhole(value, at, value.length) || addresses.length === MAX_ADDRESSES) break;
    const address = isAddressType(tlvType(value, at)) ? decodeAddress(value, at) : undefined;
    if (address) addresses.push(address);
  }
  return addresses;
}

/**
 * Causes as the value of an ERROR or ABORT. It always fits into one chunk: a value that would not
 * is cut, and causes for which there is no room left are left out.
 */
export function encodeCauses(causes: readonly ErrorCause[]): Uint8Array {
  const items: Uint8Array[] = [];
  let length = CHUNK_HEADER_LENGTH;
  for (const cause of causes) {
    const code = cause.code === CauseCode.Unknown ? cause.wireCode : cause.code;
    const item = newTlv(code, encodeValue(cause).subarray(0, MAX_VALUE_LENGTH));
    length = padded(length) + item.length;
    if (length > MAX_CHUNK_LENGTH) break;
    items.push(item);
  }
  return joinTlvs(items);
}

function encodeValue(cause: ErrorCause): Uint8Array {
  switch (cause.code) {
    case CauseCode.InvalidStreamIdentifier:
      return word(cause.stream * 0x10000);
    case CauseCode.MissingMandatoryParameter:
      return encodeMissing(cause.types);
    case CauseCode.StaleCookie:
      return word(cause.staleness);
    case CauseCode.NoUserData:
      return word(cause.tsn);
    case CauseCode.OutOfResource:
    case CauseCode.InvalidMandatoryParameter:
    case CauseCode.CookieReceivedWhileShuttingDown:
    case CauseCode.IllegalAsconfAck:
      return new Uint8Array(0);
    case CauseCode.UnresolvableAddress:
      return cause.parameter;
    case CauseCode.UnrecognizedChunkType:
      return cause.chunk;
    case CauseCode.UnrecognizedParameters:
      return cause.parameters;
    case CauseCode.RestartWithNewAddresses:
      return joinTlvs(cause.addresses.map(encodeAddress));
    case CauseCode.UserInitiatedAbort:
      return cause.reason;
    case CauseCode.ProtocolViolation:
      return cause.information;
    case CauseCode.DeleteLastAddress:
    case CauseCode.ResourceShortage:
    case CauseCode.DeleteSourceAddress:
    case CauseCode.NoAuthorization:
      return cause.request;
    case CauseCode.UnsupportedHmac:
      return Uint8Array.of(cause.hmac >> 8, cause.hmac);
    case CauseCode.Unknown:
      return cause.value;
  }
}

function word(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  writeU32(bytes, 0, value);
  return bytes;
}

function encodeMissing(types: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 + 2 * types.length);
  writeU32(bytes, 0, types.length);
  types.forEach((type, i) => writeU16(bytes, 4 + 2 * i, type));
  return bytes;
}

/** A cause in words, safe to print whatever the peer put into it. */
export function describeCause(cause: ErrorCause): string {
  if (cause.code === CauseCode.Unknown) {
    return `${causeName(cause.wireCode)} (${cause.value.length} bytes)`;
  }
  const details = causeDetails(cause);
  return causeName(cause.code) + (details && ` (${details})`);
}

/** Causes in words behind a chunk's name; nothing if there are none. */
export function describeCauses(causes: readonly ErrorCause[]): string {
  return causes.length === 0 ? "" : `: ${listItems(causes, describeCause)}`;
}

function causeDetails(cause: Exclude<ErrorCause, { code: typeof CauseCode.Unknown }>): string {
  switch (cause.code) {
    case CauseCode.InvalidStreamIdentifier:
      return `stream ${cause.stream}`;
    case CauseCode.MissingMandatoryParameter:
      return listItems(cause.types, parameterName);
    case CauseCode.StaleCookie:
      return cause.staleness === 0 ? "" : `by ${cause.staleness} microseconds`;
    case CauseCode.NoUserData:
      return `TSN ${cause.tsn}`;
    case CauseCode.OutOfResource:
    case CauseCode.InvalidMandatoryParameter:
    case CauseCode.CookieReceivedWhileShuttingDown:
    case CauseCode.IllegalAsconfAck:
      return "";
    case CauseCode.UnresolvableAddress:
      return describeAddressParameter(cause.parameter);
    case CauseCode.UnrecognizedChunkType:
      return cause.chunk.length > 0 ? chunkName(cause.chunk[0]) : "";
    case CauseCode.UnrecognizedParameters:
      return describeParameters(cause.parameters);
    case CauseCode.RestartWithNewAddresses:
      return listItems(cause.addresses, String);
    case CauseCode.UserInitiatedAbort:
      return cause.reason.length === 0 ? "" : quoteBytes(cause.reason);
    case CauseCode.ProtocolViolation:
      return cause.information.length === 0 ? "" : quoteBytes(cause.information);
    case CauseCode.DeleteLastAddress:
    case CauseCode.ResourceShortage:
    case CauseCode.DeleteSourceAddress:
    case CauseCode.NoAuthorization:
      return describeParameters(cause.request);
    case CauseCode.UnsupportedHmac:
      return hmacName(cause.hmac);
  }
}

function describeAddressParameter(parameter: Uint8Array): string {
  if (parameter.length < TLV_HEADER_LENGTH) return "";
  const type = tlvType(parameter, 0);
  const whole = isAddressType(type) && tlvIsWhole(parameter, 0, parameter.length);
  const address = whole ? decodeAddress(parameter, 0) : undefined;
  return address ? address.text : parameterName(type);
}

function describeParameters(parameters: Uint8Array): string {
  const raw = walkParameters(parameters, 0, parameters.length);
  return isFault(raw) ? "malformed" : listItems(raw, (parameter) => parameterName(parameter.type));
}
