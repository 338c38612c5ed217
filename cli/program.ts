/** Runs one command line: finds the command, parses what follows, does it. */
import { or } from "@optique/core/constructs";
import { runParser } from "@optique/core/facade";
import type { RunOptions } from "@optique/core/facade";
import { commandLine, formatMessage, lineBreak, message, text } from "@optique/core/message";
import type { Message } from "@optique/core/message";
import type { Parser } from "@optique/core/parser";
import { command, constant } from "@optique/core/primitives";
import { findSimilar } from "@optique/core/suggestion";
import { CliError } from "./command.ts";
import type { Command, Example, HelpOptions, Invocation } from "./command.ts";
import { resolve, ROOT } from "./commands.ts";
import type { CommandEntry, Entry, GroupEntry } from "./commands.ts";
import { ExitCode } from "./exit_codes.ts";
import type { CommandIo } from "./io.ts";
import { shortUsage } from "./usage.ts";
import { versionLine } from "./version.ts";

/** Columns of help texts, whatever the terminal: they read the same in a file and in a test. */
const HELP_WIDTH = 100;

const COMPLETION = "completion";

const EXIT_CODES: Message = message`Exit codes: 0 done, 1 failed, 2 wrong usage.`;

/** Stands for a command line that needs no more doing: its help, version or error is printed. */
function answered(code: ExitCode): Invocation {
  return () => Promise.resolve(code);
}

function usageError(problem: string, path: readonly string[], io: CommandIo): Invocation {
  io.printError(`shimkit: ${problem}`);
  io.printError(`Try: ${["shimkit", ...path, "--help"].join(" ")}`);
  return answered(ExitCode.usage);
}

function runnerOptions(
  path: readonly string[],
  io: CommandIo,
): RunOptions<Invocation, Invocation> {
  return {
    help: helpOption(["-h", "--help"]),
    maxWidth: HELP_WIDTH,
    termWidth: "auto",
    showDefault: { prefix: " (default ", suffix: ")" },
    showChoices: true,
    commandList: "top-level",
    aboveError: "none",
    footer: EXIT_CODES,
    stdout: (output) => io.print(output),
    stderr: () => {},
    onError: (_code, error) => usageError(inOneLine(error), path, io),
  };
}

function helpOption(names: HelpOptions): NonNullable<RunOptions<Invocation, Invocation>["help"]> {
  return { option: { names }, onShow: () => answered(ExitCode.ok) };
}

function inOneLine(error: Message): string {
  return formatMessage(error, { quotes: true }).replace(/\s*\n\s*/g, " ");
}

function formatExamples(examples: readonly Example[]): Message {
  return examples.flatMap(({ args, does }, index) => [
    ...(index > 0 ? [lineBreak()] : []),
    commandLine(`shimkit ${args}`),
    lineBreak(),
    text(`    ${does}`),
  ]);
}

/** The parser of everything below a group; a command whose module is not loaded takes nothing. */
function groupParser(
  entries: readonly Entry[],
  loaded: ReadonlyMap<CommandEntry, Command>,
): Parser<"sync", Invocation, unknown> {
  const parsers = entries.map((entry) => {
    const parser = entry.kind === "group"
      ? groupParser(entry.entries, loaded)
      : loaded.get(entry)?.parser ?? constant(answered(ExitCode.usage));
    return command(entry.name, parser, { brief: [text(entry.summary)] });
  });
  return or(...parsers);
}

async function commandInvocation(
  entry: CommandEntry,
  path: readonly string[],
  rest: readonly string[],
  io: CommandIo,
): Promise<Invocation> {
  const { description, examples, parser, helpOptions } = (await entry.load()).default;
  return runParser(parser, ["shimkit", ...path].join(" "), rest, {
    ...runnerOptions(path, io),
    help: helpOption(helpOptions),
    brief: [text(entry.summary)],
    description: [text(description)],
    examples: formatExamples(examples),
    usageLine: shortUsage(parser.usage),
  });
}

function unknownCommand(
  group: GroupEntry,
  path: readonly string[],
  word: string,
  io: CommandIo,
): Invocation {
  const [similar] = findSimilar(word, group.entries.map(({ name }) => name), { maxDistance: 3 });
  const named = (name: string) => ["shimkit", ...path, name].join(" ");
  const advice = similar ? ` Did you mean "${named(similar)}"?` : "";
  return usageError(`there is no command "${[...path, word].join(" ")}".${advice}`, path, io);
}

function groupInvocation(
  group: GroupEntry,
  path: readonly string[],
  rest: readonly string[],
  io: CommandIo,
): Invocation {
  const isRoot = path.length === 0;
  const [word] = rest;
  if (word !== undefined && !word.startsWith("-")) return unknownCommand(group, path, word, io);
  const helpIo = word === undefined ? { ...io, print: io.printError } : io;
  const invocation = runParser(
    groupParser(group.entries, new Map()),
    ["shimkit", ...path].join(" "),
    word === undefined ? ["--help"] : rest,
    {
      ...runnerOptions(path, helpIo),
      ...(isRoot ? rootOptions() : {}),
      brief: [text(group.summary)],
      usageLine: [{ type: "command", name: "COMMAND" }, { type: "ellipsis" }],
    },
  );
  return word === undefined ? answered(ExitCode.usage) : invocation;
}

/** What the whole program has beside its commands. */
function rootOptions(): Partial<RunOptions<Invocation, Invocation>> {
  return {
    version: {
      value: versionLine(),
      option: { names: ["-V", "--version"] },
      onShow: () => answered(ExitCode.ok),
    },
    completion: {
      command: { names: [COMPLETION] },
      onShow: () => answered(ExitCode.ok),
    },
  };
}

/**
 * `completion SHELL` prints the script; with more words, which is how that script asks, what could
 * come next. Only the module of the command that is being typed is loaded for that.
 */
async function completionInvocation(args: readonly string[], io: CommandIo): Promise<Invocation> {
  const { entry } = resolve(args.slice(2));
  const loaded = new Map<CommandEntry, Command>();
  if (entry.kind === "command") loaded.set(entry, (await entry.load()).default);
  return runParser(groupParser(ROOT.entries, loaded), "shimkit", args, {
    ...runnerOptions([COMPLETION], io),
    ...rootOptions(),
  });
}

async function invocationOf(args: readonly string[], io: CommandIo): Promise<Invocation> {
  if (args[0] === COMPLETION) return await completionInvocation(args, io);
  const { entry, path, rest } = resolve(args);
  return entry.kind === "group"
    ? groupInvocation(entry, path, rest, io)
    : await commandInvocation(entry, path, rest, io);
}

/** Does what is left to do, and tells the user about failures. Others are thrown, with their stack. */
export async function carryOut(invocation: Invocation, io: CommandIo): Promise<number> {
  try {
    return await invocation(io);
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    io.printError(`shimkit: ${error.message}`);
    if (error.hint) io.printError(error.hint);
    return error.exitCode;
  }
}

/** Runs `shimkit ARGS` and returns its exit code. */
export async function runProgram(args: readonly string[], io: CommandIo): Promise<number> {
  return await carryOut(await invocationOf(args, io), io);
}
