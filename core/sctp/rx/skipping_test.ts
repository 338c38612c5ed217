/** What FORWARD TSN does to the receiver (RFC 3758, section 3.6). */
import assert from "node:assert/strict";
import fc from "fast-check";
import { SlabPool } from "../base/slab_pool.ts";
import { tsn } from "../base/serial.ts";
import { instant } from "../base/time.ts";
import { Extension } from "../extensions.ts";
import { withParameters } from "../parameters.ts";
import { data, type DataTemplate, forwardTsn } from "../testing/chunks.ts";
import { TimerTable } from "../timer/timer_table.ts";
import { sackCumulativeTsn, sackGapCount } from "../wire/sack.ts";
import { DataVerdict, Reception } from "./reception.ts";
import { ForwardVerdict } from "./skipping.ts";

/** A message that was read, or a part of one: `stream/ssn text`, with a dot at its end. */
type Read = string;

class Bench {
  readonly pool = new SlabPool();
  readonly rx: Reception;

  constructor(partialDeliveryPoint = 1 << 20, initialTsn = 1, isPartiallyReliable = false) {
    const parameters = withParameters({ partialDeliveryPoint });
    const timers = new TimerTable(5);
    this.rx = new Reception(
      parameters,
      timers,
      this.pool,
      tsn(initialTsn),
      10,
      1,
      isPartiallyReliable ? Extension.PartialReliability : 0,
    );
  }

  data(sequence: number, text: string, template: DataTemplate = {}): DataVerdict {
    const payload = new TextEncoder().encode(text);
    const verdict = this.rx.handleData(data(sequence, { payload, ...template }), 0);
    this.rx.endOfPacket(instant(0));
    return verdict;
  }

  skip(target: number, ...skipped: [stream: number, ssn: number][]): ForwardVerdict {
    const verdict = this.rx.handleForwardTsn(forwardTsn(target, skipped), 0);
    this.rx.endOfPacket(instant(0));
    return verdict;
  }

  read(room = 1000): Read | undefined {
    const target = new Uint8Array(room);
    const info = { stream: -1, ssn: -1, ppid: -1, unordered: false, endOfMessage: false };
    const length = this.rx.read(target, info);
    if (length === 0) return undefined;
    const text = new TextDecoder().decode(target.subarray(0, length));
    const place = info.unordered ? `${info.stream}/U` : `${info.stream}/${info.ssn}`;
    return `${place} ${text}${info.endOfMessage ? "." : ""}`;
  }

  readAll(): Read[] {
    const reads: Read[] = [];
    for (let read = this.read(); read !== undefined; read = this.read()) reads.push(read);
    return reads;
  }

  get cumulative(): number {
    return this.rx.tracker.cumulative;
  }

  /** Throws unless all memory was returned. */
  end(): void {
    assert.deepEqual(this.readAll(), []);
    assert.equal(this.rx.heldBytes, 0);
    assert.equal(this.pool.liveBytes, 0);
  }
}

Deno.test("the Cumulative TSN moves to the new one and over what directly follows it", () => {
  // The example of section 3.6.
  const bench = new Bench(undefined, 102);
  for (const [sequence, ssn] of [[102, 0], [104, 2], [105, 3], [107, 5]]) {
    bench.data(sequence, "x", { ssn });
  }
  assert.equal(bench.skip(103, [0, 1]), ForwardVerdict.Skipped);
  assert.equal(bench.cumulative, 105);
  assert.deepEqual(bench.readAll(), ["0/0 x.", "0/2 x.", "0/3 x."]);
});

