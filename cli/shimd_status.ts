/** The status of a daemon as lines of text. */
import { formatHostPort } from "../core/shim/endpoint_spec.ts";
import type {
  DatagramStatus,
  DroppedDatagrams,
  FlowStatus,
} from "../core/shim/datagrams/status.ts";
import type { PathInfo } from "../core/socket/info.ts";
import type { ConnectionStatus, ShimStatus, TrunkStatus } from "../core/shim/status.ts";

/**
 * One line for the daemon, one for each connection, one for each path of it, and one for each association
 * that connections share, whose paths are behind the first of them.
 */
export function statusLines(status: ShimStatus): string[] {
  const { counters, connections } = status;
  const shared = counters.trunks > 0 ? ` (${counters.multiplexed} by shared associations)` : "";
  const shown = new Set<number>();
  return [
    `up ${(status.uptime / 1000).toFixed(1)} s: ${connections.length} open, ` +
    `${counters.carried} carried${shared}, ${counters.fellBack} fell back, ` +
    `${counters.closed} closed, ${counters.broken} broken`,
    ...connections.flatMap((connection) => {
      const { association } = connection;
      const paths = association && !shown.has(association.id) ? association.paths : [];
      if (association) shown.add(association.id);
      return [connectionLine(connection), ...pathLines(paths)];
    }),
    ...status.trunks.flatMap((trunk) => {
      const { association: { id, paths } } = trunk;
      return [trunkLine(trunk), ...shown.has(id) ? [] : pathLines(paths)];
    }),
    ...(status.datagrams ? datagramLines(status.datagrams) : []),
  ];
}

/** One line for each place where connections are taken. */
export function listenerLines({ listeners }: ShimStatus): string[] {
  return listeners.map(({ kind, state, address, port, target }) =>
    `  ${kind} ${formatHostPort(address, port)} - ${target}: ${state}`
  );
}

/** One line for UDP and one for each flow that is shown; none before the first datagram. */
function datagramLines({ counters, dropped, flowCount, flows }: DatagramStatus): string[] {
  const { opened, accepted, carriedOut, plainOut, carriedIn } = counters;
  if (opened + accepted + plainOut === 0) return [];
  const hidden = flowCount - flows.length;
  return [
    `UDP: ${flowCount} flows; ${carriedOut} datagrams sent by SCTP, ${plainOut} by UDP, ` +
    `${carriedIn} received by SCTP, ${describeDropped(dropped)}`,
    ...flows.map(flowLine),
    ...(hidden > 0 ? [`  and ${hidden} flows more`] : []),
  ];
}

/** Why datagrams are dropped, in words. */
const DROPPED: Readonly<Record<keyof DroppedDatagrams, string>> = {
  sendBufferFull: "send buffer full",
  malformed: "malformed",
  unknownFlow: "unknown flow",
  refused: "refused",
  tooLong: "too long",
  notDelivered: "not delivered",
};

/** "none dropped", or "4 dropped (3 send buffer full, 1 refused)". */
function describeDropped(dropped: DroppedDatagrams): string {
  const reasons = Object.keys(DROPPED) as (keyof DroppedDatagrams)[];
  const counted = reasons.filter((reason) => dropped[reason] > 0);
  if (counted.length === 0) return "none dropped";
  const sum = counted.reduce((total, reason) => total + dropped[reason], 0);
  const words = counted.map((reason) => `${dropped[reason]} ${DROPPED[reason]}`);
  return `${sum} dropped (${words.join(", ")})`;
}

function flowLine(flow: FlowStatus): string {
  const { local, remote, carrier, state, reason, carriedOut, plainOut, carriedIn } = flow;
  return `  ${local} - ${remote} by ${carrier.toUpperCase()}: ${state}, ${reason}; ` +
    `sent ${carriedOut} by SCTP, ${plainOut} by UDP, received ${carriedIn} by SCTP`;
}

function connectionLine(connection: ConnectionStatus): string {
  const { id, local, remote, state, carrier, reason, bytesOut, bytesIn } = connection;
  const by = carrier ? ` by ${carrier.toUpperCase()}` : "";
  return `  ${id} ${local} - ${remote}${by}${streamOf(connection)}: ${state}, ${reason}; ` +
    `${formatBytes(bytesOut)} out, ${formatBytes(bytesIn)} in`;
}

function trunkLine({ remote, connections, association: { id, state } }: TrunkStatus): string {
  return `  association ${id} with ${remote}, to be shared: ${state}, ${connections} connections`;
}

function pathLines(paths: readonly PathInfo[]): string[] {
  return paths.map((path) => `    ${formatPath(path)}`);
}

function streamOf({ association, stream }: ConnectionStatus): string {
  return association && stream !== undefined
    ? `, stream ${stream} of association ${association.id}`
    : "";
}

/** A path in one line: addresses, status, RTT, cwnd, bytes. */
export function formatPath(path: PathInfo): string {
  const rtt = path.srtt === undefined ? "?" : path.srtt.toFixed(1);
  const mark = path.primary ? "*" : " ";
  return `${mark} ${path.local} > ${path.remote} ${path.status.padEnd(11)} ` +
    `rtt ${rtt.padStart(6)} ms  rto ${path.rto.toFixed(0).padStart(5)} ms  ` +
    `cwnd ${formatBytes(path.cwnd).padStart(9)}  sent ${
      formatBytes(path.metrics.bytesSent).padStart(9)
    }  received ${formatBytes(path.metrics.bytesReceived).padStart(9)}`;
}

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** Bytes in the decimal unit that leaves up to three digits before the point. */
export function formatBytes(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return unit === 0 ? `${value} B` : `${value.toPrecision(3)} ${UNITS[unit]}`;
}
