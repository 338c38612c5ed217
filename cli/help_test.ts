/**
 * The help text of every command, compared with testdata/help.
 * After a wanted change: `deno test -A cli/help_test.ts -- --update`, and read the difference.
 */
import assert from "node:assert/strict";
import { ROOT } from "./commands.ts";
import type { Entry } from "./commands.ts";
import { ExitCode } from "./exit_codes.ts";
import { runProgram } from "./program.ts";
import { collectingIo } from "./testing/collecting_io.ts";

const FOLDER = new URL("../testdata/help/", import.meta.url);

function pathsBelow(entry: Entry, path: readonly string[]): readonly string[][] {
  const below = entry.kind === "group"
    ? entry.entries.flatMap((child) => pathsBelow(child, [...path, child.name]))
    : [];
  return [[...path], ...below];
}

const paths = [...pathsBelow(ROOT, []), ["completion"]];

function snapshotName(path: readonly string[]): string {
  return `${["shimkit", ...path].join("_")}.txt`;
}

async function helpOf(path: readonly string[]): Promise<string> {
  const { io, out } = collectingIo();
  const code = await runProgram([...path, "--help"], io);
  assert.equal(code, ExitCode.ok);
  return `${out.join("\n").replace(/[ ]+$/gm, "")}\n`;
}

if (Deno.args.includes("--update")) {
  await Deno.remove(FOLDER, { recursive: true }).catch(() => {});
  await Deno.mkdir(FOLDER, { recursive: true });
  for (const path of paths) {
    await Deno.writeTextFile(new URL(snapshotName(path), FOLDER), await helpOf(path));
  }
}

for (const path of paths) {
  const words = ["shimkit", ...path].join(" ");
  Deno.test(`the help of \`${words}\` is the one in testdata/help`, async () => {
    const snapshot = await Deno.readTextFile(new URL(snapshotName(path), FOLDER));
    assert.equal(await helpOf(path), snapshot);
  });
}

Deno.test("no help text is kept of a command that is gone", () => {
  const kept = [...Deno.readDirSync(FOLDER)].map(({ name }) => name);
  assert.deepEqual(kept.sort(), paths.map(snapshotName).sort());
});
