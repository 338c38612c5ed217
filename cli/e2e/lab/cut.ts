/** The disturbance that all this is for: the path in use goes silent in the middle of a transfer. */
import type { Wire, WireEnd } from "./namespaces.ts";
import { until } from "./process.ts";

/** Rate of the wires of a disturbed transfer, in Mbit/s: slow enough to act in its middle. */
export const DISTURBED_RATE = 40;

interface LinkStatistics {
  readonly stats64: {
    readonly rx: { readonly bytes: number };
    readonly tx: { readonly bytes: number };
  };
}

/** Bytes that have passed an interface, both directions together. */
async function carried({ host, device }: WireEnd): Promise<number> {
  const text = await host.ip("-json", "-statistics", "link", "show", "dev", device);
  const [{ stats64 }]: LinkStatistics[] = JSON.parse(text);
  return stats64.rx.bytes + stats64.tx.bytes;
}

/** Bytes that have passed wires, both directions together. */
export async function carriedBytes(wires: readonly Wire[]): Promise<number> {
  const bytes = await Promise.all(wires.map((wire) => carried(wire.a)));
  return bytes.reduce((sum, one) => sum + one);
}

/** The index of the wire that carries most until `done` resolves. */
async function busiest(wires: readonly Wire[], done: () => Promise<void>): Promise<number> {
  const count = () => Promise.all(wires.map((wire) => carried(wire.a)));
  const before = await count();
  await done();
  const bytes = (await count()).map((after, index) => after - before[index]);
  return bytes.indexOf(Math.max(...bytes));
}

/**
 * Cuts the wire in use when a tenth of `size` bytes has arrived, and heals it when half has and
 * `meanwhile` is over. Gives the indices of the wire that was cut and of the other.
 */
export async function cutInTheMiddle(
  wires: readonly [Wire, Wire],
  size: number,
  arrived: () => Promise<number>,
  meanwhile: () => Promise<void> = () => Promise.resolve(),
): Promise<{ cut: number; other: number }> {
  const aTenth = () => until("a tenth arrives", async () => await arrived() >= size / 10);
  const cut = await busiest(wires, aTenth);
  await wires[cut].cut();
  if (await arrived() >= size) throw new Error("all had arrived before a wire was cut");
  await meanwhile();
  await until("half arrives with one wire cut", async () => await arrived() >= size / 2);
  await wires[cut].heal();
  return { cut, other: 1 - cut };
}
