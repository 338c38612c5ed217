/**
 * Has an association's addresses follow those of the host (SCTP_AUTO_ASCONF of RFC 6458, section 8.1.23):
 * a new uplink joins, one that is gone leaves, and the only one is exchanged.
 */
import type { Association } from "../association.ts";
import type { IpAddress } from "../base/address.ts";
import type { Instant } from "../base/time.ts";
import type { LocalAddress } from "../path/pairing.ts";
import { addressingOf } from "./asconf_requests.ts";
import { canChangeAddresses, plannedAddresses, queueAdd, queueDelete } from "./address_changes.ts";

/**
 * Asks for what the host's addresses and the association's differ by, if the user wants that and has not
 * chosen addresses.
 */
export function followHost(association: Association, now: Instant): void {
  const { parameters, host, setup } = association;
  const follows = parameters.followAddresses === 1 && setup.isBoundToAll;
  if (!follows || !canChangeAddresses(association)) return;
  const state = addressingOf(association);
  if (!state) return;
  const has = (addresses: readonly IpAddress[], address: IpAddress) =>
    addresses.some((each) => each.equals(address));
  const planned = plannedAddresses(association);
  for (const local of host.localAddresses) {
    if (has(planned, local.address) || !isCandidate(association, local)) continue;
    queueAdd(association, now, state, local, isTranslated(association, local.address));
  }
  const there = host.localAddresses.map(({ address }) => address);
  for (const address of plannedAddresses(association)) {
    const isUsed = association.pathList.some(({ local, usable }) =>
      usable && local.equals(address)
    );
    if (has(there, address) || isUsed) continue;
    // Without any address that is there, the old one stays until one comes.
    if (plannedAddresses(association).length > 1) queueDelete(association, now, state, address);
  }
}

/** An address of the scope that the association has. */
function isCandidate({ pathList }: Association, { address }: LocalAddress): boolean {
  return !address.isLinkLocal && address.isUnicast &&
    address.isLoopback === pathList[0].local.isLoopback;
}

/** A private address cannot be what a peer with a public one sees: a NAT is in between. */
function isTranslated({ pathList }: Association, address: IpAddress): boolean {
  return address.isPrivate && pathList.every(({ remote }) => !remote.isPrivate);
}
