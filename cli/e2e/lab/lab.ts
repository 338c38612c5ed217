/** What a test builds on this machine, and its removal whatever happens to the test. */
import { LabProcess, type SpawnOptions } from "./process.ts";

/** Namespaces and scratch folders of labs: the process, the lab, and what it is. */
const NAME = /^sk(\d+)-\d+-/;
/** Where scratch folders are made. The guest of User-Mode Linux, and sshd, must be able to enter it. */
const SCRATCH = "/tmp";
const SIGNALS: readonly Deno.Signal[] = ["SIGINT", "SIGTERM", "SIGHUP"];

/**
 * The owner of everything that a test leaves on the machine: processes, namespaces, files.
 * `await using lab = Lab.open()` removes all of it when the test ends; a signal that ends the test
 * process removes it too, and the next lab removes what a killed one left behind.
 */
export class Lab implements AsyncDisposable {
  static #opened = 0;
  /** Prefix of the names of this lab's namespaces: unique to the process and the lab. */
  readonly id: string;
  /** Scratch folder, removed with the lab. */
  readonly folder: string;
  readonly #undo: (() => void)[] = [];
  readonly #processes = new Set<LabProcess>();
  readonly #onSignal = new Map(SIGNALS.map((signal) => [signal, () => this.#interrupted(signal)]));

  private constructor() {
    this.id = `sk${Deno.pid}-${Lab.#opened++}`;
    this.folder = Deno.makeTempDirSync({ dir: SCRATCH, prefix: `${this.id}-` });
    this.defer(() => Deno.removeSync(this.folder, { recursive: true }));
    for (const [signal, listener] of this.#onSignal) Deno.addSignalListener(signal, listener);
  }

  static open(): Lab {
    sweepRemains();
    return new Lab();
  }

  /** Adds something to undo. Synchronous, because it may have to happen on a signal; the latest is undone first. */
  defer(undo: () => void): void {
    this.#undo.push(undo);
  }

  /** A path in the scratch folder. */
  path(name: string): string {
    return `${this.folder}/${name}`;
  }

  /** Starts a process that does not outlive the lab. */
  spawn(argv: readonly string[], options: SpawnOptions = {}): LabProcess {
    const process = new LabProcess(argv, options);
    this.#processes.add(process);
    void process.status.then(() => this.#processes.delete(process));
    return process;
  }

  /** The processes that run now. */
  get processes(): ReadonlySet<LabProcess> {
    return new Set(this.#processes);
  }

  /** Kills all processes but `survivors`: what one test of several in a lab leaves behind. */
  async killAllBut(survivors: ReadonlySet<LabProcess>): Promise<void> {
    const others = [...this.#processes].filter((process) => !survivors.has(process));
    await Promise.all(others.map((process) => process.kill()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ignoreSignals();
    const ending = [...this.#processes].map((process) => process.kill());
    await Promise.all(ending);
    const faults = this.#dismantle();
    if (faults.length > 0) throw new AggregateError(faults, `${this.id} was not removed`);
  }

  /** Takes everything down, and lets the signal do what it does without us. */
  #interrupted(signal: Deno.Signal): void {
    this.#dismantle();
    this.#ignoreSignals();
    Deno.kill(Deno.pid, signal);
  }

  #ignoreSignals(): void {
    for (const [signal, listener] of this.#onSignal) Deno.removeSignalListener(signal, listener);
  }

  #dismantle(): unknown[] {
    const faults: unknown[] = [];
    for (const process of this.#processes) process.killGroup();
    for (let undo = this.#undo.pop(); undo; undo = this.#undo.pop()) {
      try {
        undo();
      } catch (fault) {
        faults.push(fault);
      }
    }
    return faults;
  }
}

/** Runs a short command now; for what must also work on a signal. Throws if it fails. */
export function runNow(argv: readonly string[]): string {
  const [program, ...args] = argv;
  const { success, stdout, stderr } = new Deno.Command(program, { args }).outputSync();
  if (!success) throw new Error(`${argv.join(" ")}: ${new TextDecoder().decode(stderr).trim()}`);
  return new TextDecoder().decode(stdout);
}

/** Removes what test processes left that were killed outright: processes, namespaces, folders. */
function sweepRemains(): void {
  const names = runNow(["ip", "netns", "list"]).split("\n").map((line) => line.split(" ")[0]);
  for (const name of names.filter(isOrphaned)) {
    for (
      const pid of runNow(["ip", "netns", "pids", name]).split("\n").filter((one) => one !== "")
    ) {
      Deno.kill(Number(pid), "SIGKILL");
    }
    runNow(["ip", "netns", "delete", name]);
  }
  for (const { name } of Deno.readDirSync(SCRATCH)) {
    if (isOrphaned(name)) Deno.removeSync(`${SCRATCH}/${name}`, { recursive: true });
  }
}

/** Whether a name is that of a lab whose process is no more. */
function isOrphaned(name: string): boolean {
  const owner = NAME.exec(name)?.[1];
  return owner !== undefined && !exists(`/proc/${owner}`);
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
