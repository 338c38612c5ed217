/** What is checked before the tests: format, lint, lock file, types. */
import type { TestRecord } from "./record.ts";

/** A step: what it proves, and the arguments of `deno` that prove it. */
interface Check {
  readonly proves: string;
  readonly args: readonly string[];
  /** What to do about a failure. */
  readonly remedy: string;
}

/** Tests are run unchecked, so that one wrong type does not keep all of them from running. */
const TYPES: Check = { proves: "the types agree", args: ["check"], remedy: "deno task check" };

const GATE: readonly Check[] = [
  { proves: "every file is formatted", args: ["fmt", "--check"], remedy: "deno task fmt" },
  { proves: "no lint rule is broken", args: ["lint"], remedy: "deno task lint" },
  {
    proves: "the lock file names every package",
    args: ["install", "--frozen"],
    remedy: "deno install, then commit deno.lock",
  },
  TYPES,
];

async function run(check: Check): Promise<TestRecord> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [...check.args],
    env: { NO_COLOR: "1" },
  }).output();
  const file = `deno ${check.args.join(" ")}`;
  console.log(`${file} ... ${success ? "ok" : "FAILED"}`);
  if (success) return { file, name: check.proves, outcome: "passed" };
  const decoder = new TextDecoder();
  const said = (decoder.decode(stdout) + decoder.decode(stderr)).split("\n");
  console.log(said.filter((line) => !line.startsWith("Check ")).join("\n"));
  return { file, name: check.proves, outcome: "failed", detail: `mend with: ${check.remedy}` };
}

/** Runs the checks one after the other: the types, or all of the gate. */
export async function runChecks(wholeGate: boolean): Promise<readonly TestRecord[]> {
  console.log(wholeGate ? "\n== Format, lint, lock file, types" : "\n== Types");
  const records: TestRecord[] = [];
  for (const check of wholeGate ? GATE : [TYPES]) records.push(await run(check));
  return records;
}
