/** `deno task bench`: measures the engine and the shim beside their peers, and keeps the raw data. */
import { fileURLToPath } from "node:url";
import { type Benchmark, type Figure, FULL_EFFORT, QUICK_EFFORT } from "./benchmark.ts";
import { bulk } from "./bulk.ts";
import { checksum } from "./checksum.ts";
import { engine } from "./engine.ts";
import { latency } from "./latency.ts";
import { OptionError, type Options, parseOptions, usage } from "./options.ts";
import { PeerSet } from "./peers/peer_set.ts";
import { type Entry, figureEntry, RawData, tables } from "./report.ts";
import { shimBulk } from "./shim/bulk.ts";
import { shimConnect, shimRate } from "./shim/connect.ts";
import { shimIdle } from "./shim/idle.ts";
import { shimMultiplex, shimMultiplexIdle } from "./shim/multiplex.ts";
import { shimLatency } from "./shim/latency.ts";
import { StageSet } from "./shim/stage_set.ts";
import { describeSurroundings, surroundings } from "./surroundings.ts";
import { wire } from "./wire.ts";

const BENCHMARKS: readonly Benchmark[] = [
  checksum,
  wire,
  engine,
  bulk,
  latency,
  shimConnect,
  shimRate,
  shimLatency,
  shimBulk,
  shimIdle,
  shimMultiplex,
  shimMultiplexIdle,
];
const NAMES = BENCHMARKS.map(({ name }) => name);
const RESULTS = fileURLToPath(new URL("../out/bench", import.meta.url));

/** Runs the benchmarks that the options name. */
class Run {
  readonly #options: Options;
  readonly #raw: RawData;
  readonly #peers = new PeerSet();
  readonly #stage = new StageSet();

  constructor(options: Options, date: Date) {
    this.#options = options;
    this.#raw = new RawData(options.out ?? RESULTS, date);
  }

  async all(date: Date): Promise<void> {
    const facts = await surroundings(date);
    this.#keep({ kind: "run", ...facts, options: this.#options });
    this.#say(...describeSurroundings(facts));
    try {
      for (const benchmark of this.#chosen()) await this.#one(benchmark);
    } finally {
      await this.#peers.close();
      await this.#stage.close();
    }
    progress("");
    this.#say("", `raw data: ${this.#raw.path}`);
  }

  #chosen(): readonly Benchmark[] {
    const { only } = this.#options;
    return BENCHMARKS.filter(({ name }) => only.length === 0 || only.includes(name));
  }

  async #one(benchmark: Benchmark): Promise<void> {
    const { name, title } = benchmark;
    const { quick, seed } = this.#options;
    const figures: Figure[] = [];
    const notes: string[] = [];
    progress(title);
    await benchmark.run({
      effort: quick ? QUICK_EFFORT : FULL_EFFORT,
      seed,
      peers: async () => {
        const { peers, missing } = await this.#peers.all();
        if (missing !== undefined) notes.push(missing);
        return peers;
      },
      stage: async () => {
        const stage = await this.#stage.get();
        if (typeof stage !== "string") return stage;
        notes.push(stage);
      },
      keep: (figure) => {
        figures.push(figure);
        this.#keep(figureEntry(name, figure));
      },
      record: (kind, data) => this.#keep({ kind, benchmark: name, ...data }),
      note: (text) => notes.push(text),
      progress: (text) => progress(`${title}: ${text}`),
    });
    for (const text of notes) this.#keep({ kind: "note", benchmark: name, text });
    progress("");
    this.#say("", `${title} (median, minimum - maximum)`, ...tables(figures), ...notes);
  }

  #keep(entry: Entry): void {
    this.#raw.append(entry);
    if (this.#options.json) console.log(JSON.stringify(entry));
  }

  #say(...lines: string[]): void {
    if (!this.#options.json) { for (const line of lines) console.log(line); }
  }
}

/** One line of standard error that the next one overwrites; nothing where nobody watches. */
function progress(text: string): void {
  if (!Deno.stderr.isTerminal()) return;
  Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
}

/** The exit status: 0 once everything has been measured, 2 for a wrong command line. */
async function main(words: readonly string[]): Promise<number> {
  try {
    const options = parseOptions(words, NAMES);
    const date = new Date();
    if (options.help) console.log(usage(NAMES));
    else await new Run(options, date).all(date);
    return 0;
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    console.error(`${error.message}\n\n${usage(NAMES)}`);
    return 2;
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
