/** A thread of another process that stands still while the others go on (ptrace(2)). */
import { readIfThere } from "../../../core/net/host.ts";

const PTRACE_DETACH = 17n;
const PTRACE_SEIZE = 0x4206n;
const PTRACE_INTERRUPT = 0x4207n;

/** All calls must come from one thread: FFI calls that block do. */
const SYMBOLS = {
  ptrace: { parameters: ["i64", "i32", "usize", "usize"], result: "i64" },
} as const;

export class StoppedThread implements Disposable {
  readonly #libc = Deno.dlopen("libc.so.6", SYMBOLS);

  private constructor(readonly id: number) {
    this.#ptrace(PTRACE_SEIZE, "seize");
    this.#ptrace(PTRACE_INTERRUPT, "interrupt");
  }

  /** Stops the thread of a process whose name matches; there is one. Throws if that is not allowed. */
  static named(pid: number, pattern: RegExp): StoppedThread {
    const folder = `/proc/${pid}/task`;
    const ids = [...Deno.readDirSync(folder)].map(({ name }) => name);
    const names = new Map(ids.map((id) => [id, readIfThere(`${folder}/${id}/comm`).trim()]));
    const found = ids.filter((id) => pattern.test(names.get(id)!));
    if (found.length !== 1) throw new Error(`threads: ${[...names.values()].join(", ")}`);
    return new StoppedThread(Number(found[0]));
  }

  /** Lets it go on. */
  [Symbol.dispose](): void {
    this.#ptrace(PTRACE_DETACH, "detach");
    this.#libc.close();
  }

  #ptrace(request: bigint, what: string): void {
    if (this.#libc.symbols.ptrace(request, this.id, 0n, 0n) !== 0n) {
      throw new Error(`cannot ${what} thread ${this.id}: tracing it is not allowed`);
    }
  }
}
