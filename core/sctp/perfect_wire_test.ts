/** On a wire that loses nothing and keeps the order nothing is sent twice, and nobody waits for a timer. */
import assert from "node:assert/strict";
import fc from "fast-check";
import type { Association } from "./association.ts";
import type { TestEndpoint } from "./testing/test_endpoint.ts";
import { PLAIN } from "./testing/puppet.ts";
import { WirePair } from "./testing/wire_pair.ts";

const INFO = { stream: 0, ssn: 0, ppid: 0, unordered: false, endOfMessage: false };

/** Reads everything; returns how much. */
function readAll(side: TestEndpoint, association: Association | undefined): number {
  const target = new Uint8Array(100_000);
  let sum = 0;
  for (let length = 1; length > 0; sum += length) {
    length = association ? side.do((_, now) => association.read(now, target, INFO)) : 0;
  }
  return sum;
}

const plan = fc.record({
  delay: fc.constantFrom(1, 30, 300),
  sizes: fc.array(fc.integer({ min: 1, max: 60_000 }), { minLength: 1, maxLength: 30 }),
  pause: fc.constantFrom(0, 0, 5, 400),
  parameters: fc.record({
    noDelay: fc.nat(1),
    sackFrequency: fc.constantFrom(1, 2, 3),
    maxBurst: fc.constantFrom(1, 4, 1000),
    // A window that closes and opens at once may have a chunk sent twice: see retryOpenedWindow.
    receiveBuffer: fc.constant(4 << 20),
    pathMtu: fc.constantFrom(576, 1500, 9000),
    potentiallyFailedMaxRetrans: fc.nat(2),
  }),
  links: fc.constantFrom(1, 2),
});

Deno.test("a perfect wire: each chunk is sent once, nothing times out, no path fails", () => {
  fc.assert(
    fc.property(plan, ({ delay, sizes, pause, parameters, links }) => {
      const addresses = (host: number) =>
        Array.from({ length: links }, (_, i) => `10.0.${i}.${host}`);
      const pair = new WirePair({
        a: { addresses: addresses(1), parameters },
        b: { addresses: addresses(2), parameters },
        script: () => [delay],
      });
      const client = pair.associate(addresses(2));
      let received = 0;
      pair.afterStep = () => received += readAll(pair.b, pair.b.associations[0]);
      for (const size of sizes) {
        pair.a.do((_, now) => assert.ok(client.send(now, new Uint8Array(size), PLAIN)));
        pair.collect();
        pair.run(pause);
      }
      const total = sizes.reduce((sum, size) => sum + size, 0);
      pair.runUntil(() => received === total && client.bufferedBytes === 0, 600_000, "delivery");
      assert.equal(client.metrics.dataChunksRetransmitted, 0);
      assert.equal(client.metrics.timeouts, 0);
      assert.equal(client.metrics.fastRecoveries, 0);
      assert.equal(pair.b.associations[0].metrics.duplicatesReceived, 0);
      for (const path of client.paths) {
        assert.equal(path.metrics.chunksRetransmitted, 0);
        assert.equal(path.errorCount, 0);
        assert.notEqual(path.status, "inactive");
      }
    }),
    { numRuns: 200, seed: 7 },
  );
});
