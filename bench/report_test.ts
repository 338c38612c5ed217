import assert from "node:assert/strict";
import { tables } from "./report.ts";

Deno.test("figures of one unit are one table, with blanks for what was not measured", () => {
  const lines = tables([
    { row: "theirs", column: "64 bytes", unit: "GB/s", samples: [1234, 1200, 1300] },
    { row: "ours, all", column: "64 bytes", unit: "GB/s", samples: [0.123] },
    { row: "ours, all", column: "1 KiB", unit: "GB/s", samples: [2, 3] },
  ]);
  assert.deepEqual(lines, [
    "GB/s                    64 bytes               1 KiB",
    "theirs     1,234 (1,200 - 1,300)",
    "ours, all                   0.12  2.50 (2.00 - 3.00)",
  ]);
});

Deno.test("figures of several units have a table for each column", () => {
  const lines = tables([
    { row: "ours", column: "64 B", unit: "MB/s", samples: [20] },
    { row: "ours", column: "64 B", unit: "CPU s/GB", samples: [3] },
    { row: "ours", column: "1 KiB", unit: "MB/s", samples: [400] },
  ]);
  assert.deepEqual(lines, [
    "64 B  MB/s  CPU s/GB",
    "ours  20.0      3.00",
    "1 KiB  MB/s",
    "ours    400",
  ]);
});
