/**
 * A shell that does what is left to do when this process hangs as a whole (stopped, or stuck with all
 * its threads) or dies: what no thread of its own can.
 *
 * It reads a beat from us now and then. Signals that a terminal or a service manager sends to us do
 * not end it; the end of its input does.
 */
import { F_SETFD, FD_CLOEXEC } from "./constants.ts";
import { findProgram } from "./host.ts";
import { libc } from "./libc.ts";

/** What a guard does. */
export interface GuardOptions {
  /** Milliseconds without a beat after which this process counts as hung. */
  readonly patience: number;
  /** For bash; `$why` is `hang` or `death`. */
  readonly action: string;
  /** `$1` and what follows, in the action. */
  readonly args: readonly string[];
  /** A descriptor that the guard has as well, under the same number. */
  readonly shared?: number;
}

/** `read` fails with more than 128 when its time is up, and with less at the end of its input. */
const WATCH = `
trap '' HUP INT TERM
status=0
while [ $status -eq 0 ]; do
  IFS= read -r -t "$1" word; status=$?
  [ "$word" = stop ] && exit
done
[ $status -gt 128 ] && why=hang || why=death
shift
`;

export class ProcessGuard {
  readonly #child: Deno.ChildProcess;
  readonly #beats: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;

  /** Starts a guard; `undefined` where there is no bash to run it. */
  static start(options: GuardOptions): ProcessGuard | undefined {
    const bash = findProgram("bash");
    return bash === undefined ? undefined : new ProcessGuard(bash, options);
  }

  private constructor(bash: string, { patience, action, args, shared }: GuardOptions) {
    const words = ["-c", WATCH + action, "shimkit-guard", String(patience / 1000), ...args];
    if (shared !== undefined) libc().fcntl(shared, F_SETFD, 0);
    try {
      // In a session of its own: what a terminal sends to us does not reach it.
      this.#child = new Deno.Command(bash, {
        args: words,
        stdin: "piped",
        stdout: "null",
        detached: true,
      }).spawn();
    } finally {
      if (shared !== undefined) libc().fcntl(shared, F_SETFD, FD_CLOEXEC);
    }
    this.#beats = this.#child.stdin.getWriter();
  }

  /** Resolves when the guard has ended: it did its work, was stopped, or was killed. */
  async ended(): Promise<void> {
    await this.#child.status;
  }

  /** To be called several times per patience. */
  beat(): void {
    // A guard that is gone is told by `ended`.
    this.#beats.write(BEAT).catch(() => {});
  }

  /** Ends the guard, which does nothing then. */
  async stop(): Promise<void> {
    await this.#beats.write(STOP).then(() => this.#beats.close()).catch(() => {});
    await this.ended();
  }
}

const BEAT = new TextEncoder().encode("\n");
const STOP = new TextEncoder().encode("stop\n");
