/** `shimkit sysctl`: shows and changes the shim's settings (Bickhart 2005, section 2.9). */
import { object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { multiple } from "@optique/core/modifiers";
import { argument, option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { Fault } from "../core/rules/fault.ts";
import {
  formatSettingValue,
  parseSettingName,
  parseSettingValue,
  rangeOf,
  SETTING_KEYS,
  type SettingKey,
  SETTINGS,
  type Settings,
} from "../core/rules/settings.ts";
import { defineCommand, UsageError } from "./command.ts";
import { ExitCode } from "./exit_codes.ts";
import type { CommandIo } from "./io.ts";
import { jsonFlag } from "./options.ts";
import { openRulesStore, rulesPlaceOptions, type RulesStore } from "./rules_store.ts";
import { formatTable } from "./table.ts";

export default defineCommand({
  description:
    "Shows the shim's settings, or changes those that a value is given for. They hold from the " +
    "next connection on. The last part of a name is enough.",
  examples: [
    { args: "sysctl", does: "all settings" },
    { args: "sysctl net.inet.sctp.shim.init_rtx_max", does: "one of them" },
    { args: "sysctl net.inet.sctp.shim.path_rtx_max=1", does: "changes it" },
    { args: "sysctl --describe head_start", does: "what it does, its default and its range" },
  ],
  parser: object({
    words: multiple(argument(string({ metavar: "NAME[=VALUE]" }), {
      description: message`A setting to show, or to change. Without any, all are shown.`,
    })),
    describe: option("-d", "--describe", {
      description: message`Shows defaults, ranges, sources and what the settings do.`,
    }),
    json: jsonFlag,
    ...rulesPlaceOptions,
  }),
  async run({ words, describe, json, ...place }, io) {
    const wanted = words.map(parseWord);
    const store = await openRulesStore(place);
    const before = (await store.read()).configuration.settings;
    const after = await change(store, wanted) ?? before;
    const shown = wanted.length === 0 ? SETTING_KEYS.map((key) => ({ key })) : wanted;
    if (json) io.print(JSON.stringify(shown.map(({ key }) => settingData(key, after))));
    else if (describe) showDescriptions(shown, after, io);
    else shown.forEach((each) => io.print(settingLine(each, before, after)));
    return ExitCode.ok;
  },
});

/** A setting, and the value that it is to have. */
interface Wanted {
  readonly key: SettingKey;
  readonly value?: number;
}

function parseWord(word: string): Wanted {
  const [, name = word, text] = /^([^=]*)=(.*)$/.exec(word) ?? [];
  const key = checked(parseSettingName(name));
  return text === undefined ? { key } : { key, value: checked(parseSettingValue(key, text)) };
}

function checked<T>(value: T | Fault): T {
  if (value instanceof Fault) throw new UsageError(value.message);
  return value;
}

/** Makes the changes, one after the other, and returns the settings then, if there were any. */
async function change(
  store: RulesStore,
  wanted: readonly Wanted[],
): Promise<Readonly<Settings> | undefined> {
  let settings: Readonly<Settings> | undefined;
  for (const { key, value } of wanted) {
    if (value === undefined) continue;
    ({ configuration: { settings } } = await store.apply({ kind: "set", key, value }));
  }
  return settings;
}

function settingLine({ key, value }: Wanted, before: Settings, after: Settings): string {
  const now = formatSettingValue(key, after[key]);
  const name = SETTINGS[key].name;
  return value === undefined
    ? `${name}: ${now}`
    : `${name}: ${formatSettingValue(key, before[key])} -> ${now}`;
}

function showDescriptions(shown: readonly Wanted[], settings: Settings, io: CommandIo): void {
  const columns = formatTable(shown.map(({ key }) => [
    SETTINGS[key].name,
    formatSettingValue(key, settings[key]),
    `${rangeOf(key)}; default ${formatSettingValue(key, SETTINGS[key].default)}`,
  ]));
  shown.forEach(({ key }, index) => {
    io.print(columns[index]);
    io.print(`  ${SETTINGS[key].help} (${SETTINGS[key].source})`);
  });
}

function settingData(key: SettingKey, settings: Settings) {
  return { ...SETTINGS[key], value: settings[key] };
}
