/** The command line of `deno task bench`. */

export interface Options {
  readonly help: boolean;
  /** Prints the raw data instead of tables. */
  readonly json: boolean;
  readonly quick: boolean;
  /** Names of the benchmarks to run; empty for all. */
  readonly only: readonly string[];
  readonly seed: number;
  /** Folder for the raw data of every run; by default `out/bench` of the checkout. */
  readonly out: string | undefined;
}

/** What is given before the words are looked at. */
const DEFAULTS = { help: false, json: false, quick: false, seed: 1, out: undefined };

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** What is wrong with the command line, in words. */
export class OptionError extends Error {}

/** @throws OptionError for a word that cannot be. */
export function parseOptions(words: readonly string[], names: readonly string[]): Options {
  const options: Writable<Options> & { only: string[] } = { ...DEFAULTS, only: [] };
  const rest = words.flatMap((word) => word.startsWith("--") ? word.split(/=(.*)/, 2) : [word]);
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === "--help" || word === "-h") options.help = true;
    else if (word === "--json") options.json = true;
    else if (word === "--quick") options.quick = true;
    else if (word === "--out") options.out = parseFolder(rest.shift());
    else if (word === "--seed") options.seed = parseSeed(rest.shift());
    else if (word === "--only") options.only.push(...parseNames(rest.shift(), names));
    else throw new OptionError(`there is no option ${word}`);
  }
  return options;
}

function parseNames(text: string | undefined, names: readonly string[]): string[] {
  const wanted = text?.split(",") ?? [];
  const unknown = wanted.find((name) => !names.includes(name));
  if (wanted.length > 0 && unknown === undefined) return wanted;
  throw new OptionError(`--only takes some of ${names.join(",")}, not ${unknown ?? "nothing"}`);
}

function parseFolder(text: string | undefined): string {
  if (text) return text;
  throw new OptionError("--out takes a folder");
}

function parseSeed(text: string | undefined): number {
  const seed = Number(text);
  if (text && Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32) return seed;
  throw new OptionError(`--seed takes a whole number below 2^32, not ${text}`);
}

/** The text of `--help`. */
export function usage(names: readonly string[]): string {
  return [
    "Usage: deno task bench [--only NAMES] [--quick] [--json] [--seed N] [--out FOLDER]",
    "",
    "  --only NAMES  runs some of the benchmarks, joined by commas:",
    `                ${names.join(", ")}`,
    "  --quick       does little work: shows that everything runs; the figures are rough",
    "  --json        prints the raw data, JSON lines, instead of tables",
    "  --seed N      of what is random in the simulator; 1 by default",
    "  --out FOLDER  keeps the raw data of each run in a folder below this one;",
    "                out/bench by default",
  ].join("\n");
}
