/** Bulk throughput of an application whose connection is carried, beside TCP and a relay in turns. */
import type { Benchmark, Context } from "../benchmark.ts";
import type { ReceiveReport, SendReport } from "./load.ts";
import type { Outcome, Stage } from "./stage.ts";
import { keepQuantity, type Row, takeTurns } from "./turns.ts";

type Transfer = Outcome<ReceiveReport, SendReport>;

export const shimBulk: Benchmark = {
  name: "shim-bulk",
  title: "Bulk transfer between two hosts (namespaces) joined by a veth pair, MTU 1,500",
  async run(context) {
    const stage = await context.stage();
    if (!stage) return;
    for (const offload of ["on", "off"] as const) await measure(context, stage, offload);
    stage.hosts.setOffload("on");
    context.note("CPU seconds are user and system time of both applications and of what carries.");
    context.note("Offload: tso, gso and gro of the veth pair, as ethtool -K sets them.");
  },
};

async function measure(context: Context, stage: Stage, offload: "on" | "off"): Promise<void> {
  stage.hosts.setOffload(offload);
  const { disabled, carried, relayed } = stage.ways;
  const rows = [
    { name: "direct TCP", way: disabled },
    { name: "carried", way: carried },
    { name: "socat", way: relayed },
  ];
  const column = `offload ${offload}`;
  const results = await takeTurns(context, rows, column, async (row) => {
    const transfer = await takeTurn(context, stage, row);
    context.record("transfer", { row: row.name, offload, ...transfer });
    return transfer;
  });
  keepQuantity(context, results, { column, unit: "MB/s", compared: true }, megabytesPerSecond);
  keepQuantity(context, results, { column, unit: "CPU s/GB" }, cpuPerGigabyte);
}

/** @throws Error if not exactly what was sent has arrived. */
async function takeTurn(context: Context, stage: Stage, { name, way }: Row): Promise<Transfer> {
  const milliseconds = context.effort.bulkMilliseconds;
  const transfer = await stage.play<ReceiveReport, SendReport>(way, {
    server: (port) => ["receive", port],
    client: (address, port) => ["send", address, port, milliseconds],
    connections: () => 1,
    milliseconds,
  });
  const { server: { bytes, faults }, client } = transfer;
  if (bytes === client.bytes && faults === 0) return transfer;
  throw new Error(`${name}: ${bytes} of ${client.bytes} bytes arrived, ${faults} blocks wrong`);
}

/** 10^6 bytes a second, at the receiver. */
function megabytesPerSecond({ server: { bytes, seconds } }: Transfer): number {
  return bytes / 1e6 / seconds;
}

function cpuPerGigabyte({ server: { bytes }, cpuSeconds }: Transfer): number {
  return cpuSeconds / bytes * 1e9;
}
