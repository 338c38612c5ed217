/** What a subcommand is: a parser of its arguments, examples, and what to do with the values. */
import { map } from "@optique/core/modifiers";
import { tuple } from "@optique/core/constructs";
import type { Parser } from "@optique/core/parser";
import type { OptionName } from "@optique/core/usage";
import { ExitCode } from "./exit_codes.ts";
import type { CommandIo } from "./io.ts";
import { configureLogging, loggingOptions } from "./logging.ts";

/** A command line that works, and what it does. */
export interface Example {
  /** What follows `shimkit `. */
  readonly args: string;
  readonly does: string;
}

/** What a subcommand's module says about itself. `T` is what its parser makes of the arguments. */
export interface CommandDefinition<T> {
  /** More than the summary in the list of commands: one paragraph. */
  readonly description: string;
  readonly examples: readonly Example[];
  readonly parser: Parser<"sync", T, unknown>;
  /** Adds `--log-level` and `--json-log`, for commands that log. */
  readonly logs?: boolean;
  /** The options that show the help, for a command that uses `-h` for something else. */
  readonly helpOptions?: HelpOptions;
  /**
   * Does the work, and gives an {@link ExitCode}, or that of the program it was to run. Throws
   * {@link CliError} for whatever the user can do something about.
   */
  run(values: T, io: CommandIo): Promise<number>;
}

/** Names of the help option, at least one. */
export type HelpOptions = readonly [OptionName, ...OptionName[]];

/** What is left to do once the arguments are parsed. */
export type Invocation = (io: CommandIo) => Promise<number>;

/** A subcommand as `main` sees it: the type of its values is closed over. */
export interface Command {
  readonly description: string;
  readonly examples: readonly Example[];
  readonly parser: Parser<"sync", Invocation, unknown>;
  readonly helpOptions: HelpOptions;
}

/** Makes a {@link Command}: the default export of every subcommand's module. */
export function defineCommand<T>(definition: CommandDefinition<T>): Command {
  const { description, examples, helpOptions = ["-h", "--help"] } = definition;
  const plain = map(definition.parser, (values): Invocation => (io) => definition.run(values, io));
  const parser = definition.logs ? withLogging(plain) : plain;
  return { description, examples, parser, helpOptions };
}

function withLogging(
  parser: Parser<"sync", Invocation, unknown>,
): Parser<"sync", Invocation, unknown> {
  return map(
    tuple([parser, loggingOptions]),
    ([invocation, settings]): Invocation => async (io) => {
      await configureLogging(settings);
      return await invocation(io);
    },
  );
}

/** A failure that the user can do something about: printed without a stack, exit code 1. */
export class CliError extends Error {
  /** What the process ends with. */
  readonly exitCode: ExitCode = ExitCode.failed;

  /**
   * @param message what went wrong, with the value that was at fault
   * @param hint what to do next
   */
  constructor(message: string, readonly hint?: string) {
    super(message);
    this.name = "CliError";
  }
}

/** Options that do not go together, found out only when all of them were read: exit code 2. */
export class UsageError extends CliError {
  override readonly exitCode = ExitCode.usage;
}
