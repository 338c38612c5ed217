/** Options about addresses of both sides, and the paths between them. */
import type { Association } from "../../sctp/association.ts";
import { PARAMETERS, type Parameters } from "../../sctp/parameters.ts";
import {
  changeParameters,
  changePathParameters,
  fixPathMtu,
  searchPathMtu,
} from "../../sctp/procedures/retune.ts";
import type { Path } from "../../sctp/path/path.ts";
import { SctpError } from "../errors.ts";
import { type PathParameters, pathParameters } from "./path_parameters.ts";
import { row } from "./row.ts";
import type { AssociationScope } from "./scope.ts";
import { address, flag, partial, structure, whole } from "./shape.ts";

const { pathMaxRetrans, hbInterval } = PARAMETERS;

export const PATH_ROWS = {
  SCTP_PRIMARY_ADDR: row(
    "RFC 6458, section 8.1.9",
    "The address of the peer that data prefers.",
    {
      level: "association",
      input: address,
      association: {
        get: ({ association }) => association.primaryPath?.remote.text,
        set: (scope, value) => scope.setPrimary(value),
      },
    },
  ),
  SCTP_SET_PEER_PRIMARY_ADDR: row(
    "RFC 6458, section 8.3.1",
    "Asks the peer to prefer an address of this side.",
    {
      level: "association",
      input: address,
      association: { set: ({ addresses }, value) => addresses.setPeerPrimary(value) },
    },
  ),
  SCTP_PEER_ADDR_PARAMS: row(
    "RFC 6458, section 8.1.12",
    "Heartbeats, the limit of time-outs in a row, and the path MTU of one address of the peer, or of all. " +
      "Flow label and DSCP cannot be set.",
    {
      level: "association or future",
      key: partial({ address }),
      input: partial({
        address,
        heartbeat: flag,
        heartbeatInterval: whole(0, hbInterval.maximum, "ms"),
        heartbeatNow: flag,
        pathMaxRetrans: whole(0, pathMaxRetrans.maximum, "attempts"),
        pathMtuDiscovery: flag,
        pathMtu: whole(0, PARAMETERS.pathMtu.maximum, "bytes"),
        ipv6FlowLabel: whole(0, 0xf_ffff),
        dscp: whole(0, 63),
      }),
      output: "{ heartbeat; heartbeatInterval; pathMaxRetrans; pathMtuDiscovery; pathMtu }",
      association: {
        get: (scope, key) => pathParameters(pathTo(scope.association, key.address)),
        set: (scope, value) => setPathParameters(scope, value),
      },
      future: {
        get: ({ future: { parameters } }): PathParameters => ({
          heartbeat: parameters.heartbeat === 1,
          heartbeatInterval: parameters.hbInterval,
          pathMaxRetrans: parameters.pathMaxRetrans,
          pathMtuDiscovery: parameters.pathMtuDiscovery === 1,
          pathMtu: parameters.pathMtu,
        }),
        set({ future }, value) {
          refuseUnavailable(value);
          if (value.address !== undefined || value.heartbeatNow) {
            throw new SctpError(
              "ERR_SCTP_OPTION_LEVEL",
              "SCTP_PEER_ADDR_PARAMS of future associations has no address and no heartbeat at once: " +
                "name an association",
            );
          }
          future.retune({
            ...parameterChanges(value),
            ...(value.pathMtu && { pathMtu: value.pathMtu }),
          });
        },
      },
    },
  ),
  SCTP_GET_PEER_ADDR_INFO: row(
    "RFC 6458, section 8.2.2",
    "State, congestion window, times and path MTU of an address of the peer.",
    {
      level: "association",
      key: structure({ address }),
      output: "{ address; state; cwnd; srtt; rto; mtu }",
      association: { get: (scope, key) => peerAddressInfo(scope, key.address) },
    },
  ),
  SCTP_REMOTE_UDP_ENCAPS_PORT: row(
    "RFC 6951, section 6.1",
    "UDP port of the peer; 0 without UDP, which only a stack with raw IP can do.",
    {
      level: "association or future",
      key: partial({ address }),
      input: structure({ port: whole(0, 65_535) }, { address }),
      association: {
        get: ({ association }, key) => ({
          address: pathTo(association, key.address).remote.text,
          port: pathTo(association, key.address).route.encapsulationPort,
        }),
        set({ association, driver }, { address, port }) {
          for (const path of pathsTo(association, address)) {
            association.useEncapsulation(path, port);
          }
          driver.flush();
        },
      },
      future: {
        get: ({ future }) => ({ address: "", port: future.encapsulationPort ?? 9899 }),
        set: ({ future }, { port }) => {
          future.encapsulationPort = port;
        },
      },
    },
  ),
};

/** State of an address (RFC 6458, section 8.2.2; RFC 7829, section 7.1). */
export type PeerAddressState =
  | "SCTP_UNCONFIRMED"
  | "SCTP_ACTIVE"
  | "SCTP_INACTIVE"
  | "SCTP_POTENTIALLY_FAILED";

