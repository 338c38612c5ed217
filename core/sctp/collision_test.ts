/**
 * Both sides ask at the same time, or one restarts, or both end at once: whatever the network makes of
 * the order of the packets, there is one association in the end (RFC 9260, sections 5.2 and 9.2).
 */
import assert from "node:assert/strict";
import { SeededRandom, uniform } from "./base/random.ts";
import type { Association } from "./association.ts";
import { contentOf } from "./testing/reference_model.ts";
import { PLAIN } from "./testing/puppet.ts";
import { address, type TestEndpoint } from "./testing/test_endpoint.ts";
import { type SideName, WirePair } from "./testing/wire_pair.ts";

const PORT = 7000;
const PATIENCE = { maxInitRetransmits: 100, associationMaxRetrans: 100 };

/** A pair whose wire loses, doubles and reorders by a seed, with listeners on both sides. */
function pairOf(seed: number, loss: number, links = 1): WirePair {
  const random = new SeededRandom(seed);
  const addresses = (host: number) => Array.from({ length: links }, (_, i) => `10.0.${i}.${host}`);
  const pair = new WirePair({
    a: { seed: 2 * seed, addresses: addresses(1), parameters: PATIENCE },
    b: { seed: 2 * seed + 1, addresses: addresses(2), parameters: PATIENCE },
    script: () => {
      if (uniform(random) < loss) return [];
      const delay = () => 1 + uniform(random) * 400;
      return uniform(random) < 0.2 ? [delay(), delay()] : [delay()];
    },
  });
  for (const side of ["a", "b"] as const) pair[side].do((endpoint) => endpoint.listen(PORT));
  return pair;
}

function ask(pair: WirePair, side: SideName): Association {
  const remote = side === "a" ? "10.0.0.2" : "10.0.0.1";
  const association = pair[side].do((endpoint, now) =>
    endpoint.associate(now, {
      localPort: PORT,
      remotePort: PORT,
      remoteAddresses: [address(remote)],
    })
  );
  pair.collect();
  return association;
}

function isUp({ a, b }: WirePair): boolean {
  const [one, ...others] = a.associations;
  const [two, ...more] = b.associations;
  if (!one || !two || others.length + more.length > 0) return false;
  return one.state === "ESTABLISHED" && two.state === "ESTABLISHED" &&
    one.localTag === two.peerTag && two.localTag === one.peerTag;
}

/** Sends a message of each side to the other; throws unless both arrive whole. */
function exchange(pair: WirePair): void {
  const bytes = contentOf(5, 3000);
  for (const side of [pair.a, pair.b]) {
    side.do((_, now) => assert.ok(side.associations[0].send(now, bytes, PLAIN)));
  }
  pair.collect();
  for (const side of [pair.a, pair.b]) {
    const [association] = side.associations;
    pair.runUntil(() => association.readableBytes >= 3000, 600_000, "a message");
    assert.deepEqual(readFrom(side, association), bytes);
  }
}

function readFrom(side: TestEndpoint, association: Association): Uint8Array {
  const target = new Uint8Array(10_000);
  const info = { stream: 0, ssn: 0, ppid: 0, unordered: false, endOfMessage: false };
  const length = side.do((_, now) => association.read(now, target, info));
  return target.slice(0, length);
}

Deno.test("two sides that ask each other at once get one association (RFC 9260, section 5.2.1 and table 12)", () => {
  for (let seed = 1; seed <= 150; seed++) {
    try {
      const pair = pairOf(seed, seed % 3 === 0 ? 0.3 : 0, 1 + seed % 2);
      ask(pair, "a");
      pair.run(seed % 7 * 60);
      if (pair.b.associations.length === 0) ask(pair, "b");
      pair.runUntil(() => isUp(pair), 600_000, "one association on both sides");
      exchange(pair);
      for (const side of [pair.a, pair.b]) {
        const ups = side.eventKinds.filter((kind) => kind === "communication-up");
        assert.equal(ups.length, 1);
        assert.ok(!side.eventKinds.includes("restart"));
      }
    } catch (cause) {
      throw new Error(`seed ${seed}: ${cause}`, { cause });
    }
  }
});

Deno.test("a message that was queued before the collision arrives once", () => {
  for (let seed = 1; seed <= 100; seed++) {
    try {
      const pair = pairOf(seed, seed % 4 === 0 ? 0.3 : 0);
      for (const side of ["a", "b"] as const) {
        const association = ask(pair, side);
        pair[side].do((_, now) => association.send(now, contentOf(seed, 2000), PLAIN));
      }
      pair.collect();
      pair.runUntil(() => isUp(pair), 600_000, "one association on both sides");
      for (const side of [pair.a, pair.b]) {
        const [association] = side.associations;
        pair.runUntil(() => association.readableBytes >= 2000, 600_000, "the message");
        assert.deepEqual(readFrom(side, association), contentOf(seed, 2000));
      }
      pair.run(30_000);
      for (const side of [pair.a, pair.b]) assert.equal(side.associations[0].readableBytes, 0);
    } catch (cause) {
      throw new Error(`seed ${seed}: ${cause}`, { cause });
    }
  }
});

Deno.test("both sides end at once: both ends are graceful (section 9.2)", () => {
  for (let seed = 1; seed <= 100; seed++) {
    try {
      const pair = pairOf(seed, seed % 3 === 0 ? 0.2 : 0);
      ask(pair, "a");
      pair.runUntil(() => isUp(pair), 600_000, "the association");
      const sides = [pair.a, pair.b];
      for (const side of sides) {
        side.do((_, now) => {
          if (seed % 2 === 0) side.associations[0].send(now, contentOf(seed, 500), PLAIN);
          side.associations[0].shutdown(now);
        });
      }
      pair.collect();
      pair.runUntil(
        () => sides.every((side) => side.associations.length === 0),
        600_000,
        "the end",
      );
      for (const side of sides) {
        assert.equal(side.eventKinds.at(-1), "shutdown-complete");
        assert.equal(side.events.filter(({ kind }) => kind === "shutdown-complete").length, 1);
      }
    } catch (cause) {
      throw new Error(`seed ${seed}: ${cause}`, { cause });
    }
  }
});

Deno.test("a side that crashes and asks again gets an association; the other is told of the restart", () => {
  for (let seed = 1; seed <= 100; seed++) {
    try {
      const pair = pairOf(seed, seed % 3 === 0 ? 0.2 : 0);
      ask(pair, "a");
      pair.runUntil(() => isUp(pair), 600_000, "the association");
      for (const side of [pair.a, pair.b]) {
        side.do((_, now) => side.associations[0].send(now, contentOf(seed, 5000), PLAIN));
      }
      pair.collect();
      pair.run(seed % 5 * 100);
      pair.crash("a");
      ask(pair, "a");
      pair.runUntil(() => isUp(pair), 600_000, "the association again");
      assert.ok(
        pair.b.eventKinds.includes("restart") || pair.b.eventKinds.includes("communication-lost"),
      );
      for (const association of pair.b.associations) association.discardReceived();
      exchange(pair);
    } catch (cause) {
      throw new Error(`seed ${seed}: ${cause}`, { cause });
    }
  }
});
