import assert from "node:assert/strict";
import { parseJunit } from "./junit.ts";

const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="7" failures="3" errors="1" time="0.1">
    <testsuite name="./core/a_test.ts" tests="6" disabled="2" errors="0" failures="2">
        <testcase name="a &lt; b &amp; &quot;c&quot;" classname="./core/a_test.ts" time="0.001" line="1" col="6">
        </testcase>
        <testcase name="held [skipped: root: no]" classname="./core/a_test.ts" time="0.000">
            <skipped/>
        </testcase>
        <testcase name="outer" classname="./core/a_test.ts" time="0.007">
            <failure message="1 test step failed">1 test step failed.</failure>
        </testcase>
        <testcase name="outer &gt; inner" classname="./core/a_test.ts" time="0.000">
            <failure message="Uncaught Error: z">Error: z
    at somewhere</failure>
        </testcase>
        <testcase name="outer &gt; left out" classname="./core/a_test.ts" time="0.000">
            <skipped/>
        </testcase>
    </testsuite>
    <testsuite name="./c_test.ts" tests="1" disabled="0" errors="1" failures="0">
        <testcase name="cut short" classname="./c_test.ts" time="0.000" line="1" col="6">
            <error message="Cancelled"/>
        </testcase>
    </testsuite>
</testsuites>`;

Deno.test("a report becomes one record a test, with its text as it was written", () => {
  const records = parseJunit(REPORT);
  assert.deepEqual(records[0], { file: "core/a_test.ts", name: 'a < b & "c"', outcome: "passed" });
  assert.equal(records[1].outcome, "skipped");
});

Deno.test("a failed step is its test's failure and not another one", () => {
  const failed = parseJunit(REPORT).filter(({ outcome }) => outcome === "failed");
  assert.deepEqual(failed.map(({ name }) => name), ["outer", "cut short"]);
  assert.equal(failed[1].detail, "Cancelled");
});

Deno.test("a skipped step is told like a skipped test", () => {
  const skipped = parseJunit(REPORT).filter(({ outcome }) => outcome === "skipped");
  assert.deepEqual(skipped.map(({ name }) => name), [
    "held [skipped: root: no]",
    "outer > left out",
  ]);
});
