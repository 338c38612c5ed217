/**
 * The shim's settings by the names of Bickhart 2005, sections 2.2.1 and 2.9, and those that its
 * section 4.2 wishes for: one table, so that command line, file, checks and help agree.
 */
import { PARAMETERS } from "../sctp/parameters.ts";
import { Fault } from "./fault.ts";

/** What every name starts with. */
export const SETTING_PREFIX = "net.inet.sctp.shim.";

/** What is known about one setting. */
export interface SettingDescription {
  /** Full name. */
  readonly name: string;
  /** A switch is 0 or 1, and takes any other number for 1. */
  readonly unit: "switch" | "retransmissions" | "ms" | "s" | "entries" | "level";
  readonly default: number;
  readonly minimum: number;
  readonly maximum: number;
  /** Words for the numbers from 0 on, for a setting that has them. */
  readonly words?: readonly string[];
  /** Where it comes from. */
  readonly source: string;
  /** What it does, in one sentence. */
  readonly help: string;
}

type Kind = Pick<SettingDescription, "unit" | "default" | "minimum" | "maximum" | "words">;

function row(name: string, kind: Kind, source: string, help: string): SettingDescription {
  return { name: SETTING_PREFIX + name, ...kind, source, help };
}

const OFF: Kind = { unit: "switch", default: 0, minimum: 0, maximum: 1 };

function number(
  unit: Kind["unit"],
  value: number,
  minimum: number,
  maximum: number,
): Kind {
  return { unit, default: value, minimum, maximum };
}

/** Levels of the log, from silence on: each has what those before it have. */
export const LOG_LEVELS = ["off", "error", "warning", "info", "debug"] as const;

/** How far connections share associations; "on" has what "accept" has. */
export const MULTIPLEX_LEVELS = ["off", "accept", "on"] as const;

const { maxInitRetransmits, pathMaxRetrans } = PARAMETERS;

/** Every setting. */
export const SETTINGS = {
  defaultLocalEnable: row(
    "default_local_enable",
    OFF,
    "Bickhart 2005, 2.2.1",
    "Whether local servers are reachable over SCTP where no rule says otherwise.",
  ),
  defaultRemoteEnable: row(
    "default_remote_enable",
    OFF,
    "Bickhart 2005, 2.2.1",
    "Whether connections to remote servers try SCTP where no rule says otherwise.",
  ),
  forceBindall: row(
    "force_bindall",
    OFF,
    "Bickhart 2005, 2.9.1",
    "Whether a server is reachable at all addresses of its host, whichever it has bound.",
  ),
  initRtxMax: row(
    "init_rtx_max",
    number("retransmissions", 1, maxInitRetransmits.minimum, maxInitRetransmits.maximum),
    "Bickhart 2005, 2.9.2",
    "How often INIT is sent again before a connection falls back to TCP.",
  ),
  pathRtxMax: row(
    "path_rtx_max",
    number(
      "retransmissions",
      pathMaxRetrans.default,
      pathMaxRetrans.minimum,
      pathMaxRetrans.maximum,
    ),
    "Bickhart 2005, 2.9.3",
    "How many time-outs in a row a path may have before traffic moves to another one.",
  ),
  headStart: row(
    "head_start",
    number("ms", 250, 0, 600_000),
    "Bickhart 2005, 4.2.1; RFC 8305, section 5",
    "How long SCTP is tried alone before TCP is tried beside it; 0 tries both at once.",
  ),
  cacheLifetime: row(
    "cache_lifetime",
    number("s", 600, 0, 604_800),
    "Bickhart 2005, 4.2.2",
    "How long it is remembered whether a server has SCTP; 0 remembers nothing.",
  ),
  cacheSize: row(
    "cache_size",
    number("entries", 4_096, 0, 1_000_000),
    "Bickhart 2005, 4.2.2",
    "For how many servers that is remembered; 0 remembers nothing.",
  ),
  udpLifetime: row(
    "udp_lifetime",
    number("ms", 1_000, 0, 600_000),
    "Bickhart 2005, 4.2.4; RFC 3758, 4.1; RFC 7496, 3.1",
    "How long a datagram that SCTP carries is sent again while it is lost; 0 sends it once.",
  ),
  udpIdle: row(
    "udp_idle",
    number("s", 120, 1, 86_400),
    "Bickhart 2005, 4.2.4",
    "After how long without datagrams a UDP flow is forgotten, and then its association.",
  ),
  multiplex: row(
    "multiplex",
    { ...number("level", 1, 0, MULTIPLEX_LEVELS.length - 1), words: MULTIPLEX_LEVELS },
    "Bickhart 2005, 4.2.5",
    "Whether connections between two shims share an association: where peers ask for it, or always.",
  ),
  multiplexIdle: row(
    "multiplex_idle",
    number("s", 60, 0, 86_400),
    "Bickhart 2005, 4.2.5",
    "How long a shared association is kept that carries no connection.",
  ),
  logLevel: row(
    "log_level",
    { ...number("level", 2, 0, LOG_LEVELS.length - 1), words: LOG_LEVELS },
    "Bickhart 2005, 4.2.6",
    "Least serious messages that are logged.",
  ),
} as const satisfies Record<string, SettingDescription>;

