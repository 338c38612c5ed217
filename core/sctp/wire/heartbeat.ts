/**
 * HEARTBEAT and HEARTBEAT ACK (RFC 9260, sections 3.3.5 and 3.3.6).
 *
 * ```
 *  0                   1                   2                   3
 *  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * | Type = 4 or 5 |  Chunk Flags  |       Heartbeat Length        |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * |    Heartbeat Info Type = 1    |        HB Info Length         |
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * \                Sender-Specific Heartbeat Info                 \
 * +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
 * ```
 */
import { CHUNK_HEADER_LENGTH, chunkLength, chunkType, chunkValue, newChunk } from "./chunk.ts";
import { chunkName, ChunkType } from "./chunk_type.ts";
import { ParameterType } from "./parameter.ts";
import { newTlv, nextTlv, tlvIsWhole, tlvsEnd, tlvType, tlvValue } from "./tlv.ts";

/** A HEARTBEAT whose Heartbeat Info is `info`. */
export function encodeHeartbeat(info: Uint8Array): Uint8Array {
  return newChunk(ChunkType.Heartbeat, 0, newTlv(ParameterType.HeartbeatInfo, info));
}

/** The answer to a HEARTBEAT: `parameters` are all of its parameters, unchanged. */
export function encodeHeartbeatAck(parameters: Uint8Array): Uint8Array {
  return newChunk(ChunkType.HeartbeatAck, 0, parameters);
}

/** A copy of all parameters of the whole chunk at `offset`, ready for the answer. */
export function heartbeatParameters(bytes: Uint8Array, offset: number): Uint8Array {
  return chunkValue(bytes, offset);
}

/** A copy of the Heartbeat Info in the whole chunk at `offset`, or `undefined` if none is there. */
export function heartbeatInfo(bytes: Uint8Array, offset: number): Uint8Array | undefined {
  const end = offset + chunkLength(bytes, offset);
  for (let at = offset + CHUNK_HEADER_LENGTH; !tlvsEnd(at, end); at = nextTlv(bytes, at)) {
    if (!tlvIsWhole(bytes, at, end)) return undefined;
    if (tlvType(bytes, at) === ParameterType.HeartbeatInfo) return tlvValue(bytes, at);
  }
  return undefined;
}

/** The whole HEARTBEAT or HEARTBEAT ACK at `offset` in words. */
export function describeHeartbeat(bytes: Uint8Array, offset: number): string {
  const info = heartbeatInfo(bytes, offset);
  const contents = info ? `info of ${info.length} bytes` : "without info";
  return `${chunkName(chunkType(bytes, offset))} ${contents}`;
}
