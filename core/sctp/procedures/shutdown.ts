/** Graceful end (RFC 9260, section 9.2). */
import { after, type Instant } from "../base/time.ts";
import type { Association } from "../association.ts";
import type { ChunkContext } from "../chunk_context.ts";
import type { Path } from "../path/path.ts";
import { AssociationTimer } from "../timer/timer_table.ts";
import { processCumulativeAck, SackVerdict } from "../tx/sack_processing.ts";
import { encodeAbort } from "../wire/abort.ts";
import { protocolViolation } from "../wire/error_cause.ts";
import { encodeShutdown, encodeShutdownAck, encodeShutdownComplete } from "../wire/shutdown.ts";
import { shutdownCumulativeTsn } from "../wire/shutdown.ts";
import { abortForViolation } from "./abort.ts";
import { afterAck } from "./data_transfer.ts";
import { stopHeartbeats } from "./heartbeat.ts";
import { alternateFor, countError, replyPath, selectDataPath } from "./path_management.ts";

/** The guard timer's value, in units of RTO.Max. */
const GUARD_RTO_MAX = 5;

/** The user's SHUTDOWN. While the association is being set up it is remembered. */
export function beginShutdown(association: Association, now: Instant): void {
  switch (association.state) {
    case "COOKIE-WAIT":
    case "COOKIE-ECHOED":
      if (association.tx.isEmpty && association.state === "COOKIE-WAIT") {
        association.lose({ kind: "aborted-locally" });
      } else {
        association.shutdownWanted = true;
      }
      return;
    case "ESTABLISHED":
      association.phase = { state: "SHUTDOWN-PENDING" };
      if (association.tx.isEmpty) advanceShutdown(association, now);
      return;
    default:
      // Closing already: section 9.2 has requests ignored in SHUTDOWN-RECEIVED.
      return;
  }
}

/** The association is up: a SHUTDOWN that was asked for meanwhile begins. */
export function resumeShutdown(association: Association, now: Instant): void {
  if (!association.shutdownWanted) return;
  association.shutdownWanted = false;
  beginShutdown(association, now);
}

/** Everything outstanding has been acknowledged: the next step, if a shutdown is under way. */
export function advanceShutdown(association: Association, now: Instant): void {
  switch (association.state) {
    case "SHUTDOWN-PENDING":
      association.phase = { state: "SHUTDOWN-SENT", attempts: 0 };
      stopHeartbeats(association);
      startGuard(association, now);
      sendShutdown(association, now);
      return;
    case "SHUTDOWN-RECEIVED":
      association.phase = { state: "SHUTDOWN-ACK-SENT", attempts: 0 };
      stopHeartbeats(association);
      startGuard(association, now);
      sendShutdownAck(association, now);
      return;
  }
}

function startGuard(association: Association, now: Instant): void {
  const deadline = after(now, GUARD_RTO_MAX * association.parameters.rtoMax);
  association.timers.start(AssociationTimer.T5ShutdownGuard, deadline);
}

/** T5-shutdown-guard expired. */
export function onT5ShutdownGuard(association: Association): void {
  const [path] = association.pathList;
  association.sendLast(encodeAbort(false, [protocolViolation("shutdown took too long")]), path);
  association.lose({ kind: "unreachable", during: "shutdown" });
}

function sendShutdown(association: Association, now: Instant): void {
  const path = shutdownPath(association);
  if (!path || !association.rx) return;
  association.shutdownTsn = association.rx.tracker.cumulative;
  association.sendControl(encodeShutdown(association.shutdownTsn), path);
  armT2(association, now, path);
}

function sendShutdownAck(association: Association, now: Instant): void {
  const path = shutdownPath(association);
  if (!path) return;
  association.sendControl(encodeShutdownAck(), path);
  armT2(association, now, path);
}

function shutdownPath(association: Association): Path | undefined {
  return selectDataPath(association) ?? association.pathList[0];
}

function armT2(association: Association, now: Instant, path: Path): void {
  association.shutdownPath = path;
  association.timers.start(AssociationTimer.T2Shutdown, after(now, path.rto));
}

/** T2-shutdown expired: again, on another path, up to Association.Max.Retrans times. */
export function onT2Shutdown(association: Association, now: Instant): void {
  const { phase, parameters, shutdownPath: last } = association;
  if (phase.state !== "SHUTDOWN-SENT" && phase.state !== "SHUTDOWN-ACK-SENT") return;
  if (++phase.attempts > parameters.associationMaxRetrans) {
    association.lose({ kind: "unreachable", during: "shutdown" });
    return;
  }
  if (last) {
    last.rtt.backOff();
    if (!countError(association, last, false)) return;
    association.shutdownPath = alternateFor(association, last);
  }
  if (phase.state === "SHUTDOWN-SENT") sendShutdown(association, now);
  else sendShutdownAck(association, now);
}

/** SHUTDOWN from the peer. */
export function handleShutdown(association: Association, context: ChunkContext): void {
  const { tx, phase } = association;
  const cumulative = shutdownCumulativeTsn(context.bytes, context.offset);
  const verdict = processCumulativeAck(tx, context.now, cumulative);
  if (verdict === SackVerdict.NeverSent) {
    association.host.countDrop("unsent-acknowledged");
    abortForViolation(association, [protocolViolation("SHUTDOWN for a TSN that was never sent")]);
    return;
  }
  if (phase.state === "ESTABLISHED" || phase.state === "SHUTDOWN-PENDING") {
    association.phase = { state: "SHUTDOWN-RECEIVED" };
    association.host.emit({ kind: "shutdown-received", association });
  } else if (phase.state === "SHUTDOWN-SENT") {
    // Both sides have sent SHUTDOWN: each acknowledges the other's.
    association.phase = { state: "SHUTDOWN-ACK-SENT", attempts: 0 };
    sendShutdownAck(association, context.now);
    return;
  }
  afterAck(association, context.now);
}

/** SHUTDOWN ACK in SHUTDOWN-SENT or SHUTDOWN-ACK-SENT: the association is over. */
export function handleShutdownAck(association: Association, context: ChunkContext): void {
  association.sendLast(encodeShutdownComplete(false), replyPath(association, context));
  completeShutdown(association);
}

/** SHUTDOWN COMPLETE in SHUTDOWN-ACK-SENT. */
export function handleShutdownComplete(association: Association): void {
  completeShutdown(association);
}

/** The association has ended gracefully. */
export function completeShutdown(association: Association): void {
  association.close();
  association.rx?.clear(false);
  association.host.emit({ kind: "shutdown-complete", association });
}

/**
 * DATA arrived in SHUTDOWN-SENT: answered at once with a SHUTDOWN, and with a SACK too if a SHUTDOWN
 * cannot say everything.
 */
export function answerDataWhileShutdownSent(association: Association, now: Instant): void {
  const { phase, rx } = association;
  if (phase.state !== "SHUTDOWN-SENT" || !rx) return;
  phase.attempts = 0;
  // Deviation: the guard bounds a standstill, not a shutdown in which data still arrives.
  if (rx.tracker.cumulative !== association.shutdownTsn) startGuard(association, now);
  sendShutdown(association, now);
  // A SACK goes along: SHUTDOWN names neither gaps nor duplicates, nor the window that is left.
  rx.acks.demand();
}
