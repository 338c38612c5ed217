/** ICMP errors about packets of an association (RFC 9260, section 10). */
import { readU32 } from "../base/bytes.ts";
import type { Instant } from "../base/time.ts";
import type { Association } from "../association.ts";
import type { IcmpError } from "../icmp_error.ts";
import { chunkType } from "../wire/chunk.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { COMMON_HEADER_LENGTH, verificationTag } from "../wire/common_header.ts";

/** Bytes of a quoted packet that are needed to see the Initiate Tag of an INIT. */
const INIT_TAG_END = COMMON_HEADER_LENGTH + 8;
/** No IPv4 path is narrower (RFC 791), no IPv6 path may be (RFC 8200, section 5). */
const SMALLEST_MTU = { 4: 576, 6: 1280 } as const;

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

/** Takes an error whose quoted packet was found to be this association's. */
export function handleIcmpError(association: Association, _now: Instant, error: IcmpError): void {
  const path = association.findPath(error.local, error.remote);
  switch (error.kind) {
    case "protocol-unreachable":
      // ICMP8: for an INIT only while it is unanswered; otherwise like an ABORT with the T bit.
      if (!quotesInit(error.quoted) || association.state === "COOKIE-WAIT") {
        association.lose({ kind: "no-sctp-at-peer" });
      }
      return;
    case "packet-too-big": {
      const smallest = SMALLEST_MTU[error.remote.family];
      if (path && error.mtu >= smallest && error.mtu < path.pmtu) {
        path.pmtu = error.mtu;
        association.tx.updateChunkPayload();
      }
      return;
    }
    case "destination-unreachable":
      // ICMP9 is a MAY: timers and heartbeats decide, so that a forged or passing error costs nothing.
      return;
    case "port-unreachable":
      // ICMP3: ignored.
      return;
  }
}
