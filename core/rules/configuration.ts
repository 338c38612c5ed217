/** What the shim is told: settings and rules together, and the changes that can be made to them. */
import type { Fault } from "./fault.ts";
import type { Chain, Policy, Rule } from "./rule.ts";
import { defaultSettings, type SettingKey, type Settings } from "./settings.ts";
import { RuleTable } from "./table.ts";

/** One change, as `shimrules` and `sysctl` make it. */
export type Change =
  | { readonly kind: "add"; readonly rule: Rule }
  | { readonly kind: "delete"; readonly rule: Rule }
  | { readonly kind: "flush"; readonly chain?: Chain; readonly policy?: Policy }
  /** The value is one that {@link parseSettingValue} has let through. */
  | { readonly kind: "set"; readonly key: SettingKey; readonly value: number };

/** Settings and rules. */
export class Configuration {
  /** Changed by {@link apply} only. */
  readonly settings: Readonly<Settings>;
  readonly table: RuleTable;
  readonly #settings: Settings;

  constructor() {
    this.#settings = defaultSettings();
    this.settings = this.#settings;
    this.table = new RuleTable(this.#settings);
  }

  /** Makes a change, or says why it cannot be made; then nothing has changed. */
  apply(change: Change): Fault | undefined {
    switch (change.kind) {
      case "add":
        return this.table.add(change.rule);
      case "delete":
        return this.table.delete(change.rule);
      case "flush":
        return void this.table.flush(change.chain, change.policy);
      case "set":
        this.#settings[change.key] = change.value;
        return undefined;
      default:
        return change satisfies never;
    }
  }
}

/** The change that gives a chain a default policy. */
export function setDefault(chain: Chain, policy: Policy): Change {
  const key = chain === "local" ? "defaultLocalEnable" : "defaultRemoteEnable";
  return { kind: "set", key, value: policy === "enable" ? 1 : 0 };
}
