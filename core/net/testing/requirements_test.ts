import assert from "node:assert/strict";
import { firstLack, missing, needs, parseSkippedName, skippedName } from "./requirements.ts";

Deno.test("nothing lacks where every probe is satisfied", () => {
  assert.equal(firstLack(["root", "nft"], () => undefined), undefined);
});

Deno.test("the first requirement that is missing is the reason", () => {
  const probe = (name: string) => name === "root" ? undefined : `${name} not installed`;
  const lack = firstLack(["root", "nft", "ssh"], probe);
  assert.deepEqual(lack, { requirement: "nft", reason: "nft not installed" });
});

Deno.test("a skipped test's name says what is missing and can be read back", () => {
  const lack = { requirement: "nft", reason: "tables: none [at all]" } as const;
  const name = skippedName("packets vanish", lack);
  assert.equal(name, "packets vanish [skipped: nft: tables: none [at all]]");
  assert.deepEqual(parseSkippedName(name), { name: "packets vanish", lack });
});

Deno.test("a name in brackets of another kind is not taken for a skipped one", () => {
  assert.equal(parseSkippedName("it works [skipped: tomorrow: too late]"), undefined);
  assert.equal(parseSkippedName("it works [skipped: constructor: no]"), undefined);
  assert.equal(parseSkippedName("it works"), undefined);
});

Deno.test("a test runs under its plain name exactly where its needs are met", () => {
  const definition = needs(["root"], "it works", () => {});
  assert.equal(definition.ignore === true, missing("root") !== undefined);
  assert.equal(definition.name === "it works", missing("root") === undefined);
});
