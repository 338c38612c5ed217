/**
 * Whose rules these are: each of our nft tables has a comment with the process that made it, so that
 * the next one can tell what a dead process left from what a living one uses.
 */
import { readIfThere } from "./host.ts";
import { deleteTable } from "./nft_rules.ts";
import { runTool, tryTool } from "./system_tool.ts";

/** A process and what it noted down. */
export interface Owner {
  readonly pid: number;
  /** Clock ticks from boot to its start: a later process with the same number has another. */
  readonly startTime: string;
  /** What the removal needs to know: short words, values without spaces. */
  readonly notes: Readonly<Record<string, string>>;
}

/** All our tables' names start with it. */
const PREFIX = "shimkit_";
const CHAIN = "owner";

/** The full name of a table of ours. */
export function tableName(name: string): string {
  return `${PREFIX}${name}`;
}

/** This process. */
export function thisProcess(notes: Owner["notes"] = {}): Owner {
  return { pid: Deno.pid, startTime: startTimeOf(Deno.pid) ?? "0", notes };
}

/** True if the process still runs. */
export function isAlive({ pid, startTime }: Owner): boolean {
  return startTimeOf(pid) === startTime;
}

/** True for the process that calls. */
export function isThisProcess({ pid, startTime }: Owner): boolean {
  return pid === Deno.pid && startTime === startTimeOf(pid);
}

/** proc_pid_stat(5), field 22; the second field is a name that may have spaces and parentheses. */
function startTimeOf(pid: number): string | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`);
  return stat === "" ? undefined : stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
}

/** An owner as the text of a comment. */
export function formatOwner(owner: Owner): string {
  const notes = Object.entries(owner.notes).map(([key, value]) => ` ${key}=${value}`);
  return ownerMark(owner) + notes.join("");
}

/** How the comment of that process begins, whatever it noted down. */
export function ownerMark({ pid, startTime }: Owner): string {
  return `shimkit pid=${pid} start=${startTime}`;
}

/** The owner that a text speaks of, if it does. */
export function parseOwner(text: string): Owner | undefined {
  const match = /comment "shimkit ([^"]*)"/.exec(text);
  if (!match) return undefined;
  const { pid, start, ...notes } = Object.fromEntries(
    match[1].split(" ").map((pair) => [pair.split("=")[0], pair.slice(pair.indexOf("=") + 1)]),
  );
  return { pid: Number(pid), startTime: start, notes };
}

/** The names of our tables in this namespace, without what all have in common. */
export function ownedNames(): string[] {
  const { output } = tryTool("nft", ["list", "tables"]);
  return [...output.matchAll(/^table inet shimkit_(\w+)$/gm)].map(([, name]) => name);
}

/** Who made a table; `undefined` if it is not there. */
export function ownerOf(name: string): Owner | undefined {
  const { success, output } = tryTool("nft", ["list", "chain", "inet", tableName(name), CHAIN]);
  return success ? parseOwner(output) : undefined;
}

/**
 * Who made a table, if that process is gone or is this one, so that the table can be taken over.
 * @throws Error if another process that lives has it.
 */
export function adoptable(name: string): Owner | undefined {
  const owner = ownerOf(name);
  if (owner && isAlive(owner) && !isThisProcess(owner)) {
    throw new Error(
      `another shim of this host, process ${owner.pid}, has the number ${parseInt(name)} ` +
        `(firewall table ${
          tableName(name)
        }): stop it, or give this one another number (--instance)`,
    );
  }
  return owner;
}

/** Deletes a table; does nothing if it is not there. */
export function deleteOwned(name: string): void {
  if (ownedNames().includes(name)) {
    runTool("nft", ["-f", "-"], `${deleteTable(tableName(name)).join("\n")}\n`);
  }
}
