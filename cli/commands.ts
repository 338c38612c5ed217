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

const SCTP: readonly Entry[] = [
  {
    kind: "command",
    name: "states",
    summary: "Shows the state machine of an association.",
    load: () => import("./sctp_states.ts"),
  },
  {
    kind: "command",
    name: "listen",
    summary: "Accepts associations: a pipe, an echo, a counter or a source of data.",
    load: () => import("./sctp_listen.ts"),
  },
  {
    kind: "command",
    name: "connect",
    summary: "Sets up an association: a pipe, or a measurement of throughput.",
    load: () => import("./sctp_connect.ts"),
  },
  {
    kind: "command",
    name: "parameters",
    summary: "Lists the protocol parameters that can be set.",
    load: () => import("./sctp_parameters.ts"),
  },
];

/** Everything that can follow `shimkit`. */
export const ROOT: GroupEntry = {
  kind: "group",
  name: "shimkit",
  summary: "Carries unmodified TCP applications over SCTP, so that they survive a failing link.",
  entries: [
    {
      kind: "command",
      name: "shimd",
      summary: "The daemon: carries TCP connections over SCTP.",
      load: () => import("./shimd.ts"),
    },
    {
      kind: "command",
      name: "status",
      summary: "Shows what the running daemon is doing.",
      load: () => import("./status.ts"),
    },
    {
      kind: "command",
      name: "run",
      summary: "Runs a command whose connections try SCTP, whatever the rules say.",
      load: () => import("./run.ts"),
    },
    {
      kind: "command",
      name: "shimrules",
      summary: "Rules that decide which connections are carried over SCTP.",
      load: () => import("./shimrules.ts"),
    },
    {
      kind: "command",
      name: "explain",
      summary: "Says which rule decides about a connection, and what happens to it.",
      load: () => import("./explain.ts"),
    },
    {
      kind: "command",
      name: "sysctl",
      summary: "Shows and changes the shim's settings.",
      load: () => import("./sysctl.ts"),
    },
    {
      kind: "command",
      name: "cache",
      summary: "Shows which servers are known to have SCTP, and forgets them.",
      load: () => import("./cache.ts"),
    },
    {
      kind: "command",
      name: "demo",
      summary: "Shows a file crossing two paths, one of which is cut half way.",
      load: () => import("./demo.ts"),
    },
    {
      kind: "command",
      name: "netem",
      summary: "Lays links with rate, delay and loss between network namespaces.",
      load: () => import("./netem.ts"),
    },
    {
      kind: "group",
      name: "sctp",
      summary: "SCTP by hand: what netcat is for TCP.",
      entries: SCTP,
    },
    {
      kind: "command",
      name: "doctor",
      summary: "Shows what of shimkit works on this host, and what to do about the rest.",
      load: () => import("./doctor.ts"),
    },
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
