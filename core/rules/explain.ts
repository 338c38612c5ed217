/** Says in words which rule decides about an address and port, and what follows. */
import type { IpAddress } from "../sctp/base/address.ts";
import type { Configuration } from "./configuration.ts";
import { type Chain, formatRule, type Policy } from "./rule.ts";
import type { ChainName, Decision, RuleChain } from "./rule_chain.ts";
import { SETTINGS, type Settings } from "./settings.ts";

/** A decision with its reasons. */
export interface Explanation {
  readonly chain: Chain;
  readonly address: string;
  readonly port: number;
  readonly default: Policy;
  /** The chain that was searched. */
  readonly searched: ChainName;
  /** The rule that decides, by its place in the chain (from 1 on) and its text. */
  readonly rule: { readonly number: number; readonly text: string } | null;
  /** Whether the shim is used. */
  readonly enabled: boolean;
  /** The same in sentences: the search, its result, what happens. */
  readonly sentences: readonly string[];
}

/** Explains what {@link RuleTable.match} decides, without counting a hit. */
export function explain(
  { table, settings }: Configuration,
  chain: Chain,
  address: IpAddress,
  port: number,
): Explanation {
  const searched = table.searched(chain);
  const decision = table.find(chain, address, port);
  const { enabled, entry } = decision;
  return {
    chain,
    address: address.text,
    port,
    default: table.defaultOf(chain),
    searched: searched.name,
    rule: entry ? { number: searched.numberOf(entry), text: formatRule(entry.rule) } : null,
    enabled,
    sentences: [
      searchSentence(searched, table.defaultOf(chain)),
      resultSentence(searched, decision),
      chain === "remote" ? remoteSentence(enabled, settings) : localSentence(enabled, settings),
    ],
  };
}

function searchSentence({ chain, name, entries }: RuleChain, policy: Policy): string {
  const row = chain === "local" ? SETTINGS.defaultLocalEnable : SETTINGS.defaultRemoteEnable;
  const value = policy === "enable" ? 1 : 0;
  return `By default the shim is ${policy}d (${row.name}=${value}), so the chain ${name} ` +
    `is searched, which has ${count(entries.length, "rule")}.`;
}

function resultSentence(searched: RuleChain, { enabled, entry }: Decision): string {
  const so = `the shim is ${enabled ? "enabled" : "disabled"}`;
  if (!entry) return `No rule matches: ${so}.`;
  const rule = `Rule ${searched.numberOf(entry)} is the first that matches`;
  return `${rule} (${formatRule(entry.rule)}): ${so}.`;
}

function remoteSentence(enabled: boolean, { initRtxMax, headStart }: Settings): string {
  if (!enabled) return "A connection there is TCP, and does not pass through shimkit.";
  const wait = headStart === 0 ? "at once" : `after ${headStart} ms`;
  return `A connection there tries SCTP, with INIT sent ${
    count(initRtxMax + 1, "time")
  } at most; ` +
    `TCP is tried beside it ${wait}, and used where the server does not answer over SCTP.`;
}

function localSentence(enabled: boolean, { forceBindall }: Settings): string {
  if (!enabled) {
    return "A server there is reachable over TCP only: attempts over SCTP are answered with ABORT.";
  }
  const where = forceBindall ? "at all addresses of this host" : "at the addresses it has bound";
  return `A server there is reachable over TCP and, ${where}, over SCTP.`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
