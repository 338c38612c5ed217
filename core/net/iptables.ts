/** Our chain in iptables' mangle table, of one family: put there, replaced and removed atomically. */
import { readIfThere } from "./host.ts";
import { type InstallOptions, installScript, TABLE, uninstallScript } from "./iptables_rules.ts";
import { runTool, tryTool } from "./system_tool.ts";

/** Seconds to wait for another process that changes rules. */
const WAIT = ["-w", "5"];

export class Iptables {
  readonly #program: string;
  /** What nft calls the table, where iptables is only another face of it. */
  readonly #table: readonly string[];
  readonly #legacyTables: string;

  constructor(readonly family: 4 | 6) {
    this.#program = family === 4 ? "iptables" : "ip6tables";
    this.#table = [family === 4 ? "ip" : "ip6", TABLE];
    const names = family === 4 ? "ip_tables_names" : "ip6_tables_names";
    this.#legacyTables = `/proc/thread-self/net/${names}`;
  }

  /**
   * Makes our chain what `rules` says, in one transaction.
   * @throws Error with iptables' own words.
   */
  install(chain: string, rules: readonly string[], options: InstallOptions): void {
    this.#restore(installScript(chain, rules, this.#present(), options));
  }

  /** Removes our chain and what leads to it; does nothing if it is not there. */
  uninstall(chain: string): void {
    const script = this.tableExists() ? uninstallScript(chain, this.#present()) : undefined;
    if (script) this.#restore(script);
  }

  /** Whether the table is there. iptables makes it, and leaves it behind when it is empty. */
  tableExists(): boolean {
    return readIfThere(this.#legacyTables).split("\n").includes(TABLE) ||
      tryTool("nft", ["list", "tables", this.#table[0]]).output.split("\n")
        .includes(`table ${this.#table.join(" ")}`);
  }

  /** Deletes the table if it has no rule and no chain but its own: nft refuses to delete others. */
  dropEmptyTable(): void {
    const { success, output } = tryTool("nft", ["list", "table", ...this.#table]);
    if (!success) return;
    const table = this.#table.join(" ");
    const chains = [...output.matchAll(/^\tchain (\S+) \{$/gm)];
    const unused = [...output.matchAll(/^\tchain \S+ \{\n\t\ttype .* policy accept;\n\t\}$/gm)];
    if (unused.length !== chains.length) return;
    const lines = chains.map(([, name]) => `delete chain ${table} ${name}`);
    tryTool("nft", ["-f", "-"], [...lines, `delete table ${table}`, ""].join("\n"));
  }

  #present(): string {
    return runTool(this.#program, [...WAIT, "-t", TABLE, "-S"]);
  }

  #restore(script: string): void {
    try {
      runTool(`${this.#program}-restore`, ["--noflush", ...WAIT], script);
    } catch (error) {
      const hint = script.includes("-m cgroup") ? ". A cgroup of the plan may not exist" : "";
      throw new Error(`${(error as Error).message}${hint}`, { cause: error });
    }
  }
}
