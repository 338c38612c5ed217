import assert from "node:assert/strict";
import { type Outputs, solver, swizzleTables } from "./gf2_fold.ts";
import { remainderOf } from "./polynomial.ts";

const SLOTS: Outputs = [80, 64, 16, 0];

/** The remainder that four output bytes leave together. */
function together(replacement: number[], outputs: Outputs): number {
  return replacement.reduce((sum, byte, i) => sum ^ remainderOf(byte, outputs[i]), 0);
}

Deno.test("solved output bytes leave the remainder that was asked for", () => {
  const solve = solver(SLOTS);
  for (const remainder of [0, 1, -1, 0x12345678, 0x80000000 | 0]) {
    const packed = solve(remainder);
    const bytes = [0, 8, 16, 24].map((shift) => (packed >>> shift) & 0xff);
    assert.equal(together(bytes, SLOTS), remainder);
  }
});

Deno.test("the two halves of a byte look up outputs that make up for the byte", () => {
  const tables = swizzleTables([200, 16], SLOTS);
  for (const [input, zeros] of [[0, 200], [1, 16]]) {
    for (let byte = 0; byte < 256; byte++) {
      const row = (half: number, output: number) => input * 128 + (half * 4 + output) * 16;
      const outputs = [0, 1, 2, 3].map((output) =>
        tables[row(0, output) + (byte & 15)] ^ tables[row(1, output) + (byte >> 4)]
      );
      assert.equal(together(outputs, SLOTS), remainderOf(byte, zeros));
    }
  }
});

Deno.test("outputs that are not independent are refused", () => {
  assert.throws(() => solver([3, 2, 1, 1]), RangeError);
});
