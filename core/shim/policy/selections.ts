/** The rules table as the kernel needs it. Pure. */
import type { Selection } from "../../net/interception_plan.ts";
import type { Chain } from "../../rules/rule.ts";
import type { RuleTable } from "../../rules/table.ts";

/** Which connections come to the shim. */
export interface RemoteSelections {
  /** The first that matches decides. */
  readonly selections: readonly Selection[];
  /** What holds for all others. */
  readonly otherwise: boolean;
}

/**
 * What of the remote chains decides, as the kernel's own rules: what they leave out never comes to
 * user space.
 */
export function remoteSelections(table: RuleTable): RemoteSelections {
  const { policy, entries } = table.searched("remote");
  const intercept = policy === "enable";
  return {
    selections: entries.filter(({ rule }) => rule.protocol === "tcp")
      .map(({ rule: { network, ports } }) => ({ intercept, network, ports })),
    otherwise: !intercept,
  };
}

/** The rules that enable UDP, as the kernel's own: no others are searched. */
export function udpSelections(table: RuleTable, chain: Chain): readonly Selection[] {
  return table.searched(chain, "udp").entries.filter(({ rule }) => rule.protocol === "udp")
    .map(({ rule: { network, ports } }) => ({ intercept: true, network, ports }));
}
