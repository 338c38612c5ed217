/** What becomes of this side's addresses and their paths (RFC 5061, section 5.3, F1, F2, F4 and F10). */
import type { AddressChange } from "../address_configuration.ts";
import type { Association } from "../association.ts";
import type { IpAddress } from "../base/address.ts";
import type { Instant } from "../base/time.ts";
import { type LocalAddress, pairAddresses } from "../path/pairing.ts";
import type { ErrorCause } from "../wire/error_cause.ts";
import { answerOwedHeartbeat, startHeartbeatInTurn } from "./heartbeat.ts";
import { removePaths } from "./path_removal.ts";

/** Paths that a new address gets: more are not worth their probes. */
const PATHS_OF_NEW_ADDRESS = 8;

/**
 * An address that wants to join gets paths, from which nothing but ASCONF leaves yet.
 * @returns false if it cannot reach the peer, or there are too many paths.
 */
export function joinAddress(association: Association, now: Instant, local: LocalAddress): boolean {
  const isThere = () => association.pathList.some((path) => path.local.equals(local.address));
  // While it is leaving, its old paths are in the way.
  if (isThere()) return true;
  for (const remote of remotesFor(association, local)) {
    if (!association.mayAddPath) break;
    association.addPath(now, local.address, remote).standing = "joining";
  }
  return isThere();
}

/** The peer's addresses on the link of a new one of this side; else all: nobody knows where its uplink leads. */
function remotesFor(
  { pathList, peerAddresses }: Association,
  local: LocalAddress,
): IpAddress[] {
  const { address, prefixLength } = local;
  // One that no other address reaches has no path.
  const known = [...pathList.map(({ remote }) => remote), ...peerAddresses];
  const remotes = known.filter((remote, i) =>
    known.findIndex((other) => other.equals(remote)) === i &&
    pairAddresses([local], [remote]).length > 0
  );
  const onLink = remotes.filter((remote) =>
    prefixLength > 0 && address.sharesPrefix(remote, prefixLength)
  );
  return (onLink.length > 0 ? onLink : remotes).slice(0, PATHS_OF_NEW_ADDRESS);
}

/** The peer has carried out a change. */
export function performChange(association: Association, now: Instant, change: AddressChange): void {
  const { action, local: { address } } = change;
  switch (action) {
    case "add":
      completeJoin(association, now, change);
      break;
    case "delete":
      leave(association, now, address);
      break;
    case "set-primary":
      break;
    default:
      action satisfies never;
  }
  const result =
    ({ add: "added", delete: "removed", "set-primary": "made-primary" } as const)[action];
  association.host.emit({ kind: "local-address", association, address, change: result });
}

function completeJoin(
  association: Association,
  now: Instant,
  { local, isHidden }: AddressChange,
): void {
  association.localAddresses = [...association.localAddresses, local];
  if (isHidden) association.addressing?.hidden.push(local.address);
  for (const path of association.pathList) {
    if (!path.local.equals(local.address)) continue;
    path.standing = "member";
    answerOwedHeartbeat(association, path);
    startHeartbeatInTurn(association, path, now);
  }
}

/** The address and its paths go. */
function leave(association: Association, now: Instant, address: IpAddress): void {
  association.localAddresses = association.localAddresses.filter((local) =>
    !local.address.equals(address)
  );
  association.addressing?.depart(address);
  removePathsFrom(association, now, address);
}

/** Removes the paths from an address; without any that is left, nothing can go on. */
export function removePathsFrom(association: Association, now: Instant, address: IpAddress): void {
  const { pathList, peerAddresses } = association;
  const gone = pathList.filter(({ local }) => local.equals(address));
  const added = removePaths(association, now, gone, peerAddresses);
  if (!added) association.lose({ kind: "no-path" });
  else for (const path of added) startHeartbeatInTurn(association, path, now);
}

/** The peer has refused a change, or cannot be asked for it: everything is as before. */
export function rejectChange(
  association: Association,
  now: Instant,
  { action, local: { address } }: AddressChange,
  causes: readonly ErrorCause[],
): void {
  if (action === "add") {
    association.addressing?.depart(address);
    removePathsFrom(association, now, address);
  } else if (action === "delete") {
    for (const path of association.pathList) {
      if (path.local.equals(address)) path.standing = "member";
    }
  }
  association.host.emit({
    kind: "local-address",
    association,
    address,
    change: "refused",
    action,
    causes,
  });
}
