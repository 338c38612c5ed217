/** Runs `deno test` on a part of the tree and makes records of its report. */
import { parseJunit } from "./junit.ts";
import type { TestRecord } from "./record.ts";

/** A part of the tests that is run in one process of its own. */
export interface TestGroup {
  readonly title: string;
  /** Arguments of `deno test`. */
  readonly args: readonly string[];
  /** Shows every test as it ends, not only what went wrong: for tests that take their time. */
  readonly verbose: boolean;
  /** The process is ended after so many milliseconds. */
  readonly timeLimit: number;
}

/** How often a silent run says that it is alive, in milliseconds. */
const PROGRESS_INTERVAL = 10_000;

const UNCAUGHT = /^Uncaught error from (?:\.\/)?(\S+) FAILED$/;
const UNREMARKABLE = / \.\.\. .*\bok \(|^running \d+ tests? from |^Check |ignored \(|^$/;

/** What was seen in the output of one run. */
class Output {
  readonly uncaught: string[] = [];
  #done = 0;
  #lastShown = Date.now();

  constructor(
    readonly verbose: boolean,
    readonly print: (line: string) => void,
  ) {}

  take(line: string): void {
    const uncaught = UNCAUGHT.exec(line);
    if (uncaught) this.uncaught.push(uncaught[1]);
    if (/ \.\.\. .*\b(ok|FAILED) \(/.test(line)) this.#done++;
    if (this.verbose || !UNREMARKABLE.test(line)) this.#show(line);
    else if (Date.now() - this.#lastShown > PROGRESS_INTERVAL) this.#show(`  ${this.#done} tests`);
  }

  #show(line: string): void {
    this.print(line);
    this.#lastShown = Date.now();
  }
}

async function readReport(path: string): Promise<readonly TestRecord[]> {
  try {
    return parseJunit(await Deno.readTextFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** Hands a stream of bytes to `take`, line by line. */
async function eachLine(
  bytes: ReadableStream<BufferSource>,
  take: (line: string) => void,
): Promise<void> {
  let rest = "";
  for await (const text of bytes.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(take);
  }
  if (rest) take(rest);
}

/** Tests that never came to run because their module failed, and a process that ended badly. */
function faultsBeyondReport(
  records: readonly TestRecord[],
  uncaught: readonly string[],
  group: TestGroup,
  ended: { readonly code: number; readonly timedOut: boolean },
): readonly TestRecord[] {
  const failedFiles = new Set(records.filter((r) => r.outcome === "failed").map((r) => r.file));
  const faults: TestRecord[] = uncaught.filter((file) => !failedFiles.has(file)).map((file) => ({
    file,
    name: "the module loads without an uncaught error",
    outcome: "failed",
    detail: "see the output above",
  }));
  const explained = faults.length > 0 || failedFiles.size > 0;
  if (ended.timedOut || (ended.code !== 0 && !explained)) {
    const detail = ended.timedOut
      ? `still running after ${group.timeLimit / 60_000} minutes`
      : `deno test ended with code ${ended.code}`;
    faults.push({ file: "", name: `${group.title} run to their end`, outcome: "failed", detail });
  }
  return faults;
}

/** Runs one group, shows its progress, and returns what became of each test. */
export async function runTestGroup(
  group: TestGroup,
  print: (line: string) => void = console.log,
): Promise<readonly TestRecord[]> {
  print(`\n== ${group.title}`);
  const report = await Deno.makeTempFile({ prefix: "shimkit-report-", suffix: ".xml" });
  await Deno.remove(report);
  const process = new Deno.Command(Deno.execPath(), {
    args: [
      "test",
      "--allow-all",
      "--no-prompt",
      "--no-check",
      `--junit-path=${report}`,
      ...group.args,
    ],
    env: { NO_COLOR: "1" },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    process.kill("SIGKILL");
  }, group.timeLimit);
  const output = new Output(group.verbose, print);
  const take = (line: string) => output.take(line);
  await Promise.all([eachLine(process.stdout, take), eachLine(process.stderr, take)]);
  const { code } = await process.status;
  clearTimeout(timer);
  const records = await readReport(report);
  await Deno.remove(report).catch(() => {});
  return [...records, ...faultsBeyondReport(records, output.uncaught, group, { code, timedOut })];
}
