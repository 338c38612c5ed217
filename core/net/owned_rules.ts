/**
 * Rules of ours in the kernel: put there, replaced, and removed so that nothing stays behind.
 *
 * They are an nft table of our own and a chain of our own in iptables' mangle table, each replaced in one
 * transaction. The nft table is made first and removed last, so that what a process leaves that dies in
 * between is found by {@link removeStaleRules}.
 */
import { Iptables } from "./iptables.ts";
import { chainName, type ChainPackets } from "./iptables_rules.ts";
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

/** Names of tables whose rules are put there by {@link OwnedRules}, or by a probe. */
const NAMES = /^(\d+(_udp)?|probe\d+)$/;

/** What is wanted of the kernel. */
export interface RuleSet {
  /** A script that makes the nft table, with the comment that says whose it is. */
  nft(table: string, owner: string): string;
  /** The rules of our chain in iptables' mangle table; without any there is none. */
  chain(family: 4 | 6): readonly string[];
  /** Which packets pass that chain. */
  readonly packets: ChainPackets;
}

/** The rules that one name stands for. */
export class OwnedRules {
  readonly #name: string;
  readonly #chain: string;
  /** What was put into the kernel last, by program. */
  readonly #applied = new Map<string, string>();
  /** What holds, if something does. */
  #set: RuleSet | undefined;
  #made: string | undefined;

  /** @param name tells them apart from others of this namespace: it matches {@link NAMES}. */
  constructor(name: string) {
    this.#name = name;
    this.#chain = chainName(name);
  }

  /**
   * Makes the kernel do what is wanted from now on. Rules that a dead process left are taken over;
   * connections that stand are not touched. If this fails the rules of before hold, or none.
   * @throws Error with the words of nft or iptables, or if a living process has this name.
   */
  apply(set: RuleSet): void {
    this.#made ??= adoptable(this.#name)?.notes[MADE] ?? missingTables();
    try {
      this.#applyAll(set);
      this.#set = set;
    } catch (error) {
      if (this.#set) this.#applyAll(this.#set);
      else this.remove();
      throw error;
    }
  }

  /** Takes everything back. Does nothing if there is nothing. */
  remove(): void {
    removeRules(this.#name, this.#made ?? adoptable(this.#name)?.notes[MADE] ?? "");
    this.#applied.clear();
    this.#made = this.#set = undefined;
  }

  #applyAll(set: RuleSet): void {
    const owner = formatOwner(thisProcess({ [MADE]: this.#made ?? "" }));
    const script = set.nft(tableName(this.#name), owner);
    this.#unlessApplied("nft", script, () => runTool("nft", ["-f", "-"], script));
    for (const iptables of FAMILIES) this.#applyIptables(iptables, set);
  }

  #applyIptables(iptables: Iptables, { chain, packets }: RuleSet): void {
    const rules = chain(iptables.family);
    this.#unlessApplied(`iptables ${iptables.family}`, rules.join("\n"), () => {
      if (rules.length > 0) iptables.install(this.#chain, rules, { linked: true, packets });
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
 * about to {@link OwnedRules.apply} the same name need not: it takes them over.
 */
export function removeStaleRules(): Owner[] {
  const stale: Owner[] = [];
  for (const name of ownedNames().filter((each) => NAMES.test(each))) {
    const owner = ownerOf(name);
    if (!owner || isAlive(owner)) continue;
    removeRules(name, owner.notes[MADE] ?? "");
    stale.push(owner);
  }
  return stale;
}
