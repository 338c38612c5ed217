import assert from "node:assert/strict";
import { SeededRandom } from "../sctp/base/random.ts";
import { instant } from "../sctp/base/time.ts";
import { DepartureQueue } from "./departure_queue.ts";

Deno.test("the queue agrees with a list of all departures, while it grows and wraps", () => {
  const random = new SeededRandom(11);
  const queue = new DepartureQueue(8_000_000);
  const departures: number[] = [];
  let now = 0;
  for (let round = 0; round < 3000; round++) {
    now += (random.uint32() % 2000) / 1000;
    const packets = random.uint32() % (round < 1500 ? 4 : 2);
    for (let i = 0; i < packets; i++) {
      const bytes = 40 + random.uint32() % 1400;
      const start = Math.max(now, departures.at(-1) ?? 0);
      departures.push(start + bytes / 1000);
      assert.equal(queue.add(instant(now), bytes), departures.at(-1));
    }
    const waiting = departures.filter((departure) => departure > now).length;
    assert.equal(queue.lengthAt(instant(now)), waiting, `round ${round}`);
  }
});

Deno.test("without a limit of rate nothing waits", () => {
  const queue = new DepartureQueue(Infinity);
  for (let i = 0; i < 200; i++) assert.equal(queue.add(instant(5), 1500), 5);
  assert.equal(queue.lengthAt(instant(5)), 0);
});
