/** docs/attacks.md names every test of core/sctp/attacks, and counters that there are. */
import assert from "node:assert/strict";
import { DROP_REASONS } from "../core/sctp/metrics.ts";

const PAGE = new URL("attacks.md", import.meta.url);
const FOLDER = new URL("../core/sctp/attacks/", import.meta.url);

/** The tables below each file's heading, as rows of cells. */
const sections = Deno.readTextFileSync(PAGE).split(/^## /m).slice(1).map((text) => {
  const [, file] = /\]\(\.\.\/core\/sctp\/attacks\/(\w+\.ts)\)/.exec(text)!;
  const lines = text.split("\n").filter((line) => line.startsWith("| ")).slice(2);
  return {
    file,
    rows: lines.map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim())),
  };
});

/** The titles of a file's tests: what is put in when it runs may be anything. */
function titlesOf(file: string): readonly RegExp[] {
  const text = Deno.readTextFileSync(new URL(file, FOLDER));
  return [...text.matchAll(/Deno\.test\(\s*(["`])(.+?)\1,/g)].map(([, , title]) => {
    const parts = title.split(/\$\{\w+\}/).map(RegExp.escape);
    return new RegExp(`^${parts.join(".+")}$`);
  });
}

for (const { file, rows } of sections) {
  Deno.test(`docs/attacks.md lists the tests of ${file}`, () => {
    const titles = titlesOf(file);
    const attacks = rows.map(([attack]) => attack);
    const strange = attacks.filter((attack) => !titles.some((title) => title.test(attack)));
    assert.deepEqual(strange, [], "no test has this name");
    const unlisted = titles.filter((title) => !attacks.some((attack) => title.test(attack)));
    assert.deepEqual(unlisted, [], "a test that is not listed");
  });
}

Deno.test("docs/attacks.md lists every file of attacks, and counters that there are", () => {
  const files = [...Deno.readDirSync(FOLDER)].map(({ name }) => name).sort();
  assert.deepEqual(sections.map(({ file }) => file).sort(), files);
  const counters = sections.flatMap(({ rows }) =>
    rows.flatMap(([, , counter]) => [...counter.matchAll(/`([\w-]+)`/g)].map(([, name]) => name))
  );
  const unknown = counters.filter((name) => !DROP_REASONS.some((reason) => reason === name));
  assert.deepEqual(unknown, []);
});
