/** Whether a flow that a peer opens is taken, and under which addresses. */
import type { Association } from "../../sctp/association.ts";
import type { IpAddress } from "../../sctp/base/address.ts";
import type { Path } from "../../sctp/path/path.ts";
import type { RuleTable } from "../../rules/table.ts";
import type { Place } from "./flow.ts";
import { FLAG_BEGUN, type FlowEnds, RefuseReason } from "./message.ts";

/** What is looked at of an association. */
export type AdmittedBy = Pick<Association, "paths" | "primaryPath" | "knowsPeerAddress">;

/** What is known of this host. */
export interface AdmittingHost {
  readonly table: RuleTable;
  /** Whether an address is one of this host's. */
  isLocal(address: IpAddress): boolean;
  /** Whether datagrams between these places would come to a socket. */
  isServed(local: Place, remote: Place): boolean;
  /**
   * Whether a flow that has to stay has these ends.
   * @param proved the peer has proved that the remote address is its own.
   */
  isTaken(local: Place, remote: Place, proved: boolean): boolean;
  /** A port from the dynamic range. */
  randomPort(): number;
}

/** The ends of a flow that is taken, as the local server sees them. */
export interface Admission {
  readonly local: Place;
  readonly remote: Place;
  /** The client's end is not what the client takes it for. */
  readonly translated: boolean;
  /** A rule enables it; without a server the kernel answers by ICMP, so that its datagram is delivered. */
  readonly served: boolean;
}

/** An OPEN: its ends, and whether its datagrams have gone by plain UDP before. */
export type Opening = FlowEnds & { has(flag: number): boolean };

const PORT_ATTEMPTS = 8;

/**
 * Decides about a flow. A peer speaks for the addresses at which it has proved to be reached, and no
 * other: what it claims beside that is replaced by such an address, as a NAT in between would do.
 */
export function admit(
  host: AdmittingHost,
  association: AdmittedBy,
  opening: Opening,
): Admission | RefuseReason {
  const { source, destination, destinationPort: port } = opening;
  const path = pathOfFamily(association, destination.family);
  if (!path) return RefuseReason.NotEnabled;
  const local = { address: host.isLocal(destination) ? destination : path.local, port };
  const { enabled } = host.table.match("local", local.address, port, "udp");
  if (!enabled) return RefuseReason.NotEnabled;
  const proved = isProved(association, source);
  // Of a multihomed client's addresses all but one are proved a little later.
  if (!proved && association.knowsPeerAddress(source)) return RefuseReason.NotProved;
  const wanted = { address: proved ? source : path.remote, port: opening.sourcePort };
  const remote = freePlace(host, local, wanted, proved);
  if (!remote) return RefuseReason.Busy;
  const translated = !proved || remote.port !== opening.sourcePort;
  if (translated && opening.has(FLAG_BEGUN)) return RefuseReason.Translated;
  return { local, remote, translated, served: host.isServed(local, remote) };
}

/** The port that the client has, or another one if it is taken, as by a second client behind one NAT. */
function freePlace(
  host: AdmittingHost,
  local: Place,
  wanted: Place,
  proved: boolean,
): Place | undefined {
  let place = wanted;
  for (let i = 0; i < PORT_ATTEMPTS; i++) {
    if (!host.isTaken(local, place, proved)) return place;
    place = { address: wanted.address, port: host.randomPort() };
  }
  return undefined;
}

/** Of the primary path if it has the family. */
function pathOfFamily({ primaryPath, paths }: AdmittedBy, family: 4 | 6): Path | undefined {
  if (primaryPath?.local.family === family) return primaryPath;
  return paths.find(({ local, isConfirmed }) => isConfirmed && local.family === family);
}

function isProved({ paths }: AdmittedBy, address: IpAddress): boolean {
  return paths.some(({ remote, isConfirmed }) => isConfirmed && remote.equals(address));
}
