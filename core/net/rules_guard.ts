/**
 * Takes the rules of the redirect front away when this process hangs or dies: without it the kernel would
 * go on to send connections to a listener that nobody serves.
 */
import { findProgram } from "./host.ts";
import { NAT_CHAIN } from "./nft_rules.ts";
import { ProcessGuard } from "./process_guard.ts";
import { ownerMark, tableName, thisProcess } from "./rules_owner.ts";

/**
 * Only if the table still is ours: a successor may have taken it over. A process that merely hangs has
 * connections that stand, which need the chain without its rules.
 */
const REMOVE = `
"$1" list chain inet "$2" owner 2>/dev/null | grep -qF "$3" || exit
if [ $why = hang ]; then "$1" flush chain inet "$2" "$4"; else "$1" delete table inet "$2"; fi
`;

/**
 * Starts the guard of a table of ours; `undefined` where there is no bash to run it.
 * @param name of the table, without what all have in common.
 * @param patience milliseconds without a beat after which the table is removed.
 */
export function guardRules(name: string, patience: number): ProcessGuard | undefined {
  const nft = findProgram("nft") ?? "nft";
  const args = [nft, tableName(name), ownerMark(thisProcess()), NAT_CHAIN];
  return ProcessGuard.start({ patience, action: REMOVE, args });
}
