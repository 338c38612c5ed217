/** What leaves next, and in which packet (RFC 9260, sections 6.1, 6.2, 6.10 and 7.2.1). */
import { elapsed, type Instant } from "../base/time.ts";
import type { Association } from "../association.ts";
import { Ecn, type PacketBatch } from "../packet.ts";
import type { Path } from "../path/path.ts";
import { fillPacket, mayTransmit } from "../tx/data_sender.ts";
import { hasBulk, writeFullPackets } from "../tx/full_packets.ts";
import { type ForwardPoint, SHORTEST_FORWARD_TSN } from "../tx/forward_point.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { COMMON_HEADER_LENGTH } from "../wire/common_header.ts";
import { encodeEcne } from "../wire/ecn.ts";
import { putPad, SHORTEST_PAD } from "../wire/pad.ts";
import { askForAddresses } from "./asconf.ts";
import { armWindowProbe } from "./data_transfer.ts";
import { giveUpMessages, timeLifetimes } from "./partial_reliability.ts";
import { selectDataPath } from "./path_management.ts";
import { askForChange } from "./reconfiguration.ts";

/** Idle periods for which cwnd is reduced at once: it has reached its floor by then. */
const MAX_IDLE_PERIODS = 16;

/** Writes packets until nothing more may leave; returns true if the batch became full before. */
export function transmitAssociation(
  association: Association,
  now: Instant,
  batch: PacketBatch,
): boolean {
  giveUpMessages(association, now);
  prepare(association, now);
  for (;;) {
    if (!batch.hasRoom(roomFor(association))) return true;
    if (association.tx.queue.courses) steer(association, now);
    if (writeBulk(association, now, batch) || writePacket(association, now, batch)) continue;
    if (!askPeer(association, now)) break;
  }
  if (maySendData(association)) armWindowProbe(association, now);
  timeLifetimes(association);
  for (const path of association.pathList) path.windowInUse = path.flightSize >= path.cwnd;
  return false;
}

/** Queues a request to the peer if one is wanted and it is time for it. */
function askPeer(association: Association, now: Instant): boolean {
  const { reconfiguration, addressing } = association;
  if (reconfiguration && askForChange(association, now)) return true;
  return addressing !== undefined && askForAddresses(association, now);
}

/**
 * Bytes that the next packet may need: an old DATA chunk, or an answer as long as what the peer sent,
 * can be larger than the PMTU (RFC 9260, section 6.9).
 */
function roomFor({ tx, control, authentication }: Association): number {
  if (control.length === 0) return tx.largestPacket;
  const before = COMMON_HEADER_LENGTH + (authentication?.chunkLength ?? 0);
  const { chunk, padTo = 0 } = control[0];
  return Math.max(tx.largestPacket, before + chunk.length, padTo);
}

function prepare(association: Association, now: Instant): void {
  const { conditions, parameters, state } = association;
  const isClosing = state === "SHUTDOWN-PENDING" || state === "SHUTDOWN-RECEIVED";
  conditions.hurry = parameters.noDelay === 1 || isClosing;
  conditions.closing = isClosing;
  conditions.startTimers = state !== "COOKIE-ECHOED";
  useDataPath(association, now, selectDataPath(association));
}

/** The next message goes where its sender says, while that address can be used (SCTP_ADDR_OVER). */
function steer(association: Association, now: Instant): void {
  const { tx: { queue }, conditions } = association;
  const id = queue.courses?.at(queue.courseOf(queue.current))?.path;
  const wanted = id === undefined ? undefined : association.pathOf(id);
  const isOpen = wanted?.isProven && wanted.carriesData;
  const path = isOpen ? wanted : selectDataPath(association);
  if (path !== conditions.dataPath) useDataPath(association, now, path);
}

/** New data leaves on this path. */
function useDataPath(association: Association, now: Instant, path: Path | undefined): void {
  association.conditions.dataPath = path;
  if (!path) return;
  association.currentDataPath = path;
  if (path.releasedBytes > 0) renewBurst(path);
  if (path.flightSize > 0) return;
  path.burstBudget = Math.max(path.burstBudget, path.maximumBurst);
  if (!association.tx.queue.isDrained) decayIdleWindow(path, now);
}

/**
 * Deviation from the letter of section 6.1, D: Max.Burst counts from what SACKs have released since
 * the last chance to send, so that a SACK for many packets (one per batch of a fast receiver), or
 * several at once, do not stall the sender.
 */
function renewBurst(path: Path): void {
  path.burstBudget = path.maximumBurst + path.releasedBytes;
  path.releasedBytes = 0;
}

