/** Child processes of a test: their output as lines that can be awaited, and an end that can be forced. */

/** What a process is started with. */
export interface SpawnOptions {
  /** File that is the process's standard input; without it the input is empty, or `stdin: "piped"`. */
  readonly input?: string;
  /** File that takes standard output; without it the lines are kept and can be awaited. */
  readonly output?: string;
  /** "piped" to write to the process with {@link LabProcess.write}. */
  readonly stdin?: "piped";
  /** Throws away what the process prints: for programs that log every packet. */
  readonly quiet?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
}

/** How a process ended. */
export interface Finished {
  readonly code: number;
  /** Kept lines of standard output and error, in order of arrival. */
  readonly lines: readonly string[];
}

/** A test that waits longer than this, in milliseconds, waits for something that never comes. */
const PATIENCE = 60_000;
/** Lines kept of a talkative process; older ones are forgotten. */
const KEPT_LINES = 4_000;

interface Waiter {
  readonly pattern: RegExp;
  readonly found: (line: string) => void;
}

/** Runs `argv` with its standard files redirected; the process keeps its identifier through exec. */
function redirected(argv: readonly string[], options: SpawnOptions): readonly string[] {
  const redirections = [
    options.input === undefined ? "" : `<${quote(options.input)}`,
    options.output === undefined ? "" : `>${quote(options.output)}`,
    options.quiet ? ">/dev/null 2>&1" : "",
  ].join(" ").trim();
  return redirections === "" ? argv : ["sh", "-c", `exec "$@" ${redirections}`, "sh", ...argv];
}

/** `text` as one word of a shell command. */
export function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A running child process that leads a process group of its own. */
export class LabProcess {
  readonly pid: number;
  readonly status: Promise<Deno.CommandStatus>;
  readonly lines: string[] = [];
  readonly #title: string;
  readonly #child: Deno.ChildProcess;
  readonly #output: Promise<unknown>;
  readonly #waiters = new Set<Waiter>();
  #running = true;

  constructor(argv: readonly string[], options: SpawnOptions = {}) {
    this.#title = argv.join(" ");
    const [program, ...args] = redirected(argv, options);
    this.#child = new Deno.Command(program, {
      args,
      env: { ...options.environment, NO_COLOR: "1" },
      stdin: options.stdin ?? "null",
      stdout: options.output === undefined ? "piped" : "null",
      stderr: "piped",
      detached: true,
    }).spawn();
    this.pid = this.#child.pid;
    const streams = [this.#collect(this.#child.stderr)];
    if (options.output === undefined) streams.push(this.#collect(this.#child.stdout));
    this.#output = Promise.all(streams);
    this.status = this.#child.status.then((status) => {
      this.#running = false;
      return status;
    });
  }

  get running(): boolean {
    return this.#running;
  }

  /** Sends a signal to the process alone. */
  signal(signal: Deno.Signal): void {
    if (this.#running) this.#child.kill(signal);
  }

  /** Ends the process and all it started, at once. Does not wait. */
  killGroup(): void {
    try {
      Deno.kill(-this.pid, "SIGKILL");
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound) && !(error instanceof TypeError)) throw error;
    }
  }

  /** As {@link killGroup}, and waits until the process is gone. */
  async kill(): Promise<void> {
    this.killGroup();
    await this.status;
    await this.#output;
  }

  async write(text: string): Promise<void> {
    const writer = this.#child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(text));
    writer.releaseLock();
  }

  async closeInput(): Promise<void> {
    await this.#child.stdin.close();
  }

  /** The first line, already there or to come, that matches `pattern`. */
  async line(pattern: RegExp, patience = PATIENCE): Promise<string> {
    const present = this.lines.find((line) => pattern.test(line));
    if (present !== undefined) return present;
    const found = Promise.withResolvers<string>();
    const waiter = { pattern, found: found.resolve };
    this.#waiters.add(waiter);
    const ended = this.status.then(() => this.#output).then(() => undefined);
    const line = await within(patience, Promise.race([found.promise, ended]));
    this.#waiters.delete(waiter);
    if (line === undefined) throw this.#complaint(`no line like ${pattern}`);
    return line;
  }

  /** Waits for the end of the process; throws (and ends it) if that takes longer than `patience`, in milliseconds. */
  async finished(patience = PATIENCE): Promise<Finished> {
    const status = await within(patience, this.status);
    if (status === undefined) {
      await this.kill();
      throw this.#complaint(`still running after ${patience} ms`);
    }
    await this.#output;
    return { code: status.code, lines: this.lines };
  }

  /** As {@link finished}, and throws unless the exit status is 0. */
  async succeeded(patience = PATIENCE): Promise<Finished> {
    const finished = await this.finished(patience);
    if (finished.code !== 0) throw this.#complaint(`exit status ${finished.code}`);
    return finished;
  }

  #complaint(what: string): Error {
    return new Error([`${this.#title}: ${what}`, ...this.lines.slice(-40)].join("\n  "));
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const part of stream) {
      const lines = (rest + decoder.decode(part, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#keep(line);
    }
    if (rest !== "") this.#keep(rest);
  }

  #keep(line: string): void {
    this.lines.push(line);
    if (this.lines.length > KEPT_LINES) this.lines.splice(0, KEPT_LINES / 2);
    for (const waiter of this.#waiters) if (waiter.pattern.test(line)) waiter.found(line);
  }
}

/** `promise`, or `undefined` after `patience` milliseconds. */
export async function within<T>(patience: number, promise: Promise<T>): Promise<T | undefined> {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), patience);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves after `milliseconds`. */
export function delay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Asks every 50 ms until `condition` holds; throws after `patience` milliseconds. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  patience = PATIENCE,
): Promise<void> {
  const limit = Date.now() + patience;
  while (!await condition()) {
    if (Date.now() > limit) throw new Error(`${what}: not within ${patience} ms`);
    await delay(50);
  }
}

/** Runs a short command to its end and gives its standard output; throws with its standard error if it fails. */
export async function run(argv: readonly string[], input?: string): Promise<string> {
  const [program, ...args] = argv;
  const child = new Deno.Command(program, {
    args,
    stdin: input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  if (input !== undefined) {
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
  }
  const { success, stdout, stderr } = await child.output();
  if (!success) throw new Error(`${argv.join(" ")}: ${new TextDecoder().decode(stderr).trim()}`);
  return new TextDecoder().decode(stdout);
}
