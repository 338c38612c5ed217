import assert from "node:assert/strict";
import { SeededRandom } from "../sctp/base/random.ts";
import { instant } from "../sctp/base/time.ts";
import { Ecn } from "../sctp/packet.ts";
import type { Host } from "./host.ts";
import type { LinkSettings } from "./link_settings.ts";
import { GilbertElliott, lossOf } from "./loss.ts";
import { Network } from "./network.ts";
import { ScriptedPeer, type SendDetails } from "./scripted_peer.ts";

const A = "10.0.0.1";
const B = "10.0.0.2";
const IP_HEADER = 20;

/** Two scripted peers and one link between them. */
function pair(settings: LinkSettings, seed = 1) {
  const network = new Network(seed);
  const a = network.addHost("a", [A], { boot: () => new ScriptedPeer() });
  const b = network.addHost("b", [B], { boot: () => new ScriptedPeer() });
  const link = network.connect(A, B, settings, {});
  return { network, a, b, link };
}

/** Sends packets of 100 bytes in one burst; the first four bytes hold the number. */
function burst(host: Host<ScriptedPeer>, count: number, details?: SendDetails, size = 100): void {
  host.command((peer) => {
    for (let i = 0; i < count; i++) {
      const bytes = new Uint8Array(size);
      new DataView(bytes.buffer).setUint32(0, i);
      peer.send(bytes, A, B, details);
    }
  });
}

function numbers(host: Host<ScriptedPeer>): number[] {
  return host.handler.received.map(({ bytes }) => new DataView(bytes.buffer).getUint32(0));
}

const upTo = (count: number) => Array.from({ length: count }, (_, i) => i);

Deno.test("a packet takes its time on the line, then the delay of the link", () => {
  const { network, a, b } = pair({ rate: 1_000_000, delay: 30 });
  burst(a, 3);
  network.clock.advanceTo(instant(1000));
  const onLine = (100 + IP_HEADER) * 8 / 1000;
  const expected = [1, 2, 3].map((n) => n * onLine + 30);
  b.handler.received.forEach(({ at }, i) => assert.ok(Math.abs(at - expected[i]) < 1e-9));
  assert.equal(b.handler.received.length, 3);
});

Deno.test("a queue drops what finds no room and takes packets again once it has drained", () => {
  const { network, a, b, link } = pair({ rate: 1_000_000, queuePackets: 5 });
  burst(a, 8);
  assert.equal(link.forward.queued, 5);
  network.clock.advanceTo(instant(1000));
  assert.deepEqual(numbers(b), [0, 1, 2, 3, 4]);
  assert.equal(link.forward.statistics.lost.queue, 3);
  burst(a, 1);
  network.clock.advanceTo(instant(2000));
  assert.equal(b.handler.received.length, 6);
});

Deno.test("a long queue keeps count across many bursts", () => {
  const { network, a, b, link } = pair({ rate: 8_000_000, queuePackets: 1000 });
  for (let round = 0; round < 5; round++) {
    burst(a, 400);
    network.clock.advanceTo(instant(network.clock.now + 20));
  }
  network.clock.advanceTo(instant(10_000));
  assert.equal(b.handler.received.length + link.forward.statistics.lost.queue, 2000);
  assert.equal(link.forward.queued, 0);
});

Deno.test("packets that find a queue above the threshold are marked CE if they are ECN-capable", () => {
  for (const [ecn, marked] of [[Ecn.Ect0, 2], [Ecn.Ect1, 2], [Ecn.NotEct, 0]] as const) {
    const { network, a, b, link } = pair({ rate: 1_000_000, ecnThreshold: 3 });
    burst(a, 5, { ecn });
    network.clock.advanceTo(instant(1000));
    const seen = b.handler.received.map((packet) => packet.ecn);
    assert.equal(seen.filter((codepoint) => codepoint === Ecn.Ce).length, marked);
    assert.equal(link.forward.statistics.marked, marked);
  }
});

Deno.test("without jitter, loss or reordering packets arrive once and in order", () => {
  const { network, a, b } = pair({ delay: 10 });
  burst(a, 500);
  network.clock.advanceTo(instant(1000));
  assert.deepEqual(numbers(b), upTo(500));
});

