/** What the user wants changed about this side's addresses, checked (RFC 5061; RFC 6458, 9.1 and 8.3.2). */
import type { AddressChange, AddressConfiguration } from "../address_configuration.ts";
import type { Association } from "../association.ts";
import type { IpAddress } from "../base/address.ts";
import type { Instant } from "../base/time.ts";
import { Extension } from "../extensions.ts";
import type { AddressAction } from "../wire/asconf.ts";
import type { LocalAddress } from "../path/pairing.ts";
import { addressingOf } from "./asconf_requests.ts";
import { joinAddress, removePathsFrom } from "./local_addresses.ts";
import { isMonitored } from "./path_management.ts";

/** Changes that may wait for the one before them. */
const MAX_WANTED = 64;

/** Thrown when a change of addresses cannot be asked for. */
export class AddressChangeError extends Error {
  override readonly name = "AddressChangeError";

  constructor(
    /** The peer, or this side, has no RFC 5061; not ESTABLISHED; too many changes wait already. */
    readonly code: "not-supported" | "not-established" | "too-many",
    message: string,
  ) {
    super(message);
  }
}

/** How an address is added. */
export interface AddAddressOptions {
  /**
   * A NAT stands between the address and the peer, which learns it from the packets that come through:
   * nobody vouches for what the NAT makes of it (RFC 5061, section 6). Default: false.
   */
  readonly throughNat?: boolean;
}

/** See {@link Association.addLocalAddress}. */
export function wantAddress(
  association: Association,
  now: Instant,
  address: IpAddress,
  { throughNat = false }: AddAddressOptions,
): void {
  const state = changeableState(association);
  if (plannedAddresses(association).some((each) => each.equals(address))) {
    throw new RangeError(`${address} is an address of association ${association.id} already`);
  }
  const local = association.host.localAddresses.find((each) => each.address.equals(address)) ??
    { address, prefixLength: 0, interfaceIndex: 0 };
  if (!queueAdd(association, now, state, local, throughNat)) {
    throw new RangeError(
      `cannot add ${address}: none of the peer's addresses can be reached from it`,
    );
  }
}

/**
 * Wants an address of this host, or no longer wants it deleted.
 * @returns false if it cannot reach the peer, or too much is wanted already.
 */
export function queueAdd(
  association: Association,
  now: Instant,
  state: AddressConfiguration,
  local: LocalAddress,
  isHidden: boolean,
): boolean {
  if (cancel(state, "delete", local.address)) return true;
  if (state.wanted.length >= MAX_WANTED || !joinAddress(association, now, local)) return false;
  state.welcome(local.address);
  // Before what is to be deleted: the last address can only go once there is another one.
  const at = state.wanted.findIndex(({ action }) => action === "delete");
  const place = at < 0 ? state.wanted.length : at;
  state.wanted.splice(place, 0, { action: "add", local, isHidden });
  association.host.touch(association);
  return true;
}

/** Wants an address of this side deleted, or no longer wants it added. */
export function queueDelete(
  association: Association,
  now: Instant,
  state: AddressConfiguration,
  address: IpAddress,
): void {
  if (cancel(state, "add", address)) {
    removePathsFrom(association, now, address);
    return;
  }
  const local = ownAddress(association, address, "delete");
  want(association, state, { action: "delete", local, isHidden: false });
}

/** Takes back what was wanted and not asked for. */
function cancel(
  { wanted }: AddressConfiguration,
  action: AddressAction,
  address: IpAddress,
): boolean {
  const at = wanted.findIndex((change) =>
    change.action === action && change.local.address.equals(address)
  );
  if (at >= 0) wanted.splice(at, 1);
  return at >= 0;
}

/** See {@link Association.deleteLocalAddress}. */
export function wantNoAddress(association: Association, now: Instant, address: IpAddress): void {
  const state = changeableState(association);
  ownAddress(association, address, "delete");
  const others = plannedAddresses(association).filter((each) => !each.equals(address));
  if (others.length === 0) {
    throw new RangeError(`cannot delete ${address}: it is the last of this side's addresses`);
  }
  queueDelete(association, now, state, address);
}

/** See {@link Association.setPeerPrimary}. */
export function wantPeerPrimary(association: Association, address: IpAddress): void {
  const state = changeableState(association);
  const local = ownAddress(association, address, "prefer");
  const isHidden = state.isHidden(address) ||
    state.pending.some((change) => change.isHidden && change.local.address.equals(address));
  want(association, state, { action: "set-primary", local, isHidden });
}

/** This side's addresses once all that is under way is done. */
export function plannedAddresses({ localAddresses, addressing }: Association): IpAddress[] {
  let planned = localAddresses.map(({ address }) => address);
  for (const { action, local: { address } } of addressing?.pending ?? []) {
    if (action === "add") planned.push(address);
    if (action === "delete") planned = planned.filter((each) => !each.equals(address));
  }
  return planned;
}

function ownAddress(association: Association, address: IpAddress, verb: string): LocalAddress {
  const planned = plannedAddresses(association);
  const found = [...association.localAddresses, ...association.host.localAddresses]
    .find((each) => each.address.equals(address));
  if (planned.some((each) => each.equals(address))) {
    return found ?? { address, prefixLength: 0, interfaceIndex: 0 };
  }
  throw new RangeError(
    `cannot ${verb} ${address}: this side has ${planned.join(", ")}`,
  );
}

/** True if both sides have the extension, and the association is in a state for it. */
export function canChangeAddresses(association: Association): boolean {
  return isMonitored(association) &&
    (association.extensions & Extension.AddressReconfiguration) !== 0;
}

function changeableState(association: Association): AddressConfiguration {
  const { id, state: phase } = association;
  const attempted = `cannot change the addresses of association ${id}`;
  if (!isMonitored(association)) {
    throw new AddressChangeError("not-established", `${attempted}: it is ${phase}`);
  }
  const state = canChangeAddresses(association) ? addressingOf(association) : undefined;
  if (!state) {
    throw new AddressChangeError("not-supported", `${attempted}: its peer lacks RFC 5061`);
  }
  if (state.wanted.length >= MAX_WANTED) {
    throw new AddressChangeError("too-many", `${attempted}: ${MAX_WANTED} changes wait already`);
  }
  return state;
}

function want(association: Association, state: AddressConfiguration, change: AddressChange): void {
  state.wanted.push(change);
  association.host.touch(association);
}
