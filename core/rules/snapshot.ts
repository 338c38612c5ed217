/** Settings and rules with their hits as one plain value, for messages between processes. */
import type { Configuration } from "./configuration.ts";
import { Fault } from "./fault.ts";
import { formatFile, parseFile } from "./file_format.ts";

export interface Snapshot {
  /** As a file has it. */
  readonly text: string;
  /** Hits of the rules, in the order of the text. */
  readonly hits: readonly number[];
}

/** What a configuration is now. */
export function snapshotOf(configuration: Configuration): Snapshot {
  const { chains } = configuration.table;
  const hits = chains.flatMap(({ entries }) => entries.map((entry) => entry.hits));
  return { text: formatFile(configuration), hits };
}

/** Reads a snapshot, whatever it is. Total. */
export function readSnapshot(data: unknown): Configuration | Fault {
  const { text, hits } = typeof data === "object" && data !== null
    ? data as Readonly<Record<string, unknown>>
    : {};
  if (typeof text !== "string" || !Array.isArray(hits)) {
    return new Fault("bad-file", "not a snapshot of rules and settings");
  }
  const configuration = parseFile(text);
  if (configuration instanceof Fault) return configuration;
  configuration.table.chains.flatMap(({ entries }) => entries).forEach((entry, index) => {
    if (Number.isSafeInteger(hits[index])) entry.hits = hits[index];
  });
  return configuration;
}
