/**
 * The kernel's side of interception: brings connections to the shim as a plan says, and leaves
 * nothing behind.
 *
 * All of it is an nft table of our own and, for the NFQUEUE front, a chain of our own in iptables'
 * mangle table, each replaced in one transaction. The nft table is made first and removed last, so
 * that what a process leaves that dies in between is found by {@link removeStaleRules}.
 */
import { MAX_INSTANCE } from "./firewall_marks.ts";
import { familiesOf, type InterceptionPlan } from "./interception_plan.ts";
import { Iptables } from "./iptables.ts";
import { chainName, chainRules } from "./iptables_rules.ts";
import { nftScript } from "./nft_rules.ts";
import {
  adoptable,
  deleteOwned,
  formatOwner,
  isAlive,
  ownedNames,
  type Owner,
  ownerOf,
  tableName,
  thisProcess,
} from "./rules_owner.ts";
import { runTool } from "./system_tool.ts";

const FAMILIES = [new Iptables(4), new Iptables(6)];

/** Note of the families whose mangle table was not there before us. */
const MADE = "made";

/** The rules of one shim of this network namespace. */
export class KernelRules {
  readonly #name: string;
  readonly #chain: string;
  /** What was put into the kernel last, by program. */
  readonly #applied = new Map<string, string>();
  /** The plan that holds, if one does. */
  #plan: InterceptionPlan | undefined;
  #made: string | undefined;

  /** @param instance 0 .. 15: tells the shims of one namespace apart, with their marks. */
  constructor(readonly instance = 0) {
    if (!Number.isInteger(instance) || instance < 0 || instance > MAX_INSTANCE) {
      throw new RangeError(`shim number ${instance}: there are 0 to ${MAX_INSTANCE}`);
    }
    this.#name = String(instance);
    this.#chain = chainName(this.#name);
  }

  /**
   * Makes the kernel do what the plan says from now on. Rules that a dead process left are taken
   * over; connections that stand are not touched. If this fails the rules of before hold, or none.
   * @throws Error with the words of nft or iptables, or if a living process has this instance.
   */
  apply(plan: InterceptionPlan): void {
    this.#made ??= adoptable(this.#name)?.notes[MADE] ?? missingTables();
    try {
      this.#applyAll(plan);
      this.#plan = plan;
    } catch (error) {
      if (this.#plan) this.#applyAll(this.#plan);
      else this.remove();
      throw error;
    }
  }

  /** Takes everything back. Does nothing if there is nothing. */
  remove(): void {
    removeRules(this.#name, this.#made ?? adoptable(this.#name)?.notes[MADE] ?? "");
    this.#applied.clear();
    this.#made = this.#plan = undefined;
  }

  #applyAll(plan: InterceptionPlan): void {
    this.#applyNft(plan);
    for (const iptables of FAMILIES) this.#applyIptables(iptables, plan);
  }

  #applyNft(plan: InterceptionPlan): void {
    const owner = formatOwner(thisProcess({ [MADE]: this.#made ?? "" }));
    const script = nftScript(tableName(this.#name), owner, this.instance, plan);
    this.#unlessApplied("nft", script, () => runTool("nft", ["-f", "-"], script));
  }

  #applyIptables(iptables: Iptables, plan: InterceptionPlan): void {
    const wanted = plan.front === "nfqueue" && familiesOf(plan).includes(iptables.family);
    const rules = wanted ? chainRules(plan, iptables.family) : [];
    this.#unlessApplied(`iptables ${iptables.family}`, rules.join("\n"), () => {
      if (rules.length > 0) iptables.install(this.#chain, rules, { linked: true });
      else iptables.uninstall(this.#chain);
    });
  }

  #unlessApplied(program: string, script: string, apply: () => void): void {
    if (this.#applied.get(program) === script) return;
    this.#applied.delete(program);
    apply();
    this.#applied.set(program, script);
  }
}

/** The families, as digits, that have no mangle table. */
function missingTables(): string {
  return FAMILIES.filter((each) => !each.tableExists()).map(({ family }) => family).join("");
}

function removeRules(name: string, made: string): void {
  for (const iptables of FAMILIES) {
    iptables.uninstall(chainName(name));
    if (made.includes(String(iptables.family))) iptables.dropEmptyTable();
  }
  deleteOwned(name);
}

/**
 * Removes the rules of every shim that died without doing so, and says whose they were. One that is
 * about to {@link KernelRules.apply} the same instance need not: it takes them over.
 */
export function removeStaleRules(): Owner[] {
  const stale: Owner[] = [];
  for (const name of ownedNames().filter((each) => /^(\d+|probe\d+)$/.test(each))) {
    const owner = ownerOf(name);
    if (!owner || isAlive(owner)) continue;
    removeRules(name, owner.notes[MADE] ?? "");
    stale.push(owner);
  }
  return stale;
}
