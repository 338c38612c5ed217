/** Which path carries data, and what errors do to a path (RFC 9260, sections 6.4, 8.1, 8.2; RFC 7829). */
import type { IpAddress } from "../base/address.ts";
import type { Instant } from "../base/time.ts";
import type { Association } from "../association.ts";
import type { ChunkContext } from "../chunk_context.ts";
import { pairAddresses } from "../path/pairing.ts";
import type { Path } from "../path/path.ts";
import { markEverythingOn } from "../tx/retransmission.ts";

/**
 * The path for new data: the primary one, or while it fails the best alternate (section 6.4.1 and
 * RFC 7829, section 3.2, items 3 and 4).
 */
export function selectDataPath(association: Association): Path | undefined {
  const { primary } = association;
  if (primary && primary.carriesData && !primary.isPotentiallyFailed) return primary;
  return bestPath(association, primary);
}

/** Where to send again what timed out on `path` (section 6.4): another path, or itself. */
export function alternateFor(association: Association, path: Path): Path {
  return bestPath(association, path) ?? path;
}

/**
 * The best path by status, errors and distance from `from`. Among paths that are all inactive, or gone
 * from this host, one is still chosen (RFC 7829, section 4): its errors end what cannot go on.
 */
function bestPath(
  association: Association,
  from: Path | undefined,
): Path | undefined {
  let best: Path | undefined;
  let bestRank = Infinity;
  for (const path of association.pathList) {
    if (!path.isProven) continue;
    const rank = rankOf(path, from);
    if (rank < bestRank) {
      best = path;
      bestRank = rank;
    }
  }
  return best;
}

const RANK_UNUSABLE = 1e12;
const RANK_INACTIVE = 1e9;
const RANK_FAILING = 1e6;

/** Lower is better: active before failing before inactive, fewer errors, less in common with `from`. */
function rankOf(path: Path, from: Path | undefined): number {
  let rank = path.errorCount * 10;
  if (!path.usable) rank += RANK_UNUSABLE;
  else if (path.status === "inactive") rank += RANK_INACTIVE;
  else if (path.isPotentiallyFailed) rank += RANK_FAILING;
  if (!path.rtt.hasSample) rank += 4;
  if (from?.local.equals(path.local)) rank += 2;
  if (from?.remote.equals(path.remote)) rank += 1;
  return rank;
}

/**
 * Adds the paths that the addresses of both sides make possible, so that each address has one.
 * @param remotes the peer's addresses.
 * @param counted paths that count as there: all, unless some are about to go.
 * @returns the paths that were added.
 */
export function addPaths(
  association: Association,
  now: Instant,
  remotes: readonly IpAddress[],
  counted: readonly Path[] = association.pathList,
): Path[] {
  const added: Path[] = [];
  const knows = (has: (path: Path) => boolean) => counted.some(has) || added.some(has);
  for (const { local, remote } of pairAddresses(association.localAddresses, remotes)) {
    if (!association.mayAddPath) break;
    // Section 5.1.2, D: an address leads to one association only.
    if (association.host.belongsToOther(association, remote)) continue;
    const knowsRemote = knows((path) => path.remote.equals(remote));
    const knowsLocal = knows((path) => path.local.equals(local));
    if (knowsRemote && knowsLocal) continue;
    added.push(association.addPath(now, local, remote));
  }
  return added;
}

/** The path between the addresses of a packet; made if its source is known to be the peer's. */
export function pathOfPacket(association: Association, context: ChunkContext): Path | undefined {
  const { source, destination, now } = context;
  const path = association.findPath(destination, source);
  if (path || !association.isPeerAddress(source) || !association.mayAddPath) return path;
  if (!association.isReachedAt(destination)) return undefined;
  const added = association.addPath(now, destination, source);
  if (isMonitored(association)) association.probe(now, added);
  return added;
}

/**
 * Where to answer a packet (section 6.4): on its own path, but never at an address that is not
 * confirmed (section 5.4).
 */
