/**
 * Sets of columns that nobody uses now, kept by capacity.
 *
 * What holds something only for moments (chunks in flight, messages in the queue) borrows its columns
 * here while it does: an idle association has none, and busy ones allocate none in steady state.
 */

/** Typed arrays of one length, side by side: one record is what they hold at one index. */
export interface Columns {
  /** Records that fit: a power of two, or 0 for the set that stands for none. */
  readonly capacity: number;
}

type Column = Uint8Array | Uint16Array | Uint32Array | Float64Array;

/** Copies every column of a smaller set of the same kind: each record keeps its index. */
export function copyColumns<Set extends Columns>(target: Set, source: Set): void {
  const columns: readonly unknown[] = Object.values(target);
  const smaller: readonly unknown[] = Object.values(source);
  for (const [index, column] of columns.entries()) {
    const from = smaller[index];
    if (isColumn(column) && isColumn(from)) column.set(from);
  }
}

function isColumn(value: unknown): value is Column {
  return ArrayBuffer.isView(value);
}

/** Records of one capacity that are kept: what was taken beyond that in a burst is let go. */
const KEPT_RECORDS = 1 << 15;

export class SpareColumns<Set extends Columns> {
  readonly #make: (capacity: number) => Set;
  readonly #smallest: number;
  readonly #spare: Set[][] = Array.from({ length: 32 }, () => []);

  /** @param smallest capacity of the sets that are taken first; a power of two. */
  constructor(make: (capacity: number) => Set, smallest: number) {
    this.#make = make;
    this.#smallest = smallest;
  }

  /**
   * A set with room for at least twice as much as this one; its content is unspecified.
   * @param usual capacity that was enough before: taken at once if such a set is at hand, so that what
   *   fills and empties again and again does not grow each time.
   */
  larger({ capacity }: Set, usual = 0): Set {
    const wanted = Math.max(this.#smallest, 2 * capacity);
    const kept = usual > wanted ? this.#kept(usual).pop() : undefined;
    return kept ?? this.#kept(wanted).pop() ?? this.#make(wanted);
  }

  /** Takes back a set that holds nothing any more. */
  give(columns: Set): void {
    const { capacity } = columns;
    const kept = this.#kept(capacity);
    if (capacity > 0 && (kept.length + 1) * capacity <= KEPT_RECORDS) kept.push(columns);
  }

  #kept(capacity: number): Set[] {
    return this.#spare[31 - Math.clz32(capacity)] ?? [];
  }
}
