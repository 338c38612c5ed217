import assert from "node:assert/strict";
import { formatMessage } from "@optique/core/message";
import { parseSync } from "@optique/core/parser";
import { resolve, ROOT } from "./commands.ts";
import type { CommandEntry, Entry } from "./commands.ts";
import { runProgram } from "./program.ts";
import { collectingIo } from "./testing/collecting_io.ts";

async function run(...args: string[]) {
  const { io, out, err } = collectingIo();
  const code = await runProgram(args, io);
  return { code, out: out.join("\n"), err: err.join("\n") };
}

function commandsBelow(entry: Entry): readonly CommandEntry[] {
  return entry.kind === "command" ? [entry] : entry.entries.flatMap(commandsBelow);
}

Deno.test("without arguments the commands are listed, as an error", async () => {
  const { code, out, err } = await run();
  assert.equal(code, 2);
  assert.equal(out, "");
  assert.match(err, /version +Shows the versions/);
});

Deno.test("an unknown command names the nearest one and exits with 2", async () => {
  const { code, err } = await run("verison");
  assert.equal(code, 2);
  assert.match(err, /no command "verison"\. Did you mean "shimkit version"\?/);
  assert.match(err, /Try: shimkit --help/);
});

Deno.test("an unknown command that resembles none suggests none", async () => {
  const { code, err } = await run("xyzzyplugh");
  assert.equal(code, 2);
  assert.doesNotMatch(err, /Did you mean/);
});

Deno.test("an unknown option names the nearest one and where to look", async () => {
  const { code, err } = await run("version", "--jsn");
  assert.equal(code, 2);
  assert.match(err, /"--jsn"\. Did you mean `--json`\?\nTry: shimkit version --help/);
});

Deno.test("--version prints one line with Deno and the kernel", async () => {
  const { code, out } = await run("--version");
  assert.equal(code, 0);
  assert.match(out, /^shimkit \d+\.\d+\.\d+ \(deno \d.*, \w+ [^,]+, \w+\)$/);
});

Deno.test("version --json prints every version", async () => {
  const { code, out } = await run("version", "--json");
  assert.equal(code, 0);
  const versions = JSON.parse(out);
  assert.equal(versions.deno, Deno.version.deno);
  assert.ok(versions.kernel.includes(Deno.osRelease()));
});

for (const shell of ["bash", "zsh", "fish"]) {
  Deno.test(`completion ${shell} prints a script that asks shimkit`, async () => {
    const { code, out } = await run("completion", shell);
    assert.equal(code, 0);
    assert.match(out, /shimkit '?completion'? '?\w+'?/);
  });
}

Deno.test("completion knows commands, and the options of the command that is typed", async () => {
  assert.equal((await run("completion", "bash", "ver")).out.trim(), "version");
  assert.match((await run("completion", "bash", "version", "--")).out, /--json/);
});

Deno.test("completion for an unknown shell lists the known ones", async () => {
  const { code, err } = await run("completion", "tcsh");
  assert.equal(code, 2);
  assert.match(err, /Unsupported shell "tcsh".*"bash", "fish"/);
});

Deno.test("every command's examples are command lines that it takes", async () => {
  for (const command of commandsBelow(ROOT)) {
    const { examples, parser } = (await command.load()).default;
    assert.ok(examples.length > 0, `${command.name} has no example`);
    for (const { args } of examples) {
      const [words] = args.split(/ [|<>]/);
      const { entry, rest } = resolve(words.split(" "));
      assert.equal(entry, command, `shimkit ${args} is an example of another command`);
      const parsed = parseSync(parser, rest);
      if (!parsed.success) assert.fail(`shimkit ${args}: ${formatMessage(parsed.error)}`);
    }
  }
});