Deno.test("what was skipped is no gap any more, and a duplicate if it comes", () => {
  const bench = new Bench();
  bench.data(3, "c", { unordered: true });
  bench.skip(5);
  const chunk = new Uint8Array(bench.rx.sackLength(1400));
  bench.rx.writeSack(chunk, 0, chunk.length);
  assert.equal(sackCumulativeTsn(chunk, 0), 5);
  assert.equal(sackGapCount(chunk, 0), 0);
  for (const sequence of [1, 4, 5]) {
    assert.equal(bench.data(sequence, "late"), DataVerdict.Duplicate);
  }
  assert.deepEqual(bench.readAll(), ["0/U c."]);
  bench.end();
});

Deno.test("a FORWARD TSN is answered at once, an old one too, and an old one changes nothing", () => {
  const bench = new Bench();
  bench.data(1, "a");
  bench.data(2, "b", { ssn: 1 });
  bench.rx.acks.onSackSent();
  for (const target of [2, 1, 0, 0xffff_0000]) {
    assert.equal(bench.skip(target, [0, 5]), ForwardVerdict.OutOfDate);
    assert.ok(bench.rx.acks.isDue);
    bench.rx.acks.onSackSent();
  }
  bench.skip(3, [0, 2]);
  assert.ok(bench.rx.acks.isDue);
  assert.equal(bench.data(4, "d", { ssn: 3 }), DataVerdict.Accepted);
  assert.deepEqual(bench.readAll(), ["0/0 a.", "0/1 b.", "0/3 d."]);
});

Deno.test("messages that waited for a skipped one are read in their order, and those behind them", () => {
  const bench = new Bench();
  // Of stream 1, messages 0, 2 and 5 are lost.
  for (const ssn of [1, 3, 4, 6]) bench.data(1 + ssn, `m${ssn}`, { stream: 1, ssn });
  bench.data(8, "other", { stream: 2 });
  assert.deepEqual(bench.readAll(), ["2/0 other."]);
  bench.skip(1, [1, 0]);
  assert.deepEqual(bench.readAll(), ["1/1 m1."]);
  bench.skip(6, [1, 5]);
  assert.deepEqual(bench.readAll(), ["1/3 m3.", "1/4 m4.", "1/6 m6."]);
  assert.equal(bench.cumulative, 8);
  bench.end();
});

Deno.test("a stream that is not listed goes on waiting", () => {
  const bench = new Bench();
  bench.data(3, "later", { stream: 1, ssn: 1 });
  bench.skip(2, [0, 0]);
  assert.deepEqual(bench.readAll(), []);
});

Deno.test("a message that lacks a skipped fragment is dropped, whichever it lacks", () => {
  const marks = ["B", "", "", "E"] as const;
  for (let pattern = 0; pattern < 15; pattern++) {
    const bench = new Bench(undefined, 1);
    marks.forEach((mark, i) => {
      if ((pattern & (1 << i)) !== 0) bench.data(1 + i, "part", { marks: mark });
    });
    bench.data(5, "next", { ssn: 1 });
    bench.skip(4, [0, 0]);
    assert.deepEqual(bench.readAll(), ["0/1 next."], `pattern ${pattern}`);
    bench.end();
  }
});

Deno.test("a message that lacks nothing so far is kept", () => {
  const bench = new Bench();
  bench.data(2, "mes", { marks: "B" });
  bench.data(3, "sa", { marks: "" });
  bench.skip(1);
  bench.data(4, "ge", { marks: "E" });
  assert.deepEqual(bench.readAll(), ["0/0 message."]);
});

Deno.test("what comes late of a message whose beginning was skipped is dropped, in any order", () => {
  for (const [early, late] of [[[], [3, 4]], [[], [4, 3]], [[3], [4]], [[4], [3]], [[3, 4], []]]) {
    const bench = new Bench();
    const arrive = (sequence: number) =>
      bench.data(sequence, "part", { marks: sequence === 4 ? "E" : "" });
    bench.data(1, "part", { marks: "B" });
    early.forEach(arrive);
    // The list of streams of a long FORWARD TSN can end in the middle of a message.
    bench.skip(2, [0, 0]);
    late.forEach(arrive);
    bench.data(5, "next", { ssn: 1 });
    assert.deepEqual(bench.readAll(), ["0/1 next."]);
    bench.end();
  }
});

