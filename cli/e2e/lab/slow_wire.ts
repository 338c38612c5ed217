/**
 * A wire with delay, for what firewall rules send to a netfilter queue: `slow_wire.ts QUEUE DELAY`
 * lets each packet pass after so many milliseconds. On a veth pair without it an answer comes while
 * the system call that caused it has its socket locked, which no real wire does.
 */
import { EPOLLIN } from "../../../core/net/constants.ts";
import { Epoll } from "../../../core/net/epoll.ts";
import { NetfilterQueue, Verdict } from "../../../core/net/nfqueue.ts";

const [number, delay] = Deno.args.map(Number);
const queue = new NetfilterQueue({ queue: number });
const epoll = new Epoll();
epoll.add(queue.descriptor, EPOLLIN);
console.log("ready");
for (;;) {
  for (let count = queue.receive(); count > 0; count = queue.receive()) {
    for (let i = 0; i < count; i++) {
      const { id } = queue.packet(i);
      setTimeout(() => queue.verdict(id, Verdict.Accept), delay);
    }
  }
  await epoll.waitAsync(Infinity);
}
