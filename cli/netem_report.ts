/** What has passed emulated wires, for people and for programs. */
import type { WireReport } from "../core/netem/protocol.ts";
import type { DirectionReport } from "../core/netem/wire.ts";
import { formatTable } from "./table.ts";

const HEADINGS = [
  "wire",
  "from",
  "packets",
  "delivered",
  "lost",
  "queue",
  "cut",
  "other",
  "bytes",
  "late p99",
];

/** One line a direction, under headings. */
export function describeWires(
  wires: readonly WireReport[],
  [first, second]: readonly [string, string],
): readonly string[] {
  const rows = wires.flatMap(({ name, forward, backward }) => [
    rowOf(name, first, forward),
    rowOf("", second, backward),
  ]);
  return formatTable([HEADINGS, ...rows]);
}

function rowOf(name: string, from: string, report: DirectionReport): readonly string[] {
  const { sent, delivered, deliveredBytes, lost, refused, lateness } = report;
  const numbers = [sent, delivered, lost.loss, lost.queue, lost.cut, lost.mtu + refused];
  const late = `${(lateness.p99 / 1000).toFixed(2)} ms`;
  return [name, from, ...numbers.map(String), String(deliveredBytes), late];
}
