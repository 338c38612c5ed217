/** Taking samples of functions, and saying what many samples amount to. */

/** The three numbers by which samples are shown. */
export interface Distribution {
  readonly minimum: number;
  readonly median: number;
  readonly maximum: number;
}

/** @throws RangeError if there is no sample. */
export function distribution(samples: readonly number[]): Distribution {
  if (samples.length === 0) throw new RangeError("there are no samples");
  const sorted = [...samples].sort((a, b) => a - b);
  return {
    minimum: sorted[0],
    median: quantile(sorted, 0.5),
    maximum: sorted[sorted.length - 1],
  };
}

/** The value below which a share of the samples lies, between two samples in proportion. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const position = share * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.ceil(position);
  return sorted[below] + (sorted[above] - sorted[below]) * (position - below);
}

/**
 * Does something `count` times and returns a number that rests on all of it, so that a compiler
 * cannot leave the work out.
 */
export type Operation = (count: number) => number;

/** Results of operations end here. */
let sink = 0;

/** Milliseconds that `count` times took. */
function time(operation: Operation, count: number): number {
  const start = performance.now();
  sink ^= operation(count);
  return performance.now() - start;
}

/**
 * Samples of the nanoseconds that one time takes. The first ones, which also find the count for a
 * sample and give the compiler its chance, are thrown away.
 */
export function nanosecondsEach(
  operation: Operation,
  effort: { readonly samples: number; readonly sampleMilliseconds: number },
): number[] {
  const { samples, sampleMilliseconds } = effort;
  let count = 16;
  let took = time(operation, count);
  while (took < sampleMilliseconds / 2) {
    count *= 2;
    took = time(operation, count);
  }
  count = Math.ceil(count * sampleMilliseconds / took);
  return Array.from({ length: samples }, () => time(operation, count) * 1e6 / count);
}

/** The quotients of the samples that were measured one after the other. */
export function pairRatios(ours: readonly number[], theirs: readonly number[]): number[] {
  return ours.map((value, i) => value / theirs[i]);
}
