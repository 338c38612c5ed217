/**
 * Child processes that do not outlive this one: each has a pipe as its standard input and ends when
 * that ends, which it does however this process ends.
 */

/** Lines kept for {@link Child.latest}. */
const KEPT_LINES = 200;

interface Waiter {
  readonly pattern: RegExp;
  readonly found: (line: string) => void;
}

export class Child {
  readonly #process: Deno.ChildProcess;
  readonly #title: string;
  readonly #lines: string[] = [];
  readonly #waiters = new Set<Waiter>();
  readonly #ended: Promise<void>;

  /**
   * Starts the command. It has to end when its standard input does.
   * @param signal ends it by SIGTERM.
   */
  constructor(argv: readonly string[], signal?: AbortSignal) {
    const [program, ...args] = argv;
    this.#title = argv.join(" ");
    this.#process = new Deno.Command(program, {
      args,
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
      // A terminal's Ctrl-C is this process's business: it ends its children in order.
      detached: true,
      signal,
    }).spawn();
    const { stdout, stderr, status } = this.#process;
    this.#ended = Promise.all([this.#collect(stdout), this.#collect(stderr), status]).then(
      () => {},
    );
  }

  get pid(): number {
    return this.#process.pid;
  }

  /**
   * The first line that matches, there already or to come.
   * @throws Error with what the process said if it ends without one.
   */
  line(pattern: RegExp): Promise<string> {
    const known = this.#lines.find((line) => pattern.test(line));
    return known === undefined ? this.nextLine(pattern) : Promise.resolve(known);
  }

  /** As {@link line}, of the lines to come. */
  async nextLine(pattern: RegExp): Promise<string> {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.#waiters.add({ pattern, found: resolve });
    const line = await Promise.race([promise, this.#ended]);
    if (line === undefined) throw new Error([`${this.#title} ended:`, ...this.#lines].join("\n  "));
    return line;
  }

  /** Resolves when the process is gone and everything that it said has been read. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** The last line that matches, of those that have come lately. */
  latest(pattern: RegExp): string | undefined {
    return this.#lines.findLast((line) => pattern.test(line));
  }

  /** Writes to the process's standard input. */
  async write(text: string): Promise<void> {
    const writer = this.#process.stdin.getWriter();
    await writer.write(new TextEncoder().encode(text));
    writer.releaseLock();
  }

  /** Ends the process and waits until it is gone. */
  async end(): Promise<void> {
    // It may have gone by itself, and its end of the pipe with it.
    await this.#process.stdin.close().catch(() => {});
    await this.#ended;
  }

  async #collect(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const part of stream) {
      const lines = (rest + decoder.decode(part, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) this.#take(line);
    }
  }

  #take(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.shift();
    for (const waiter of this.#waiters) {
      if (!waiter.pattern.test(line)) continue;
      this.#waiters.delete(waiter);
      waiter.found(line);
    }
  }
}

/** Children of one purpose; disposing of it ends them, the latest first. */
export class Children implements AsyncDisposable {
  readonly #all: Child[] = [];

  start(argv: readonly string[]): Child {
    const child = new Child(argv);
    this.#all.push(child);
    return child;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (let child = this.#all.pop(); child; child = this.#all.pop()) await child.end();
  }
}
