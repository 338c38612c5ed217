/** Paths that go because one of their addresses does (RFC 5061, section 5.3, F12 and F13). */
import type { Instant } from "../base/time.ts";
import type { Association } from "../association.ts";
import type { IpAddress } from "../base/address.ts";
import type { Path } from "../path/path.ts";
import { forgetPath } from "../tx/path_removal.ts";
import { ChunkType } from "../wire/chunk_type.ts";
import { startHeartbeat } from "./heartbeat.ts";
import { addPaths, alternateFor, isMonitored } from "./path_management.ts";

/**
 * Removes paths. Addresses that lose their last one by that get another, as far as they can.
 * @param remotes the peer's addresses, without those that go.
 * @param alive a path that the peer was heard on just now.
 * @returns the paths that were added, or `undefined` if none would be left: then nothing was done.
 */
export function removePaths(
  association: Association,
  now: Instant,
  gone: readonly Path[],
  remotes: readonly IpAddress[],
  alive?: Path,
): readonly Path[] | undefined {
  const staying = association.pathList.filter((path) => !gone.includes(path));
  const added = addPaths(association, now, remotes, staying);
  if (staying.length + added.length === 0) return undefined;
  for (const path of gone) path.standing = "leaving";
  // Without an address that is proved, what was in flight waits where the proof is awaited.
  const rest = association.pathList.filter((path) => !gone.includes(path));
  const refuge = alive && rest.includes(alive) ? alive : rest[0];
  for (const path of gone) remove(association, path, refuge);
  const isProved = rest.some(({ isProven }) => isProven);
  if (!isProved && isMonitored(association)) startHeartbeat(refuge, now);
  return added;
}

function remove(association: Association, path: Path, refuge: Path): void {
  const { tx } = association;
  const best = alternateFor(association, path);
  const target = best === path ? refuge : best;
  path.timers.stopAll();
  forgetPath(tx, path, target);
  association.dropPath(path);
  redirect(association, path, target);
}

/** Whatever else refers to the path refers to another one. */
function redirect(association: Association, path: Path, target: Path): void {
  const { control, reconfiguration, addressing, conditions } = association;
  // A probe of the path says nothing about another one.
  const isProbe = (type: number) => type === ChunkType.Heartbeat || type === ChunkType.HeartbeatAck;
  const kept = control.filter((item) => item.path !== path || !isProbe(item.chunk[0]));
  control.length = 0;
  control.push(...kept.map((item) => item.path === path ? { ...item, path: target } : item));
  if (association.primary === path) {
    association.primary = target;
    association.primaryChosen = false;
  }
  if (association.lastDataPath === path) association.lastDataPath = undefined;
  if (association.currentDataPath === path) association.currentDataPath = undefined;
  if (association.shutdownPath === path) association.shutdownPath = target;
  if (conditions.dataPath === path) conditions.dataPath = undefined;
  if (addressing?.inFlight?.path === path) addressing.inFlight.path = target;
  if (reconfiguration?.inFlight?.path === path) reconfiguration.inFlight.path = target;
}
