import assert from "node:assert/strict";
import { instant } from "./base/time.ts";
import { SpentTags } from "./spent_tags.ts";

Deno.test("a tag is remembered for its period, and forgotten in time", () => {
  const tags = new SpentTags();
  assert.ok(!tags.has(instant(0), 7));
  tags.add(7, 1000);
  assert.ok(tags.has(instant(10), 7));
  assert.ok(tags.has(instant(1010), 7), "one generation on");
  assert.ok(tags.has(instant(1900), 7));
  assert.ok(!tags.has(instant(2100), 7));
});

Deno.test("a tag that ends just before the generations change is kept for a period all the same", () => {
  const tags = new SpentTags();
  tags.add(1, 1000);
  tags.has(instant(0), 1);
  tags.add(2, 1000);
  assert.ok(tags.has(instant(1000), 2));
  assert.ok(tags.has(instant(1999), 2));
});

Deno.test("associations without end cannot make the memory of tags grow without end", () => {
  const tags = new SpentTags();
  for (let tag = 1; tag <= 600_000; tag++) tags.add(tag, 60_000);
  let kept = 0;
  for (let tag = 1; tag <= 600_000; tag += 100) if (tags.has(instant(0), tag)) kept++;
  assert.ok(kept <= 2 * (1 << 17) / 100 + 1);
  assert.ok(tags.has(instant(0), 600_000));
});
