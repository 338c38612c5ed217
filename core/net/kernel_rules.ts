/** The kernel's side of interception: brings connections to the shim as a plan says. */
import { firewallMark, MarkKind } from "./firewall_marks.ts";
import { familiesOf, type InterceptionPlan } from "./interception_plan.ts";
import { chainRules } from "./iptables_rules.ts";
import { nftScript } from "./nft_rules.ts";
import { OwnedRules } from "./owned_rules.ts";

/** The rules of one shim of this network namespace. */
export class KernelRules {
  readonly #rules: OwnedRules;

  /**
   * @param instance 0 .. 15: tells the shims of one namespace apart, with their marks.
   * @throws RangeError if it is another number.
   */
  constructor(readonly instance = 0) {
    firewallMark(instance, MarkKind.Own);
    this.#rules = new OwnedRules(String(instance));
  }

  /** Makes the kernel do what the plan says from now on: see {@link OwnedRules.apply}. */
  apply(plan: InterceptionPlan): void {
    const holds = (family: 4 | 6) => plan.front === "nfqueue" && familiesOf(plan).includes(family);
    this.#rules.apply({
      nft: (table, owner) => nftScript(table, owner, this.instance, plan),
      chain: (family) => holds(family) ? chainRules(plan, family) : [],
      packets: "syns",
    });
  }

  /** Takes everything back. Does nothing if there is nothing. */
  remove(): void {
    this.#rules.remove();
  }
}
