/** What an emulated wire does to real packets, against theory. */
import assert from "node:assert/strict";
import { needs } from "../net/testing/requirements.ts";
import { instant } from "../sctp/base/time.ts";
import { VirtualClock } from "../sim/clock.ts";
import { Link } from "../sim/link.ts";
import { luckOf, settingsOf } from "../sim/link_plan.ts";
import { parseLink } from "../sim/link_spec.ts";
import { PacketPool } from "../sim/packet_pool.ts";
import { Probe } from "./testing/probe.ts";

const NEEDS = ["linux", "root", "netns", "tun", "ffi"] as const;
/** Milliseconds by which a busy host may be late; the emulator itself is never early. */
const SLACK = 40;
const LONG = 1500;

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

Deno.test(needs(NEEDS, "no packet is early, and the usual one comes after the delay", async () => {
  await using probe = await Probe.start("delay=60ms");
  const delays = (await probe.send(60, { pause: 5 })).map(({ delay }) => delay);
  assert.equal(delays.length, 60);
  assert.ok(Math.min(...delays) >= 60, `${Math.min(...delays)} ms`);
  assert.ok(median(delays) < 60 + SLACK, `${median(delays)} ms`);
}));

Deno.test(needs(NEEDS, "each direction has a delay of its own", async () => {
  await using probe = await Probe.start("a.delay=10ms,b.delay=90ms");
  const there = (await probe.send(30, { pause: 5 })).map(({ delay }) => delay);
  const back = (await probe.send(30, { pause: 5, from: 1 })).map(({ delay }) => delay);
  assert.ok(median(there) >= 10 && median(there) < 10 + SLACK, `${median(there)} ms`);
  assert.ok(median(back) >= 90 && median(back) < 90 + SLACK, `${median(back)} ms`);
}));

Deno.test(
  needs(NEEDS, "packets leave at the rate: each as long after the last as it takes", async () => {
    // 1,500 bytes at 1.2 Mbit/s: 10 ms each.
    await using probe = await Probe.start("rate=1.2mbit,queue=100");
    const arrivals = await probe.send(60, { length: LONG });
    const at = arrivals.map(({ sentAt, delay }) => sentAt + delay);
    const took = at[59] - at[0];
    assert.equal(arrivals.length, 60);
    assert.ok(took >= 590 - SLACK && took < 590 + SLACK, `${took} ms for 59 packets`);
  }),
);

Deno.test(needs(NEEDS, "a full queue drops what comes, and nothing else", async () => {
  await using probe = await Probe.start("rate=1.2mbit,queue=20");
  const start = performance.now();
  const arrivals = await probe.send(80, { length: LONG, quiet: 500 });
  const sending = Math.max(...arrivals.map(({ sentAt }) => sentAt)) - start;
  const [{ forward }] = await probe.netem.report();
  // What left while the rest was still being sent made room.
  const most = 20 + Math.ceil((sending + SLACK) / 10);
  assert.ok(
    arrivals.length >= 20 && arrivals.length <= most,
    `${arrivals.length} of 20 to ${most}`,
  );
  assert.equal(forward.lost.queue, 80 - arrivals.length);
  assert.deepEqual(
    arrivals.slice(0, 20).map(({ number }) => number),
    Array.from({ length: 20 }, (_, i) => i),
    "the first ones have found room",
  );
}));

Deno.test(
  needs(
    NEEDS,
    "packets are lost with the probability of the link, in one direction or both",
    async () => {
      await using probe = await Probe.start("a.loss=10%");
      const count = 4000;
      const there = (await probe.send(count)).length;
      const back = (await probe.send(500, { from: 1 })).length;
      // Five standard deviations of the binomial distribution.
      const spread = 5 * Math.sqrt(count * 0.1 * 0.9);
      assert.ok(Math.abs(there - 0.9 * count) < spread, `${there} of ${count}`);
      assert.equal(back, 500);
      const [{ forward }] = await probe.netem.report();
      assert.equal(forward.sent - forward.delivered, forward.lost.loss);
    },
  ),
);

/** The numbers, from 0, of the packets that the simulator's link loses, the others being delivered. */
function lostInSimulation(text: string, seed: number, count: number): number[] {
  const plan = parseLink(text);
  assert.ok(!("fault" in plan));
  const lost: number[] = [];
  const pool = new PacketPool();
  const clock = new VirtualClock();
  const sink = { handlePacket: () => {}, handleTooBig: () => {} };
  const link = new Link("sim", clock, pool, luckOf(seed, 0), sink, settingsOf(plan.forward));
  for (let number = 0; number < count; number++) {
    const before = link.statistics.lost.loss;
    link.transmit(instant(number), pool.take(new Uint8Array(72), 0, 72));
    if (link.statistics.lost.loss > before) lost.push(number);
    clock.advanceTo(instant(number));
  }
  return lost;
}

Deno.test(
  needs(
    NEEDS,
    "the same plan and seed lose the same packets here and in the simulator",
    async () => {
      const link = "loss=burst:5%:30%";
      await using probe = await Probe.start(link, 7);
      const arrived = new Set((await probe.send(1000)).map(({ number }) => number));
      const lost = Array.from({ length: 1000 }, (_, i) => i).filter((i) => !arrived.has(i));
      assert.ok(lost.length > 50);
      assert.deepEqual(lost, lostInSimulation(link, 7, 1000));
    },
  ),
);

Deno.test(
  needs(NEEDS, "a cut takes what is on its way and what comes, and ends with it", async () => {
    await using probe = await Probe.start("delay=50ms");
    const { netem } = probe;
    const sending = probe.send(10, { pause: 1, quiet: 200 });
    netem.cut(0, "forward");
    assert.ok((await sending).length < 10);
    assert.equal((await probe.send(10, { quiet: 200 })).length, 0);
    assert.equal((await probe.send(10, { from: 1 })).length, 10, "the other direction is whole");
    netem.heal(0, "forward");
    assert.equal((await probe.send(10)).length, 10);
  }),
);

Deno.test(needs(NEEDS, "settings change while packets flow", async () => {
  await using probe = await Probe.start("delay=10ms");
  assert.ok(median((await probe.send(10)).map(({ delay }) => delay)) < 10 + SLACK);
  probe.netem.change(0, { delay: 100 });
  assert.ok(median((await probe.send(10)).map(({ delay }) => delay)) >= 100);
}));
