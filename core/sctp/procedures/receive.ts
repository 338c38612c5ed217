/** From a packet to chunks: checksum, tag rules, then chunk after chunk (RFC 9260, 6.8, 6.10, 8.4, 8.5). */
import type { Association } from "../association.ts";
import type { Instant } from "../base/time.ts";
import type { ChunkContext } from "../chunk_context.ts";
import type { Endpoint } from "../endpoint.ts";
import type { InboundPacket } from "../packet.ts";
import { isOfOtherKind, understandsChunk } from "../extensions.ts";
import { handlerFor } from "../states.ts";
import { abortIsReflected, encodeAbort } from "../wire/abort.ts";
import {
  CHUNK_HEADER_LENGTH,
  chunkHasItsFields,
  chunkIsWhole,
  chunkType,
  nextChunk,
} from "../wire/chunk.ts";
import { chunkName, ChunkType, stopsProcessing } from "../wire/chunk_type.ts";
import {
  checksumIsRight,
  COMMON_HEADER_LENGTH,
  destinationPort,
  sourcePort,
  verificationTag,
} from "../wire/common_header.ts";
import { CauseCode, protocolViolation } from "../wire/error_cause.ts";
import { shutdownCompleteIsReflected } from "../wire/shutdown.ts";
import { authenticationOf, isAuthenticCookie, lacksAuth } from "./authentication.ts";
import { abortForViolation } from "./abort.ts";
import { finishDataPacket } from "./data_transfer.ts";
import { handleDuplicateCookieEcho, handleDuplicateInit } from "./duplicate_setup.ts";
import { findMovedPeer, noteEncapsulation } from "./nat_following.ts";
import { handleUnknownChunk } from "./operation_error.ts";
import { handleOutOfTheBlue } from "./out_of_the_blue.ts";
import { pathOfPacket } from "./path_management.ts";
import { finishDeferred } from "./reconfiguration_requests.ts";
import {
  acceptableInit,
  answerInit,
  associateByCookie,
  isLastChunk,
  isStale,
  keysFor,
  openCookie,
  refuseInit,
  replyByCookie,
  reportStaleCookie,
} from "./responder.ts";
import { answerDataWhileShutdownSent } from "./shutdown.ts";
import { mayLackChecksum } from "./zero_checksum.ts";

/** Takes one packet; whatever it holds, the work is bounded by its length. */
export function receivePacket(
  endpoint: Endpoint,
  context: ChunkContext,
  now: Instant,
  packet: InboundPacket,
): void {
  const { buffer, offset, length } = packet;
  if (length < COMMON_HEADER_LENGTH + CHUNK_HEADER_LENGTH) {
    endpoint.countDrop("too-short");
    return;
  }
  const isUnchecked = mayLackChecksum(endpoint, packet);
  if (!isUnchecked && !checksumIsRight(endpoint.environment.crc32c, buffer, offset, length)) {
    endpoint.countDrop("bad-checksum");
    return;
  }
  fill(context, now, packet);
  const tag = verificationTag(buffer, offset);
  const first = chunkType(buffer, context.offset);
  if (first === ChunkType.Init) receiveInit(endpoint, context, tag);
  // Section 8.5.1, A: without a tag there is nothing but an INIT, not even an answer.
  else if (tag === 0) endpoint.countDrop("bad-tag");
  else if (first === ChunkType.CookieEcho) receiveCookieEcho(endpoint, context, tag);
  else receiveOther(endpoint, context, tag);
}

function fill(context: ChunkContext, now: Instant, packet: InboundPacket): void {
  context.now = now;
  context.bytes = packet.buffer;
  context.packetStart = packet.offset;
  context.packetEnd = packet.offset + packet.length;
  context.offset = packet.offset + COMMON_HEADER_LENGTH;
  context.auth = -1;
  context.hasAuth = false;
  context.isAuthentic = false;
  context.source = packet.source;
  context.destination = packet.destination;
  context.encapsulationPort = packet.encapsulationPort;
  context.ecn = packet.ecn;
  context.path = undefined;
  context.hasData = false;
  context.hasAsconf = false;
  context.hasForwardTsn = false;
  context.hasSack = false;
  if (chunkType(context.bytes, context.offset) === ChunkType.Auth) passAuth(context);
}

