import assert from "node:assert/strict";
import { formatTable } from "./table.ts";

Deno.test("the cells of a column start below one another", () => {
  const rows = [["a", "long cell", "end"], ["longer", "b"]];
  assert.deepEqual(formatTable(rows), ["a       long cell  end", "longer  b"]);
});

Deno.test("no rows make no lines", () => {
  assert.deepEqual(formatTable([]), []);
});
