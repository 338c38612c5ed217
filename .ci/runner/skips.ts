/** Says of every skipped test why, and finds those that had no right to be skipped. */
import { parseSkippedName, REQUIREMENTS } from "../../core/net/testing/requirements.ts";
import type { TestRecord } from "./record.ts";

/** Takes the reason out of a skipped test's name. */
function explained(record: TestRecord): TestRecord {
  const skipped = parseSkippedName(record.name);
  if (!skipped) return { ...record, detail: "it does not say what it needs" };
  const { requirement, reason } = skipped.lack;
  return { ...record, name: skipped.name, detail: `needs ${requirement}: ${reason}` };
}

/** True if the machine should have let the test run, or the test gives no reason. */
function isUnjustified(record: TestRecord): boolean {
  const skipped = parseSkippedName(record.name);
  return !skipped || REQUIREMENTS[skipped.lack.requirement].onDebianAsRoot;
}

/**
 * Records with the reasons of skipped tests. Where `strict`, a skip of something that root on
 * Debian could run is a failure.
 */
export function judgeSkips(
  records: readonly TestRecord[],
  strict: boolean,
): readonly TestRecord[] {
  return records.map((record) => {
    if (record.outcome !== "skipped") return record;
    const { detail, ...rest } = explained(record);
    if (!strict || !isUnjustified(record)) return { ...rest, detail };
    return { ...rest, outcome: "failed", detail: `skipped, but may not be in CI: ${detail}` };
  });
}