/** SCTP_GET_PEER_ADDR_INFO. */
export interface PeerAddressInfo {
  readonly address: string;
  readonly state: PeerAddressState;
  /** Bytes. */
  readonly cwnd: number;
  /** Milliseconds; 0 before the first measurement. */
  readonly srtt: number;
  readonly rto: number;
  /** Bytes for chunks in a packet. */
  readonly mtu: number;
}

/** What is known of an address of the peer. @throws RangeError if it has none such. */
export function peerAddressInfo(
  { association, settings }: AssociationScope,
  address: string,
): PeerAddressInfo {
  const path = pathTo(association, address);
  const { cwnd, srtt, rto, maximumChunk: mtu } = path;
  const state = stateOf(path, settings.exposePotentiallyFailed);
  return { address: path.remote.text, state, cwnd, srtt, rto, mtu };
}

function stateOf(path: Path, exposesFailing: boolean): PeerAddressState {
  switch (path.status) {
    case "unconfirmed":
      return "SCTP_UNCONFIRMED";
    case "inactive":
      return "SCTP_INACTIVE";
    case "active":
      return exposesFailing && path.isPotentiallyFailed ? "SCTP_POTENTIALLY_FAILED" : "SCTP_ACTIVE";
  }
}

/** All paths to an address of the peer, or to any. @throws RangeError if there is none. */
function pathsTo({ paths, primaryPath }: Association, address?: string): readonly Path[] {
  const first = primaryPath ? [primaryPath] : [];
  const found = [...first, ...paths.filter((path) => path !== primaryPath)]
    .filter(({ remote }) => address === undefined || remote.text === address);
  if (found.length > 0) return found;
  const known = [...new Set(paths.map(({ remote }) => remote.text))].join(", ");
  throw new RangeError(`${address ?? "any"} is no address of the peer; it has ${known || "none"}`);
}

/** The primary path, if it is among those. */
export function pathTo(association: Association, address?: string): Path {
  return pathsTo(association, address)[0];
}

interface PathChanges extends Partial<PathParameters> {
  readonly address?: string;
  readonly heartbeatNow?: boolean;
  readonly ipv6FlowLabel?: number;
  readonly dscp?: number;
}

function setPathParameters(scope: AssociationScope, value: PathChanges): void {
  const { association, driver } = scope;
  const { heartbeatNow, pathMtuDiscovery, pathMtu } = value;
  refuseUnavailable(value);
  if (heartbeatNow && value.address === undefined) {
    throw new RangeError("heartbeatNow needs the address that is to be probed");
  }
  const paths = pathsTo(association, value.address);
  changeEach(scope, value.address, parameterChanges(value));
  const now = driver.now();
  for (const path of paths) {
    if (pathMtuDiscovery) searchPathMtu(association, now, path);
    else if (pathMtuDiscovery === false && pathMtu) fixPathMtu(association, path, pathMtu);
    if (heartbeatNow) association.requestHeartbeat(now, path);
  }
  association.host.touch(association);
  driver.flush();
}

/** Changes parameters of all paths to an address; without one, of all there are and will be. */
export function changeEach(
  { association, driver }: AssociationScope,
  address: string | undefined,
  changes: Partial<Parameters>,
): void {
  const now = driver.now();
  if (address === undefined) changeParameters(association, now, changes);
  else {
    for (const path of pathsTo(association, address)) {
      changePathParameters(association, now, path, changes);
    }
  }
  driver.flush();
}

/** What changes of the parameters: what is left out, or 0 retransmissions, stays as it is. */
function parameterChanges(value: PathChanges): Partial<Parameters> {
  const { heartbeat, heartbeatInterval, pathMaxRetrans = 0, pathMtuDiscovery } = value;
  return {
    ...(heartbeat !== undefined && { heartbeat: Number(heartbeat) }),
    ...(heartbeatInterval !== undefined && { hbInterval: heartbeatInterval }),
    ...(pathMaxRetrans > 0 && { pathMaxRetrans }),
    ...(pathMtuDiscovery !== undefined && { pathMtuDiscovery: Number(pathMtuDiscovery) }),
  };
}

function refuseUnavailable({ ipv6FlowLabel, dscp, pathMtu, pathMtuDiscovery }: PathChanges): void {
  if (ipv6FlowLabel !== undefined || dscp !== undefined) {
    const which = dscp === undefined ? "ipv6FlowLabel" : "dscp";
    throw new SctpError(
      "ERR_SCTP_OPTION_NOT_AVAILABLE",
      `SCTP_PEER_ADDR_PARAMS cannot set ${which}: packets leave with what the system gives them; have a ` +
        "rule of the host's packet filter mark them",
    );
  }
  if (pathMtu && pathMtuDiscovery !== false) {
    throw new RangeError("pathMtu needs pathMtuDiscovery: false, or it would be searched for anew");
  }
}
