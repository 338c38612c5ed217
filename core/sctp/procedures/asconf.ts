/** Asking the peer for changes of this side's addresses (RFC 5061, sections 5.1, 5.3 and 5.3.2). */
import type {
  AddressChange,
  AddressConfiguration,
  AsconfInFlight,
} from "../address_configuration.ts";
import type { Association } from "../association.ts";
import { IpAddress } from "../base/address.ts";
import { after, type Instant } from "../base/time.ts";
import type { Path } from "../path/path.ts";
import { AssociationTimer } from "../timer/timer_table.ts";
import { type AddressRequest, encodeAsconf } from "../wire/asconf.ts";
import { joinAddress, performChange, rejectChange } from "./local_addresses.ts";
import { markEverythingOn } from "../tx/retransmission.ts";
import { alternateFor, countError, selectDataPath } from "./path_management.ts";

/** Requests of one ASCONF: it fits into any packet. */
const MAX_REQUESTS = 16;

const WILDCARDS = { 4: IpAddress.parse("0.0.0.0"), 6: IpAddress.parse("::") } as const;

/** Rule C4: the states in which ASCONF is sent. */
function maySendAsconf({ state }: Association): boolean {
  return state === "ESTABLISHED" || state === "SHUTDOWN-PENDING" || state === "SHUTDOWN-RECEIVED" ||
    state === "SHUTDOWN-SENT";
}

/**
 * Sends the next ASCONF if it is time for it: none is unanswered (rule A3), and there is an address that
 * it may leave from. Returns true if a chunk was queued.
 */
export function askForAddresses(association: Association, now: Instant): boolean {
  const { addressing: state } = association;
  if (!state || state.inFlight || !maySendAsconf(association)) return false;
  prepareFirst(association, now, state);
  const batch = nextBatch(state);
  if (batch.length === 0) return false;
  const path = sourceFor(association, batch);
  if (!path) return false;
  state.wanted.splice(0, batch.length);
  send(association, now, state, batch, path);
  return true;
}

/** Takes away first changes that are not asked for, until there is one that can be. */
function prepareFirst(association: Association, now: Instant, state: AddressConfiguration): void {
  for (let first = state.wanted[0]; first; first = state.wanted[0]) {
    if (isNameless(state, first) && association.localAddresses.length > 2) {
      // To delete all others would delete too much: the peer notices by itself that it is silent.
      state.wanted.shift();
      performChange(association, now, first);
    } else if (isImpossible(association, now, state, first)) {
      state.wanted.shift();
      rejectChange(association, now, first, []);
    } else {
      return;
    }
  }
}

/** The peer does not understand it, would be left without an address (rule F5), or is not reached. */
function isImpossible(
  association: Association,
  now: Instant,
  state: AddressConfiguration,
  { action, local }: AddressChange,
): boolean {
  if (state.notUnderstood.has(action)) return true;
  if (action === "add") return !joinAddress(association, now, local);
  if (action !== "delete") return false;
  const others = association.localAddresses.filter(({ address }) => !address.equals(local.address));
  // The peer may have refused it before.
  const isOurs = others.length < association.localAddresses.length;
  return !isOurs || others.length === 0;
}

/**
 * What can be asked for together: a hidden address is the source of all of its ASCONF, one that has no
 * name is deleted on its own, and nothing is added again that the same chunk deletes.
 */
function nextBatch(state: AddressConfiguration): readonly AddressChange[] {
  const batch: AddressChange[] = [];
  for (const change of state.wanted) {
    if (batch.length === MAX_REQUESTS || !fitsBehind(state, batch, change)) break;
    batch.push(change);
  }
  return batch;
}

function fitsBehind(
  state: AddressConfiguration,
  batch: readonly AddressChange[],
  change: AddressChange,
): boolean {
  const [first] = batch;
  if (!first) return true;
  if (isNameless(state, first) || isNameless(state, change)) return false;
  const { action, local: { address }, isHidden } = change;
  const isDeleted = batch.some((each) =>
    each.action === "delete" && each.local.address.equals(address)
  );
  if (isDeleted) return false;
  if (first.isHidden) return isHidden ? address.equals(first.local.address) : action === "delete";
  return !isHidden;
}

/** True if an address is to be deleted that the peer knows by another name. */
function isNameless(state: AddressConfiguration, { action, local }: AddressChange): boolean {
  return action === "delete" && state.isHidden(local.address);
}

