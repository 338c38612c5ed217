/**
 * A process that holds what comes to a queue and never answers: `queue_holder.ts NUMBER`, with a
 * guard of so many milliseconds' patience if one is given: `queue_holder.ts NUMBER PATIENCE`.
 */
import { EPOLLIN } from "../constants.ts";
import { NetfilterQueue } from "../nfqueue.ts";
import { guardQueue } from "../queue_guard.ts";
import { waitFor } from "./held_syns.ts";

const say = (word: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${word}\n`));

const [number, patience] = Deno.args.map(Number);
const queue = new NetfilterQueue({ queue: number });
const guard = patience === undefined ? undefined : guardQueue(queue, patience);
say("ready");
const beats = setInterval(() => guard?.beat(), 50);
while (queue.receive() === 0) {
  waitFor(queue.descriptor, EPOLLIN, 50);
  await new Promise((resolve) => setTimeout(resolve, 0));
}
say("held");
await (guard?.ended() ?? new Promise(() => {}));
clearInterval(beats);
say("unguarded");