export function replyPath(association: Association, context: ChunkContext): Path {
  if (context.path?.isProven) return context.path;
  return selectDataPath(association) ?? association.pathList[0];
}

/** A path was proved to reach the peer (section 5.4). */
export function confirmPath(association: Association, path: Path): void {
  path.isConfirmed = true;
  moveFromUnconfirmed(association, path);
  if (path.status === "unconfirmed") setStatus(association, path, "active");
}

/** What had to be queued where nothing may leave yet, as every other address was deleted, leaves now. */
function moveFromUnconfirmed({ pathList, tx }: Association, target: Path): void {
  for (const path of pathList) {
    const waits = path.awaitingRetransmission > 0 && !path.isProven;
    if (waits) markEverythingOn(tx, path, target);
  }
}

/** The states in which HEARTBEATs are sent (RFC 9260, section 8.3). */
export function isMonitored({ state }: Association): boolean {
  return state === "ESTABLISHED" || state === "SHUTDOWN-PENDING" || state === "SHUTDOWN-RECEIVED";
}

/** The peer answered on this path: clears its errors and revives it (section 8.2). */
export function pathAnswered(association: Association, path: Path): void {
  const wasFailing = path.isPotentiallyFailed;
  path.errorCount = 0;
  if (wasFailing) reportFailing(association, path);
  if (path.status === "inactive") setStatus(association, path, "active");
}

/**
 * Counts an error of a path, and of the association if `countsForPeer`; marks the path inactive, or
 * ends the association, when the limit is passed.
 * @returns false if the association is over.
 */
export function countError(association: Association, path: Path, countsForPeer: boolean): boolean {
  const { parameters, tx } = association;
  if (path.status !== "inactive") {
    const wasFailing = path.isPotentiallyFailed;
    path.errorCount++;
    if (!wasFailing && path.isPotentiallyFailed) reportFailing(association, path);
    if (path === association.primary) considerSwitchover(association, path);
    if (path.errorCount > path.parameters.pathMaxRetrans) markInactive(association, path);
  }
  if (!countsForPeer) return true;
  tx.errorCount++;
  if (tx.errorCount <= parameters.associationMaxRetrans) return true;
  const during = association.state.startsWith("SHUTDOWN") ? "shutdown" : "transfer";
  association.lose({ kind: "unreachable", during });
  return false;
}

/** Tells that an active path has become potentially failed, or is so no more (RFC 7829, section 7.1). */
function reportFailing(association: Association, path: Path): void {
  const { isPotentiallyFailed: isFailing, status, parameters } = path;
  if (status !== "active" || path.errorCount > parameters.pathMaxRetrans) return;
  association.host.emit({ kind: "path-failing", association, path, isFailing });
}

/**
 * RFC 7829, section 5: a primary path that fails is primary no more, so that data does not go back to it
 * when it works again. Its place takes the one that data goes to now.
 */
function considerSwitchover(association: Association, path: Path): void {
  const { primarySwitchoverMaxRetrans } = path.parameters;
  if (!path.isConfirmed || path.errorCount <= primarySwitchoverMaxRetrans) return;
  const next = selectDataPath(association);
  if (!next?.carriesData || next === path || next.isPotentiallyFailed) return;
  association.primary = next;
  const { remote: address } = next;
  if (address.equals(path.remote)) return;
  association.host.emit({ kind: "peer-address", association, address, change: "made-primary" });
}

/** Takes a path out of use; what was in flight there is sent again elsewhere. */
export function markInactive(association: Association, path: Path): void {
  if (path.status === "inactive") return;
  setStatus(association, path, "inactive");
  const target = alternateFor(association, path);
  if (target !== path) markEverythingOn(association.tx, path, target);
}

function setStatus(association: Association, path: Path, status: Path["status"]): void {
  path.status = status;
  association.host.emit({ kind: "path-status", association, path, status });
}
