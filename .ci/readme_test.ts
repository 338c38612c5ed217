/**
 * The README's shell examples do what they say: each ```sh block is run from the root of a
 * checkout, and every `shimkit` command line in it or in a ```console block is one that exists.
 */
import assert from "node:assert/strict";
import { resolve, ROOT } from "../cli/commands.ts";
import project from "../deno.json" with { type: "json" };
import { needs } from "../core/net/testing/requirements.ts";

const README = new URL("../README.md", import.meta.url);

interface Block {
  readonly language: string;
  readonly line: number;
  readonly text: string;
}

function blocksOf(markdown: string): readonly Block[] {
  return [...markdown.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    language: match[1],
    line: markdown.slice(0, match.index).split("\n").length,
    text: match[2],
  }));
}

const blocks = blocksOf(await Deno.readTextFile(README));

/** Runs a block with `deno`, the one that runs this test, on the PATH. */
async function run(script: string): Promise<void> {
  const folder = Deno.execPath().replace(/\/[^/]*$/, "");
  const { success, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-euo", "pipefail", "-c", script],
    cwd: new URL(".", README),
    env: { PATH: `${folder}:${Deno.env.get("PATH")}`, NO_COLOR: "1" },
  }).output();
  const decoder = new TextDecoder();
  assert.ok(success, decoder.decode(stdout) + decoder.decode(stderr));
}

for (const { line, text } of blocks.filter(({ language }) => language === "sh")) {
  const [first] = text.trim().split("\n");
  Deno.test(needs(["linux"], `README.md, line ${line}: ${first}`, () => run(text)));
}

Deno.test("every task and command that the README names exists", () => {
  const lines = blocks.filter(({ language }) => language === "sh" || language === "console")
    .flatMap(({ text }) => text.split("\n"));
  for (const line of lines) {
    const [, task, rest] = /\btask (\w+)(.*)/.exec(line) ?? [];
    if (task === undefined) continue;
    assert.ok(Object.hasOwn(project.tasks, task), `no task ${task}: ${line}`);
    if (task !== "shimkit") continue;
    const { entry } = resolve(rest.trim().split(/\s+/));
    assert.ok(entry.kind === "command" || entry === ROOT, `no such command: ${line}`);
  }
});
