/**
 * A peer behind a NAT that forgets, or restarts: its packets come from another UDP port, or from another
 * address, than before.
 *
 * Deviation from RFC 6951, section 5.4, which takes the UDP port of any packet with the right tag:
 * whoever has seen a tag could have everything sent to him. Here the new place has to answer a HEARTBEAT
 * first, as an address that is not confirmed has to (RFC 9260, section 5.4); until then everything goes
 * where it went.
 */
import type { Association } from "../association.ts";
import { elapsed, type Instant } from "../base/time.ts";
import type { ChunkContext } from "../chunk_context.ts";
import { understandsChunk } from "../extensions.ts";
import type { Path } from "../path/path.ts";
import { isUsableAddress } from "../wire/address_parameter.ts";
import { chunkType } from "../wire/chunk.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { handleHeartbeatAck, probe, startHeartbeatInTurn } from "./heartbeat.ts";
import { answers, heartbeatFor, newNonce, readHeartbeatInfo } from "./heartbeat_info.ts";
import { isMonitored, pathAnswered } from "./path_management.ts";
import { removePaths } from "./path_removal.ts";

/** Addresses found in this way that are kept, in case the peer comes back to one. */
const MAX_FOUND = 4;

/** A packet has come on a path: from the UDP port that is known, or from another one. */
export function noteEncapsulation(
  association: Association,
  path: Path,
  { now, encapsulationPort: port }: ChunkContext,
): void {
  if (path.route.encapsulationPort === port) return;
  // To an unconfirmed address nothing goes but probes; before the association is up the answer to what
  // nobody else has seen is the proof; once a SHUTDOWN was sent there are no HEARTBEATs.
  if (!path.isProven || !isMonitored(association)) {
    association.useEncapsulation(path, port);
    return;
  }
  const isAsked = path.rebinding && elapsed(path.rebinding.sentAt, now) < path.rto;
  if (isAsked || association.parameters.followPeer === 0) return;
  path.rebinding = { ...newNonce(association.host.environment.random), sentAt: now, port };
  const route = { ...path.controlRoute, encapsulationPort: port };
  association.sendApart(heartbeatFor(path, path.rebinding), route);
  path.metrics.heartbeatsSent++;
}

/**
 * A packet with the right tag from an address that is not the peer's: a path to be proved, one at a time.
 * Only where packets travel over UDP, as they do behind a NAT.
 */
export function findMovedPeer(association: Association, context: ChunkContext): Path | undefined {
  const { source, destination, encapsulationPort, now, bytes, offset } = context;
  const { candidate, parameters, host, extensions } = association;
  const type = chunkType(bytes, offset);
  // RFC 5061, section 5.3.2: an ASCONF may come from the address that it adds, and says so itself.
  const isAsconf = type === ChunkType.Asconf && understandsChunk(extensions, type);
  const isWelcome = parameters.followPeer === 1 && encapsulationPort !== 0 && !candidate &&
    !isAsconf && isMonitored(association) && association.mayAddPath;
  if (!isWelcome || !isOwn(association, context) || host.belongsToOther(association, source)) {
    return undefined;
  }
  const [{ remote: known }] = association.pathList;
  const isLike = isUsableAddress(source) && source.isLoopback === known.isLoopback &&
    !source.isLinkLocal;
  if (!isLike) return undefined;
  const path = association.addPath(now, destination, source);
  path.isFound = true;
  association.candidate = path;
  association.useEncapsulation(path, encapsulationPort);
  startHeartbeatInTurn(association, path, now);
  return path;
}

/** True if the packet came to an address of this side's. */
function isOwn(association: Association, { destination }: ChunkContext): boolean {
  return association.isReachedAt(destination) &&
    association.localAddresses.some(({ address }) => address.equals(destination));
}

/** One HEARTBEAT ACK: of a known path, of a port to be proved, or of an address to be proved. */
export function handleAnyHeartbeatAck(association: Association, context: ChunkContext): void {
  const { candidate } = association;
  if (settleRebinding(association, context)) return;
  handleHeartbeatAck(association, context);
  if (candidate?.isConfirmed) adopt(association, context.now, candidate);
}

/** True if the chunk answers the HEARTBEAT to a new port; it counts if it came from there. */
function settleRebinding(association: Association, context: ChunkContext): boolean {
  const { bytes, offset, now, encapsulationPort } = context;
  const info = readHeartbeatInfo(bytes, offset);
  const path = info && association.pathOf(info.pathId);
  const rebinding = path?.rebinding;
  if (!info || !path || !rebinding || !answers(info, rebinding)) return false;
  if (encapsulationPort !== rebinding.port || path !== context.path) {
    association.host.countDrop("forged-heartbeat-ack");
    return true;
  }
  path.rebinding = undefined;
  association.useEncapsulation(path, rebinding.port);
  path.metrics.heartbeatsAcked++;
  path.rtt.addSample(elapsed(rebinding.sentAt, now));
  pathAnswered(association, path);
  association.tx.errorCount = 0;
  return true;
}

/** The peer is at the new address: data goes there that went to where it was. */
function adopt(association: Association, now: Instant, path: Path): void {
  const { primary, host } = association;
  association.candidate = undefined;
  association.peerAddresses = [...association.peerAddresses, path.remote];
  host.emit({ kind: "peer-address", association, address: path.remote, change: "added" });
  if (primary?.local.equals(path.local)) {
    association.primary = path;
    probe(association, now, primary);
  }
  // What the peer sent from here was acknowledged where it no longer is.
  association.rx?.acks.demand();
  forgetOldest(association, now);
}

/** The address did not answer: nobody is there. */
export function dropLostCandidate(association: Association, now: Instant): void {
  const { candidate } = association;
  if (candidate?.status !== "inactive") return;
  association.candidate = undefined;
  removePaths(association, now, [candidate], association.peerAddresses);
}

/** A peer that goes on moving does not leave ever more addresses behind. */
function forgetOldest(association: Association, now: Instant): void {
  const found = association.pathList.filter(({ isFound }) => isFound);
  if (found.length <= MAX_FOUND) return;
  const [oldest] = found;
  association.peerAddresses = association.peerAddresses.filter((one) => !one.equals(oldest.remote));
  removePaths(association, now, [oldest], association.peerAddresses);
  const { remote: address } = oldest;
  association.host.emit({ kind: "peer-address", association, address, change: "removed" });
}
