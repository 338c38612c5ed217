/**
 * Explicit Congestion Notification with the reserved ECNE and CWR chunks (RFC 9260, table 1; the
 * reaction is that of RFC 3168, section 6.1).
 */
import { tsn, tsnLess, tsnLessOrEqual } from "../base/serial.ts";
import type { Association } from "../association.ts";
import type { ChunkContext } from "../chunk_context.ts";
import { cwrTsn, ecneTsn, encodeCwr } from "../wire/ecn.ts";
import { replyPath } from "./path_management.ts";

/** ECNE: our data met congestion. One reduction per window, and CWR says that it happened. */
export function handleEcne(association: Association, context: ChunkContext): void {
  const { tx, pathList } = association;
  if (!association.ecnEnabled) return;
  association.metrics.ecnEchoesReceived++;
  const lowest = ecneTsn(context.bytes, context.offset);
  if (!tsnLess(lowest, tx.outstanding.nextTsn)) return;
  const path = tx.outstanding.holds(lowest)
    ? pathList[tx.outstanding.path[tx.outstanding.slotOf(lowest)]]
    : context.path;
  if (!path) return;
  if (tsnLess(tx.ecnReducedUpTo, lowest)) {
    path.congestion.onCongestionExperienced();
    path.metrics.ecnReductions++;
    tx.ecnReducedUpTo = tsn(tx.outstanding.nextTsn - 1);
  }
  association.sendControl(encodeCwr(lowest), replyPath(association, context));
}

/** CWR: the peer has reacted to what we echo. */
export function handleCwr(association: Association, context: ChunkContext): void {
  const { ecnEchoTsn } = association;
  if (ecnEchoTsn === undefined) return;
  if (tsnLessOrEqual(ecnEchoTsn, cwrTsn(context.bytes, context.offset))) {
    association.ecnEchoTsn = undefined;
  }
}
