/** Configurations from the texts of rules. */
import { IpAddress } from "../../sctp/base/address.ts";
import { Configuration } from "../configuration.ts";
import { Fault } from "../fault.ts";
import { type Chain, formatRule, parseRule, type Rule } from "../rule.ts";

/** The rule that a text is. */
export function rule(text: string): Rule {
  const parsed = parseRule(text);
  if (parsed instanceof Fault) throw new TypeError(`${text}: ${parsed.message}`);
  return parsed;
}

/** A configuration with these rules, added in this order. */
export function configured(...rules: readonly string[]): Configuration {
  const configuration = new Configuration();
  for (const text of rules) {
    const fault = configuration.apply({ kind: "add", rule: rule(text) });
    if (fault) throw new TypeError(fault.message);
  }
  return configuration;
}

/** The text of the rule that decides, or the default's policy. */
export function decider(
  { table }: Configuration,
  chain: Chain,
  address: string,
  port: number,
): string {
  const { enabled, entry } = table.match(chain, IpAddress.parse(address), port);
  return entry ? formatRule(entry.rule) : enabled ? "enable" : "disable";
}
