/** I-DATA and I-FORWARD-TSN at the receiver (RFC 8260, sections 2.2.3 and 2.3.1). */
import assert from "node:assert/strict";
import fc from "fast-check";
import { SlabPool } from "../base/slab_pool.ts";
import { tsn } from "../base/serial.ts";
import { instant } from "../base/time.ts";
import { Extension } from "../extensions.ts";
import { type Parameters, withParameters } from "../parameters.ts";
import { iData, type IDataTemplate, iForwardTsn, type SkippedMessage } from "../testing/chunks.ts";
import { TimerTable } from "../timer/timer_table.ts";
import { DataFlag } from "../wire/data.ts";
import { MessageOrder } from "./message_order.ts";
import { DataVerdict, Reception } from "./reception.ts";
import { ForwardVerdict } from "./skipping.ts";

/** A message that was read, or a part of one: `stream/SSN text`, with a dot at its end. */
type Read = string;

class Bench {
  readonly pool = new SlabPool();
  readonly rx: Reception;
  #next: number;

  constructor(parameters: Partial<Parameters> = {}, initialTsn = 1) {
    const all = withParameters({ partialDeliveryPoint: 1 << 20, ...parameters });
    this.rx = new Reception(
      all,
      new TimerTable(5),
      this.pool,
      tsn(initialTsn),
      10,
      7,
      Extension.Interleaving,
    );
    this.#next = initialTsn;
  }

