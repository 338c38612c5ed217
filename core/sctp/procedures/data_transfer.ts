/** DATA and SACK in an association, and T3-rtx (RFC 9260, section 6). */
import { tsnLess } from "../base/serial.ts";
import { after, type Instant, NEVER } from "../base/time.ts";
import type { Association } from "../association.ts";
import type { ChunkContext } from "../chunk_context.ts";
import { Ecn } from "../packet.ts";
import type { Path } from "../path/path.ts";
import { DataVerdict } from "../rx/reception.ts";
import { PathTimer } from "../timer/timer_table.ts";
import { ChunkState } from "../tx/outstanding.ts";
import { mark, markEverythingOn, noteReduction } from "../tx/retransmission.ts";
import type { Transmission } from "../tx/transmission.ts";
import { processSack, SackVerdict } from "../tx/sack_processing.ts";
import { chunkLength, chunkType } from "../wire/chunk.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { dataStream, dataTsn } from "../wire/data.ts";
import { encodeError } from "../wire/error.ts";
import { CauseCode, protocolViolation } from "../wire/error_cause.ts";
import { nrSackIsWellFormed } from "../wire/nr_sack.ts";
import { sackIsWellFormed } from "../wire/sack.ts";
import { abortForViolation } from "./abort.ts";
import { MAX_QUEUED_REPORTS } from "./operation_error.ts";
import { alternateFor, countError, pathAnswered, replyPath } from "./path_management.ts";
import { noteDataLoss } from "./path_mtu.ts";
import { reportFreeKeys } from "./authentication.ts";
import { probe } from "./heartbeat.ts";
import { advanceShutdown } from "./shutdown.ts";

/** One DATA or I-DATA chunk, in a state in which DATA is taken. */
export function handleData(association: Association, context: ChunkContext): void {
  const { rx, host, metrics } = association;
  const { bytes, offset } = context;
  if (!rx) return;
  if (chunkLength(bytes, offset) <= rx.headerLength) {
    // Section 6.2, last paragraphs.
    abortForViolation(association, [{ code: CauseCode.NoUserData, tsn: dataTsn(bytes, offset) }]);
    return;
  }
  const tsn = dataTsn(bytes, offset);
  if (!context.hasData || tsnLess(tsn, context.lowestTsn)) context.lowestTsn = tsn;
  context.hasData = true;
  metrics.dataChunksReceived++;
  switch (rx.handleData(bytes, offset)) {
    case DataVerdict.Accepted:
      break;
    case DataVerdict.Duplicate:
      metrics.duplicatesReceived++;
      host.countDrop("duplicate-data");
      break;
    case DataVerdict.NoRoom:
      host.countDrop("no-room");
      break;
    case DataVerdict.BeyondWindow:
      host.countDrop("beyond-window");
      break;
    case DataVerdict.Useless:
      host.countDrop("useless-ssn");
      break;
    case DataVerdict.BehindReset:
      host.countDrop("behind-reset");
      break;
    case DataVerdict.InvalidStream:
      reportInvalidStream(association, context);
      break;
    case DataVerdict.Contradiction:
      abortForViolation(association, [protocolViolation("fragments that contradict each other")]);
      break;
  }
}

/** Section 6.5: acknowledged, reported, discarded. */
function reportInvalidStream(association: Association, context: ChunkContext): void {
  association.host.countDrop("invalid-stream");
  const stream = dataStream(context.bytes, context.offset);
  const chunk = encodeError([{ code: CauseCode.InvalidStreamIdentifier, stream }]);
  if (association.control.length < MAX_QUEUED_REPORTS) {
    association.sendControl(chunk, replyPath(association, context));
  }
}

/** A packet with DATA or FORWARD TSN is over: decides about acknowledging, and tells the user what can be read. */
export function finishDataPacket(association: Association, context: ChunkContext): void {
  const { rx } = association;
  if (!rx) return;
  rx.endOfPacket(context.now);
  association.lastDataPath = context.path;
  if (association.ecnEnabled && context.hasData && context.ecn === Ecn.Ce) {
    // RFC 3168: echo until the sender says that it has reacted.
    association.ecnEchoTsn ??= context.lowestTsn;
    rx.acks.demand();
  }
  announceReadable(association);
}

/** DATA ARRIVE, once until the user has read everything. */
export function announceReadable(association: Association): void {
  if (association.readableReported || !association.rx?.isReadable) return;
  association.readableReported = true;
  association.host.emit({ kind: "readable", association });
}

