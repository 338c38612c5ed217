import assert from "node:assert/strict";
import type { TestRecord } from "./record.ts";
import { summary } from "./record.ts";
import { judgeSkips } from "./skips.ts";

function skipped(name: string): TestRecord {
  return { file: "a_test.ts", name, outcome: "skipped" };
}

const NO_ROOT = skipped("packets vanish [skipped: root: not running as root]");
const NO_IPV6 = skipped("IPv6 works [skipped: ipv6: /proc/net/if_inet6 is not there]");
const NO_REASON = skipped("someday");

Deno.test("a skipped test is shown with what it needs", () => {
  const [record] = judgeSkips([NO_ROOT], false);
  assert.deepEqual(record, {
    file: "a_test.ts",
    name: "packets vanish",
    outcome: "skipped",
    detail: "needs root: not running as root",
  });
});

Deno.test("in CI it is a failure to skip what root on Debian could run", () => {
  const records = judgeSkips([NO_ROOT, NO_IPV6, NO_REASON], true);
  assert.deepEqual(records.map(({ outcome }) => outcome), ["failed", "skipped", "failed"]);
  assert.match(records[0].detail ?? "", /may not be in CI: needs root/);
});

Deno.test("the last line counts every outcome", () => {
  const passed: TestRecord = { file: "a_test.ts", name: "works", outcome: "passed" };
  const records = [passed, passed, ...judgeSkips([NO_ROOT], true), NO_IPV6];
  assert.equal(summary(records), "2 passed, 1 failed, 1 skipped");
});
