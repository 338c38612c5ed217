/** The shim rules table: four chains, one of which is searched (Bickhart 2005, section 2.2.3 on). */
import type { IpAddress } from "../sctp/base/address.ts";
import { Fault } from "./fault.ts";
import {
  type Chain,
  CHAINS,
  formatRule,
  POLICIES,
  type Policy,
  type Protocol,
  type Rule,
} from "./rule.ts";
import { type Decision, RuleChain } from "./rule_chain.ts";
import type { Settings } from "./settings.ts";

const ENABLED: Decision = { enabled: true, why: "default", entry: undefined };
const DISABLED: Decision = { enabled: false, why: "default", entry: undefined };

/** The four chains. The default policies are settings, which the table reads at each look-up. */
export class RuleTable {
  /** local-enable, local-disable, remote-enable, remote-disable. */
  readonly chains: readonly RuleChain[] = CHAINS.flatMap((chain) =>
    POLICIES.map((policy) => new RuleChain(chain, policy))
  );
  readonly #local = { enable: this.chains[0], disable: this.chains[1] };
  readonly #remote = { enable: this.chains[2], disable: this.chains[3] };

  constructor(readonly settings: Readonly<Settings>) {}

  /** One of the four chains. */
  chain(chain: Chain, policy: Policy): RuleChain {
    return chain === "local" ? this.#local[policy] : this.#remote[policy];
  }

  /**
   * What holds where no rule matches. The settings are about TCP: datagrams are carried only where a
   * rule says so, since many of them are for the neighbourhood (DHCP, discovery).
   */
  defaultOf(chain: Chain, protocol: Protocol = "tcp"): Policy {
    if (protocol === "udp") return "disable";
    const { defaultLocalEnable, defaultRemoteEnable } = this.settings;
    return (chain === "local" ? defaultLocalEnable : defaultRemoteEnable) ? "enable" : "disable";
  }

  /** The chain that is searched: its rules override the default, so they have the other policy. */
  searched(chain: Chain, protocol: Protocol = "tcp"): RuleChain {
    return this.chain(chain, this.defaultOf(chain, protocol) === "enable" ? "disable" : "enable");
  }

  /** Appends a rule to its chain. */
  add(rule: Rule): Fault | undefined {
    return this.chain(rule.chain, rule.policy).add(rule);
  }

  /** Deletes the rule of the same specification. */
  delete(rule: Rule): Fault | undefined {
    const chain = this.chain(rule.chain, rule.policy);
    if (chain.delete(rule)) return undefined;
    const elsewhere = this.chains.find((other) => other.has({ ...rule, ...policyOf(other) }));
    const advice = elsewhere ? `; ${elsewhere.name} has it` : "";
    return new Fault("unknown-rule", `${chain.name} has no rule "${formatRule(rule)}"${advice}`);
  }

  /** Takes out all rules, or those of the named chains only, and tells how many there were. */
  flush(chain?: Chain, policy?: Policy): number {
    return this.select(chain, policy).reduce((sum, each) => sum + each.flush(), 0);
  }

  /** The chains of a class, of a policy, or of both; all where neither is named. */
  select(chain?: Chain, policy?: Policy): readonly RuleChain[] {
    return this.chains.filter((each) =>
      (chain === undefined || each.chain === chain) &&
      (policy === undefined || each.policy === policy)
    );
  }

  /**
   * Whether the shim is used for a server at this address and port (remote), or for a listener
   * there (local), by this protocol: the first matching rule decides, even if a later one is more specific. Counts
   * the hit, and allocates nothing.
   */
  match(chain: Chain, address: IpAddress, port: number, protocol: Protocol = "tcp"): Decision {
    const decision = this.find(chain, address, port, protocol);
    if (decision.entry) decision.entry.hits++;
    return decision;
  }

  /** The same as {@link match}, without counting. */
  find(chain: Chain, address: IpAddress, port: number, protocol: Protocol = "tcp"): Decision {
    const entry = this.searched(chain, protocol).find(address, port, protocol);
    if (entry) return entry.decision;
    return this.defaultOf(chain, protocol) === "enable" ? ENABLED : DISABLED;
  }
}

function policyOf({ chain, policy }: RuleChain): Pick<Rule, "chain" | "policy"> {
  return { chain, policy };
}