/** One SACK chunk, in a state in which SACKs are taken. */
export function handleSack(association: Association, context: ChunkContext): void {
  const { tx, host, metrics } = association;
  const { bytes, offset, now } = context;
  const isWhole = chunkType(bytes, offset) === ChunkType.NrSack
    ? nrSackIsWellFormed(bytes, offset)
    : sackIsWellFormed(bytes, offset);
  if (!isWhole) {
    host.countDrop("malformed-chunk");
    return;
  }
  // Section 6.2: a packet has one. More would be work without bound for its sender's little.
  if (context.hasSack) {
    host.countDrop("unexpected-chunk");
    return;
  }
  context.hasSack = true;
  metrics.sacksReceived++;
  const wasInRecovery = tx.inFastRecovery;
  const windowBefore = tx.announcedWindow;
  switch (processSack(tx, now, bytes, offset)) {
    case SackVerdict.Old:
      host.countDrop("old-sack");
      return;
    case SackVerdict.Exaggerated:
      host.countDrop("unsent-acknowledged");
      break;
    case SackVerdict.NeverSent:
      host.countDrop("unsent-acknowledged");
      abortForViolation(association, [protocolViolation("SACK for a TSN that was never sent")]);
      return;
  }
  if (tx.inFastRecovery && !wasInRecovery) metrics.fastRecoveries++;
  retryOpenedWindow(association, windowBefore);
  afterAck(association, now);
}

/** What every acknowledgement entails: errors are cleared, the user may send, shutdown may go on. */
export function afterAck(association: Association, now: Instant): void {
  const { tx } = association;
  if (tx.progress) {
    // Section 8.1: reset each time a DATA chunk is acknowledged.
    tx.errorCount = 0;
    for (const path of association.pathList) if (path.answered) pathAnswered(association, path);
  }
  association.reportRoom();
  association.reportDry();
  if (association.haveRetiringKeys) reportFreeKeys(association, tx.outstanding.ackPoint);
  if (tx.isEmpty) advanceShutdown(association, now);
}

/** What the peer dropped for want of room leaves again once there is room, not when T3-rtx expires. */
function retryOpenedWindow(association: Association, windowBefore: number): void {
  const { tx } = association;
  if (!tx.isClosed(windowBefore) || tx.isClosed(tx.announcedWindow)) return;
  const first = tx.outstanding.firstTsn;
  const slot = tx.outstanding.slotOf(first);
  if (tx.outstanding.state[slot] !== ChunkState.InFlight) return;
  const path = association.pathList[tx.outstanding.path[slot]];
  mark(tx, first, path);
  path.fastRetransmitDue = true;
}

/** T3-rtx expired on a path (sections 6.3.3 and 6.4.1). */
export function onT3Rtx(association: Association, now: Instant, path: Path): void {
  const { tx } = association;
  const isIdle = path.flightSize === 0 && path.awaitingRetransmission === 0;
  if (isIdle && !tx.forward?.isTimedOn(path)) {
    // Section 6.1, A: the timer ran because the peer's window is closed; this is the probe.
    tx.windowProbeDue = true;
    return;
  }
  // Section 6.1, A: a peer that keeps its window closed and says so is there.
  const answers = tx.sackSinceTimeout && tx.isClosed(tx.announcedWindow);
  const isProbe = answers && tx.outstanding.count === 1;
  tx.sackSinceTimeout = false;
  path.metrics.timeouts++;
  association.metrics.timeouts++;
  noteDataLoss(association, now, path);
  path.rtt.backOff();
  path.rttSentAt = NEVER;
  if (!isProbe) collapseWindow(tx, path);
  // Before the choice of a target: the path may be failing, or inactive, by this.
  if (!answers && !countError(association, path, true)) return;
  const target = alternateFor(association, path);
  markEverythingOn(tx, path, target);
  // Section 6.3.3, E3: one packet goes at once, whatever the target's cwnd says.
  target.fastRetransmitDue = target.awaitingRetransmission > 0;
  tx.forward?.retryOn(target);
  if (answers) return;
  // RFC 7829, section 3.2, 6: find out at once whether the path is gone.
  if (target !== path && path.status === "active") probe(association, now, path);
}

/** Section 6.3.3, E1: the path starts again with one packet. */
function collapseWindow(tx: Transmission, path: Path): void {
  path.congestion.onTimeout();
  path.oneInFlight = true;
  tx.inFastRecovery = false;
  noteReduction(tx);
}

/** Section 6.1, A: with a closed window and nothing in flight, T3-rtx times the next probe. */
export function armWindowProbe(association: Association, now: Instant): void {
  const { tx, conditions } = association;
  const path = conditions.dataPath;
  if (!path || tx.queue.isDrained || tx.outstanding.count > 0 || tx.windowProbeDue) return;
  const isClosed = tx.peerWindow < Math.min(tx.queue.currentRest, tx.chunkPayload);
  if (!isClosed || path.timers.isRunning(PathTimer.T3Rtx)) return;
  path.timers.start(PathTimer.T3Rtx, after(now, path.rto));
}
