/** Where the commands find rules and settings. */
import { message } from "@optique/core/message";
import { optional } from "@optique/core/modifiers";
import { option } from "@optique/core/primitives";
import { string } from "@optique/core/valueparser";
import { changeData } from "../core/rules/change_data.ts";
import type { Change, Configuration } from "../core/rules/configuration.ts";
import { Fault } from "../core/rules/fault.ts";
import { ConfigurationFile } from "../core/rules/persist.ts";
import { readSnapshot } from "../core/rules/snapshot.ts";
import { CliError, UsageError } from "./command.ts";
import {
  ask,
  connectControl,
  controlOption,
  defaultControlPath,
  requireControl,
} from "./control.ts";

/** Rules and settings as they are now. */
export interface RulesSnapshot {
  readonly configuration: Configuration;
  /** Whether somebody counts hits: those of a file are all 0. */
  readonly counted: boolean;
}

/** Rules and settings that can be read and changed. Both throw {@link CliError}. */
export interface RulesStore {
  /** Where they are, for messages. */
  readonly name: string;
  read(): Promise<RulesSnapshot>;
  /** Makes a change, and returns what holds then. If it cannot be made, nothing has changed. */
  apply(change: Change): Promise<RulesSnapshot>;
}

/** `--file PATH`, for every command that reads or changes rules. */
export const rulesFileOption = optional(option("--file", string({ metavar: "PATH" }), {
  description:
    message`File of the rules and settings; by default /etc/shimkit/shimkit.toml, for other users than root ~/.config/shimkit/shimkit.toml.`,
}));

/** Where to find rules, for every command that reads or changes them. */
export const rulesPlaceOptions = { file: rulesFileOption, control: controlOption };

/** The values of {@link rulesPlaceOptions}. */
export interface RulesPlace {
  readonly file?: string;
  readonly control?: string;
}

/**
 * The rules of the running daemon, or of a file if one is named or no daemon runs.
 * Rejects with {@link CliError}.
 */
export async function openRulesStore({ file, control }: RulesPlace): Promise<RulesStore> {
  if (file !== undefined && control !== undefined) {
    throw new UsageError(
      "--file and --control do not go together",
      "A running daemon keeps its own file: name one of them.",
    );
  }
  if (file !== undefined) return new FileStore(new ConfigurationFile(file));
  const path = control ?? defaultControlPath();
  using client = await (control === undefined ? connectControl(path) : requireControl(path));
  if (client && path) return new DaemonStore(path);
  return new FileStore(new ConfigurationFile(defaultRulesFile()));
}

/**
 * The file that is used where none is named: `$XDG_CONFIG_HOME` counts as the XDG Base Directory
 * Specification has it, for other users than root.
 */
export function defaultRulesFile(): string {
  if (Deno.uid() === 0) return "/etc/shimkit/shimkit.toml";
  const home = Deno.env.get("HOME");
  const folder = Deno.env.get("XDG_CONFIG_HOME") || (home && `${home}/.config`);
  if (folder) return `${folder}/shimkit/shimkit.toml`;
  throw new CliError("neither XDG_CONFIG_HOME nor HOME is set", "Name a file with --file PATH.");
}

class FileStore implements RulesStore {
  constructor(private readonly file: ConfigurationFile) {}

  get name(): string {
    return this.file.path;
  }

  read(): Promise<RulesSnapshot> {
    return this.#snapshot("read", () => this.file.load());
  }

  apply(change: Change): Promise<RulesSnapshot> {
    return this.#snapshot("change", () => this.file.change(change));
  }

  async #snapshot(
    verb: "read" | "change",
    access: () => Promise<Configuration | Fault>,
  ): Promise<RulesSnapshot> {
    const configuration = await access().catch((error) => {
      throw this.#asCliError(verb, error);
    });
    if (configuration instanceof Fault) throw new CliError(configuration.message);
    return { configuration, counted: false };
  }

  #asCliError(verb: string, error: unknown): unknown {
    if (!(error instanceof Error)) return error;
    const hint = error instanceof Deno.errors.PermissionDenied
      ? "Do it as root, or name another file with --file PATH."
      : undefined;
    return new CliError(`cannot ${verb} ${this.name}: ${error.message}`, hint);
  }
}

/** The rules of a running daemon, which counts hits and keeps them on disk. */
class DaemonStore implements RulesStore {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  get name(): string {
    return "the running shimd";
  }

  read(): Promise<RulesSnapshot> {
    return this.#snapshot("configuration");
  }

  apply(change: Change): Promise<RulesSnapshot> {
    return this.#snapshot("change", { change: changeData(change) });
  }

  async #snapshot(kind: string, fields?: object): Promise<RulesSnapshot> {
    using client = await requireControl(this.#path);
    const configuration = readSnapshot(await ask(client, kind, fields));
    if (configuration instanceof Fault) throw new CliError(configuration.message);
    return { configuration, counted: true };
  }
}
