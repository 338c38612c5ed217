/**
 * Takes the redirect front's rules away when this process hangs or dies: without it the kernel would
 * go on to send connections to a listener that nobody serves.
 */
import { findProgram } from "./host.ts";
import { ProcessGuard } from "./process_guard.ts";
import { ownerMark, tableName, thisProcess } from "./rules_owner.ts";

/** Only if the table still is ours: a successor may have taken it over. */
const REMOVE = `
"$1" list chain inet "$2" owner 2>/dev/null | grep -qF "$3" && "$1" delete table inet "$2"
`;

/**
 * Starts the guard of a table of ours; `undefined` where there is no bash to run it.
 * @param name of the table, without what all have in common.
 * @param patience milliseconds without a beat after which the table is removed.
 */
export function guardRules(name: string, patience: number): ProcessGuard | undefined {
  const args = [findProgram("nft") ?? "nft", tableName(name), ownerMark(thisProcess())];
  return ProcessGuard.start({ patience, action: REMOVE, args });
}
