/** Changes of protocol parameters while an association lives (RFC 6458, section 8.1). */
import type { Association } from "../association.ts";
import type { Instant } from "../base/time.ts";
import { type Parameters, withParameters } from "../parameters.ts";
import type { Path } from "../path/path.ts";
import { markOversized } from "../tx/retransmission.ts";
import { scheduleHeartbeat } from "./heartbeat.ts";
import { onMtuSearchTimer } from "./path_mtu.ts";
import { isMonitored } from "./path_management.ts";

/**
 * Has an association go by other parameters from now on, and each of its paths. What both sides agreed on
 * when it was set up stays as it is.
 * @throws RangeError as {@link withParameters}; nothing has changed then.
 */
export function changeParameters(
  association: Association,
  now: Instant,
  changes: Partial<Parameters>,
): void {
  const parameters = withParameters(changes, association.parameters);
  association.pathList.forEach(({ parameters }) => withParameters(changes, parameters));
  association.parameters = parameters;
  association.tx.parameters = parameters;
  association.rx?.retune(parameters);
  // Before COOKIE ACK the peer may not know of the association (RFC 9260, section 5.1, C).
  if (isMonitored(association)) association.rx?.tellIfOpened();
  for (const path of association.pathList) changePathParameters(association, now, path, changes);
  association.reportRoom();
}

/**
 * The same of one path (SCTP_PEER_ADDR_PARAMS).
 * @throws RangeError as {@link withParameters}.
 */
export function changePathParameters(
  association: Association,
  now: Instant,
  path: Path,
  changes: Partial<Parameters>,
): void {
  const before = path.parameters;
  path.parameters = withParameters(changes, before);
  path.rtt.retune(path.parameters);
  const isOther = path.parameters.hbInterval !== before.hbInterval;
  if (isOther && isMonitored(association)) scheduleHeartbeat(path, now, association);
  association.host.touch(association);
}

/**
 * Sets the path MTU, with discovery off (SPP_PMTUD_DISABLE): it goes no lower than what every path of the
 * family carries, and no higher than the interface.
 * @param chunks bytes for chunks in a packet.
 */
export function fixPathMtu({ tx }: Association, path: Path, chunks: number): void {
  const before = path.pmtu;
  path.mtuProbe = undefined;
  path.mtuSearch.fix(chunks + before - path.maximumChunk);
  path.noteMtu();
  tx.updateChunkPayload();
  if (path.pmtu < before) markOversized(tx, path);
}

/** Puts no more bytes of user data than this into a chunk (SCTP_MAXSEG); `Infinity` for what fits. */
export function limitChunks({ tx }: Association, bytes: number): void {
  tx.maximumPayload = bytes;
  tx.updateChunkPayload();
}

/** Finds out at once whether a path carries more than is used (SPP_PMTUD_ENABLE). */
export function searchPathMtu(association: Association, now: Instant, path: Path): void {
  onMtuSearchTimer(association, now, path);
  association.host.touch(association);
}
