import assert from "node:assert/strict";
import { PagedCounters } from "./paged_counters.ts";

Deno.test("every one of 65,536 counters starts at 0 and keeps 16 bits of its own", () => {
  const counters = new PagedCounters();
  for (let i = 0; i < 65_536; i++) assert.equal(counters.get(i), 0);
  for (let i = 0; i < 65_536; i++) counters.set(i, i * 3);
  for (let i = 0; i < 65_536; i++) assert.equal(counters.get(i), (i * 3) & 0xffff);
});

Deno.test("a Stream Sequence Number after 65535 is 0 (RFC 9260, section 6.5)", () => {
  const counters = new PagedCounters();
  counters.set(5, 65_535);
  counters.set(5, counters.get(5) + 1);
  assert.equal(counters.get(5), 0);
});
