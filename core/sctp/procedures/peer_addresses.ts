/** Adding, deleting and preferring addresses of the peer (RFC 5061, sections 4.2, 5.3 and 5.4). */
import type { Association } from "../association.ts";
import type { IpAddress } from "../base/address.ts";
import type { ChunkContext } from "../chunk_context.ts";
import type { SctpEvent } from "../events.ts";
import type { DropReason } from "../metrics.ts";
import type { Path } from "../path/path.ts";
import { encodeAddress, isUsableAddress } from "../wire/address_parameter.ts";
import { CauseCode, type ErrorCause, type RefusalCode } from "../wire/error_cause.ts";
import { startHeartbeatInTurn } from "./heartbeat.ts";
import { addPaths } from "./path_management.ts";
import { removePaths } from "./path_removal.ts";

/** A request about one address, with the parameter that a refusal copies. */
export interface AddressDemand {
  readonly address: IpAddress;
  readonly parameter: Uint8Array;
}

type PeerAddressChange = Extract<SctpEvent, { kind: "peer-address" }>["change"];

/** Section 4.2.1; rules F9 and F14: the address is proved before it is used. */
export function addPeerAddress(
  association: Association,
  context: ChunkContext,
  demand: AddressDemand,
): ErrorCause | undefined {
  const { host } = association;
  const address = meant(demand, context);
  if (association.isPeerAddress(address)) return undefined;
  if (!isAcceptable(association, address)) {
    return refuse(association, demand, CauseCode.NoAuthorization, "bad-address");
  }
  const { source, destination, now, encapsulationPort } = context;
  const added: Path[] = [];
  // The way that the request took is known to lead there; the pairs of addresses are a guess.
  if (address.equals(source) && association.mayAddPath && association.isReachedAt(destination)) {
    const path = association.addPath(now, destination, source);
    association.useEncapsulation(path, encapsulationPort);
    added.push(path);
  }
  added.push(...addPaths(association, now, [...association.peerAddresses, address]));
  if (!association.isPeerAddress(address)) {
    const isFull = !association.mayAddPath;
    return refuse(
      association,
      demand,
      isFull ? CauseCode.ResourceShortage : CauseCode.NoAuthorization,
      isFull ? "address-limit" : "bad-address",
    );
  }
  association.peerAddresses = [...association.peerAddresses, address];
  for (const path of added) startHeartbeatInTurn(association, path, now);
  emit(host, association, address, "added");
  return undefined;
}

/** The address of a request: the wildcard means the source of its packet. */
function meant({ address }: AddressDemand, { source }: ChunkContext): IpAddress {
  return address.isWildcard ? source : address;
}

/** An address that packets can be sent to from here, and that is no other peer's. */
function isAcceptable(association: Association, address: IpAddress): boolean {
  const [{ remote: known }] = association.pathList;
  return isUsableAddress(address) && address.isLoopback === known.isLoopback &&
    !address.isLinkLocal && !association.host.belongsToOther(association, address);
}

/** Section 4.2.2; rules F7, F8 and F13. */
export function deletePeerAddress(
  association: Association,
  context: ChunkContext,
  demand: AddressDemand,
): ErrorCause | undefined {
  const { source } = context;
  const isAll = demand.address.isWildcard;
  const named = isAll ? source : demand.address;
  if (!association.knowsPeerAddress(named)) return refuseUnknown(association, named);
  const goes = (address: IpAddress) => address.equals(named) !== isAll;
  const gone = association.pathList.filter(({ remote }) => goes(remote));
  const remotes = association.peerAddresses.filter((address) => !goes(address));
  // Of ours, one that is leaving does not count: with both sides deleting, no pair would be left.
  const isLast = association.pathList.every((path) =>
    gone.includes(path) || path.standing === "leaving"
  );
  if (isLast) {
    return refuse(association, demand, CauseCode.DeleteLastAddress, "last-address");
  }
  if (!isAll && named.equals(source)) {
    return refuse(association, demand, CauseCode.DeleteSourceAddress, "source-address");
  }
  const removed = association.peerAddresses.filter(goes);
  const added = removePaths(association, context.now, gone, remotes, context.path) ?? [];
  for (const path of added) startHeartbeatInTurn(association, path, context.now);
  association.peerAddresses = remotes;
  for (const address of removed) emit(association.host, association, address, "removed");
  return undefined;
}

/** Section 4.2.4: a wish that is followed once the address is proved. */
export function preferPeerAddress(
  association: Association,
  context: ChunkContext,
  demand: AddressDemand,
): ErrorCause | undefined {
  const address = meant(demand, context);
  const paths = association.pathList.filter(({ remote, standing }) =>
    remote.equals(address) && standing === "member"
  );
  const path = paths.find(({ isProven }) => isProven) ?? paths[0];
  if (!path) return refuseUnknown(association, address);
  association.primary = path;
  emit(association.host, association, address, "made-primary");
  return undefined;
}

function refuse(
  association: Association,
  { parameter }: AddressDemand,
  code: RefusalCode,
  reason: DropReason,
): ErrorCause {
  association.host.countDrop(reason);
  return { code, request: parameter };
}

function refuseUnknown(association: Association, address: IpAddress): ErrorCause {
  association.host.countDrop("unknown-address");
  return { code: CauseCode.UnresolvableAddress, parameter: encodeAddress(address) };
}

function emit(
  host: Association["host"],
  association: Association,
  address: IpAddress,
  change: PeerAddressChange,
): void {
  host.emit({ kind: "peer-address", association, address, change });
}
