/**
 * `deno task test`: installs what real peers need (on Debian, as root), runs every test, names
 * every test that was skipped and why, and ends with `N passed, N failed, N skipped`.
 *
 * `--gate` checks format, lint and lock file too; `--no-install` installs nothing; whatever else
 * follows goes to `deno test`: paths, `--filter`.
 */
import { installPackages, isDebianRoot } from "./runner/debian.ts";
import { runTestGroup } from "./runner/group_run.ts";
import { runChecks } from "./runner/checks.ts";
import { testGroups } from "./runner/groups.ts";
import { summary } from "./runner/record.ts";
import type { TestRecord } from "./runner/record.ts";
import { judgeSkips } from "./runner/skips.ts";

/** Whether a test that root on Debian could run may be skipped. */
function isStrict(): boolean {
  return Boolean(Deno.env.get("CI")) && isDebianRoot();
}

function printEach(title: string, records: readonly TestRecord[]): void {
  if (records.length === 0) return;
  console.log(`\n${title}:`);
  for (const { file, name, detail } of records) {
    console.log(`  ${file ? `${file}: ` : ""}${name}`);
    if (detail) console.log(`    ${detail.split("\n").join("\n    ")}`);
  }
}

async function main(args: readonly string[]): Promise<number> {
  const forDeno = args.filter((arg) => arg !== "--gate" && arg !== "--no-install");
  if (!isDebianRoot()) console.log("Not root on Debian: nothing is installed for real peers.");
  else if (!args.includes("--no-install")) installPackages();
  const records: TestRecord[] = [...await runChecks(args.includes("--gate"))];
  for (const group of testGroups(forDeno)) records.push(...await runTestGroup(group));
  const judged = judgeSkips(records, isStrict());
  printEach("Skipped", judged.filter(({ outcome }) => outcome === "skipped"));
  const failed = judged.filter(({ outcome }) => outcome === "failed");
  printEach("Failed", failed);
  console.log(`\n${summary(judged)}`);
  return failed.length > 0 ? 1 : 0;
}

Deno.exit(await main(Deno.args));
