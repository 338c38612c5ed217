/** What a benchmark is, and what it hands to the report. */
import type { Peer } from "./peers/peer.ts";
import type { Stage } from "./shim/stage.ts";

/** One measured quantity: every sample of it, and its place in the table of its benchmark. */
export interface Figure {
  readonly row: string;
  readonly column: string;
  readonly unit: string;
  /** In the order in which they were measured. */
  readonly samples: readonly number[];
}

/** How much work a benchmark is to do. */
export interface Effort {
  /** Samples of what is measured within this process. */
  readonly samples: number;
  /** Milliseconds a sample of a function. */
  readonly sampleMilliseconds: number;
  /** Payload bytes a sample of the engine in the simulator. */
  readonly engineBytes: number;
  /** Times that each of two processes' programs takes its turn. */
  readonly turns: number;
  /** Milliseconds of sending a turn. */
  readonly bulkMilliseconds: number;
  /** Round trips a turn. */
  readonly roundTrips: number;
  /** Connections a turn, one after the other. */
  readonly connects: number;
  /** Connections that are open at a time and do nothing. */
  readonly idle: number;
}

export const FULL_EFFORT: Effort = {
  samples: 7,
  sampleMilliseconds: 100,
  engineBytes: 64 << 20,
  turns: 3,
  bulkMilliseconds: 4000,
  roundTrips: 20_000,
  connects: 2000,
  idle: 10_000,
};

/** Shows that everything runs; the figures are rough. */
export const QUICK_EFFORT: Effort = {
  samples: 3,
  sampleMilliseconds: 2,
  engineBytes: 1 << 20,
  turns: 1,
  bulkMilliseconds: 200,
  roundTrips: 200,
  connects: 40,
  idle: 100,
};

/** Where a benchmark's results go. */
export interface Context {
  readonly effort: Effort;
  /** Of everything that is random. */
  readonly seed: number;
  /** The implementations to compare: this project's own first, then usrsctp if it can be had. */
  peers(): Promise<readonly Peer[]>;
  /** Two hosts with a shimd on each; `undefined`, and a note, where they cannot be had. */
  stage(): Promise<Stage | undefined>;
  /** Puts a figure into the table and the raw data. */
  keep(figure: Figure): void;
  /** Puts a record into the raw data alone. */
  record(kind: string, data: Readonly<Record<string, unknown>>): void;
  /** Says something below the table. */
  note(text: string): void;
  /** Says what is going on, for work that takes longer than a moment. */
  progress(text: string): void;
}

/** Something that can be measured by its name. */
export interface Benchmark {
  readonly name: string;
  readonly title: string;
  run(context: Context): void | Promise<void>;
}
