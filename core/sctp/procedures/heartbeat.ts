/** HEARTBEAT and HEARTBEAT ACK: path verification and monitoring (RFC 9260, sections 5.4 and 8.3). */
import { uniform } from "../base/random.ts";
import { after, elapsed, type Instant } from "../base/time.ts";
import type { Association } from "../association.ts";
import type { ChunkContext } from "../chunk_context.ts";
import type { Path } from "../path/path.ts";
import { PathTimer } from "../timer/timer_table.ts";
import { encodeHeartbeatAck, heartbeatParameters } from "../wire/heartbeat.ts";
import { answers, heartbeatFor, newNonce, readHeartbeatInfo } from "./heartbeat_info.ts";
import { onMtuProbeAcked } from "./path_mtu.ts";
import { confirmPath, countError, isMonitored, pathAnswered } from "./path_management.ts";

/** Starts probing and monitoring all paths (section 5.4: on entering ESTABLISHED). */
export function startHeartbeats(association: Association, now: Instant): void {
  let unconfirmed = 0;
  for (const path of association.pathList) {
    if (path.status === "unconfirmed") {
      // HB.Max.Burst probes at once, the rest an RTO later each.
      const turn = Math.floor(unconfirmed++ / association.parameters.hbMaxBurst);
      path.timers.start(PathTimer.Heartbeat, after(now, turn * path.rto));
    } else {
      scheduleHeartbeat(path, now, association);
    }
  }
}

/** Monitors a path that was added while the association is up. */
export function startHeartbeat(path: Path, now: Instant): void {
  path.timers.start(PathTimer.Heartbeat, now);
}

/**
 * Probes a path to an address that the peer has added (RFC 5061, section 5.3, F14): HB.Max.Burst at
 * once, others an RTO later each, so that a peer cannot have many packets sent where it likes.
 */
export function startHeartbeatInTurn(association: Association, path: Path, now: Instant): void {
  if (!isMonitored(association)) return;
  const others = association.pathList.filter(({ status }) => status === "unconfirmed").length - 1;
  const turn = Math.floor(others / association.parameters.hbMaxBurst);
  path.timers.start(PathTimer.Heartbeat, after(now, turn * path.rto));
}

/** Stops probing: SHUTDOWN or SHUTDOWN ACK was sent (section 8.3). */
export function stopHeartbeats(association: Association): void {
  for (const path of association.pathList) {
    path.timers.stop(PathTimer.Heartbeat);
    path.timers.stop(PathTimer.HeartbeatTimeout);
    path.heartbeat = undefined;
  }
}

/** RTO plus HB.interval with half an RTO of jitter to either side (section 8.3). */
export function scheduleHeartbeat(path: Path, now: Instant, association: Association): void {
  const jitter = (uniform(association.host.environment.random) - 0.5) * path.rto;
  const interval = isUrgent(path) ? 0 : path.parameters.hbInterval;
  path.timers.start(PathTimer.Heartbeat, after(now, path.rto + interval + jitter));
}

/** Unconfirmed and potentially failed paths are probed each RTO (section 5.4; RFC 7829, 3.2, 5). */
function isUrgent(path: Path): boolean {
  return path.status === "unconfirmed" || (path.status === "active" && path.isPotentiallyFailed);
}

/** The heartbeat timer of a path: probes it if it is idle. */
export function onHeartbeatTimer(association: Association, now: Instant, path: Path): void {
  // One probe at a time: a second one would make the answer to the first look forged.
  const isProbing = path.timers.isRunning(PathTimer.HeartbeatTimeout);
  if (!mayProbe(association, path) || !path.maySend || isProbing) {
    scheduleHeartbeat(path, now, association);
    return;
  }
  const idleFor = elapsed(path.lastMeasuredSendAt, now);
  const period = path.rto + path.parameters.hbInterval;
  if (path.status === "active" && !path.isPotentiallyFailed && idleFor < period / 2) {
    scheduleHeartbeat(path, now, association);
    return;
  }
  sendHeartbeat(association, now, path);
}