Deno.test("jitter keeps the order unless it is allowed to change it", () => {
  for (const distribution of ["uniform", "normal", "exponential"] as const) {
    for (const reorders of [false, true]) {
      const { network, a, b } = pair({ delay: 50, jitter: { distribution, spread: 10, reorders } });
      burst(a, 200);
      network.clock.advanceTo(instant(10_000));
      const seen = numbers(b);
      if (reorders) assert.notDeepEqual(seen, upTo(200));
      assert.deepEqual(seen.sort((x, y) => x - y), upTo(200));
      if (!reorders) assert.deepEqual(numbers(b), upTo(200));
    }
  }
});

Deno.test("uniform jitter spreads delays evenly over its range", () => {
  const { network, a, b } = pair({
    delay: 10,
    jitter: { distribution: "uniform", spread: 8, reorders: true },
  });
  burst(a, 4000);
  network.clock.advanceTo(instant(1000));
  const times = b.handler.received.map(({ at }) => at);
  assert.ok(times[0] >= 10 && times[times.length - 1] <= 18);
  const mean = times.reduce((sum, at) => sum + at, 0) / times.length;
  assert.ok(Math.abs(mean - 14) < 0.3, `mean delay ${mean}`);
});

Deno.test("reordering lets packets fall behind, and only the share that was asked for", () => {
  const { network, a, b, link } = pair({ delay: 5, reorder: { probability: 0.2, extraDelay: 10 } });
  burst(a, 2000);
  network.clock.advanceTo(instant(1000));
  const late = link.forward.statistics.reordered;
  assert.ok(late > 320 && late < 480, `${late} of 2000 fell behind`);
  assert.equal(b.handler.received.length, 2000);
  assert.ok(
    numbers(b).slice(0, 2000 - late).every((number, i, all) => i === 0 || number > all[i - 1]),
  );
});

Deno.test("uniform loss takes the share of packets that was asked for, and the count says so", () => {
  const { network, a, b, link } = pair({ loss: 0.3 });
  burst(a, 5000);
  network.clock.advanceTo(instant(1000));
  const { sent, delivered, lost } = link.forward.statistics;
  assert.equal(sent, 5000);
  assert.equal(delivered, b.handler.received.length);
  assert.equal(delivered + lost.loss, 5000);
  assert.ok(Math.abs(lost.loss / sent - 0.3) < 0.02, `lost ${lost.loss}`);
});

Deno.test("Gilbert-Elliott loss has the mean and the burst length that its settings give", () => {
  const loss = new GilbertElliott({ toBad: 0.02, toGood: 0.2 });
  const random = new SeededRandom(1);
  const lost = Array.from({ length: 50_000 }, () => loss.loses(random));
  const total = lost.filter((one) => one).length;
  const bursts = lost.filter((one, i) => one && !lost[i - 1]).length;
  assert.ok(Math.abs(total / 50_000 - 0.02 / 0.22) < 0.01, `lost ${total}`);
  assert.ok(Math.abs(total / bursts - 5) < 0.6, `mean burst ${total / bursts}`);
});

Deno.test("Gilbert-Elliott loss on a link is a loss like any other", () => {
  const loss = new GilbertElliott({ toBad: 1, toGood: 0, lossInBad: 0.5 });
  const { network, a, b, link } = pair({ loss });
  burst(a, 1000);
  network.clock.advanceTo(instant(1));
  assert.equal(b.handler.received.length + link.forward.statistics.lost.loss, 1000);
  assert.ok(Math.abs(b.handler.received.length - 500) < 60);
});

Deno.test("a list of positions loses exactly these packets", () => {
  const { network, a, b } = pair({ loss: lossOf(1, 3) });
  burst(a, 5);
  network.clock.advanceTo(instant(1));
  assert.deepEqual(numbers(b), [0, 2, 4]);
});

Deno.test("duplication delivers second copies with the same bytes", () => {
  const { network, a, b, link } = pair({ duplicate: 1, delay: 1 });
  burst(a, 10);
  network.clock.advanceTo(instant(10));
  assert.deepEqual(numbers(b), upTo(10).flatMap((number) => [number, number]));
  assert.equal(link.forward.statistics.duplicated, 10);
});

Deno.test("corruption flips exactly one bit, and the sender's bytes stay as they are", () => {
  const { network, a, b } = pair({ corrupt: 1 });
  const original = new Uint8Array(100).fill(0x5a);
  a.command((peer) => peer.send(original, A, B));
  network.clock.advanceTo(instant(1));
  const { bytes } = b.handler.received[0];
  const wrong = bytes.map((byte) => byte ^ 0x5a).filter((byte) => byte !== 0);
  assert.equal(wrong.length, 1);
  assert.equal(wrong[0] & (wrong[0] - 1), 0);
  assert.ok(original.every((byte) => byte === 0x5a));
});