/** RFC 9260, section 7.2.1: an idle path's cwnd is halved once per RTO; old burst credit lapses. */
function decayIdleWindow(path: Path, now: Instant): void {
  const periods = Math.floor(elapsed(path.lastDataSentAt, now) / path.rto);
  if (periods < 1) return;
  path.burstBudget = path.maximumBurst;
  for (let i = Math.min(periods, MAX_IDLE_PERIODS); i > 0; i--) path.congestion.onIdle();
  path.lastDataSentAt = now;
}

function writePacket(association: Association, now: Instant, batch: PacketBatch): boolean {
  const { control } = association;
  if (control.length > 0) {
    writeControlPacket(association, now, batch);
    return true;
  }
  if (!maySendData(association)) {
    return association.rx?.acks.isDue ? writeSackPacket(association, now, batch) : false;
  }
  if (
    association.tx.forward && writeForwardPacket(association, association.tx.forward, now, batch)
  ) {
    return true;
  }
  for (const path of association.pathList) {
    if (!mayTransmit(association.tx, path, association.conditions)) continue;
    begin(association, batch, path, association.peerTag);
    const { rx } = association;
    if (rx?.acks.isPending && path === sackPath(association)) bundleSack(association);
    return finish(association, now, batch, path, true);
  }
  return association.rx?.acks.isDue ? writeSackPacket(association, now, batch) : false;
}

/** Writes packets that hold nothing but a full chunk; false if the next one holds something else. */
function writeBulk(association: Association, now: Instant, batch: PacketBatch): boolean {
  const { tx, rx, host, control, conditions, authentication } = association;
  if (!hasBulk(tx)) return false;
  const path = conditions.dataPath;
  const isAlone = control.length === 0 && !rx?.acks.isPending &&
    !authentication?.mustSend(tx.chunkType) && !tx.forward?.isDue(tx, now);
  if (!path || !isAlone || !maySendData(association)) return false;
  path.route.ecn = association.ecnEnabled ? Ecn.Ect0 : Ecn.NotEct;
  const bytesBefore = batch.used;
  const packets = writeFullPackets(tx, now, path, host.writer, batch, association, conditions);
  if (packets === 0) return false;
  association.metrics.dataChunksSent += packets;
  countSent(association, path, packets, batch.used - bytesBefore);
  return true;
}

function countSent({ metrics }: Association, path: Path, packets: number, bytes: number): void {
  metrics.packetsSent += packets;
  metrics.bytesSent += bytes;
  path.metrics.packetsSent += packets;
  path.metrics.bytesSent += bytes;
}

/** A FORWARD TSN that is due, with the SACK and the DATA that can go along (RFC 3758, section 3.5, F2). */
function writeForwardPacket(
  association: Association,
  forward: ForwardPoint,
  now: Instant,
  batch: PacketBatch,
): boolean {
  const { tx, conditions, host, rx } = association;
  const path = forward.isDue(tx, now) ? forward.pathFor(conditions.dataPath) : undefined;
  if (!path) return false;
  begin(association, batch, path, association.peerTag);
  const type = tx.interleaves ? ChunkType.IForwardTsn : ChunkType.ForwardTsn;
  if (!mayAdd(association, type, SHORTEST_FORWARD_TSN)) return false;
  forward.write(tx, now, path, host.writer);
  association.metrics.forwardTsnsSent++;
  if (rx?.acks.isPending && path === sackPath(association)) bundleSack(association);
  return finish(association, now, batch, path, true);
}

/** RFC 9260, section 6: the states in which DATA may leave. */
function maySendData(association: Association): boolean {
  const { state } = association;
  return state === "ESTABLISHED" || state === "SHUTDOWN-PENDING" || state === "SHUTDOWN-RECEIVED";
}

