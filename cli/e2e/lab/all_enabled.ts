/** Shims whose rules enable everything, and conversations on their hosts. */
import assert from "node:assert/strict";
import type { ShimCounters, ShimStatus } from "../../../core/shim/status.ts";
import { Talker } from "./conversation.ts";
import type { HostShim } from "./host_shim.ts";
import { PORT } from "./intercepted.ts";
import type { Namespace } from "./namespaces.ts";
import { until } from "./process.ts";

/** Has the shim carry all connections, in both directions. Before its start. */
export async function enableAll(shim: HostShim): Promise<HostShim> {
  await shim.set("default_remote_enable=1");
  await shim.set("default_local_enable=1");
  return shim;
}

/** Connects to an echo, and exchanges some words. */
export async function converse(from: Namespace, address: string, port = PORT): Promise<Talker> {
  const talker = await Talker.start(from, address, port);
  await talker.talk();
  return talker;
}

/** Ends the conversations as they should end. */
export async function leave(talkers: readonly Talker[]): Promise<void> {
  for (const talker of talkers) {
    await talker.process.closeInput();
    assert.equal(await talker.ending(), "end");
  }
}

/** Waits until no shim has a connection, and gives what they have counted. */
export async function finalCounters(shims: readonly HostShim[]): Promise<ShimCounters[]> {
  let statuses: ShimStatus[] = [];
  await until("no connection is left", async () => {
    statuses = await Promise.all(shims.map((shim) => shim.status()));
    return statuses.every(({ connections }) => connections.length === 0);
  });
  return statuses.map(({ counters }) => counters);
}

/** How many connections went which way through the shim, without what became of them. */
export function ways({ held, accepted, associated, carried, fellBack, direct }: ShimCounters) {
  return { held, accepted, associated, carried, fellBack, direct };
}

/** A shim that has seen nothing. */
export const NOTHING = {
  held: 0,
  accepted: 0,
  associated: 0,
  carried: 0,
  fellBack: 0,
  direct: 0,
};
