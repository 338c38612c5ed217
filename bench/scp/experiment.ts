/**
 * The transfer time of a file against the loss rate (Bickhart 2005, section 3.3, figures 3.4 to 3.7):
 * what is compared, over which link, and what is kept of each run. Simulated and live runs, tables and
 * figures all go by this.
 */
import type { LinkPlan } from "../../core/sim/link_plan.ts";

/** Who carries the file. */
export interface Subject {
  readonly name: SubjectName;
  /** For legends and tables. */
  readonly title: string;
  /** What it stands for, in a sentence. */
  readonly about: string;
}

export type SubjectName = "shim" | "reno-nosack" | "reno" | "cubic" | "bbr";

/** Every subject, in the order of tables and legends. */
export const SUBJECTS: readonly Subject[] = [
  { name: "shim", title: "SCTP", about: "TCP applications over SCTP, by shimd" },
  {
    name: "reno-nosack",
    title: "TCP NewReno",
    about: "TCP without SACK, 57 KB window: nearest to the FreeBSD 4.10 of the thesis",
  },
  { name: "reno", title: "TCP Reno, SACK", about: "TCP with SACK and Reno's window" },
  { name: "cubic", title: "TCP CUBIC", about: "TCP as Linux has it by default" },
  { name: "bbr", title: "TCP BBR", about: "TCP that does not take loss for congestion" },
];

/** Where runs took place: in virtual time, or with OpenSSH between network namespaces. */
export type Mode = "sim" | "live";

/** What a whole experiment depends on. */
export interface ScpSettings {
  readonly mode: Mode;
  readonly subjects: readonly SubjectName[];
  /** Bits per second, both ways. */
  readonly rate: number;
  /** Milliseconds one way. */
  readonly delay: number;
  /** Packets that wait at most, in each direction. */
  readonly queue: number;
  /** Share of the packets that is lost, in each direction: 0 .. 1. */
  readonly losses: readonly number[];
  /** Bytes of the files. */
  readonly sizes: readonly number[];
  /** Runs of a cell; those of the smallest size are three times as many (section 3.3). */
  readonly runs: number;
  /** Of the first run; others follow from it. */
  readonly seed: number;
}

/** The grid of the thesis. */
export const THESIS: ScpSettings = {
  mode: "sim",
  subjects: ["shim", "reno-nosack", "reno", "cubic"],
  rate: 1.5e6,
  delay: 35,
  queue: 50,
  losses: [0, 0.01, 0.03, 0.06, 0.1],
  sizes: [50_000, 500_000, 5_000_000, 25_000_000],
  runs: 30,
  seed: 1,
};

/** Changes for `--quick`: minutes live, seconds simulated. */
export const QUICK: Partial<ScpSettings> = {
  losses: [0, 0.01, 0.06],
  sizes: [50_000, 500_000],
  runs: 3,
};

/** One point of the grid. */
export interface Cell {
  readonly subject: SubjectName;
  readonly bytes: number;
  readonly loss: number;
}

/** One transfer, as a line of the raw data. */
export interface ScpRun extends Cell {
  readonly kind: "run";
  readonly mode: Mode;
  /** Number of the run in its cell, from 0. */
  readonly run: number;
  readonly seed: number;
  /** Transfer time; null if it did not end. */
  readonly seconds: number | null;
}

/** Runs of one cell. */
export function runsOf({ sizes, runs }: ScpSettings, bytes: number): number {
  return bytes === Math.min(...sizes) && sizes.length > 1 ? 3 * runs : runs;
}

/** Every run of an experiment: round after round, so that each cell has some early. */
export function planOf(settings: ScpSettings): Omit<ScpRun, "seconds">[] {
  const { mode, subjects, sizes, losses } = settings;
  const most = Math.max(...sizes.map((bytes) => runsOf(settings, bytes)));
  const runs: Omit<ScpRun, "seconds">[] = [];
  for (let run = 0; run < most; run++) {
    for (const bytes of sizes.filter((size) => run < runsOf(settings, size))) {
      for (const loss of losses) {
        const seed = seedOf(settings.seed, bytes, loss, run);
        for (const subject of subjects) {
          runs.push({ kind: "run", mode, subject, bytes, loss, run, seed });
        }
      }
    }
  }
  return runs;
}

/** The same luck for every subject of a run; 32 bits. */
function seedOf(seed: number, bytes: number, loss: number, run: number): number {
  let mixed = seed >>> 0;
  for (const number of [bytes, Math.round(loss * 1e6), run]) {
    mixed = Math.imul(mixed ^ number, 0x9e3779b1);
    mixed ^= mixed >>> 15;
  }
  return mixed >>> 0;
}

/** The link of a cell, the same both ways. */
export function linkOf({ rate, delay, queue }: ScpSettings, loss: number): LinkPlan {
  const direction = { rate, delay, queuePackets: queue, loss };
  return { forward: direction, backward: direction, cuts: [] };
}
