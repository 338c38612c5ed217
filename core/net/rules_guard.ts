/**
 * Takes the rules of the redirect front away when this process hangs or dies: without it the kernel would
 * go on to send connections to a listener that nobody serves.
 */
import { findProgram } from "./host.ts";
import { carryingRule, NAT_CHAIN } from "./nft_rules.ts";
import { ProcessGuard } from "./process_guard.ts";
import { ownerMark, tableName, thisProcess } from "./rules_owner.ts";

/**
 * Only if the table still is ours: a successor may have taken it over. A process that merely hangs has
 * connections that stand, which need the chain, with the rule that nothing new matches.
 */
const REMOVE = `
"$1" list chain inet "$2" owner 2>/dev/null | grep -qF "$3" || exit
if [ $why = hang ]; then "$1" "$4"; else "$1" delete table inet "$2"; fi
`;

/**
 * Starts the guard of a table of ours; `undefined` where there is no bash to run it.
 * @param instance the shim's number, whose table it is.
 * @param patience milliseconds without a beat after which the table is removed.
 */
export function guardRules(instance: number, patience: number): ProcessGuard | undefined {
  const nft = findProgram("nft") ?? "nft";
  const table = tableName(String(instance));
  const chain = `inet ${table} ${NAT_CHAIN}`;
  // Whichever port: it is the rule that counts.
  const less = `flush chain ${chain}; add rule ${chain} ${carryingRule(instance, 1)}`;
  const args = [nft, table, ownerMark(thisProcess()), less];
  return ProcessGuard.start({ patience, action: REMOVE, args });
}