Deno.test("without a FORWARD TSN before it, a fragment without a beginning is a contradiction", () => {
  const bench = new Bench();
  bench.data(1, "whole");
  assert.equal(bench.data(2, "part", { ssn: 1, marks: "E" }), DataVerdict.Contradiction);
});

// Partial delivery.

Deno.test("a reader who has a part of a message is told that no more comes, once", () => {
  const bench = new Bench(4);
  bench.data(1, "first", { stream: 3, ppid: 7, marks: "B" });
  assert.equal(bench.read(3), "3/0 fir");
  bench.data(3, "next", { stream: 3, ssn: 1 });
  bench.skip(2, [3, 0]);
  assert.deepEqual(bench.rx.takeAborted(), { stream: 3, ssn: 0, ppid: 7, unordered: false });
  assert.equal(bench.rx.takeAborted(), undefined);
  assert.deepEqual(bench.readAll(), ["3/1 next."]);
  bench.end();
});

Deno.test("the same if everything so far was read", () => {
  const bench = new Bench(4);
  bench.data(1, "first", { unordered: true, marks: "B" });
  assert.equal(bench.read(), "0/U first");
  bench.skip(2);
  assert.equal(bench.rx.takeAborted()?.unordered, true);
  bench.data(3, "next");
  assert.deepEqual(bench.readAll(), ["0/0 next."]);
  bench.end();
});

Deno.test("a reader who has no part of it yet is told nothing", () => {
  const bench = new Bench(4);
  bench.data(1, "before", { stream: 2 });
  bench.data(2, "first", { marks: "B" });
  assert.equal(bench.rx.readableBytes, 11);
  assert.equal(bench.read(3), "2/0 bef");
  bench.data(4, "behind", { ssn: 1 });
  bench.skip(3, [0, 0]);
  assert.equal(bench.rx.takeAborted(), undefined);
  assert.equal(bench.rx.readableBytes, 9);
  assert.deepEqual(bench.readAll(), ["2/0 ore.", "0/1 behind."]);
  bench.end();
});

Deno.test("behind an aborted one another message can be delivered in parts", () => {
  const bench = new Bench(4);
  bench.data(1, "first", { marks: "B" });
  bench.read(1);
  bench.data(3, "second", { ssn: 1, marks: "B" });
  bench.skip(2, [0, 0]);
  assert.equal(bench.read(), "0/1 second");
  bench.data(4, "end", { ssn: 1, marks: "E" });
  assert.deepEqual(bench.readAll(), ["0/1 end."]);
});

// Bounds.

Deno.test("a FORWARD TSN further ahead than a SACK could report is not believed", () => {
  const bench = new Bench();
  bench.data(1, "a");
  assert.equal(bench.skip(1 + 65_536, [0, 9]), ForwardVerdict.BeyondWindow);
  assert.equal(bench.skip(0x8000_0000), ForwardVerdict.BeyondWindow);
  assert.equal(bench.cumulative, 1);
  assert.equal(bench.skip(1 + 65_535), ForwardVerdict.Skipped);
});

Deno.test("streams that do not exist are passed over, the others in the list are not", () => {
  const bench = new Bench();
  bench.data(2, "x", { ssn: 1 });
  assert.equal(bench.skip(1, [10, 0], [0, 0], [65_535, 0]), ForwardVerdict.Absurd);
  assert.deepEqual(bench.readAll(), ["0/1 x."]);
});

Deno.test("a list of more messages than TSNs are skipped is not believed", () => {
  const bench = new Bench();
  bench.data(4, "x", { ssn: 1 });
  assert.equal(bench.skip(2, [0, 5]), ForwardVerdict.Absurd);
  assert.equal(bench.skip(3, [0, 0], [1, 0]), ForwardVerdict.Absurd);
  assert.deepEqual(bench.readAll(), ["0/1 x."], "the first entry was right, the second too much");
});

