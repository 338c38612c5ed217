/** One of the four chains: rules in the order in which they are searched. */
import type { IpAddress } from "../sctp/base/address.ts";
import { Fault } from "./fault.ts";
import { firstMatch, packRules } from "./matcher.ts";
import { type Chain, formatRule, type Policy, type Protocol, type Rule } from "./rule.ts";

/** The name of a chain, as the thesis has it: `remote-enable` and so on. */
export type ChainName = `${Chain}-${Policy}`;

/** A rule in its chain, with how often it has decided. */
export class RuleEntry {
  /** Connections or listeners that this rule has decided since it was added. */
  hits = 0;
  /** What follows where this rule matches: made once, so that a search makes nothing. */
  readonly decision: Decision;

  constructor(readonly rule: Rule) {
    this.decision = { enabled: rule.policy === "enable", why: "rule", entry: this };
  }
}

/** Whether the shim is used, and what decided that. */
export type Decision =
  | { readonly enabled: boolean; readonly why: "rule"; readonly entry: RuleEntry }
  | { readonly enabled: boolean; readonly why: "default"; readonly entry: undefined };

/** Rules of one class and one policy. */
export class RuleChain {
  readonly #entries: RuleEntry[] = [];
  /** By text, which equal rules share. */
  readonly #byText = new Map<string, RuleEntry>();
  /** Packed for searching; made again after a change. */
  #rows: Int32Array | undefined;

  constructor(readonly chain: Chain, readonly policy: Policy) {}

  get name(): ChainName {
    return `${this.chain}-${this.policy}`;
  }

  /** The rules, first one first. */
  get entries(): readonly RuleEntry[] {
    return this.#entries;
  }

  /** Appends a rule. */
  add(rule: Rule): Fault | undefined {
    const text = formatRule(rule);
    const known = this.#byText.get(text);
    if (known) {
      const number = this.numberOf(known);
      return new Fault(
        "duplicate-rule",
        `"${text}" is there already: rule ${number} of ${this.name}`,
      );
    }
    const entry = new RuleEntry(rule);
    this.#entries.push(entry);
    this.#byText.set(text, entry);
    this.#rows = undefined;
    return undefined;
  }

  /** Takes out the rule that equals `rule`; false if there is none. */
  delete(rule: Rule): boolean {
    const text = formatRule(rule);
    const entry = this.#byText.get(text);
    if (!entry) return false;
    this.#entries.splice(this.#entries.indexOf(entry), 1);
    this.#byText.delete(text);
    this.#rows = undefined;
    return true;
  }

  /** True if there is a rule that equals `rule`. */
  has(rule: Rule): boolean {
    return this.#byText.has(formatRule(rule));
  }

  /** Takes out all rules, and tells how many there were. */
  flush(): number {
    const { length } = this.#entries;
    this.#entries.length = 0;
    this.#byText.clear();
    this.#rows = undefined;
    return length;
  }

  /** The place of a rule, counted from 1: what lists and explanations call it. */
  numberOf(entry: RuleEntry): number {
    return this.#entries.indexOf(entry) + 1;
  }

  /** The first rule that matches. Allocates nothing unless the chain has changed. */
  find(address: IpAddress, port: number, protocol: Protocol): RuleEntry | undefined {
    const rows = this.#rows ??= packRules(this.#entries.map(({ rule }) => rule));
    const index = firstMatch(rows, address, port, protocol);
    return index < 0 ? undefined : this.#entries[index];
  }
}
