/**
 * Gets a process that hangs as a whole out of the way of the applications whose SYNs it holds: what
 * queue_watchdog.ts cannot do from inside.
 *
 * The guard shares the queue's socket, and gives the queue up in our place. A queue that is closed or
 * taken away holds packets until its guard has been stopped as well, because the guard has its
 * socket, too; it ends with us at once, so that the socket is closed when we die.
 */
import { type NetfilterQueue, unbindMessage } from "./nfqueue.ts";
import { ProcessGuard } from "./process_guard.ts";

/** `dd` sends the message as one datagram. */
const GIVE_UP = `
[ $why = hang ] && printf "$2" | dd bs=4096 count=1 iflag=fullblock status=none >&"$1"
`;

/** A queue of this process, whichever thread has it. */
export type GuardedQueue = Pick<NetfilterQueue, "descriptor" | "queue">;

/**
 * Starts the guard of a queue; `undefined` where there is no bash to run it.
 * @param patience milliseconds without a beat after which the queue is given up.
 */
export function guardQueue(
  { descriptor, queue }: GuardedQueue,
  patience: number,
): ProcessGuard | undefined {
  const bytes = Array.from(unbindMessage(queue), (byte) => byte.toString(16).padStart(2, "0"));
  const message = bytes.map((byte) => `\\x${byte}`).join("");
  const args = [String(descriptor), message];
  return ProcessGuard.start({ patience, action: GIVE_UP, args, shared: descriptor });
}
