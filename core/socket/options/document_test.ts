/** `docs/rfc6458.md` says of each option and notification what the tables in code say. */
import assert from "node:assert/strict";
import { documentOption } from "./document.ts";
import { NOTIFICATION_TYPES, NOTIFICATIONS } from "./events.ts";
import type { OptionRow } from "./row.ts";
import { DEPRECATED, OPTION_NAMES, OPTIONS } from "./table.ts";

const DOCUMENT = new URL("../../../docs/rfc6458.md", import.meta.url);
const text = await Deno.readTextFile(DOCUMENT);

/** Rows of the tables that begin with a name, by that name: their cells. */
const rows = new Map(
  text.split("\n").flatMap((line) => {
    const cells = line.split("|").slice(1, -1).map((cell) => cell.trim());
    const name = cells[0]?.match(/^`(\w+)` \(/)?.[1];
    return name ? [[name, cells] as const] : [];
  }),
);

Deno.test("docs/rfc6458.md has each option with its value, level and access as they are", () => {
  for (const name of OPTION_NAMES) {
    const row = OPTIONS[name] as OptionRow<unknown, unknown, unknown>;
    const { value, level, access } = documentOption(row);
    const expected = [`\`${name}\` (${row.source})`, row.help, value, level, access];
    assert.deepEqual(rows.get(name)?.slice(0, expected.length), expected);
    assert.ok(rows.get(name)?.slice(expected.length).every((cell) => cell.length > 0), name);
  }
});

Deno.test("docs/rfc6458.md has each notification with its kinds", () => {
  for (const type of NOTIFICATION_TYPES) {
    const { source, kinds, help } = NOTIFICATIONS[type];
    const expected = [`\`${type}\` (${source})`, kinds.map((kind) => `"${kind}"`).join(", "), help];
    assert.deepEqual(rows.get(type)?.slice(0, expected.length), expected);
  }
});

Deno.test("docs/rfc6458.md has nothing that is not there", () => {
  const known: readonly string[] = [...OPTION_NAMES, ...NOTIFICATION_TYPES];
  assert.deepEqual([...rows.keys()].sort(), [...known].sort());
  for (const [name, instead] of Object.entries(DEPRECATED)) {
    assert.match(text, new RegExp(`\`${name}\`\\s\\(use\\s\`${instead}\`\\)`));
  }
});