/**
 * RFC 4895, section 6.3: whose a packet is, and what is done with one that is nobody's, is decided by
 * the chunk behind an AUTH chunk.
 */
function passAuth(context: ChunkContext): void {
  const { bytes, offset, packetEnd } = context;
  if (!chunkIsWhole(bytes, offset, packetEnd) || !chunkHasItsFields(bytes, offset)) return;
  const next = nextChunk(bytes, offset, packetEnd);
  if (next + CHUNK_HEADER_LENGTH > packetEnd) return;
  context.auth = offset;
  context.offset = next;
}

/** Everything but a packet that starts with INIT or COOKIE ECHO. */
function receiveOther(endpoint: Endpoint, context: ChunkContext, tag: number): void {
  const association = owner(endpoint, context, tag);
  if (association === undefined) {
    if (isReplyable(endpoint, context)) {
      handleOutOfTheBlue(endpoint, context, portsOf(context), tag);
    }
    return;
  }
  if (association === "ignore") return;
  if (!locatePath(endpoint, association, context)) return;
  if (isStrayShutdownAck(association, context)) {
    handleOutOfTheBlue(endpoint, context, portsOf(context), tag);
    return;
  }
  // Section 8.5.1, B and C: a reflected tag vouches for the chunk that says so, for no other.
  if (hasReflectedTag(context)) context.packetEnd = endOfChunk(context);
  if (context.auth >= 0) context.offset = context.auth;
  processChunks(endpoint, association, context);
}

function endOfChunk({ bytes, offset, packetEnd }: ChunkContext): number {
  return nextChunk(bytes, offset, packetEnd);
}

/**
 * The association of a packet by the tag rules (section 8.5 and, for ABORT and SHUTDOWN COMPLETE with
 * the T bit, 8.5.1, B and C); "ignore" if there is one but the tag is wrong.
 */
function owner(
  endpoint: Endpoint,
  context: ChunkContext,
  tag: number,
): Association | "ignore" | undefined {
  const { bytes, packetStart, offset } = context;
  const local = destinationPort(bytes, packetStart);
  const remote = sourcePort(bytes, packetStart);
  const isReflected = hasReflectedTag(context);
  const byTag = endpoint.demultiplexer.byTag(tag);
  const portsFit = byTag?.localPort === local && byTag.remotePort === remote;
  if (byTag && portsFit && !isReflected) return byTag;
  const byAddress = endpoint.demultiplexer.find(local, remote, [context.source]);
  if (!byAddress) return undefined;
  if (isReflected && tag !== 0 && tag === byAddress.peerTag) return byAddress;
  if (isStrayOfForming(byAddress, chunkType(bytes, offset))) return undefined;
  endpoint.countDrop("bad-tag");
  return "ignore";
}

function hasReflectedTag(context: ChunkContext): boolean {
  const { bytes, offset, packetEnd } = context;
  switch (chunkType(bytes, offset)) {
    case ChunkType.Abort:
      return chunkIsWhole(bytes, offset, packetEnd) && abortIsReflected(bytes, offset);
    case ChunkType.ShutdownComplete:
      return chunkIsWhole(bytes, offset, packetEnd) && shutdownCompleteIsReflected(bytes, offset);
    default:
      return false;
  }
}

/** Section 8.5.1, E: to a forming association a SHUTDOWN ACK of the old one is out of the blue. */
function isStrayOfForming(association: Association, type: number): boolean {
  const isForming = association.state === "COOKIE-WAIT" || association.state === "COOKIE-ECHOED";
  return isForming && type === ChunkType.ShutdownAck;
}

function isStrayShutdownAck(association: Association, context: ChunkContext): boolean {
  return isStrayOfForming(association, chunkType(context.bytes, context.offset));
}

