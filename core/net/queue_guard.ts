/**
 * Gets a process that hangs as a whole (stopped, or stuck with all its threads) out of the way of
 * the applications whose SYNs it holds: what queue_watchdog.ts cannot do from inside.
 *
 * A shell shares the queue's socket, reads a beat from us now and then, and gives the queue up in
 * our place if none comes. It ends with us at once, so that the socket is closed when we die.
 */
import { F_SETFD, FD_CLOEXEC } from "./constants.ts";
import { findProgram } from "./host.ts";
import { libc } from "./libc.ts";
import { type NetfilterQueue, unbindMessage } from "./nfqueue.ts";

/**
 * Arguments: descriptor, seconds of patience, message. `read` fails with more than 128 when its time
 * is up, and with less at the end of its input. `dd` sends the message as one datagram.
 */
const SCRIPT = `
trap '' HUP INT TERM
status=0
while [ $status -eq 0 ]; do IFS= read -r -t "$2" _; status=$?; done
[ $status -gt 128 ] || exit 0
printf "$3" | dd bs=4096 count=1 iflag=fullblock status=none >&"$1"
`;

/** A queue of this process, whichever thread has it. */
export type GuardedQueue = Pick<NetfilterQueue, "descriptor" | "queue">;

export class QueueGuard {
  readonly #child: Deno.ChildProcess;
  readonly #beats: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;

  /**
   * Starts the guard of a queue; `undefined` where there is no bash to run it.
   * @param patience milliseconds without a {@link beat} after which the queue is given up.
   */
  static start(queue: GuardedQueue, patience: number): QueueGuard | undefined {
    const bash = findProgram("bash");
    return bash === undefined ? undefined : new QueueGuard(bash, queue, patience);
  }

  private constructor(bash: string, { descriptor, queue }: GuardedQueue, patience: number) {
    const message = Array.from(
      unbindMessage(queue),
      (byte) => `\\x${byte.toString(16).padStart(2, "0")}`,
    ).join("");
    const args = [
      "-c",
      SCRIPT,
      "queue-guard",
      String(descriptor),
      String(patience / 1000),
      message,
    ];
    libc().fcntl(descriptor, F_SETFD, 0);
    try {
      // In a session of its own: what a terminal sends to us does not reach it.
      this.#child = new Deno.Command(bash, { args, stdin: "piped", stdout: "null", detached: true })
        .spawn();
    } finally {
      libc().fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    }
    this.#beats = this.#child.stdin.getWriter();
  }

  /** Resolves when the guard has ended: it gave the queue up, was stopped, or was killed. */
  async ended(): Promise<void> {
    await this.#child.status;
  }

  /** To be called several times per patience. */
  beat(): void {
    // A guard that is gone is told by `ended`.
    this.#beats.write(BEAT).catch(() => {});
  }

  /**
   * Ends the guard, without giving up the queue. A queue that is closed or taken away holds packets
   * until its guard has been stopped as well, because the guard has its socket, too.
   */
  async stop(): Promise<void> {
    await this.#beats.close().catch(() => {});
    await this.ended();
  }
}

const BEAT = Uint8Array.of(0x0a);
