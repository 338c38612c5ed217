import assert from "node:assert/strict";
import { SlabPool } from "../base/slab_pool.ts";
import { tsn } from "../base/serial.ts";
import { instant } from "../base/time.ts";
import { type Parameters, withParameters } from "../parameters.ts";
import { data, type DataTemplate } from "../testing/chunks.ts";
import { TimerTable } from "../timer/timer_table.ts";
import { sackCumulativeTsn, sackWindow } from "../wire/sack.ts";
import type { ReceiveInfo } from "./reassembly.ts";
import { DataVerdict, Reception } from "./reception.ts";

class Bench {
  readonly pool = new SlabPool();
  readonly rx: Reception;
  readonly info: ReceiveInfo = {
    stream: -1,
    ssn: -1,
    ppid: -1,
    unordered: false,
    endOfMessage: false,
  };

  constructor(changes: Partial<Parameters> = {}, inboundStreams = 10) {
    const parameters = withParameters(changes);
    this.rx = new Reception(
      parameters,
      new TimerTable(5),
      this.pool,
      tsn(1),
      inboundStreams,
      1,
    );
  }

  /** A packet with one DATA chunk. */
  data(sequence: number, template: DataTemplate = {}): DataVerdict {
    const verdict = this.rx.handleData(data(sequence, template), 0);
    this.rx.endOfPacket(instant(0));
    return verdict;
  }

  /** Sends the SACK that is due; returns the window that it announces. */
  sack(): { cumulative: number; window: number } {
    assert.ok(this.rx.acks.isDue, "a SACK is due");
    const chunk = new Uint8Array(this.rx.sackLength(1400));
    this.rx.writeSack(chunk, 0, chunk.length);
    return { cumulative: sackCumulativeTsn(chunk, 0), window: sackWindow(chunk, 0) };
  }

  read(room = 1 << 20): number {
    return this.rx.read(new Uint8Array(room), this.info);
  }
}

Deno.test("a_rwnd shrinks by what is held and grows by what is read (RFC 9260, section 6.2, A to C)", () => {
  const bench = new Bench({ receiveBuffer: 100_000 });
  bench.data(1, { payload: 1000 });
  assert.equal(bench.sack().window, 99_000);
  bench.read(600);
  bench.rx.acks.demand();
  assert.equal(bench.sack().window, 99_000, "half a chunk frees nothing");
  bench.read();
  bench.rx.acks.demand();
  assert.equal(bench.sack().window, 100_000);
});

Deno.test("a window below 1500 bytes is announced as none (section 6.2; RFC 1122, 4.2.3.3)", () => {
  const bench = new Bench({ receiveBuffer: 4096 });
  bench.data(1, { payload: 1300 });
  assert.equal(bench.sack().window, 2796);
  bench.data(2, { ssn: 1, payload: 1300 });
  bench.rx.acks.demand();
  assert.equal(bench.sack().window, 0);
});

Deno.test("reading asks for a window update when it opened a quarter of the buffer (section 6.2)", () => {
  const bench = new Bench({ receiveBuffer: 10_000 });
  for (let i = 0; i < 8; i++) bench.data(i + 1, { ssn: i, payload: 1000 });
  bench.rx.acks.demand();
  assert.equal(bench.sack().window, 2000);
  bench.read();
  bench.read();
  assert.ok(!bench.rx.acks.isDue, "4,000 instead of 2,000 bytes is not enough");
  bench.read();
  assert.equal(bench.sack().window, 5000);
});

Deno.test("a window that would be announced as none again is no reason for an update", () => {
  const bench = new Bench({ receiveBuffer: 4096 });
  for (let i = 0; i < 3; i++) bench.data(i + 1, { ssn: i, payload: 1000 });
  bench.data(4, { ssn: 3, payload: 1000 });
  bench.rx.acks.demand();
  assert.equal(bench.sack().window, 0);
  bench.read();
  assert.equal(bench.rx.window, 1096, "more than a quarter");
  assert.ok(!bench.rx.acks.isDue);
  bench.read();
  assert.equal(bench.sack().window, 2096);
});

Deno.test("with a closed window a TSN above the highest is dropped and answered at once (section 6.2)", () => {
  const bench = new Bench({ receiveBuffer: 4096 });
  for (let i = 0; i < 4; i++) bench.data(i + 1, { ssn: i, payload: 1024 });
  bench.rx.acks.demand();
  assert.deepEqual(bench.sack(), { cumulative: 4, window: 0 });
  assert.equal(bench.data(5, { ssn: 4 }), DataVerdict.NoRoom);
  assert.deepEqual(bench.sack(), { cumulative: 4, window: 0 }, "not acknowledged");
  bench.read();
  assert.equal(bench.data(5, { ssn: 4 }), DataVerdict.Accepted);
});

Deno.test("with a closed window a TSN that fills a gap is taken (section 6.2)", () => {
  const bench = new Bench({ receiveBuffer: 4096 });
  for (let i = 1; i < 5; i++) bench.data(i + 1, { ssn: i, payload: 1024 });
  assert.equal(bench.rx.window, 0);
  assert.equal(bench.data(1, { payload: 1024 }), DataVerdict.Accepted);
  assert.equal(bench.rx.readableBytes, 5 * 1024);
});