Deno.test("a Stream Sequence Number behind the expected one was delivered, and is passed over", () => {
  const bench = new Bench();
  for (let ssn = 0; ssn < 4; ssn++) bench.data(1 + ssn, "x", { ssn });
  for (const ssn of [3, 2, 0, 65_535, 40_000]) {
    assert.equal(bench.skip(bench.cumulative + 1, [0, ssn]), ForwardVerdict.Skipped);
  }
  bench.data(bench.cumulative + 1, "next", { ssn: 4 });
  assert.equal(bench.readAll().at(-1), "0/4 next.");
});

Deno.test("Stream Sequence Numbers wrap while they are skipped", () => {
  const bench = new Bench();
  let ssn = 0;
  for (let i = 0; i < 4; i++) {
    bench.skip(bench.cumulative + 16_380, [0, ssn = ssn + 16_379]);
    ssn++;
  }
  bench.data(bench.cumulative + 20, "later", { ssn: 3 });
  bench.data(bench.cumulative + 15, "earlier", { ssn: 65_534 });
  assert.equal(bench.skip(bench.cumulative + 19, [0, 2]), ForwardVerdict.Skipped);
  assert.deepEqual(bench.readAll(), ["0/65534 earlier.", "0/3 later."]);
});

Deno.test("many that wait, and few, are found alike", () => {
  for (const step of [1, 7, 900]) {
    const bench = new Bench();
    const waiting: number[] = [];
    for (let ssn = step; ssn < 4000; ssn += step + 1) {
      bench.data(1 + ssn, "x", { stream: 9, ssn });
      waiting.push(ssn);
    }
    const read = (least: number, most: number) =>
      waiting.filter((ssn) => ssn >= least && ssn <= most).map((ssn) => `9/${ssn} x.`);
    bench.skip(2000, [9, 1998]);
    assert.deepEqual(bench.readAll(), read(0, 1999));
    bench.skip(4500, [9, 4400]);
    assert.deepEqual(bench.readAll(), read(2000, 4400));
    bench.end();
  }
});

// Linux gives no TSN to the rest of a message that it gives up, and tells nobody of the end.

Deno.test("a message that stops before its end gives its turn away, in whatever order it arrives", () => {
  const arrivals: [tsn: number, text: string, DataTemplate][] = [
    [1, "a", { ssn: 0, marks: "B" }],
    [2, "b", { ssn: 0, marks: "" }],
    [3, "next", { ssn: 1 }],
    [4, "c", { stream: 1, ssn: 0, marks: "B" }],
    [5, "d", { stream: 1, ssn: 1, marks: "B" }],
    [6, "e", { stream: 1, ssn: 1, marks: "E" }],
  ];
  const orders = fc.shuffledSubarray(arrivals, { minLength: arrivals.length });
  fc.assert(fc.property(orders, (order) => {
    const bench = new Bench(1 << 20, 1, true);
    for (const one of order) assert.equal(bench.data(...one), DataVerdict.Accepted);
    assert.deepEqual(bench.readAll().sort(), ["0/1 next.", "1/1 de."]);
    bench.end();
  }));
});

Deno.test("who has read a part of it is told that no more comes", () => {
  const bench = new Bench(1, 1, true);
  bench.data(1, "a", { stream: 2, marks: "B", ppid: 9 });
  assert.deepEqual(bench.readAll(), ["2/0 a"]);
  bench.data(2, "b", { stream: 2, marks: "" });
  bench.data(3, "next", { stream: 2, ssn: 1 });
  assert.deepEqual(bench.rx.takeAborted(), { stream: 2, ssn: 0, ppid: 9, unordered: false });
  assert.deepEqual(bench.readAll(), ["2/1 next."]);
  bench.end();
});

