/** Abortive end (RFC 9260, sections 3.3.7 and 9.1). */
import type { Instant } from "../base/time.ts";
import type { Association } from "../association.ts";
import type { ChunkContext } from "../chunk_context.ts";
import { abortIsReflected, encodeAbort } from "../wire/abort.ts";
import { verificationTag } from "../wire/common_header.ts";
import { CauseCode, chunkCauses, type ErrorCause } from "../wire/error_cause.ts";
import { selectDataPath } from "./path_management.ts";
import { completeShutdown } from "./shutdown.ts";

/** The user's ABORT: sent with the reason given. */
export function abortAssociation(
  association: Association,
  _now: Instant,
  reason: Uint8Array,
): void {
  if (association.state === "CLOSED") return;
  sendAbort(association, [{ code: CauseCode.UserInitiatedAbort, reason }]);
  association.lose({ kind: "aborted-locally" });
}

/** Ends an association whose peer broke the protocol. */
export function abortForViolation(association: Association, causes: readonly ErrorCause[]): void {
  if (association.state === "CLOSED") return;
  sendAbort(association, causes);
  association.lose({ kind: "protocol-violation", causes });
}

/** Sends an ABORT with the peer's tag, if the peer can know of the association at all. */
export function sendAbort(association: Association, causes: readonly ErrorCause[]): void {
  const path = selectDataPath(association) ?? association.pathList[0];
  if (path && association.peerTag !== 0) association.sendLast(encodeAbort(false, causes), path);
}

/**
 * The peer's ABORT (section 8.5.1, B). The tag fits the first chunk of its packet; an ABORT further
 * behind may claim another one.
 */
export function handleAbort(association: Association, context: ChunkContext): void {
  const { bytes, offset, packetStart } = context;
  const isReflected = abortIsReflected(bytes, offset);
  if (isReflected && verificationTag(bytes, packetStart) !== association.peerTag) {
    association.host.countDrop("bad-tag");
    return;
  }
  const { path } = context;
  if (isReflected && path?.standing === "member" && !path.isConfirmed) {
    // An address that the peer has added may be another host's, which knows nothing of the association:
    // that is what the probe finds out, and no reason to end it (section 5.4; RFC 5061, 5.3, F14).
    association.host.countDrop("unexpected-chunk");
    return;
  }
  if (association.state === "SHUTDOWN-ACK-SENT" && isReflected) {
    // Everything was acknowledged and the peer has forgotten us: its SHUTDOWN COMPLETE was lost.
    completeShutdown(association);
    return;
  }
  // RFC 5061, section 5.3, F4: it answers what was sent from there before.
  if (path?.standing === "leaving") return;
  const causes = chunkCauses(bytes, offset);
  association.lose({ kind: "aborted-by-peer", causes });
}
