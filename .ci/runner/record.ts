/** What became of one test or one step of the gate. */
export interface TestRecord {
  /** The file it stands in, from the root of the checkout. */
  readonly file: string;
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Why it was skipped, or what went wrong. */
  readonly detail?: string;
}

/** The last line of every run. */
export function summary(records: readonly TestRecord[]): string {
  const count = (outcome: TestRecord["outcome"]) =>
    records.filter((record) => record.outcome === outcome).length;
  return `${count("passed")} passed, ${count("failed")} failed, ${count("skipped")} skipped`;
}
