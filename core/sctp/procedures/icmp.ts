/** ICMP errors about packets of an association (RFC 9260, section 10). */
import { readU32 } from "../base/bytes.ts";
import { elapsed, type Instant } from "../base/time.ts";
import type { Association } from "../association.ts";
import type { IcmpError } from "../icmp_error.ts";
import { chunkType } from "../wire/chunk.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { COMMON_HEADER_LENGTH, verificationTag } from "../wire/common_header.ts";
import { onPacketTooBig } from "./path_mtu.ts";
import { onInitUnreachable } from "./setup.ts";
import { completeShutdown } from "./shutdown.ts";

/** Bytes of a quoted packet that are needed to see the Initiate Tag of an INIT. */
const INIT_TAG_END = COMMON_HEADER_LENGTH + 8;

/** True if the quoted packet is one that this association sent (section 10, ICMP6). */
export function quotesAssociation(association: Association, quoted: Uint8Array): boolean {
  if (quoted.length < COMMON_HEADER_LENGTH - 4) return false;
  const tag = verificationTag(quoted, 0);
  if (tag !== 0) return association.peerTag !== 0 && tag === association.peerTag;
  return quotesInit(quoted) && readU32(quoted, COMMON_HEADER_LENGTH + 4) === association.localTag;
}

function quotesInit(quoted: Uint8Array): boolean {
  return quoted.length >= INIT_TAG_END &&
    chunkType(quoted, COMMON_HEADER_LENGTH) === ChunkType.Init;
}

/**
 * Whether "protocol unreachable" is to be believed (section 10, ICMP8): about an INIT while it is
 * unanswered, about any other packet like an ABORT with the T bit.
 *
 * Deviation: not while the peer is heard. Linux says the same of a packet for which a raw socket has
 * no room left, so a peer in user space that is merely late would lose its association. One that is
 * gone causes the error again with the next retransmission or HEARTBEAT, when nothing else came for
 * RTO.Min.
 */
function meansNoSctp(association: Association, now: Instant, quoted: Uint8Array): boolean {
  if (quotesInit(quoted)) return association.state === "COOKIE-WAIT";
  return elapsed(association.heardAt, now) >= association.parameters.rtoMin;
}

/** Takes an error whose quoted packet was found to be this association's. */
export function handleIcmpError(association: Association, now: Instant, error: IcmpError): void {
  const path = association.findPath(error.local, error.remote);
  switch (error.kind) {
    case "protocol-unreachable":
      if (!meansNoSctp(association, now, error.quoted)) return;
      // As for that ABORT: everything was acknowledged, and the peer ended first.
      if (association.state === "SHUTDOWN-ACK-SENT") completeShutdown(association);
      else association.lose({ kind: "no-sctp-at-peer" });
      return;
    case "packet-too-big":
      if (path) onPacketTooBig(association, now, path, error.mtu);
      return;
    case "destination-unreachable":
      if (path && quotesInit(error.quoted)) onInitUnreachable(association, now, path);
      // ICMP9 is a MAY: once the association is up, timers and heartbeats decide, so that a forged or
      // passing error costs nothing.
      return;
    case "port-unreachable":
      // ICMP3: ignored.
      return;
  }
}