/**
 * The path whose local address is the source of an ASCONF: not one that it deletes (F6), the hidden one
 * if there is one, else one that is the association's, else one that is about to be (5.3.2).
 * @param last where it went before, and was not answered.
 */
function sourceFor(
  association: Association,
  changes: readonly AddressChange[],
  last?: Path,
): Path | undefined {
  const { pathList } = association;
  const isDeleted = (path: Path) =>
    changes.some(({ action, local }) => action === "delete" && path.local.equals(local.address));
  const hidden = changes.find(({ isHidden, action }) => isHidden && action !== "delete");
  const fits = (path: Path) =>
    path.usable && path.standing !== "leaving" && !isDeleted(path) &&
    (!hidden || path.local.equals(hidden.local.address));
  const data = selectDataPath(association);
  const candidates = [
    ...(data ? [data] : []),
    ...pathList.filter(({ isProven }) => isProven),
    ...pathList.filter(({ standing }) => standing === "joining"),
    ...pathList,
  ].filter(fits);
  return candidates.find((path) => path !== last) ?? candidates[0];
}

function send(
  association: Association,
  now: Instant,
  state: AddressConfiguration,
  batch: readonly AddressChange[],
  path: Path,
): void {
  const changes = state.number(batch);
  const serial = state.takeSerial();
  const requests = changes.map((change) => requestFor(state, change));
  const chunk = encodeAsconf({ serial, lookup: lookupFor(association, batch, path), requests });
  // Rule F4: nothing leaves from an address that is being deleted.
  for (const { action, local } of batch) {
    if (action === "delete") beginLeaving(association, local.address);
  }
  state.inFlight = { serial, chunk, changes, path, sentAt: now };
  transmit(association, now, state.inFlight);
}

function requestFor(
  state: AddressConfiguration,
  { action, correlation, local: { address }, isHidden }: AddressChange & { correlation: number },
): AddressRequest {
  // A hidden address cannot be named: deleting all but the source of the packet deletes it as well.
  const isWildcard = isHidden || state.isHidden(address);
  return { action, correlation, address: isWildcard ? WILDCARDS[address.family] : address };
}

/**
 * Section 4.1.1: an address that the peer knows as the association's. The wildcard where it may know
 * none of them by its name: then the Verification Tag tells.
 */
function lookupFor(
  { localAddresses, addressing }: Association,
  batch: readonly AddressChange[],
  path: Path,
): IpAddress {
  const known = localAddresses.map(({ address }) => address)
    .filter((address) => !addressing?.isHidden(address));
  if (batch.some(({ isHidden }) => isHidden) || known.length === 0) {
    return WILDCARDS[path.local.family];
  }
  return known.find((address) => address.equals(path.local)) ?? known[0];
}

function transmit(association: Association, now: Instant, { chunk, path }: AsconfInFlight): void {
  association.sendControl(chunk, path);
  association.timers.start(AssociationTimer.T4Asconf, after(now, path.rto));
}

/** Nothing more is sent from an address; what waits to be sent again there is sent elsewhere. */
function beginLeaving(association: Association, address: IpAddress): void {
  for (const path of association.pathList) {
    if (!path.local.equals(address)) continue;
    path.standing = "leaving";
    const target = alternateFor(association, path);
    const moves = path.awaitingRetransmission > 0 && target !== path;
    if (moves) markEverythingOn(association.tx, path, target);
  }
}

/** The T4-RTO timer expired (rules B1 to B5): the same chunk goes again, from another address if it can. */
export function onT4Asconf(association: Association, now: Instant): void {
  const inFlight = association.addressing?.inFlight;
  if (!inFlight || !maySendAsconf(association)) return;
  inFlight.path.rtt.backOff();
  if (!countError(association, inFlight.path, true)) return;
  sendAgain(association, now, inFlight);
}

/** The address that the last ASCONF left from is gone from this host: it goes again at once. */
export function resendAsconf(association: Association, now: Instant): void {
  const inFlight = association.addressing?.inFlight;
  if (!inFlight || inFlight.path.usable || !maySendAsconf(association)) return;
  sendAgain(association, now, inFlight);
}

function sendAgain(association: Association, now: Instant, inFlight: AsconfInFlight): void {
  inFlight.sentAt = undefined;
  inFlight.path = sourceFor(association, inFlight.changes, inFlight.path) ?? inFlight.path;
  transmit(association, now, inFlight);
}