Deno.test("a packet longer than the MTU is dropped and its sender is told the MTU", () => {
  const { network, a, b, link } = pair({ mtu: 1000, delay: 4 });
  burst(a, 1, {}, 1000 - IP_HEADER);
  burst(a, 1, {}, 1004 - IP_HEADER);
  network.clock.advanceTo(instant(10));
  assert.equal(b.handler.received.length, 1);
  assert.equal(link.forward.statistics.lost.mtu, 1);
  const [error] = a.handler.icmpErrors;
  assert.deepEqual([error.kind, error.mtu, error.local.text, error.remote.text], [
    "packet-too-big",
    1000,
    A,
    B,
  ]);
  assert.equal(error.quoted.length, 1004 - IP_HEADER);
});

Deno.test("once ICMP has said so, longer packets travel in fragments, each at its own risk", () => {
  const { network, a, b, link } = pair({ mtu: 1000 });
  const send = (count: number) => {
    burst(a, count, {}, 2500);
    network.clock.advanceTo(instant(network.clock.now + 10));
  };
  send(1);
  assert.equal(b.handler.received.length, 0);
  send(2);
  assert.deepEqual(b.handler.received.map(({ bytes }) => bytes.length), [2500, 2500]);
  link.change({ loss: lossOf(1, 5) });
  send(3);
  assert.equal(b.handler.received.length, 3, "one fragment of the first and of the second is lost");
});

Deno.test("a black hole drops long packets without a word", () => {
  const { network, a } = pair({ mtu: 1000, packetTooBig: false });
  burst(a, 1, {}, 1400);
  network.clock.advanceTo(instant(10));
  assert.equal(a.handler.icmpErrors.length, 0);
});

Deno.test("a cut loses what is on its way and what follows, until it heals", () => {
  const { network, a, b, link } = pair({ delay: 10 });
  burst(a, 2);
  network.clock.at(instant(5), () => link.cut());
  network.clock.at(instant(6), () => burst(a, 3));
  network.clock.at(instant(7), () => link.heal());
  network.clock.at(instant(8), () => burst(a, 4));
  network.clock.advanceTo(instant(100));
  assert.deepEqual(numbers(b), [0, 1, 2, 3]);
  assert.equal(link.forward.statistics.lost.cut, 5);
  assert.equal(network.pool.lent, 0);
});

Deno.test("changed settings hold for the packets to come", () => {
  const { network, a, b, link } = pair({ delay: 10 });
  burst(a, 1);
  link.forward.change({ delay: 100, loss: 0 });
  burst(a, 1);
  network.clock.advanceTo(instant(1000));
  assert.deepEqual(b.handler.received.map(({ at }) => at), [10, 100]);
  assert.equal(link.backward.settings.delay, 0);
});

Deno.test("the same seed gives the same run, another seed another one", () => {
  const run = (seed: number) => {
    const { network, a, b } = pair({ loss: 0.5 }, seed);
    burst(a, 100);
    network.clock.advanceTo(instant(1));
    return numbers(b);
  };
  assert.deepEqual(run(3), run(3));
  assert.notDeepEqual(run(3), run(4));
});

Deno.test("settings out of range are refused by name", () => {
  const bad: [LinkSettings, RegExp][] = [
    [{ rate: 0 }, /rate/],
    [{ delay: -1 }, /delay/],
    [{ delay: NaN }, /delay/],
    [{ loss: 1.5 }, /loss/],
    [{ duplicate: -0.1 }, /duplicate/],
    [{ queuePackets: 0 }, /queuePackets/],
    [{ mtu: 20 }, /mtu/],
    [{ reorder: { probability: 2, extraDelay: 1 } }, /reorder.probability/],
    [{ jitter: { distribution: "normal", spread: -1 } }, /jitter.spread/],
  ];
  for (const [settings, name] of bad) {
    assert.throws(
      () => pair(settings),
      (error) => error instanceof RangeError && name.test(error.message),
    );
  }
  assert.throws(() => new GilbertElliott({ toBad: 2, toGood: 0 }), /toBad/);
});
