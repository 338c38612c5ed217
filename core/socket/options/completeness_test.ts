/** Every option and every notification has a test that is named after it. */
import assert from "node:assert/strict";
import { NOTIFICATION_TYPES } from "./events.ts";
import { OPTION_NAMES } from "./table.ts";

const FOLDER = new URL("../", import.meta.url);

/** Titles of the tests in the files of a folder and of those below it. */
async function* titles(folder: URL): AsyncGenerator<string> {
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) yield* titles(new URL(`${name}/`, folder));
    if (!name.endsWith("_test.ts")) continue;
    const source = await Deno.readTextFile(new URL(name, folder));
    yield* source.matchAll(/(?:Deno\.test|inBothStyles)\(\s*["`]([^"`]+)["`]/g).map(([, it]) => it);
    // Where one test is written for several, they are listed.
    yield* source.matchAll(/^ {2}"(SCTP_[A-Z_]+)",$/gm).map(([, it]) => it);
  }
}

const named = new Set<string>();
for await (const title of titles(FOLDER)) {
  for (const [name] of title.split(":")[0].matchAll(/(?:SCTP|SO)_[A-Z0-9_]+/g)) named.add(name);
}

Deno.test("each socket option has a test of its name", () => {
  assert.deepEqual(OPTION_NAMES.filter((name) => !named.has(name)), []);
});

Deno.test("each notification has a test of its name", () => {
  assert.deepEqual(NOTIFICATION_TYPES.filter((type) => !named.has(type)), []);
});
