/** Ways that are measured in turns, so that a machine's change of speed meets all of them. */
import type { Context } from "../benchmark.ts";
import { pairRatios } from "../measure.ts";
import type { Way } from "./ways.ts";

/** A row of a table, and the way that it stands for. */
export interface Row {
  readonly name: string;
  readonly way: Way;
}

/**
 * Results by row, in the order of the turns. A first turn of each comes before those that are
 * counted: a compiler that learns by doing is slow at first.
 */
export async function takeTurns<Result>(
  context: Context,
  rows: readonly Row[],
  what: string,
  take: (row: Row) => Promise<Result>,
): Promise<Map<string, Result[]>> {
  const results = new Map<string, Result[]>(rows.map(({ name }) => [name, []]));
  const { turns } = context.effort;
  for (let turn = 0; turn <= turns; turn++) {
    for (const row of rows) {
      context.progress(
        `${what}, ${turn === 0 ? "warm-up" : `turn ${turn} of ${turns}`}, ${row.name}`,
      );
      const result = await take(row);
      if (turn > 0) results.get(row.name)?.push(result);
    }
  }
  return results;
}

/** Puts one quantity of every row into a table, and how it compares with the first row's. */
export function keepQuantity<Result>(
  context: Context,
  results: ReadonlyMap<string, readonly Result[]>,
  { column, unit, compared }: { column: string; unit: string; compared?: boolean },
  quantity: (result: Result) => number,
): void {
  const [first] = results.keys();
  const reference = results.get(first)!.map(quantity);
  for (const [row, turns] of results) {
    const samples = turns.map(quantity);
    context.keep({ row, column, unit, samples });
    if (!compared || row === first) continue;
    context.keep({ row, column, unit: `times ${first}`, samples: pairRatios(samples, reference) });
  }
}
