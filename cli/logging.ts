/** Logs of the commands: lines of text for a person, or of JSON for a program, on standard error. */
import { configure, getLogger, getTextFormatter, jsonLinesFormatter } from "@logtape/logtape";
import type { Logger } from "@logtape/logtape";
import { group, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { choice } from "@optique/core/valueparser";

const LEVELS = ["debug", "info", "warning", "error"] as const;

/** Least serious messages that are logged, or none at all. */
export type LogThreshold = typeof LEVELS[number] | "off";

const DEFAULT_LEVEL: LogThreshold = "warning";

/** What the user asked of the logs. */
export interface LoggingSettings {
  readonly level: typeof LEVELS[number] | undefined;
  /** One JSON object a line instead of text. */
  readonly json: boolean;
}

/** `--log-level` and `--json-log`, for every command that logs. */
export const loggingOptions = group(
  "Logging",
  object({
    level: optional(
      option("--log-level", choice(LEVELS, { metavar: "LEVEL" }), {
        description:
          message`Least serious messages that are logged, on standard error; by default warning, for shimd the setting shim.log_level.`,
      }),
    ),
    json: option("--json-log", { description: message`Logs as JSON, one object a line.` }),
  }),
);

const textFormatter = getTextFormatter({ timestamp: "time", category: "." });

let asked: LoggingSettings = { level: undefined, json: false };

/** Sends the logs of the whole process to standard error. */
export async function configureLogging(settings: LoggingSettings): Promise<void> {
  asked = settings;
  await setLogLevel(settings.level ?? DEFAULT_LEVEL);
}

/** The level that the user named on the command line, if any. */
export function askedLogLevel(): LoggingSettings["level"] {
  return asked.level;
}

/** As {@link setLogLevel}, unless the user named a level on the command line. */
export async function setDefaultLogLevel(level: LogThreshold): Promise<void> {
  if (asked.level === undefined) await setLogLevel(level);
}

/** Logs from now on what is at least so serious. */
export async function setLogLevel(level: LogThreshold): Promise<void> {
  const formatter = asked.json ? jsonLinesFormatter : textFormatter;
  await configure({
    reset: true,
    sinks: {
      stderr: (record) => console.error(formatter(record).trimEnd()),
    },
    loggers: [
      { category: ["logtape", "meta"], sinks: ["stderr"], lowestLevel: "error" },
      {
        category: ["shimkit"],
        sinks: ["stderr"],
        lowestLevel: level === "off" ? null : level,
      },
    ],
  });
}

/** The logger of one part, such as `shimd` or `net`. */
export function loggerOf(part: string): Logger {
  return getLogger(["shimkit", part]);
}
