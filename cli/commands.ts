/**
 * The table of commands: names, summaries, and where each one's module is. A module is loaded only
 * when its command is named, so that `--help` and completion stay quick.
 */
import type { Command } from "./command.ts";

/** A command: one module. */
export interface CommandEntry {
  readonly kind: "command";
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  readonly load: () => Promise<{ readonly default: Command }>;
}

/** A word that has commands below it. */
export interface GroupEntry {
  readonly kind: "group";
  readonly name: string;
  readonly summary: string;
  readonly entries: readonly Entry[];
}

export type Entry = CommandEntry | GroupEntry;

/** Everything that can follow `shimkit`. */
export const ROOT: GroupEntry = {
  kind: "group",
  name: "shimkit",
  summary: "Carries unmodified TCP applications over SCTP, so that they survive a failing link.",
  entries: [
    {
      kind: "command",
      name: "version",
      summary: "Shows the versions of shimkit and of what it runs on.",
      load: () => import("./version.ts"),
    },
  ],
};

/** Where the words of a command line lead to. */
export interface Resolved {
  /** The entry that the words name, as far as they name one. */
  readonly entry: Entry;
  /** The words that named it, without `shimkit`. */
  readonly path: readonly string[];
  /** What follows them. */
  readonly rest: readonly string[];
}

/** Follows the leading words of `args` through the table. */
export function resolve(args: readonly string[]): Resolved {
  let entry: Entry = ROOT;
  let depth = 0;
  while (entry.kind === "group") {
    const next: Entry | undefined = entry.entries.find(({ name }) => name === args[depth]);
    if (next === undefined) break;
    entry = next;
    depth++;
  }
  return { entry, path: args.slice(0, depth), rest: args.slice(depth) };
}