/**
 * Heartbeats can be switched off, the verification of an address cannot (sections 5.4 and 8.3). Until
 * COOKIE ACK no packet leaves but COOKIE ECHO, which may bring a HEARTBEAT along (section 5.1, C).
 */
function mayProbe(association: Association, path: Path): boolean {
  if (association.state === "COOKIE-ECHOED") return false;
  const enabled = path.heartbeatEnabled && path.parameters.heartbeat === 1;
  return path.status === "unconfirmed" || enabled;
}

/** Probes a path at once, unless it is being probed or may not be (RFC 7829, section 3.2, 5 and 6). */
export function probe(association: Association, now: Instant, path: Path): void {
  if (!path.heartbeat && path.maySend && mayProbe(association, path)) {
    sendHeartbeat(association, now, path);
  }
}

/** Sends a HEARTBEAT with a fresh nonce. */
export function sendHeartbeat(association: Association, now: Instant, path: Path): void {
  path.heartbeat = { ...newNonce(association.host.environment.random), sentAt: now };
  association.sendControl(heartbeatFor(path, path.heartbeat), path);
  path.metrics.heartbeatsSent++;
  path.lastMeasuredSendAt = now;
  path.timers.start(PathTimer.HeartbeatTimeout, after(now, path.rto));
  scheduleHeartbeat(path, now, association);
}

/** A HEARTBEAT was not answered within one RTO (section 8.3). */
export function onHeartbeatTimeout(association: Association, now: Instant, path: Path): void {
  path.heartbeat = undefined;
  path.rtt.backOff();
  // Section 8.1: only the path that data uses speaks for the peer as a whole; 5.4: a probe never does,
  // unless no address is left that is confirmed (RFC 5061).
  const isOnItsWay = path.status !== "unconfirmed" && path === association.currentDataPath;
  const countsForPeer = isOnItsWay || !association.pathList.some(({ isProven }) => isProven);
  if (!countError(association, path, countsForPeer)) return;
  if (isUrgent(path)) probe(association, now, path);
}

/** Answers a HEARTBEAT on the path on which it came (section 8.3). */
export function handleHeartbeat(association: Association, context: ChunkContext): void {
  const { path, bytes, offset } = context;
  association.metrics.heartbeatsReceived++;
  if (!path || path.standing === "leaving") return;
  const answer = encodeHeartbeatAck(heartbeatParameters(bytes, offset));
  // RFC 5061, section 5.3, F1: nothing leaves from an address before the ASCONF-ACK, which the
  // HEARTBEAT has overtaken. usrsctp sends no other one, and no data without its answer.
  if (path.standing === "joining") path.owedHeartbeatAck = answer;
  else association.sendControl(answer, path);
}

/** The path's address has joined. */
export function answerOwedHeartbeat(association: Association, path: Path): void {
  if (path.owedHeartbeatAck) association.sendControl(path.owedHeartbeatAck, path);
  path.owedHeartbeatAck = undefined;
}

/** Takes a HEARTBEAT ACK if its nonce is the one that was sent (sections 5.4 and 8.3). */
export function handleHeartbeatAck(association: Association, context: ChunkContext): void {
  const { now, bytes, offset } = context;
  const info = readHeartbeatInfo(bytes, offset);
  const path = info && association.pathOf(info.pathId);
  const sent = [path?.heartbeat, path?.mtuProbe].find((one) => info && answers(info, one));
  if (!path || !sent) {
    association.host.countDrop("forged-heartbeat-ack");
    return;
  }
  if (sent === path.mtuProbe) onMtuProbeAcked(association, now, path);
  else noteHeartbeatAcked(path);
  path.rtt.addSample(elapsed(sent.sentAt, now));
  pathAnswered(association, path);
  confirmPath(association, path);
  scheduleHeartbeat(path, now, association);
  // Section 8.1: a peer that answers is there, whatever becomes of the data.
  association.tx.errorCount = 0;
}

function noteHeartbeatAcked(path: Path): void {
  path.heartbeat = undefined;
  path.timers.stop(PathTimer.HeartbeatTimeout);
  path.metrics.heartbeatsAcked++;
}
