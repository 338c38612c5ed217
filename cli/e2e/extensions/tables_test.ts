/**
 * docs/peers.md has the tables of the matrix.
 * After a wanted change: `deno test -A cli/e2e/extensions/tables_test.ts -- --update`.
 */
import assert from "node:assert/strict";
import { run } from "../lab/process.ts";
import { tables } from "./tables.ts";

const PAGE = new URL("../../../docs/peers.md", import.meta.url);
const MARK = "<!-- The rest is written by cli/e2e/extensions/tables_test.ts. -->";

if (Deno.args.includes("--update")) {
  const [head] = (await Deno.readTextFile(PAGE)).split(MARK);
  await Deno.writeTextFile(PAGE, `${head}${MARK}\n\n${tables()}`);
  await run([Deno.execPath(), "fmt", "--quiet", PAGE.pathname]);
}

/** Without what formatting changes. */
function words(text: string): string {
  return text.replaceAll(/-{3,}/g, "---").split(/\s+/).join(" ").trim();
}

Deno.test("docs/peers.md says what the matrix of extensions and peers says", async () => {
  const [, shown] = (await Deno.readTextFile(PAGE)).split(MARK);
  assert.equal(words(shown), words(tables()));
});
