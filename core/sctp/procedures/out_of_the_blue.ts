/** Packets that belong to no association (RFC 9260, section 8.4). */
import type { ChunkContext } from "../chunk_context.ts";
import type { Endpoint } from "../endpoint.ts";
import { encodeAbort } from "../wire/abort.ts";
import { chunkIsWhole, chunkType, nextChunk } from "../wire/chunk.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { COMMON_HEADER_LENGTH } from "../wire/common_header.ts";
import { CauseCode, chunkCauses } from "../wire/error_cause.ts";
import { encodeShutdownComplete } from "../wire/shutdown.ts";
import type { PacketPorts } from "./responder.ts";

/** Answers a packet that is neither an INIT nor a COOKIE ECHO, or stays silent. */
export function handleOutOfTheBlue(
  endpoint: Endpoint,
  context: ChunkContext,
  ports: PacketPorts,
  tag: number,
): void {
  endpoint.countDrop("out-of-the-blue");
  const { bytes, packetStart, packetEnd } = context;
  let hasShutdownAck = false;
  let offset = packetStart + COMMON_HEADER_LENGTH;
  for (; offset < packetEnd; offset = nextChunk(bytes, offset, packetEnd)) {
    if (!chunkIsWhole(bytes, offset, packetEnd)) return;
    switch (chunkType(bytes, offset)) {
      case ChunkType.Abort:
      case ChunkType.ShutdownComplete:
      case ChunkType.CookieAck:
      case ChunkType.Init:
        // Items 2, 6 and 7; an INIT that is not alone or has a tag is not answered (8.5.1, A).
        return;
      case ChunkType.Error:
        if (hasStaleCookie(bytes, offset)) return;
        break;
      case ChunkType.ShutdownAck:
        hasShutdownAck = true;
        break;
    }
  }
  const answer = hasShutdownAck ? encodeShutdownComplete(true) : encodeAbort(true, []);
  endpoint.replyTo(context, ports, tag, answer);
}

function hasStaleCookie(bytes: Uint8Array, offset: number): boolean {
  return chunkCauses(bytes, offset).some(({ code }) => code === CauseCode.StaleCookie);
}
