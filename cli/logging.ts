/** Logs of the commands: lines of text for a person, or of JSON for a program, on standard error. */
import { configure, getLogger, getTextFormatter, jsonLinesFormatter } from "@logtape/logtape";
import type { Logger } from "@logtape/logtape";
import { group, object } from "@optique/core/constructs";
import { message } from "@optique/core/message";
import { withDefault } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { choice } from "@optique/core/valueparser";

const LEVELS = ["debug", "info", "warning", "error"] as const;

/** What the user asked of the logs. */
export interface LoggingSettings {
  readonly level: typeof LEVELS[number];
  /** One JSON object a line instead of text. */
  readonly json: boolean;
}

/** `--log-level` and `--json-log`, for every command that logs. */
export const loggingOptions = group(
  "Logging",
  object({
    level: withDefault(
      option("--log-level", choice(LEVELS, { metavar: "LEVEL" }), {
        description: message`Least serious messages that are logged, on standard error.`,
      }),
      "warning" as const,
    ),
    json: option("--json-log", { description: message`Logs as JSON, one object a line.` }),
  }),
);

const textFormatter = getTextFormatter({ timestamp: "time", category: "." });

/** Sends the logs of the whole process to standard error. */
export async function configureLogging(settings: LoggingSettings): Promise<void> {
  const formatter = settings.json ? jsonLinesFormatter : textFormatter;
  await configure({
    reset: true,
    sinks: {
      stderr: (record) => console.error(formatter(record).trimEnd()),
    },
    loggers: [
      { category: ["logtape", "meta"], sinks: ["stderr"], lowestLevel: "error" },
      { category: ["shimkit"], sinks: ["stderr"], lowestLevel: settings.level },
    ],
  });
}

/** The logger of one part, such as `shimd` or `net`. */
export function loggerOf(part: string): Logger {
  return getLogger(["shimkit", part]);
}
