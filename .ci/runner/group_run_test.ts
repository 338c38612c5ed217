import assert from "node:assert/strict";
import { runTestGroup } from "./group_run.ts";

/** Runs tests of the given source text and returns `name: outcome` of each. */
async function outcomes(source: string, timeLimit = 60_000): Promise<string[]> {
  const folder = await Deno.makeTempDir({ prefix: "shimkit-runner-" });
  try {
    const file = `${folder}/sample_test.ts`;
    await Deno.writeTextFile(file, source);
    const group = { title: "samples", args: ["--no-config", file], verbose: false, timeLimit };
    return (await runTestGroup(group, () => {})).map(({ name, outcome }) => `${name}: ${outcome}`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("each test of a file becomes a record", async () => {
  const source = `
    Deno.test("good", () => {});
    Deno.test("bad", () => { throw new Error("on purpose"); });
    Deno.test.ignore("left out", () => {});
  `;
  assert.deepEqual(await outcomes(source), ["good: passed", "bad: failed", "left out: skipped"]);
});

Deno.test("a module that throws while it loads is a failure", async () => {
  assert.deepEqual(await outcomes('throw new Error("on purpose");'), [
    "the module loads without an uncaught error: failed",
  ]);
});

Deno.test("a file that cannot be parsed is a failure", async () => {
  assert.deepEqual(await outcomes("Deno.test("), ["samples run to their end: failed"]);
});

Deno.test("tests that hang are ended and are a failure", async () => {
  const source = 'Deno.test("hangs", () => { while (true) {} });';
  assert.deepEqual(await outcomes(source, 2_000), ["samples run to their end: failed"]);
});