  /** A fragment with the next TSN. */
  data(text: string, template: IDataTemplate = {}): DataVerdict {
    return this.dataAt(this.#next++, text, template);
  }

  dataAt(sequence: number, text: string, template: IDataTemplate = {}): DataVerdict {
    const payload = new TextEncoder().encode(text);
    const verdict = this.rx.handleData(iData(sequence, { payload, ...template }), 0);
    this.rx.endOfPacket(instant(0));
    return verdict;
  }

  /** So many TSNs do not arrive. */
  lose(count: number): void {
    this.#next += count;
  }

  /** Skips all TSNs so far. */
  skip(...skipped: SkippedMessage[]): ForwardVerdict {
    return this.skipTo(this.#next - 1, ...skipped);
  }

  skipTo(target: number, ...skipped: SkippedMessage[]): ForwardVerdict {
    const verdict = this.rx.handleForwardTsn(iForwardTsn(target, skipped), 0);
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

  readAll(room?: number): Read[] {
    const reads: Read[] = [];
    for (let read = this.read(room); read !== undefined; read = this.read(room)) reads.push(read);
    return reads;
  }

  /** Throws unless all memory was returned. */
  end(): void {
    assert.deepEqual(this.readAll(), []);
    assert.equal(this.rx.heldBytes, 0);
    assert.equal(this.rx.readableBytes, 0);
    assert.equal(this.pool.liveBytes, 0);
  }
}

const first = (stream: number, mid = 0) => ({ stream, mid, marks: "B" }) as const;
const middle = (stream: number, fsn: number, mid = 0) => ({ stream, mid, fsn, marks: "" }) as const;
const last = (stream: number, fsn: number, mid = 0) => ({ stream, mid, fsn, marks: "E" }) as const;

Deno.test("fragments of several streams come between each other, each message is put together", () => {
  const bench = new Bench();
  bench.data("a", first(1));
  bench.data("x", first(2));
  bench.data("b", middle(1, 1));
  bench.data("y", last(2, 1));
  bench.data("whole", { stream: 3 });
  bench.data("c", last(1, 2));
  assert.deepEqual(bench.readAll(), ["2/0 xy.", "3/0 whole.", "1/0 abc."]);
  bench.end();
});

Deno.test("an ordered and an unordered message of a stream with the same number are two", () => {
  const bench = new Bench();
  bench.data("a", first(1));
  bench.data("x", { ...first(1), unordered: true });
  bench.data("b", last(1, 1));
  bench.data("y", { ...last(1, 1), unordered: true });
  assert.deepEqual(bench.readAll(), ["1/0 ab.", "1/U xy."]);
  bench.end();
});

Deno.test("TSNs say nothing about which fragment comes first", () => {
  const bench = new Bench();
  for (
    const [text, template] of [["c", last(1, 2)], ["a", first(1)], ["b", middle(1, 1)]] as const
  ) {
    bench.data(text, template);
  }
  assert.deepEqual(bench.readAll(), ["1/0 abc."]);
  bench.end();
});

Deno.test("messages wait for their turn in the stream, whole and in fragments", () => {
  const bench = new Bench();
  bench.data("third", { stream: 1, mid: 2 });
  bench.data("b", last(1, 1, 1));
  assert.deepEqual(bench.readAll(), []);
  bench.data("first", { stream: 1 });
  bench.data("a", first(1, 1));
  assert.deepEqual(bench.readAll(), ["1/0 first.", "1/1 ab.", "1/2 third."]);
  bench.end();
});

Deno.test("Message Identifiers wrap, as serial numbers do", () => {
  const order = new MessageOrder();
  order.skipTo(1, 0x7fff_ffff);
  order.skipTo(1, 0xffff_fffe);
  assert.equal(order.expected(1), 0xffff_ffff);
  assert.equal(order.distanceTo(1, 1), 2);
  assert.ok(order.isOver(1, 0, 0xffff_fffe) && !order.isOver(1, 0, 0));
  order.pass(1);
  assert.equal(order.expected(1), 0);
  order.skipUnordered(1, 0xffff_ffff);
  assert.ok(order.isOver(1, DataFlag.Unordered, 0xffff_fffe));
  assert.ok(!order.isOver(1, DataFlag.Unordered, 0));
  // Half around, they are new ones: nothing of the old ones can be on its way.
  assert.ok(!order.isOver(1, DataFlag.Unordered, 0x6000_0000));
  assert.ok(!order.isOver(1, DataFlag.Unordered, 0xc000_0000));
});

Deno.test("the PPID is that of the first fragment, however the message is read", () => {
  const bench = new Bench();
  bench.data("ab", { ...first(1), ppid: 77 });
  bench.data("cd", last(1, 1));
  const target = new Uint8Array(1);
  const info = { stream: 0, ssn: 0, ppid: 0, unordered: false, endOfMessage: false };
  for (let i = 0; i < 4; i++) {
    assert.equal(bench.rx.read(target, info), 1);
    assert.deepEqual([info.ppid, info.endOfMessage], [77, i === 3]);
  }
  bench.end();
});

Deno.test("a message that was delivered before is useless, whole or in part", () => {
  const bench = new Bench();
  bench.data("once", { stream: 1 });
  assert.equal(bench.data("twice", { stream: 1 }), DataVerdict.Useless);
  assert.equal(bench.data("part", middle(1, 4)), DataVerdict.Useless);
  assert.deepEqual(bench.readAll(), ["1/0 once."]);
  bench.end();
});

Deno.test("fragments that cannot be are contradictions, and hold nothing", () => {
  const wrong: [given: IDataTemplate[], IDataTemplate][] = [
    [[first(1)], first(1)],
    [[middle(1, 3)], middle(1, 3)],
    [[first(1)], { stream: 1 }],
    [[{ stream: 1, mid: 2 }], { stream: 1, mid: 2 }],
    [[{ stream: 1, mid: 2 }], first(1, 2)],
    [[last(1, 3)], middle(1, 4)],
    [[middle(1, 4)], last(1, 3)],
    [[], middle(1, 0)],
    [[], last(1, 0)],
  ];
  for (const [given, template] of wrong) {
    const bench = new Bench();
    for (const one of given) assert.equal(bench.data("x", one), DataVerdict.Accepted);
    const held = bench.rx.heldBytes;
    assert.equal(bench.data("y", template), DataVerdict.Contradiction, JSON.stringify(template));
    assert.equal(bench.rx.heldBytes, held);
    bench.rx.clear(true);
    bench.end();
  }
});

// Delivery in parts.

Deno.test("long messages of several streams are read in turn, with what is whole between them", () => {
  const bench = new Bench({ partialDeliveryPoint: 2 });
  bench.data("ab", first(1));
  bench.data("xy", first(2));
  assert.deepEqual(bench.readAll(), ["1/0 ab", "2/0 xy"]);
  bench.data("z", last(2, 1));
  bench.data("whole", { stream: 3 });
  bench.data("c", middle(1, 1));
  assert.deepEqual(bench.readAll(), ["2/0 z.", "3/0 whole.", "1/0 c"]);
  bench.data("d", last(1, 2));
  assert.deepEqual(bench.readAll(), ["1/0 d."]);
  bench.end();
});

Deno.test("other messages of the same stream wait until the one that is read in parts is over", () => {
  const bench = new Bench({ partialDeliveryPoint: 2 });
  bench.data("ab", { ...first(1), unordered: true });
  assert.deepEqual(bench.readAll(), ["1/U ab"]);
  bench.data("one", { stream: 1 });
  bench.data("two", { stream: 1, mid: 1 });
  bench.data("again", { stream: 1, mid: 1, unordered: true });
  assert.deepEqual(bench.readAll(), []);
  bench.data("c", { ...last(1, 1), unordered: true });
  assert.deepEqual(bench.readAll(), ["1/U c.", "1/0 one.", "1/1 two.", "1/U again."]);
  bench.end();
});

Deno.test("a message is not delivered in parts before its turn", () => {
  const bench = new Bench({ partialDeliveryPoint: 2 });
  bench.data("long", first(1, 1));
  assert.deepEqual(bench.readAll(), []);
  bench.data("short", { stream: 1 });
  assert.deepEqual(bench.readAll(), ["1/0 short.", "1/1 long"]);
  bench.rx.clear(true);
  bench.end();
});

Deno.test("a part that was read does not come again", () => {
  const bench = new Bench({ partialDeliveryPoint: 2 });
  bench.data("ab", first(1));
  bench.data("c", middle(1, 1));
  bench.readAll();
  assert.equal(bench.data("b", middle(1, 1)), DataVerdict.Contradiction);
  assert.equal(bench.data("a", first(1)), DataVerdict.Contradiction);
  bench.rx.clear(true);
  bench.end();
});

Deno.test("with no room and nothing to read, what is next in each stream is delivered in parts", () => {
  const bench = new Bench({ receiveBuffer: 4096 });
  const half = "x".repeat(2000);
  bench.data(half, first(1));
  bench.data("behind", middle(2, 2));
  assert.deepEqual(bench.readAll(), []);
  bench.data(half, first(3));
  assert.deepEqual(bench.readAll(5000).sort(), [`1/0 ${half}`, `3/0 ${half}`]);
  bench.rx.clear(true);
  bench.end();
});

// I-FORWARD-TSN.

Deno.test("skipped messages are dropped, ordered and unordered, and those behind them can be read", () => {
  const bench = new Bench();
  bench.data("a", first(1));
  bench.data("x", { ...first(1), unordered: true });
  bench.data("kept", { ...first(2), unordered: true });
  bench.lose(1);
  bench.data("second", { stream: 1, mid: 1 });
  bench.lose(1);
  bench.data("fourth", { stream: 1, mid: 3 });
  assert.equal(bench.skip([1, 2], [1, 0, "U"]), ForwardVerdict.Skipped);
  assert.deepEqual(bench.readAll(), ["1/1 second.", "1/3 fourth."]);
  bench.data("end", { ...last(2, 1), unordered: true });
  assert.deepEqual(bench.readAll(), ["2/U keptend."]);
  bench.end();
});

Deno.test("what comes late of a skipped message is useless, ordered or not", () => {
  const bench = new Bench();
  bench.lose(5);
  bench.skip([1, 4], [1, 4, "U"]);
  for (const unordered of [false, true]) {
    assert.equal(bench.data("x", { ...last(1, 1, 4), unordered }), DataVerdict.Useless);
    assert.equal(bench.data("y", { stream: 1, mid: 5, unordered }), DataVerdict.Accepted);
  }
  assert.deepEqual(bench.readAll(), ["1/5 y.", "1/U y."]);
  bench.end();
});

Deno.test("readers who have a part of skipped messages are told of each, once", () => {
  const bench = new Bench({ partialDeliveryPoint: 2 });
  bench.data("ab", { ...first(1), ppid: 5 });
  bench.data("xy", { ...first(2), ppid: 6, unordered: true });
  bench.data("unread", first(3));
  assert.deepEqual([bench.read(), bench.read()], ["1/0 ab", "2/U xy"]);
  bench.data("c", middle(1, 1));
  bench.lose(2);
  bench.skip([1, 0], [2, 0, "U"], [3, 0]);
  const aborted = { stream: 1, ssn: 0, ppid: 5, unordered: false };
  assert.deepEqual(bench.rx.takeAborted(), aborted);
  assert.deepEqual(bench.rx.takeAborted(), { stream: 2, ssn: 0, ppid: 6, unordered: true });
  assert.equal(bench.rx.takeAborted(), undefined);
  bench.data("next", { stream: 1, mid: 1 });
  assert.deepEqual(bench.readAll(), ["1/1 next."]);
  bench.end();
});

Deno.test("what waited for a message that is skipped can be read", () => {
  const bench = new Bench({ partialDeliveryPoint: 2 });
  bench.data("ab", first(1));
  bench.readAll();
  bench.data("beside", { stream: 1, unordered: true });
  bench.data("behind", { stream: 1, mid: 1 });
  assert.deepEqual(bench.readAll(), []);
  bench.lose(1);
  bench.skip([1, 0]);
  assert.deepEqual(bench.readAll(), ["1/U beside.", "1/1 behind."]);
  bench.end();
});

Deno.test("streams that do not exist are passed over, the others in the list are not", () => {
  const bench = new Bench();
  bench.lose(2);
  assert.equal(bench.skip([10, 0], [1, 0]), ForwardVerdict.Absurd);
  bench.data("second", { stream: 1, mid: 1 });
  assert.deepEqual(bench.readAll(), ["1/1 second."]);
  assert.equal(bench.skipTo(0xffff_0000, [1, 9]), ForwardVerdict.OutOfDate);
  assert.equal(bench.skipTo(70_000, [1, 9]), ForwardVerdict.BeyondWindow);
  assert.equal(bench.data("third", { stream: 1, mid: 2 }), DataVerdict.Accepted);
  assert.deepEqual(bench.readAll(), ["1/2 third."]);
  bench.end();
});

Deno.test("messages are skipped of which all that has a TSN so far has arrived", () => {
  const bench = new Bench({ partialDeliveryPoint: 1 });
  bench.data("a", first(1));
  bench.data("x", first(2));
  bench.readAll();
  // The end of one has a TSN already, that of the other will have one behind those of other streams.
  bench.lose(1);
  assert.equal(bench.skip([1, 0], [2, 0]), ForwardVerdict.Skipped);
  for (const stream of [1, 2]) bench.data("next", { stream, mid: 1 });
  assert.deepEqual(bench.readAll(), ["1/1 next.", "2/1 next."]);
  bench.end();
});

Deno.test("a peer cannot have all that it left looked through again and again", () => {
  const bench = new Bench();
  const left = 20_000;
  for (let i = 0; i < left; i++) bench.data("x", { ...middle(1, 2, i), unordered: true });
  const verdicts = Array.from({ length: 200 }, (_, mid) => {
    bench.lose(1);
    return bench.skip([2, mid]);
  });
  const looks = verdicts.filter((verdict) => verdict === ForwardVerdict.Skipped).length;
  assert.ok(looks > 2 && looks < 60, `${looks} times`);
  assert.ok(verdicts.includes(ForwardVerdict.Postponed));
  // It is taken when it is sent again, after others or with what was worth it.
  let again = 0;
  while (bench.skip([1, left, "U"]) === ForwardVerdict.Postponed) again++;
  assert.ok(again < 100, `${again} times`);
  assert.equal(bench.rx.heldBytes, 0);
  bench.end();
});

Deno.test("after a reset the numbers of a stream, or of all, start again (section 2.3.2)", () => {
  for (const streams of [[1], []]) {
    const bench = new Bench();
    bench.lose(3);
    bench.skip([1, 2], [1, 2, "U"]);
    bench.rx.resetStreams(streams);
    bench.data("ordered", { stream: 1 });
    bench.data("unordered", { stream: 1, unordered: true });
    assert.deepEqual(bench.readAll(), ["1/0 ordered.", "1/U unordered."]);
    bench.end();
  }
});

// Everything together, against a model that knows what was sent.

interface Sent {
  readonly stream: number;
  readonly unordered: boolean;
  readonly fragments: number;
  /** Which of its fragments arrive, one bit each. */
  readonly arrives: number;
}

const sent: fc.Arbitrary<Sent> = fc.record({
  stream: fc.nat(2),
  unordered: fc.boolean(),
  fragments: fc.integer({ min: 1, max: 4 }),
  arrives: fc.oneof(fc.constant(15), fc.nat(15)),
});

/** Puts fragments of the streams' messages in turn, as a scheduler may: TSNs are given out so. */
function interleave(messages: readonly Sent[], draw: (below: number) => number) {
  const mids = new Map<string, number>();
  const queues = new Map<number, { id: number; template: IDataTemplate; arrives: boolean }[]>();
  for (const [id, { stream, unordered, fragments, arrives }] of messages.entries()) {
    const lane = `${stream}${unordered}`;
    const mid = mids.get(lane) ?? 0;
    mids.set(lane, mid + 1);
    const queue = queues.get(stream) ?? [];
    queues.set(stream, queue);
    for (let fsn = 0; fsn < fragments; fsn++) {
      const marks = `${fsn === 0 ? "B" : ""}${fsn === fragments - 1 ? "E" : ""}` as "BE";
      const template = { stream, mid, fsn, unordered, marks };
      queue.push({ id, template, arrives: (arrives & (1 << fsn)) !== 0 });
    }
  }
  const order = [];
  for (let left = [...queues.values()]; left.length > 0; left = left.filter((q) => q.length > 0)) {
    order.push(left[draw(left.length)].shift()!);
  }
  return order;
}

Deno.test("whatever arrives of what, each whole message is read once and in order, no other is", () => {
  fc.assert(fc.property(
    fc.array(sent, { minLength: 1, maxLength: 25 }),
    fc.infiniteStream(fc.nat(0xffff_ffff)),
    fc.constantFrom(1, 0xffff_fff0),
    fc.constantFrom(1, 1 << 20),
    (messages, random, initial, partialDeliveryPoint) => {
      const bench = new Bench({ partialDeliveryPoint }, initial);
      const draw = (below: number) => random.next().value % below;
      const fragments = interleave(messages, draw);
      const arrivals: (() => void)[] = [];
      const skipped = new Map<string, SkippedMessage>();
      for (const [i, { id, template, arrives }] of fragments.entries()) {
        const { stream = 0, mid = 0, unordered } = template;
        const sequence = tsn(initial + i);
        const arrive = () => bench.dataAt(sequence, String.fromCharCode(65 + id), template);
        if (arrives) arrivals.splice(draw(arrivals.length + 1), 0, arrive);
        const { arrives: which, fragments: count } = messages[id];
        const isWhole = ((which + 1) & ((1 << count) - 1)) === 0;
        if (isWhole) continue;
        skipped.set(`${stream}${unordered}`, unordered ? [stream, mid, "U"] : [stream, mid]);
      }
      const open = new Map<number, string>();
      const read: string[] = [];
      const readSome = () => {
        for (let gone = bench.rx.takeAborted(); gone; gone = bench.rx.takeAborted()) {
          open.delete(gone.stream);
        }
        for (let part = bench.read(1 + draw(3)); part !== undefined; part = bench.read()) {
          const stream = Number(part[0]);
          const before = open.get(stream);
          const text = before === undefined ? part : before + part.slice(part.indexOf(" ") + 1);
          open.delete(stream);
          if (part.endsWith(".")) read.push(text.slice(0, -1));
          else open.set(stream, text);
        }
      };
      for (const arrive of arrivals) {
        arrive();
        if (draw(2) === 0) readSome();
      }
      bench.skipTo(initial + fragments.length - 1, ...skipped.values());
      readSome();
      assert.equal(open.size, 0);
      const whole = messages.flatMap(({ stream, unordered, fragments: count, arrives }, id) => {
        if (((arrives + 1) & ((1 << count) - 1)) !== 0) return [];
        const mid = fragments.find((one) => one.id === id)!.template.mid;
        const text = String.fromCharCode(65 + id).repeat(count);
        return [`${stream}/${unordered ? "U" : mid} ${text}`];
      });
      assert.deepEqual(read.toSorted(), whole.toSorted());
      for (const stream of [0, 1, 2]) {
        const ordered = (list: string[]) =>
          list.filter((one) => one.startsWith(`${stream}/`) && one[2] !== "U");
        assert.deepEqual(ordered(read), ordered(whole));
      }
      bench.end();
    },
  ));
});
