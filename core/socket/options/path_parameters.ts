/** SCTP_PEER_ADDR_PARAMS of one path, as it is now. */
import type { Path } from "../../sctp/path/path.ts";

/** What reading SCTP_PEER_ADDR_PARAMS gives. */
export interface PathParameters {
  /** SPP_HB_ENABLE, or SPP_HB_DISABLE. */
  readonly heartbeat: boolean;
  /** Milliseconds, in addition to the RTO. */
  readonly heartbeatInterval: number;
  readonly pathMaxRetrans: number;
  /** SPP_PMTUD_ENABLE, or SPP_PMTUD_DISABLE. */
  readonly pathMtuDiscovery: boolean;
  /** Bytes for chunks in a packet. */
  readonly pathMtu: number;
}

export function pathParameters(path: Path): PathParameters {
  const { parameters } = path;
  return {
    heartbeat: path.heartbeatEnabled && parameters.heartbeat === 1,
    heartbeatInterval: parameters.hbInterval,
    pathMaxRetrans: parameters.pathMaxRetrans,
    pathMtuDiscovery: parameters.pathMtuDiscovery === 1,
    pathMtu: path.maximumChunk,
  };
}