Deno.test("the TSN that the reader waits for finds room when other gaps have used up all", () => {
  const bench = new Bench({ receiveBuffer: 4096 });
  let next = 2;
  for (; bench.rx.window > 0; next += 2) bench.data(next, { ssn: next - 1, payload: 1 });
  const highest = next - 2;
  for (let hole = 3; hole < highest; hole += 2) bench.data(hole, { ssn: hole - 1, payload: 1 });
  const held = bench.rx.heldBytes;
  assert.equal(bench.data(highest - 1, { ssn: highest - 2, payload: 1 }), DataVerdict.NoRoom);
  assert.equal(bench.rx.heldBytes, held, "the bound for gaps is reached");
  assert.ok(bench.rx.readableBytes === 0);
  assert.equal(bench.data(1, { payload: 1 }), DataVerdict.Accepted);
  assert.ok(bench.rx.readableBytes > 0);
  while (bench.read() > 0);
  assert.equal(bench.rx.window > 0, true);
});

Deno.test("the TSN that the reader waits for finds room also behind chunks larger than the buffer", () => {
  const bench = new Bench({ receiveBuffer: 4096 });
  assert.equal(bench.data(3, { ssn: 2, payload: 9000 }), DataVerdict.Accepted);
  assert.equal(bench.data(2, { ssn: 1, payload: 9000 }), DataVerdict.Accepted);
  assert.equal(bench.data(1, { payload: 1 }), DataVerdict.Accepted);
  assert.equal(bench.rx.readableBytes, 18_001);
});

Deno.test("small messages close the window by what they cost, not by their bytes", () => {
  const bench = new Bench({ receiveBuffer: 4096 });
  let count = 0;
  while (bench.data(count + 1, { ssn: count, payload: 1 }) === DataVerdict.Accepted) count++;
  assert.ok(count < 200, `${count} messages of one byte`);
  assert.ok(bench.pool.liveBytes <= 4 * 4096);
});

Deno.test("received data never occupies more than six receive buffers and two chunks, whatever a peer sends", () => {
  const buffer = 8192;
  const isFragment = { marks: "" } as const;
  const attacks: [string, (i: number) => [number, DataTemplate]][] = [
    ["messages in order", (i) => [i + 1, { ssn: i, payload: 1400 }]],
    ["a message without end", (i) => [i + 1, { marks: i === 0 ? "B" : "", payload: 1400 }]],
    ["fragments without beginning", (i) => [i + 1, { ...isFragment, payload: 1400 }]],
    ["every second TSN", (i) => [2 * i + 2, { ...isFragment, payload: 1 }]],
    ["every second TSN, then those between", (i) => [
      i < 3000 ? 2 * i + 2 : 2 * (i - 3000) + 1,
      { ...isFragment, ssn: i, payload: 1400 },
    ]],
    ["the last TSN, then all before it", (i) => [i === 0 ? 65_535 : i, { ssn: i, payload: 1400 }]],
    ["streams out of turn", (i) => [i + 1, { stream: i % 10, ssn: 1 + i, payload: 1 }]],
    ["Stream Sequence Numbers that were used", (i) => [i + 1, { ssn: 0, payload: 1400 }]],
  ];
  for (const [name, make] of attacks) {
    const bench = new Bench({ receiveBuffer: buffer });
    for (let i = 0; i < 6000; i++) {
      const [sequence, template] = make(i);
      bench.data(sequence, template);
    }
    assert.ok(bench.pool.liveBytes <= 6 * buffer + 2 * 1600, `${name}: ${bench.pool.liveBytes}`);
    bench.rx.clear(true);
    assert.equal(bench.pool.liveBytes, 0, name);
  }
});

Deno.test("DATA on a stream that does not exist is acknowledged and not kept (section 6.5)", () => {
  const bench = new Bench({}, 4);
  assert.equal(bench.data(1, { stream: 4 }), DataVerdict.InvalidStream);
  assert.equal(bench.sack().cumulative, 1);
  assert.equal(bench.rx.heldBytes, 0);
});

Deno.test("a duplicate is answered at once (section 6.2)", () => {
  const bench = new Bench();
  bench.data(1);
  bench.sack();
  assert.equal(bench.data(1), DataVerdict.Duplicate);
  assert.ok(bench.rx.acks.isDue);
});

Deno.test("each packet is answered while there is a gap, and the one that fills it (section 6.7)", () => {
  const bench = new Bench();
  bench.data(1);
  bench.sack();
  for (const sequence of [3, 4, 2]) {
    bench.data(sequence, { ssn: sequence - 1 });
    bench.sack();
  }
  bench.data(5, { ssn: 4 });
  assert.ok(!bench.rx.acks.isDue);
});

Deno.test("the I bit is answered at once (section 6.2)", () => {
  const bench = new Bench();
  bench.data(1);
  bench.sack();
  bench.data(2, { ssn: 1 });
  assert.ok(!bench.rx.acks.isDue);
  bench.data(3, { ssn: 2, immediate: true });
  assert.ok(bench.rx.acks.isDue);
});

Deno.test("a message larger than the buffer is delivered in parts and arrives whole (section 6.9)", () => {
  const bench = new Bench({ receiveBuffer: 4096 });
  const chunks = 40;
  let total = 0;
  for (let i = 0; i < chunks; i++) {
    const marks = i === 0 ? "B" : i === chunks - 1 ? "E" : "";
    while (bench.data(i + 1, { marks, payload: 1000 }) === DataVerdict.NoRoom) {
      const length = bench.read();
      assert.ok(length > 0, "a full buffer can be read");
      assert.equal(bench.info.endOfMessage, false);
      total += length;
    }
  }
  total += bench.read();
  assert.equal(total, chunks * 1000);
  assert.ok(bench.info.endOfMessage);
  assert.equal(bench.pool.liveBytes, 0);
});