/** Finds the path of a packet; a source that is not the peer's is not believed. */
function locatePath(
  endpoint: Endpoint,
  association: Association,
  context: ChunkContext,
): boolean {
  const path = pathOfPacket(association, context) ?? findMovedPeer(association, context);
  const type = chunkType(context.bytes, context.offset);
  const isInitAck = type === ChunkType.InitAck && association.state === "COOKIE-WAIT";
  // Deviation from RFC 5061, section 5.3, F13: what comes from an address that was deleted is dropped,
  // not answered as out of the blue: that ABORT would end the association of a peer without F4.
  // RFC 5061, section 5.3.2: it may come from the address that it adds.
  const isAsconf = type === ChunkType.Asconf && understandsChunk(association.extensions, type);
  if (!path && !isInitAck && !isAsconf) {
    endpoint.countDrop("unknown-source");
    return false;
  }
  context.path = path;
  if (!path) return true;
  noteEncapsulation(association, path, context);
  path.metrics.packetsReceived++;
  path.metrics.bytesReceived += context.packetEnd - context.packetStart;
  association.metrics.packetsReceived++;
  association.metrics.bytesReceived += context.packetEnd - context.packetStart;
  return true;
}

/** Handles the chunks from the one at hand on, in their order (section 6.10). */
function processChunks(
  endpoint: Endpoint,
  association: Association,
  context: ChunkContext,
): void {
  const { bytes } = context;
  association.heardAt = context.now;
  // A handler may end the packet: AUTH does if what follows is not authentic.
  while (context.offset + CHUNK_HEADER_LENGTH <= context.packetEnd) {
    if (!chunkIsWhole(bytes, context.offset, context.packetEnd)) {
      endpoint.countDrop("malformed-chunk");
      break;
    }
    const type = chunkType(bytes, context.offset);
    if (!processChunk(endpoint, association, context, type)) break;
    if (association.state === "CLOSED") break;
    context.offset = nextChunk(bytes, context.offset, context.packetEnd);
  }
  if (association.state !== "CLOSED" && (context.hasData || context.hasForwardTsn)) {
    finishDataPacket(association, context);
    answerDataWhileShutdownSent(association, context.now);
  }
  if (association.reconfiguration?.deferred) finishDeferred(association);
  endpoint.touch(association);
}

/** Chunks that are taken from an address that is not the peer's, or not yet. */
const NEEDS_NO_PATH: readonly number[] = [ChunkType.InitAck, ChunkType.Auth, ChunkType.Asconf];

/** Handles one whole chunk; false if the rest of the packet is to be discarded. */
function processChunk(
  endpoint: Endpoint,
  association: Association,
  context: ChunkContext,
  type: number,
): boolean {
  if (!context.path && !NEEDS_NO_PATH.includes(type)) {
    endpoint.countDrop("unknown-source");
    return true;
  }
  const isViolation = isOfOtherKind(association.extensions, type);
  if (!isViolation && !understandsChunk(association.extensions, type)) {
    handleUnknownChunk(association, context);
    return !stopsProcessing(type);
  }
  if (!chunkHasItsFields(context.bytes, context.offset)) {
    endpoint.countDrop("malformed-chunk");
    return true;
  }
  if (lacksAuth(association.authentication, context, type)) {
    endpoint.countDrop("unauthenticated-chunk");
    return true;
  }
  const handle = handlerFor(association.state, type);
  if (!handle) endpoint.countDrop("unexpected-chunk");
  else if (isViolation) refuseOtherKind(association, type);
  else handle(association, context);
  return true;
}

/** RFC 8260, sections 2.2.3 and 2.3.1. */
function refuseOtherKind(association: Association, type: number): void {
  association.host.countDrop("mixed-data");
  const words = association.interleaves ? "beside I-DATA" : "without I-DATA being agreed on";
  abortForViolation(association, [protocolViolation(`${chunkName(type)} ${words}`)]);
}

