import assert from "node:assert/strict";
import { SeededRandom } from "../../sctp/base/random.ts";
import { BufferPool } from "../transfer_buffers.ts";
import { ByteQueue } from "./byte_queue.ts";

/** A pool that knows how many buffers are out. */
class CountingPool extends BufferPool {
  out = 0;

  constructor() {
    super(10, (length) => new Uint8Array(length));
  }

  override take(): Uint8Array {
    this.out++;
    return super.take();
  }

  override give(buffer: Uint8Array): void {
    this.out--;
    super.give(buffer);
  }
}

Deno.test("bytes come out as they went in, in whatever pieces, and no buffer is kept without need", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = new SeededRandom(seed);
    const pool = new CountingPool();
    const queue = new ByteQueue(pool);
    const expected: number[] = [];
    for (let step = 0; step < 200; step++) {
      const piece = Uint8Array.from({ length: random.uint32() % 35 }, () => random.uint32() & 0xff);
      if (random.uint32() % 2 === 0) {
        queue.append(piece, piece.length);
        expected.push(...piece);
      } else {
        const target = new Uint8Array(40);
        const count = queue.take(target, piece.length);
        assert.equal(count, Math.min(piece.length, expected.length), `seed ${seed}`);
        assert.deepEqual([...target.subarray(0, count)], expected.splice(0, count), `seed ${seed}`);
      }
      assert.equal(queue.length, expected.length);
      assert.ok(
        pool.out <= Math.ceil(expected.length / 10) + 1,
        `seed ${seed}: ${pool.out} buffers`,
      );
      if (expected.length === 0) assert.equal(pool.out, 0, `seed ${seed}`);
    }
    queue.clear();
    assert.deepEqual([queue.length, pool.out], [0, 0]);
  }
});
