/**
 * ASCONF, by which a side changes its addresses, and ASCONF-ACK (RFC 5061, sections 4.1 and 4.2).
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |  Type = 193   |  Chunk Flags  |         Chunk Length          |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |                        Sequence Number                        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \     Address Parameter: an address of the association's        \
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \     requests, in the order in which they are carried out      \
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 *
 * 0xc001 Add IP Address        Correlation ID, 32 bits | Address Parameter
 * 0xc002 Delete IP Address     Correlation ID, 32 bits | Address Parameter
 * 0xc004 Set Primary Address   Correlation ID, 32 bits | Address Parameter
 *
 * |  Type = 128   |  Chunk Flags  |         Chunk Length          |
 * |                        Sequence Number                        |
 * \                           responses                           \
 *
 * 0xc003 Error Cause Indication   Correlation ID, 32 bits | error causes
 * 0xc005 Success Indication       Correlation ID, 32 bits
 * ```
 * The wildcard address, 0.0.0.0 or ::, stands for the source address of the packet.
 */
import type { IpAddress } from "../base/address.ts";
import { readU32, writeU32 } from "../base/bytes.ts";
import { decodeAddress, encodeAddress, isAddressType } from "./address_parameter.ts";
import { chunkLength, newChunk } from "./chunk.ts";
import { ChunkType } from "./chunk_type.ts";
import { decodeCauses, describeCauses, encodeCauses, type ErrorCause } from "./error_cause.ts";
import { fault, isFault, type WireFault } from "./fault.ts";
import { badParameterLength, parameterName, ParameterType } from "./parameter.ts";
import { listItems } from "./text.ts";
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
} from "./tlv.ts";

/** Bytes of chunk header and Sequence Number, of either chunk. */
export const ASCONF_HEADER_LENGTH = 8;

/** Bytes of a parameter's header and Correlation ID. */
const REQUEST_HEADER_LENGTH = TLV_HEADER_LENGTH + 4;

/** What is to become of an address of the sender's. */
export type AddressAction = "add" | "delete" | "set-primary";

/** One request, as its sender makes it. */
export interface AddressRequest {
  readonly action: AddressAction;
  /** Chosen by the sender; the response has the same. */
  readonly correlation: number;
  readonly address: IpAddress;
}

/** One request as it arrived. */
export type ReceivedRequest =
  | (AddressRequest & {
    /** The whole parameter, for a response that refuses it. */
    readonly parameter: Uint8Array;
  })
  /** A parameter of a type that is none of the three. */
  | {
    readonly action: "unknown";
    readonly type: number;
    readonly correlation: number;
    readonly parameter: Uint8Array;
  };

/** An ASCONF chunk. */
export interface Asconf<Request = ReceivedRequest> {
  /** Sequence Number. */
  readonly serial: number;
  /** An address of the association's; by it, a receiver may find that (section 5.2, D2). */
  readonly lookup: IpAddress;
  readonly requests: readonly Request[];
}

/** What a receiver of ASCONF says about one request. */
export type AsconfResponse =
  | { readonly kind: "success"; readonly correlation: number }
  | {
    readonly kind: "error";
    readonly correlation: number;
    readonly causes: readonly ErrorCause[];
  };

/** An ASCONF-ACK chunk. A request without response had success (section 5.1, A7 and A8). */
export interface AsconfAck {
  readonly serial: number;
  readonly responses: readonly AsconfResponse[];
}

const TYPES = {
  "add": ParameterType.AddIpAddress,
  "delete": ParameterType.DeleteIpAddress,
  "set-primary": ParameterType.SetPrimaryAddress,
} as const satisfies Record<AddressAction, number>;

const ACTIONS = new Map<number, AddressAction>(
  Object.entries(TYPES).map(([action, type]) => [type, action as AddressAction]),
);

/** Reads the whole ASCONF at `offset`. */
export function decodeAsconf(bytes: Uint8Array, offset: number): Asconf | WireFault {
  const type = ChunkType.Asconf;
  const end = offset + chunkLength(bytes, offset);
  let at = offset + ASCONF_HEADER_LENGTH;
  const lookup = addressAt(bytes, at, end);
  if (!lookup) return fault("missing-parameter", type, at, "ASCONF without Address Parameter");
  const requests: ReceivedRequest[] = [];
  for (at = nextTlv(bytes, at); !tlvsEnd(at, end); at = nextTlv(bytes, at)) {
    if (!tlvIsWhole(bytes, at, end)) return badParameterLength(bytes, at, type);
    const request = decodeRequest(bytes, at);
    if (!request) {
      const detail = `${parameterName(tlvType(bytes, at))} of ${tlvLength(bytes, at)} bytes`;
      return fault("bad-parameter", type, at, detail);
    }
    requests.push(request);
  }
  return { serial: readU32(bytes, offset + 4), lookup, requests };
}