/** INIT: alone in its packet and with tag 0 (section 8.5.1, A). */
function receiveInit(endpoint: Endpoint, context: ChunkContext, tag: number): void {
  const { bytes, offset, packetEnd } = context;
  const ports = portsOf(context);
  const isWhole = chunkIsWhole(bytes, offset, packetEnd);
  if (tag !== 0 || context.auth >= 0 || !isWhole || !isLastChunk(context)) {
    endpoint.countDrop("init-not-alone");
    return;
  }
  if (!isReplyable(endpoint, context)) return;
  const existing = endpoint.demultiplexer.find(ports.local, ports.remote, [context.source]);
  if (existing) {
    context.path = existing.findPath(context.destination, context.source);
    handleDuplicateInit(endpoint, existing, context);
    return;
  }
  const init = acceptableInit(endpoint, context, ports);
  if (!init) return;
  // Section 5.1.2, D: any listed address may identify an existing association.
  const listed = endpoint.demultiplexer.find(ports.local, ports.remote, init.addresses);
  if (listed) {
    handleDuplicateInit(endpoint, listed, context);
    return;
  }
  const listener = endpoint.listenerForInit(ports.local);
  const isOffered = listener?.localAddresses?.some((one) => one.equals(context.destination)) ??
    true;
  if (!listener || !isOffered) {
    endpoint.countDrop("out-of-the-blue");
    refuseInit(endpoint, context, ports, init.initiateTag, []);
  } else if (!endpoint.hasRoomFor(listener)) {
    endpoint.countDrop("association-limit");
    refuseInit(endpoint, context, ports, init.initiateTag, [{ code: CauseCode.OutOfResource }]);
  } else {
    answerInit(endpoint, listener, context, ports, init);
  }
}

/** COOKIE ECHO: makes an association, or meets the one that exists; DATA behind it is processed. */
function receiveCookieEcho(endpoint: Endpoint, context: ChunkContext, tag: number): void {
  const { bytes, offset, packetEnd } = context;
  if (!chunkIsWhole(bytes, offset, packetEnd)) {
    endpoint.countDrop("malformed-chunk");
    return;
  }
  if (!isReplyable(endpoint, context)) return;
  const ports = portsOf(context);
  const known = endpoint.demultiplexer.find(ports.local, ports.remote, [context.source]) ??
    endpoint.demultiplexer.byTag(tag);
  const association = known
    ? (handleDuplicateCookieEcho(endpoint, known, context, tag) ? known : undefined)
    : acceptCookie(endpoint, context, tag);
  if (!association) return;
  context.offset = nextChunk(bytes, offset, packetEnd);
  processChunks(endpoint, association, context);
}

function acceptCookie(
  endpoint: Endpoint,
  context: ChunkContext,
  tag: number,
): Association | undefined {
  const ports = portsOf(context);
  const listener = endpoint.listenerOn(ports.local);
  const cookie = openCookie(endpoint, context, ports, tag);
  if (!cookie) return undefined;
  const authentication = authenticationOf(endpoint, keysFor(endpoint, ports), cookie);
  if (!isAuthenticCookie(endpoint, authentication, context)) return undefined;
  if (endpoint.isSpent(context.now, cookie.localTag)) {
    // Section 5.3.1. As out of the blue: if the peer still has that association, this ends it.
    endpoint.countDrop("bad-cookie");
    endpoint.replyTo(context, ports, tag, encodeAbort(true, []));
    return undefined;
  }
  if (isStale(context, cookie)) {
    reportStaleCookie(endpoint, context, ports, cookie);
    return undefined;
  }
  if (!listener || !endpoint.hasRoomFor(listener)) {
    endpoint.countDrop("association-limit");
    const abort = encodeAbort(false, [{ code: CauseCode.OutOfResource }]);
    replyByCookie(endpoint, context, ports, cookie, abort);
    return undefined;
  }
  if (endpoint.demultiplexer.find(ports.local, ports.remote, cookie.peerAddresses)) {
    // Section 5.1.2, D: meanwhile another association has one of these addresses.
    endpoint.countDrop("unexpected-chunk");
    return undefined;
  }
  return associateByCookie(endpoint, listener, context, cookie);
}

/** Nothing is ever answered to or from an address that is not unicast, or port 0 (section 8.4, 1). */
function isReplyable(endpoint: Endpoint, context: ChunkContext): boolean {
  const ports = portsOf(context);
  if (ports.local === 0 || ports.remote === 0) {
    endpoint.countDrop("bad-port");
    return false;
  }
  if (!context.source.isUnicast || !context.destination.isUnicast) {
    endpoint.countDrop("not-unicast");
    return false;
  }
  return true;
}

function portsOf(context: ChunkContext): { local: number; remote: number } {
  return {
    local: destinationPort(context.bytes, context.packetStart),
    remote: sourcePort(context.bytes, context.packetStart),
  };
}
