/** A packet in one line of RFC words. Total: any bytes give a line, of bounded length. */
import { describeAbort } from "./abort.ts";
import { describeAsconf, describeAsconfAck } from "./asconf.ts";
import { describeAuth } from "./auth.ts";
import { chunkHasItsFields, chunkIsWhole, chunkLength, chunkType, nextChunk } from "./chunk.ts";
import { chunkName, ChunkType } from "./chunk_type.ts";
import { COMMON_HEADER_LENGTH, describeCommonHeader } from "./common_header.ts";
import { describeCookieEcho } from "./cookie.ts";
import { describeData } from "./data.ts";
import { describeEcn } from "./ecn.ts";
import { describeError } from "./error.ts";
import { describeForwardTsn } from "./forward_tsn.ts";
import { describeHeartbeat } from "./heartbeat.ts";
import { describeIData } from "./idata.ts";
import { describeIForwardTsn } from "./i_forward_tsn.ts";
import { describeInit } from "./init_words.ts";
import { describeReconfig } from "./reconfig.ts";
import { describeNrSack, nrSackIsWellFormed } from "./nr_sack.ts";
import { describeSack, sackIsWellFormed } from "./sack.ts";
import { describeShutdown, describeShutdownComplete } from "./shutdown.ts";

/** Chunks of a packet that a line spells out. */
const DESCRIBED_CHUNKS = 32;

/**
 * The SCTP packet of `length` bytes at `offset` in words, for example
 * `5001 > 5000 tag 0x0000002a [COOKIE ACK] [SACK cumulative TSN 7 a_rwnd 65536]`.
 */
export function describePacket(bytes: Uint8Array, offset: number, length: number): string {
  const end = Math.min(offset + length, bytes.length);
  if (offset + COMMON_HEADER_LENGTH > end) {
    return `truncated packet of ${Math.max(0, end - offset)} bytes`;
  }
  const parts = [describeCommonHeader(bytes, offset)];
  for (let at = offset + COMMON_HEADER_LENGTH; at < end; at = nextChunk(bytes, at, end)) {
    if (parts.length > DESCRIBED_CHUNKS) {
      parts.push(`and ${end - at} bytes more`);
      break;
    }
    if (!chunkIsWhole(bytes, at, end)) {
      parts.push(`[malformed rest of ${end - at} bytes]`);
      break;
    }
    parts.push(`[${describeChunk(bytes, at)}]`);
  }
  return parts.join(" ");
}

/** The whole chunk at `offset` in words. */
export function describeChunk(bytes: Uint8Array, offset: number): string {
  const type = chunkType(bytes, offset);
  if (!chunkHasItsFields(bytes, offset)) return `malformed ${chunkName(type)}`;
  switch (type) {
    case ChunkType.Data:
      return describeData(bytes, offset);
    case ChunkType.Init:
    case ChunkType.InitAck:
      return describeInit(bytes, offset);
    case ChunkType.Sack:
      return sackIsWellFormed(bytes, offset) ? describeSack(bytes, offset) : "malformed SACK";
    case ChunkType.NrSack:
      return nrSackIsWellFormed(bytes, offset)
        ? describeNrSack(bytes, offset)
        : "malformed NR-SACK";
    case ChunkType.Heartbeat:
    case ChunkType.HeartbeatAck:
      return describeHeartbeat(bytes, offset);
    case ChunkType.Abort:
      return describeAbort(bytes, offset);
    case ChunkType.Shutdown:
      return describeShutdown(bytes, offset);
    case ChunkType.Error:
      return describeError(bytes, offset);
    case ChunkType.CookieEcho:
      return describeCookieEcho(bytes, offset);
    case ChunkType.Ecne:
    case ChunkType.Cwr:
      return describeEcn(bytes, offset);
    case ChunkType.ShutdownComplete:
      return describeShutdownComplete(bytes, offset);
    case ChunkType.Auth:
      return describeAuth(bytes, offset);
    case ChunkType.ReConfig:
      return describeReconfig(bytes, offset);
    case ChunkType.Asconf:
      return describeAsconf(bytes, offset);
    case ChunkType.AsconfAck:
      return describeAsconfAck(bytes, offset);
    case ChunkType.ForwardTsn:
      return describeForwardTsn(bytes, offset);
    case ChunkType.IData:
      return describeIData(bytes, offset);
    case ChunkType.IForwardTsn:
      return describeIForwardTsn(bytes, offset);
    case ChunkType.ShutdownAck:
    case ChunkType.CookieAck:
      return chunkName(type);
    default:
      return `${chunkName(type)} of ${chunkLength(bytes, offset)} bytes`;
  }
}
