/**
 * Rules and settings of a running daemon: each change goes to disk first, then to the data plane, so
 * that what was answered survives a crash. Whoever edits the file by hand meanwhile has that taken
 * over by the next change, or by {@link LiveConfiguration.reload}.
 */
import { type ChangeData, changeData } from "../../rules/change_data.ts";
import type { Change, Configuration } from "../../rules/configuration.ts";
import { Fault } from "../../rules/fault.ts";
import { formatFile, parseFile } from "../../rules/file_format.ts";
import type { ConfigurationFile } from "../../rules/persist.ts";
import { formatRule } from "../../rules/rule.ts";
import { formatSettingValue, SETTING_KEYS, SETTINGS, type Settings } from "../../rules/settings.ts";
import type { ShimDaemon } from "../shim_daemon.ts";

/** The part of a {@link ShimDaemon} that is needed here. */
export type ChangeTaker = Pick<ShimDaemon, "change">;

export class LiveConfiguration {
  readonly #file: ConfigurationFile;
  readonly #plane: ChangeTaker;
  readonly #changed: (settings: Readonly<Settings>) => void;
  /** What the file is known to say. */
  #known: string;
  /** Changes are made one after the other. */
  #last: Promise<unknown> = Promise.resolve();

  /**
   * @param known what the data plane was started with.
   * @param changed hears the settings after each change.
   */
  constructor(
    file: ConfigurationFile,
    plane: ChangeTaker,
    known: Configuration,
    changed: (settings: Readonly<Settings>) => void = () => {},
  ) {
    this.#file = file;
    this.#plane = plane;
    this.#known = formatFile(known);
    this.#changed = changed;
  }

  /** Makes a change. Rejects with I/O errors, and if the data plane has ended. */
  change(change: Change): Promise<Fault | undefined> {
    return this.#inTurn(async () => {
      const now = await this.#file.change(change);
      if (now instanceof Fault) return now;
      const expected = applied(this.#known, change) === formatFile(now);
      await this.#take(now, expected ? [changeData(change)] : changesTo(now));
    });
  }

  /** Reads the file again. */
  reload(): Promise<Fault | undefined> {
    return this.#inTurn(async () => {
      const now = await this.#file.load();
      if (now instanceof Fault) return now;
      if (formatFile(now) !== this.#known) await this.#take(now, changesTo(now));
    });
  }

  async #take(now: Configuration, changes: readonly ChangeData[]): Promise<void> {
    const faults = await this.#plane.change(changes);
    this.#known = formatFile(now);
    this.#changed(now.settings);
    if (faults.length > 0) throw new Error(faults.join("; "));
  }

  #inTurn(act: () => Promise<Fault | void>): Promise<Fault | undefined> {
    const done = this.#last.then(act).then((fault) => fault ?? undefined);
    this.#last = done.catch(() => {});
    return done;
  }
}

/** The text of a file after a change; `undefined` if it cannot be made there. */
function applied(text: string, change: Change): string | undefined {
  const configuration = parseFile(text);
  if (configuration instanceof Fault || configuration.apply(change)) return undefined;
  return formatFile(configuration);
}

/** The changes that make any configuration this one. */
function changesTo({ table, settings }: Configuration): ChangeData[] {
  const rules = table.chains.flatMap(({ entries }) => entries);
  return [
    ...SETTING_KEYS.map((key): ChangeData => ({
      kind: "set",
      name: SETTINGS[key].name,
      value: formatSettingValue(key, settings[key]),
    })),
    { kind: "flush" },
    ...rules.map(({ rule }): ChangeData => ({ kind: "add", rule: formatRule(rule) })),
  ];
}