/** Names of the settings in code. */
export type SettingKey = keyof typeof SETTINGS;

/** Values of all settings; switches and levels are numbers too. */
export type Settings = { [Key in SettingKey]: number };

/** Every key, in the order of the table. */
export const SETTING_KEYS = Object.keys(SETTINGS) as SettingKey[];

/** The settings of a host on which nobody has changed any. */
export function defaultSettings(): Settings {
  const entries = SETTING_KEYS.map((key) => [key, SETTINGS[key].default] as const);
  return Object.fromEntries(entries) as Settings;
}

/** Finds a setting by its full name, or by its last part. */
export function parseSettingName(text: string): SettingKey | Fault {
  const name = text.startsWith(SETTING_PREFIX) ? text : SETTING_PREFIX + text;
  const key = SETTING_KEYS.find((each) => SETTINGS[each].name === name);
  if (key) return key;
  const known = SETTING_KEYS.map((each) => SETTINGS[each].name.slice(SETTING_PREFIX.length));
  return new Fault(
    "unknown-setting",
    `there is no setting "${text}": after ${SETTING_PREFIX} follows one of ${known.join(", ")}`,
  );
}

/** Reads a value for a setting. */
export function parseSettingValue(key: SettingKey, text: string): number | Fault {
  const { unit, minimum, maximum, words }: SettingDescription = SETTINGS[key];
  const word = words?.indexOf(text) ?? -1;
  if (word >= 0) return word;
  if (!/^-?\d{1,15}$/.test(text)) return badValue(key, text);
  const value = Number(text);
  if (unit === "switch") return value === 0 ? 0 : 1;
  if (value >= minimum && value <= maximum) return value;
  const { name } = SETTINGS[key];
  return new Fault("out-of-range", `${name} takes ${rangeOf(key)}, but not ${text}`);
}

function badValue(key: SettingKey, text: string): Fault {
  const given = text === "" ? "nothing" : `"${text}"`;
  return new Fault("bad-value", `${SETTINGS[key].name} takes ${rangeOf(key)}, but not ${given}`);
}

/** What a setting takes, in words: "0 to 1000 retransmissions". */
export function rangeOf(key: SettingKey): string {
  const { unit, minimum, maximum, words }: SettingDescription = SETTINGS[key];
  if (words) return words.join(", ");
  return unit === "switch" ? "0 or 1" : `${minimum} to ${maximum} ${unit}`;
}

/** A value as it would be typed. */
export function formatSettingValue(key: SettingKey, value: number): string {
  const { words }: SettingDescription = SETTINGS[key];
  return words?.[value] ?? String(value);
}