/** The address of the Address Parameter that ends before `end`, if there is one at `offset`. */
function addressAt(bytes: Uint8Array, offset: number, end: number): IpAddress | undefined {
  if (tlvsEnd(offset, end) || !tlvIsWhole(bytes, offset, end)) return undefined;
  return isAddressType(tlvType(bytes, offset)) ? decodeAddress(bytes, offset) : undefined;
}

/** One whole parameter; `undefined` if its length does not fit its type. */
function decodeRequest(bytes: Uint8Array, at: number): ReceivedRequest | undefined {
  const length = tlvLength(bytes, at);
  if (length < REQUEST_HEADER_LENGTH) return undefined;
  const type = tlvType(bytes, at);
  const correlation = readU32(bytes, at + TLV_HEADER_LENGTH);
  const parameter = tlvBytes(bytes, at);
  const action = ACTIONS.get(type);
  if (!action) return { action: "unknown", type, correlation, parameter };
  const address = addressAt(bytes, at + REQUEST_HEADER_LENGTH, at + length);
  return address && { action, correlation, address, parameter };
}

/** An ASCONF chunk. */
export function encodeAsconf({ serial, lookup, requests }: Asconf<AddressRequest>): Uint8Array {
  const items = requests.map(({ action, correlation, address }) =>
    newTlv(TYPES[action], withWord(correlation, encodeAddress(address)))
  );
  return newChunk(
    ChunkType.Asconf,
    0,
    withWord(serial, joinTlvs([encodeAddress(lookup), ...items])),
  );
}

/** Reads the whole ASCONF-ACK at `offset`. */
export function decodeAsconfAck(bytes: Uint8Array, offset: number): AsconfAck | WireFault {
  const type = ChunkType.AsconfAck;
  const end = offset + chunkLength(bytes, offset);
  const responses: AsconfResponse[] = [];
  for (let at = offset + ASCONF_HEADER_LENGTH; !tlvsEnd(at, end); at = nextTlv(bytes, at)) {
    if (!tlvIsWhole(bytes, at, end)) return badParameterLength(bytes, at, type);
    const response = decodeResponse(bytes, at);
    if (!response) {
      const detail = `${parameterName(tlvType(bytes, at))} of ${tlvLength(bytes, at)} bytes`;
      return fault("bad-parameter", type, at, detail);
    }
    responses.push(response);
  }
  return { serial: readU32(bytes, offset + 4), responses };
}

function decodeResponse(bytes: Uint8Array, at: number): AsconfResponse | undefined {
  const end = at + tlvLength(bytes, at);
  if (end < at + REQUEST_HEADER_LENGTH) return undefined;
  const correlation = readU32(bytes, at + TLV_HEADER_LENGTH);
  switch (tlvType(bytes, at)) {
    case ParameterType.SuccessIndication:
      return { kind: "success", correlation };
    case ParameterType.ErrorCauseIndication: {
      const causes = decodeCauses(bytes, at + REQUEST_HEADER_LENGTH, end);
      return { kind: "error", correlation, causes };
    }
    default:
      return undefined;
  }
}

/** An ASCONF-ACK chunk. */
export function encodeAsconfAck({ serial, responses }: AsconfAck): Uint8Array {
  const items = responses.map((response) =>
    response.kind === "success"
      ? newTlv(ParameterType.SuccessIndication, withWord(response.correlation, NOTHING))
      : newTlv(
        ParameterType.ErrorCauseIndication,
        withWord(response.correlation, encodeCauses(response.causes)),
      )
  );
  return newChunk(ChunkType.AsconfAck, 0, withWord(serial, joinTlvs(items)));
}

const NOTHING = new Uint8Array(0);

/** 32 bits and what stands behind them. */
function withWord(word: number, rest: Uint8Array): Uint8Array {
  const value = new Uint8Array(4 + rest.length);
  writeU32(value, 0, word);
  value.set(rest, 4);
  return value;
}

/** The whole ASCONF at `offset` in words. */
export function describeAsconf(bytes: Uint8Array, offset: number): string {
  const asconf = decodeAsconf(bytes, offset);
  if (isFault(asconf)) return `malformed ASCONF (${asconf.detail})`;
  const { serial, lookup, requests } = asconf;
  const words = requests.length === 0 ? "" : `: ${listItems(requests, describeRequest)}`;
  return `ASCONF ${serial} of ${lookup}${words}`;
}

function describeRequest(request: ReceivedRequest): string {
  if (request.action === "unknown") return parameterName(request.type);
  return `${request.action} ${request.address}`;
}

/** The whole ASCONF-ACK at `offset` in words. */
export function describeAsconfAck(bytes: Uint8Array, offset: number): string {
  const ack = decodeAsconfAck(bytes, offset);
  if (isFault(ack)) return `malformed ASCONF-ACK (${ack.detail})`;
  const { serial, responses } = ack;
  const words = responses.length === 0 ? "" : `: ${listItems(responses, describeResponse)}`;
  return `ASCONF-ACK ${serial}${words}`;
}

function describeResponse(response: AsconfResponse): string {
  const { kind, correlation } = response;
  return kind === "success"
    ? `${correlation} done`
    : `${correlation} refused${describeCauses(response.causes)}`;
}
