import assert from "node:assert/strict";
import type { Change, Configuration } from "./configuration.ts";
import { Fault } from "./fault.ts";
import { formatFile } from "./file_format.ts";
import { ConfigurationFile, writeTemporary } from "./persist.ts";
import { formatRule } from "./rule.ts";
import { configured, rule } from "./testing/configured.ts";

/** A folder that is gone after the test. */
class Folder implements Disposable {
  readonly path = Deno.makeTempDirSync();

  file(name = "shimkit.toml"): string {
    return `${this.path}/${name}`;
  }

  names(): string[] {
    return [...Deno.readDirSync(this.path)].map(({ name }) => name).sort();
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path, { recursive: true });
  }
}

const SSH = "-c remote -p enable -s 22";
const HTTP = "-c remote -p enable -s 80";

function adding(text: string): Change {
  return { kind: "add", rule: rule(text) };
}

function texts(content: Configuration | Fault): string[] {
  if (content instanceof Fault) assert.fail(content.message);
  return content.table.chains.flatMap(({ entries }) =>
    entries.map((each) => formatRule(each.rule))
  );
}

Deno.test("without a file there are no rules, and the first change makes it, for its owner only", async () => {
  using folder = new Folder();
  const file = new ConfigurationFile(folder.file("etc/shimkit/shimkit.toml"));
  assert.deepEqual(texts(await file.load()), []);
  assert.deepEqual(folder.names(), []);
  assert.deepEqual(texts(await file.change(adding(SSH))), [SSH]);
  assert.deepEqual(texts(await file.load()), [SSH]);
  assert.equal(Deno.statSync(file.path).mode! & 0o777, 0o600);
  assert.deepEqual(folder.names(), ["etc"]);
});

Deno.test("a change replaces the file and leaves nothing beside it", async () => {
  using folder = new Folder();
  const file = new ConfigurationFile(folder.file());
  await file.change(adding(SSH));
  const before = Deno.statSync(file.path).ino;
  await file.change(adding(HTTP));
  assert.notEqual(Deno.statSync(file.path).ino, before);
  assert.deepEqual(texts(await file.load()), [SSH, HTTP]);
  assert.deepEqual(folder.names(), ["shimkit.toml"]);
});

Deno.test("a change that does not fit leaves the file as it is", async () => {
  using folder = new Folder();
  const file = new ConfigurationFile(folder.file());
  await file.change(adding(SSH));
  const before = Deno.statSync(file.path).ino;
  const fault = await file.change(adding(SSH));
  assert.ok(fault instanceof Fault);
  assert.equal(fault.code, "duplicate-rule");
  assert.equal(Deno.statSync(file.path).ino, before);
});

Deno.test("a damaged file is named with the line, and is not overwritten", async () => {
  using folder = new Folder();
  const file = new ConfigurationFile(folder.file());
  const damaged = 'rules = [\n  "-c remote -p ena';
  Deno.writeTextFileSync(file.path, damaged);
  for (const content of [await file.load(), await file.change({ kind: "flush" })]) {
    assert.ok(content instanceof Fault);
    assert.equal(content.code, "bad-toml");
    assert.ok(
      content.message.startsWith(`${file.path} has a fault and is left as it is: line 2, column `),
      content.message,
    );
  }
  assert.equal(Deno.readTextFileSync(file.path), damaged);
  assert.deepEqual(folder.names(), ["shimkit.toml"]);
});

Deno.test("a crash between writing and renaming leaves the old rules, and the next change works", async () => {
  using folder = new Folder();
  const file = new ConfigurationFile(folder.file());
  await file.change(adding(SSH));
  await writeTemporary(file.path, formatFile(configured(HTTP)));
  assert.equal(folder.names().length, 2);
  assert.deepEqual(texts(await file.load()), [SSH]);
  assert.deepEqual(texts(await file.change(adding(HTTP))), [SSH, HTTP]);
  assert.deepEqual(folder.names(), ["shimkit.toml"]);
});

Deno.test("a link to the file stays a link", async () => {
  using folder = new Folder();
  Deno.mkdirSync(folder.file("kept"));
  Deno.writeTextFileSync(folder.file("kept/rules.toml"), "");
  Deno.symlinkSync("kept/rules.toml", folder.file());
  const file = new ConfigurationFile(folder.file());
  await file.change(adding(SSH));
  assert.ok(Deno.lstatSync(file.path).isSymlink);
  assert.match(Deno.readTextFileSync(folder.file("kept/rules.toml")), /-s 22/);
});

Deno.test("a link that somebody has put where the new file is written is not followed", async () => {
  using folder = new Folder();
  Deno.writeTextFileSync(folder.file("victim"), "untouched");
  Deno.symlinkSync("victim", folder.file(".shimkit.toml.new"));
  await new ConfigurationFile(folder.file()).change(adding(SSH));
  assert.equal(Deno.readTextFileSync(folder.file("victim")), "untouched");
  assert.deepEqual(folder.names(), ["shimkit.toml", "victim"]);
});

Deno.test("changes at the same time are all kept", async () => {
  using folder = new Folder();
  const ports = Array.from({ length: 20 }, (_, i) => `-c remote -p enable -s ${i + 1}`);
  await Promise.all(ports.map((text) => new ConfigurationFile(folder.file()).change(adding(text))));
  assert.deepEqual(texts(await new ConfigurationFile(folder.file()).load()).sort(), ports.sort());
});

const WRITER = new URL("./testing/endless_writer.ts", import.meta.url).pathname;

Deno.test("whoever reads while a writer writes and is killed reads a whole file", async () => {
  using folder = new Folder();
  const file = new ConfigurationFile(folder.file());
  const many = Array.from({ length: 300 }, (_, i) => `-c remote -p enable -s ${i + 1}`);
  Deno.writeTextFileSync(file.path, formatFile(configured(...many)));
  for (let round = 0; round < 3; round++) {
    const writer = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "-A", WRITER, file.path],
      stdout: "piped",
      stderr: "inherit",
    }).spawn();
    const reader = writer.stdout.getReader();
    assert.equal((await reader.read()).done, false);
    for (let i = 0; i < 5 * (round + 1); i++) assert.equal(texts(await file.load()).length, 300);
    writer.kill("SIGKILL");
    await writer.status;
    await reader.cancel();
    assert.equal(texts(await file.load()).length, 300);
  }
});