Deno.test("it waits for its turn as others do, and holds nothing meanwhile", () => {
  const bench = new Bench(1 << 20, 1, true);
  bench.data(2, "gone", { ssn: 1, marks: "B" });
  bench.data(3, "last", { ssn: 2 });
  assert.equal(bench.rx.heldBytes, "last".length);
  bench.data(1, "first", { ssn: 0 });
  assert.deepEqual(bench.readAll(), ["0/0 first.", "0/2 last."]);
  bench.end();
});

Deno.test("from a peer that gives nothing up it is a contradiction", () => {
  const bench = new Bench();
  bench.data(1, "a", { marks: "B" });
  assert.equal(bench.data(2, "next", { ssn: 1 }), DataVerdict.Contradiction);
});

// Everything together, against a model that knows what was sent.

interface Sent {
  readonly stream: number;
  readonly unordered: boolean;
  readonly fragments: number;
  /** Which of its fragments arrive, one bit each, and whether they come late. */
  readonly arrives: number;
}

const sent: fc.Arbitrary<Sent> = fc.record({
  stream: fc.nat(2),
  unordered: fc.boolean(),
  fragments: fc.integer({ min: 1, max: 4 }),
  arrives: fc.oneof(fc.constant(15), fc.nat(15)),
});

Deno.test("whatever arrives of what, each whole message is read once and in order, no other is", () => {
  fc.assert(fc.property(
    fc.array(sent, { minLength: 1, maxLength: 25 }),
    fc.infiniteStream(fc.nat(0xffff_ffff)),
    fc.constantFrom(1, 0xffff_fff0),
    fc.constantFrom(1, 1 << 20),
    (messages, random, initial, partialDeliveryPoint) => {
      const bench = new Bench(partialDeliveryPoint, initial);
      const draw = (below: number) => random.next().value % below;
      const ssns = new Map<number, number>();
      const skipped: [number, number][] = [];
      const chunks: (() => void)[] = [];
      let next = initial;
      const whole: string[] = [];
      for (const [id, { stream, unordered, fragments, arrives }] of messages.entries()) {
        const ssn = ssns.get(stream) ?? 0;
        if (!unordered) ssns.set(stream, ssn + 1);
        const isWhole = ((arrives + 1) & ((1 << fragments) - 1)) === 0;
        for (let i = 0; i < fragments; i++) {
          const marks = `${i === 0 ? "B" : ""}${i === fragments - 1 ? "E" : ""}` as "BE";
          const sequence = tsn(next++);
          const template = { stream, ssn, unordered, marks };
          if ((arrives & (1 << i)) === 0) continue;
          chunks.splice(draw(chunks.length + 1), 0, () => bench.data(sequence, `${id}`, template));
        }
        if (isWhole) whole.push(`${stream}/${unordered ? "U" : ssn} ${`${id}`.repeat(fragments)}`);
        else if (!unordered) skipped.push([stream, ssn]);
      }
      let open = "";
      const read: string[] = [];
      const readSome = () => {
        if (bench.rx.takeAborted()) open = "";
        for (let part = bench.read(1 + draw(3)); part !== undefined; part = bench.read()) {
          open = open === "" ? part : open + part.slice(part.indexOf(" ") + 1);
          if (!part.endsWith(".")) continue;
          read.push(open.slice(0, -1));
          open = "";
        }
      };
      for (const arrive of chunks) {
        arrive();
        if (draw(2) === 0) readSome();
      }
      bench.skip(next - 1, ...skipped);
      readSome();
      assert.equal(open, "");
      assert.deepEqual(read.toSorted(), whole.toSorted());
      for (const stream of [0, 1, 2]) {
        const ofStream = (list: string[]) => list.filter((one) => one.startsWith(`${stream}/`));
        const ordered = (list: string[]) => ofStream(list).filter((one) => one[2] !== "U");
        assert.deepEqual(ordered(read), ordered(whole));
      }
      bench.end();
    },
  ));
});
