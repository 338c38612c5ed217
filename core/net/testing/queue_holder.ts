/** A process that holds what comes to a queue and never answers: `queue_holder.ts NUMBER`. */
import { EPOLLIN } from "../constants.ts";
import { NetfilterQueue } from "../nfqueue.ts";
import { waitFor } from "./held_syns.ts";

const say = (word: string) => Deno.stdout.writeSync(new TextEncoder().encode(`${word}\n`));

const queue = new NetfilterQueue({ queue: Number(Deno.args[0]) });
say("ready");
while (queue.receive() === 0) waitFor(queue.descriptor, EPOLLIN);
say("held");
for (;;) waitFor(queue.descriptor, EPOLLIN, 60_000);
