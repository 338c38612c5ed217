/** Rules and settings as a TOML file. */
import { parse, TomlError } from "smol-toml";
import { Configuration } from "./configuration.ts";
import { Fault } from "./fault.ts";
import { formatRule, parseRule } from "./rule.ts";
import {
  formatSettingValue,
  parseSettingName,
  parseSettingValue,
  SETTING_KEYS,
  SETTING_PREFIX,
  type SettingKey,
  SETTINGS,
} from "./settings.ts";

/** The table of the settings: their prefix without its last dot. */
const SETTINGS_TABLE = SETTING_PREFIX.slice(0, -1);

const HEAD = [
  "# Rules and settings of shimkit, as shimrules and sysctl keep them.",
  "# Whoever edits this file: their next change writes it anew, without other comments.",
  "",
  "# Searched in this order, as they are typed after shimrules -A.",
];

/** The text of a file that {@link parseFile} reads as the same rules and settings. */
export function formatFile({ table, settings }: Configuration): string {
  const rules = table.chains.flatMap(({ entries }) => entries);
  const lines = [...HEAD, "rules = ["];
  for (const { rule } of rules) lines.push(`  "${formatRule(rule)}",`);
  lines.push("]", "", "# What is not named here has its default.", `[${SETTINGS_TABLE}]`);
  for (const key of SETTING_KEYS) {
    if (settings[key] === SETTINGS[key].default) continue;
    const name = SETTINGS[key].name.slice(SETTING_PREFIX.length);
    lines.push(`${name} = ${formatTomlValue(key, settings[key])}`);
  }
  return lines.join("\n") + "\n";
}

function formatTomlValue(key: SettingKey, value: number): string {
  const text = formatSettingValue(key, value);
  return /^\d+$/.test(text) ? text : `"${text}"`;
}

/** Reads a file. A fault names the line, or the rule or setting, where it can. Total. */
export function parseFile(text: string): Configuration | Fault {
  const content = parseToml(text);
  if (content instanceof Fault) return content;
  const configuration = new Configuration();
  const { rules = [], ...settings } = content;
  return readRules(rules, text, configuration) ??
    readSettings(settings, "", text, configuration) ??
    configuration;
}

type Table = Readonly<Record<string, unknown>>;

function parseToml(text: string): Table | Fault {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [what] = error.message.replace(/^Invalid TOML document: /, "").split("\n");
    return new Fault("bad-toml", `line ${error.line}, column ${error.column}: ${what}`);
  }
}

function readRules(rules: unknown, text: string, into: Configuration): Fault | undefined {
  if (!Array.isArray(rules)) return new Fault("bad-file", "rules is not an array of strings");
  for (const [index, rule] of rules.entries()) {
    if (typeof rule !== "string") {
      return new Fault("bad-file", `rule ${index + 1} is not a string`);
    }
    const parsed = parseRule(rule);
    const fault = parsed instanceof Fault ? parsed : into.table.add(parsed);
    if (!fault) continue;
    const nth = rules.slice(0, index).filter((other) => other === rule).length;
    return fault.at(`${placeOf(text, rule, nth)}rule ${index + 1}, "${rule}"`);
  }
  return undefined;
}

/** Walks down to the settings; what stands beside that way is unknown. */
function readSettings(
  table: Table,
  path: string,
  text: string,
  into: Configuration,
): Fault | undefined {
  for (const [name, value] of Object.entries(table)) {
    const full = path + name;
    const fault = isTable(value) && SETTING_PREFIX.startsWith(`${full}.`)
      ? readSettings(value, `${full}.`, text, into)
      : readSetting(full, value, into)?.at(`${placeOf(text, name)}${full}`);
    if (fault) return fault;
  }
  return undefined;
}

function isTable(value: unknown): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function readSetting(name: string, value: unknown, into: Configuration): Fault | undefined {
  if (!name.startsWith(SETTING_PREFIX)) {
    return new Fault("bad-file", `this is neither rules nor a setting of ${SETTINGS_TABLE}`);
  }
  const key = parseSettingName(name);
  if (key instanceof Fault) return key;
  const read = parseSettingValue(key, textOf(value));
  return read instanceof Fault ? read : into.apply({ kind: "set", key, value: read });
}

/** TOML has words of its own for a switch. */
function textOf(value: unknown): string {
  if (typeof value === "object") return JSON.stringify(value);
  return String(typeof value === "boolean" ? Number(value) : value);
}

/** `line 7: `, if the `nth` line that has `part` in it (from 0 on) can be found. */
function placeOf(text: string, part: string, nth = 0): string {
  const numbers = text.split("\n").flatMap((line, index) => {
    return line.trimStart().startsWith("#") || !line.includes(part) ? [] : [index + 1];
  });
  return nth < numbers.length ? `line ${numbers[nth]}: ` : "";
}
