/** Results as JSON lines in a file, and as tables for people. */
import type { Figure } from "./benchmark.ts";
import { distribution } from "./measure.ts";

/** A line of the raw data. */
export interface Entry {
  readonly kind: string;
  readonly [field: string]: unknown;
}

/** Keeps every entry in a file of JSON lines as soon as it is there. */
export class RawData {
  readonly path: string;

  /** Makes the folder of a run that began at `date` below `root`. */
  constructor(root: string, date: Date) {
    const folder = `${root}/${date.toISOString().replaceAll(":", "-")}`;
    Deno.mkdirSync(folder, { recursive: true });
    this.path = `${folder}/results.jsonl`;
  }

  append(entry: Entry): void {
    Deno.writeTextFileSync(this.path, `${JSON.stringify(entry)}\n`, { append: true });
  }
}

/** A figure as it stands in the raw data. */
export function figureEntry(benchmark: string, figure: Figure): Entry {
  return { kind: "figure", benchmark, ...figure, ...distribution(figure.samples) };
}

/**
 * Figures as tables that fit a terminal, with a line a row. Figures of one unit are one table with
 * their columns side by side; if there are several units, each column has a table of its own with
 * its units side by side.
 */
export function tables(figures: readonly Figure[]): string[] {
  const units = distinct(figures.map(({ unit }) => unit));
  if (units.length <= 1) return table(units[0] ?? "", figures, ({ column }) => column);
  return distinct(figures.map(({ column }) => column)).flatMap((column) =>
    table(column, figures.filter((each) => each.column === column), ({ unit }) => unit)
  );
}

/** A cell holds the median, and the range if there is more than one sample. */
function table(
  corner: string,
  figures: readonly Figure[],
  heading: (figure: Figure) => string,
): string[] {
  const headings = distinct(figures.map(heading));
  const rows = distinct(figures.map(({ row }) => row)).map((row) => [
    row,
    ...headings.map((text) => {
      const figure = figures.find((each) => each.row === row && heading(each) === text);
      return figure ? cell(figure) : "";
    }),
  ]);
  const lines = [[corner, ...headings], ...rows];
  const widths = lines[0].map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  return lines.map((line) => line.map((text, i) => pad(text, widths[i], i)).join("  ").trimEnd());
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}

function cell({ samples }: Figure): string {
  const { minimum, median, maximum } = distribution(samples);
  if (samples.length === 1) return number(median);
  return `${number(median)} (${number(minimum)} - ${number(maximum)})`;
}

/** Three digits that count. */
function number(value: number): string {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value) || 1)));
  return value.toLocaleString("en-US", {
    minimumFractionDigits: Math.min(digits, 2),
    maximumFractionDigits: Math.min(digits, 2),
  });
}

function pad(text: string, width: number, index: number): string {
  return index === 0 ? text.padEnd(width) : text.padStart(width);
}
