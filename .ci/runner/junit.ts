/** Reads the JUnit report that `deno test --junit-path` writes. */
import type { TestRecord } from "./record.ts";

const ENTITIES: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
};

function decode(text: string): string {
  return text.replace(/&(?:#(\d+)|#x([0-9a-fA-F]+)|(\w+));/g, (whole, decimal, hex, name) => {
    if (decimal) return String.fromCodePoint(Number(decimal));
    if (hex) return String.fromCodePoint(parseInt(hex, 16));
    return ENTITIES[name] ?? whole;
  });
}

function attribute(attributes: string, name: string): string {
  const match = new RegExp(` ${name}="([^"]*)"`).exec(attributes);
  return match ? decode(match[1]) : "";
}

function recordOf(attributes: string, body: string): TestRecord {
  const name = attribute(attributes, "name");
  const file = attribute(attributes, "classname").replace(/^\.\//, "");
  if (/<skipped\b/.test(body)) return { file, name, outcome: "skipped" };
  const fault = /<(?:failure|error)\b([^>]*?)(?:\/>|>([\s\S]*?)<\/(?:failure|error)>)/.exec(body);
  if (!fault) return { file, name, outcome: "passed" };
  const detail = fault[2] ? decode(fault[2]) : attribute(fault[1], "message");
  return { file, name, outcome: "failed", detail };
}

/** The tests of a report. Steps are left out, but for skipped ones: their test speaks for them. */
export function parseJunit(xml: string): readonly TestRecord[] {
  const records: TestRecord[] = [];
  let test: TestRecord | undefined;
  for (const match of xml.matchAll(/<testcase\b([^>]*)>([\s\S]*?)<\/testcase>/g)) {
    const record = recordOf(match[1], match[2]);
    const isStep = test !== undefined && record.file === test.file &&
      record.name.startsWith(`${test.name} > `);
    if (!isStep) test = record;
    if (!isStep || record.outcome === "skipped") records.push(record);
  }
  return records;
}