/** The first control chunk, those behind it that can share its packet, then SACK and DATA. */
function writeControlPacket(association: Association, now: Instant, batch: PacketBatch): void {
  const { control, host } = association;
  const { writer } = host;
  const { path, alone, zeroTag, chunk, padTo } = control[0];
  if (padTo !== undefined) return writeProbe(association, batch, padTo);
  const { phase } = association;
  // RFC 9260, section 5.1, C: before COOKIE ACK, DATA leaves only behind COOKIE ECHO.
  const echoesCookie = phase.state === "COOKIE-ECHOED" && chunk === phase.cookieEcho;
  begin(association, batch, path, zeroTag ? 0 : association.peerTag);
  let taken = 0;
  while (taken < control.length) {
    const item = control[taken];
    if (taken > 0 && (alone || item.alone || item.path !== path)) break;
    const isFirst = taken === 0;
    if (!mayAdd(association, item.chunk[0], isFirst ? -Infinity : item.chunk.length)) break;
    writer.append(item.chunk);
    taken++;
  }
  // Setting the length to 0 gives the array's memory back as well.
  if (taken === control.length) control.length = 0;
  else control.splice(0, taken);
  const bundlesData = !alone && path.status === "active" &&
    (maySendData(association) || echoesCookie);
  if (!alone && association.rx?.acks.isDue && path === sackPath(association)) {
    bundleSack(association);
  }
  finish(association, now, batch, path, bundlesData);
}

/** A probe for the path MTU: HEARTBEAT, and PAD up to its size (RFC 8899, section 6.2.1.2). */
function writeProbe(association: Association, batch: PacketBatch, size: number): void {
  const { localPort, remotePort, peerTag, omitsChecksum, control, host: { writer } } = association;
  const { path, chunk } = control.shift()!;
  writer.begin(batch, size, localPort, remotePort, peerTag, omitsChecksum);
  if (!mayAdd(association, ChunkType.Heartbeat, chunk.length)) return;
  writer.append(chunk);
  const { room } = writer;
  if (room >= SHORTEST_PAD) putPad(writer.memory, writer.reserve(room), room);
  countSent(association, path, 1, writer.finish(batch, path.probeRoute));
}

function writeSackPacket(association: Association, now: Instant, batch: PacketBatch): boolean {
  const path = sackPath(association);
  if (!path) return false;
  begin(association, batch, path, association.peerTag);
  bundleSack(association);
  return finish(association, now, batch, path, false);
}

/** RFC 9260, section 6.7: where DATA came from last, if that address may be used (section 5.4). */
function sackPath(association: Association): Path | undefined {
  const { lastDataPath, conditions, pathList } = association;
  if (lastDataPath?.isProven && lastDataPath.usable) return lastDataPath;
  return conditions.dataPath ?? pathList.find((path) => path.isProven);
}

function bundleSack(association: Association): void {
  const { rx, host } = association;
  const { writer } = host;
  if (!rx || !mayAdd(association, rx.sackType, rx.tracker.sackHeaderLength)) return;
  const length = rx.sackLength(writer.room);
  rx.writeSack(writer.memory, writer.reserve(length), length);
  association.metrics.sacksSent++;
  if (association.ecnEchoTsn === undefined) return;
  const echo = encodeEcne(association.ecnEchoTsn);
  if (mayAdd(association, ChunkType.Ecne, echo.length)) writer.append(echo);
}

/**
 * True if the open packet has room for a chunk of this type. RFC 4895, section 6.2: if the peer takes
 * it only authenticated, an AUTH chunk is there when this returns.
 */
function mayAdd({ authentication, host }: Association, type: number, length: number): boolean {
  const { writer } = host;
  if (!authentication || writer.isAuthenticating || !authentication.mustSend(type)) {
    return length <= writer.room;
  }
  if (authentication.chunkLength + length > writer.room) return false;
  writer.authenticate(authentication);
  return true;
}

function begin(association: Association, batch: PacketBatch, path: Path, tag: number): void {
  const { localPort, remotePort, host, omitsChecksum } = association;
  host.writer.begin(batch, path.maximumPacket, localPort, remotePort, tag, omitsChecksum);
}

/** Adds DATA if asked to, seals the packet and counts it; true if the packet is not empty. */
function finish(
  association: Association,
  now: Instant,
  batch: PacketBatch,
  path: Path,
  withData: boolean,
): boolean {
  const { host, tx, metrics, conditions } = association;
  const { writer } = host;
  const retransmitted = path.metrics.chunksRetransmitted;
  const mayFill = withData && mayAdd(association, tx.chunkType, tx.headerLength);
  const chunks = mayFill ? fillPacket(tx, now, path, writer, conditions) : 0;
  writer.dropIdleAuth();
  // RFC 3168, section 6.1.5: what is sent again is not ECN-capable.
  const isFresh = chunks > 0 && path.metrics.chunksRetransmitted === retransmitted;
  if (writer.isEmpty) return false;
  metrics.dataChunksSent += chunks;
  path.route.ecn = association.ecnEnabled ? Ecn.Ect0 : Ecn.NotEct;
  const length = writer.finish(batch, isFresh ? path.route : path.controlRoute);
  countSent(association, path, 1, length);
  return true;
}
