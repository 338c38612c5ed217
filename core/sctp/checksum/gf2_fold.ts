/**
 * Finds the tables with which byte swizzles move a block's contribution to a CRC somewhere else.
 *
 * A remainder is linear over GF(2), so a byte may be removed from a message if bytes further back
 * are changed to make up for it. Four bytes (32 bits) are just enough: whichever remainder the
 * removed byte left, there is exactly one value of the four that leaves the same, provided that
 * their 32 bits have independent remainders. That value depends linearly on the removed byte, so
 * two tables of sixteen entries, one for each half of the byte, give each of the four bytes; and it
 * depends on distances only, so all sixteen lanes of a vector share the tables.
 */
import { remainderOf } from "./polynomial.ts";

/** How many zero bytes stand behind each of the four bytes that take over a contribution. */
export type Outputs = readonly [number, number, number, number];

/** Bytes of the tables for one input vector: two halves, four outputs, sixteen entries. */
export const TABLES_PER_INPUT = 2 * 4 * 16;

/**
 * The swizzle tables, laid out as `[input][half][output][nibble]`.
 * @param inputs how many zero bytes stand behind the byte of each input.
 * @throws RangeError if the bits of the outputs are not independent.
 */
export function swizzleTables(inputs: readonly number[], outputs: Outputs): Uint8Array {
  const solve = solver(outputs);
  const tables = new Uint8Array(inputs.length * TABLES_PER_INPUT);
  for (const [input, zeros] of inputs.entries()) {
    for (let half = 0; half < 2; half++) {
      for (let nibble = 0; nibble < 16; nibble++) {
        const replacement = solve(remainderOf(nibble << (4 * half), zeros));
        for (let output = 0; output < 4; output++) {
          const row = input * TABLES_PER_INPUT + (half * 4 + output) * 16;
          tables[row + nibble] = replacement >>> (8 * output);
        }
      }
    }
  }
  return tables;
}

/**
 * A function that gives the four output bytes (packed, output 0 lowest) whose remainder is a given
 * one.
 * @throws RangeError if there is no such function.
 */
export function solver(outputs: Outputs): (remainder: number) => number {
  const rows = eliminate(outputs);
  return (remainder) => {
    let rest = remainder;
    let solution = 0;
    for (const row of rows) {
      if ((rest & row.pivot) === 0) continue;
      rest ^= row.remainder;
      solution ^= row.outputs;
    }
    return solution;
  };
}

/** The remainder that a set of output bits leaves. */
interface Row {
  /** One bit of `remainder` that no other row has. */
  readonly pivot: number;
  remainder: number;
  /** The set of output bits, packed as in {@link solver}. */
  outputs: number;
}

/** Gauss-Jordan elimination over the remainders of the 32 single output bits. */
function eliminate(outputs: Outputs): Row[] {
  const rows: Row[] = [];
  for (let bit = 0; bit < 32; bit++) {
    let remainder = remainderOf(1 << (bit & 7), outputs[bit >> 3]);
    let combination = 1 << bit;
    for (const row of rows) {
      if ((remainder & row.pivot) === 0) continue;
      remainder ^= row.remainder;
      combination ^= row.outputs;
    }
    if (remainder === 0) throw new RangeError(`outputs ${outputs} are not independent`);
    const pivot = remainder & -remainder;
    for (const row of rows) {
      if ((row.remainder & pivot) === 0) continue;
      row.remainder ^= remainder;
      row.outputs ^= combination;
    }
    rows.push({ pivot, remainder, outputs: combination });
  }
  return rows;
}
