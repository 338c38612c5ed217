/** Says in words which rule decides about an address and port, and what follows. */
import type { IpAddress } from "../sctp/base/address.ts";
import type { Configuration } from "./configuration.ts";
import { type Chain, formatRule, type Policy, type Protocol } from "./rule.ts";
import type { ChainName, Decision, RuleChain } from "./rule_chain.ts";
import { SETTINGS, type Settings } from "./settings.ts";

/** A decision with its reasons. */
export interface Explanation {
  readonly chain: Chain;
  readonly protocol: Protocol;
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
  protocol: Protocol = "tcp",
): Explanation {
  const searched = table.searched(chain, protocol);
  const decision = table.find(chain, address, port, protocol);
  const { enabled, entry } = decision;
  return {
    chain,
    protocol,
    address: address.text,
    port,
    default: table.defaultOf(chain, protocol),
    searched: searched.name,
    rule: entry ? { number: searched.numberOf(entry), text: formatRule(entry.rule) } : null,
    enabled,
    sentences: [
      protocol === "udp"
        ? udpSearchSentence(searched)
        : searchSentence(searched, table.defaultOf(chain)),
      resultSentence(searched, decision),
      protocol === "udp" ? udpSentence(chain, enabled) : tcpSentence(chain, enabled, settings),
    ],
  };
}

function tcpSentence(chain: Chain, enabled: boolean, settings: Settings): string {
  return chain === "remote" ? remoteSentence(enabled, settings) : localSentence(enabled, settings);
}

function udpSearchSentence({ name, entries }: RuleChain): string {
  return `UDP is left alone unless a rule enables it, so the chain ${name} is searched, which has ` +
    `${count(entries.length, "rule")}.`;
}

function udpSentence(chain: Chain, enabled: boolean): string {
  if (chain === "remote") {
    return enabled
      ? "Datagrams there go over SCTP once an association stands, until then as plain UDP."
      : "Datagrams there are plain UDP, and do not pass through shimkit.";
  }
  return enabled
    ? "A server there gets datagrams by UDP and, from hosts that have a shim, over SCTP."
    : "A server there gets datagrams by UDP only.";
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
