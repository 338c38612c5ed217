import assert from "node:assert/strict";
import fc from "fast-check";
import { SeededRandom } from "../base/random.ts";
import { SlabPool } from "../base/slab_pool.ts";
import { tsn, tsnAdd, tsnDistance } from "../base/serial.ts";
import { DataFlag } from "../wire/data.ts";
import { ChunkStore } from "./chunk_store.ts";
import { ChunkFate, Reassembly, type ReceiveInfo } from "./reassembly.ts";

interface Fragment {
  readonly tsn: number;
  readonly stream?: number;
  readonly ssn?: number;
  readonly ppid?: number;
  /** Any of B, E and U. */
  readonly marks?: string;
  readonly text?: string;
}

/** A reassembly queue that is fed with text. */
class Bench {
  readonly pool = new SlabPool();
  readonly store = new ChunkStore(this.pool);
  readonly reassembly = new Reassembly(this.store, 12345);
  cumulative: number;

  constructor(initial = 1) {
    this.cumulative = tsnAdd(tsn(initial), -1);
  }

  add({ tsn: own, stream = 0, ssn = 0, ppid = 0, marks = "BE", text = "x" }: Fragment): ChunkFate {
    const bytes = new TextEncoder().encode(text);
    const record = this.store.take(bytes, 0, bytes.length);
    let flags = 0;
    if (marks.includes("B")) flags |= DataFlag.Begin;
    if (marks.includes("E")) flags |= DataFlag.End;
    if (marks.includes("U")) flags |= DataFlag.Unordered;
    this.store.tsn[record] = own;
    this.store.stream[record] = stream;
    this.store.ssn[record] = ssn;
    this.store.ppid[record] = ppid;
    this.store.flags[record] = flags;
    return this.reassembly.add(record, tsnDistance(tsn(this.cumulative), tsn(own)));
  }

  /** Reads once; the end of a message shows as a dot. */
  read(room = 1000): string {
    const target = new Uint8Array(room);
    const info = newInfo();
    const length = this.reassembly.read(target, info);
    if (length === 0) return "";
    return new TextDecoder().decode(target.subarray(0, length)) + (info.endOfMessage ? "." : "");
  }

  readAll(room?: number): string[] {
    const texts: string[] = [];
    for (let text = this.read(room); text !== ""; text = this.read(room)) texts.push(text);
    return texts;
  }

  /** Throws unless all memory was returned. */
  end(): void {
    this.reassembly.clear(true);
    assert.equal(this.pool.liveBytes, 0);
    assert.equal(this.store.heldBytes, 0);
    assert.equal(this.store.heldCost, 0);
    assert.equal(this.reassembly.readyBytes, 0);
    assert.ok(!this.reassembly.isReadable);
  }
}

function newInfo(): ReceiveInfo {
  return { stream: -1, ssn: -1, ppid: -1, unordered: false, endOfMessage: false };
}

Deno.test("a whole message is readable at once, with what the sender said about it", () => {
  const bench = new Bench();
  bench.add({ tsn: 1, stream: 7, ssn: 0, ppid: 42, text: "hello" });
  const target = new Uint8Array(10);
  const info = newInfo();
  assert.equal(bench.reassembly.read(target, info), 5);
  assert.deepEqual(info, { stream: 7, ssn: 0, ppid: 42, unordered: false, endOfMessage: true });
  bench.end();
});

Deno.test("fragments make a message in whatever order they come (RFC 9260, section 6.9)", () => {
  const parts = [
    { tsn: 1, marks: "B", text: "a" },
    { tsn: 2, marks: "", text: "b" },
    { tsn: 3, marks: "", text: "c" },
    { tsn: 4, marks: "E", text: "d" },
  ];
  const order = fc.shuffledSubarray(parts, { minLength: 4, maxLength: 4 });
  fc.assert(fc.property(order, (fragments) => {
    const bench = new Bench();
    fragments.forEach((fragment, i) => {
      assert.equal(bench.reassembly.isReadable, false, `after ${i} fragments`);
      assert.equal(bench.add(fragment), ChunkFate.Kept);
    });
    assert.deepEqual(bench.readAll(), ["abcd."]);
    bench.end();
  }));
});

Deno.test("messages of a stream wait for their turn, those of other streams do not (section 6.6)", () => {
  const bench = new Bench();
  bench.add({ tsn: 2, ssn: 1, text: "second" });
  bench.add({ tsn: 3, ssn: 2, text: "third" });
  bench.add({ tsn: 4, stream: 1, text: "other" });
  assert.deepEqual(bench.readAll(), ["other."]);
  bench.add({ tsn: 1, ssn: 0, text: "first" });
  assert.deepEqual(bench.readAll(), ["first.", "second.", "third."]);
  bench.end();
});

Deno.test("an unordered message overtakes, whatever its Stream Sequence Number (section 6.6)", () => {
  const bench = new Bench();
  bench.add({ tsn: 2, ssn: 1, text: "waits" });
  bench.add({ tsn: 3, ssn: 77, marks: "BEU", text: "now" });
  assert.deepEqual(bench.readAll(), ["now."]);
  bench.add({ tsn: 4, ssn: 77, marks: "BU", text: "in " });
  bench.add({ tsn: 5, ssn: 12, marks: "EU", text: "parts" });
  assert.deepEqual(bench.readAll(), ["in parts."], "the field is ignored in each fragment");
  bench.end();
});

Deno.test("Stream Sequence Numbers wrap after 65535 (section 6.5)", () => {
  const bench = new Bench();
  let next = 1;
  for (let i = 0; i < 65_535; i++) {
    bench.add({ tsn: next++, ssn: i });
    bench.cumulative++;
    assert.equal(bench.read(), "x.");
  }
  bench.add({ tsn: next + 1, ssn: 0, text: "wrapped" });
  assert.equal(bench.reassembly.isReadable, false);
  bench.add({ tsn: next, ssn: 65_535, text: "last" });
  assert.deepEqual(bench.readAll(), ["last.", "wrapped."]);
  bench.end();
});

Deno.test("a Stream Sequence Number that was used before is useless, and costs nothing", () => {
  const bench = new Bench();
  bench.add({ tsn: 1, ssn: 0 });
  assert.equal(bench.add({ tsn: 2, ssn: 0 }), ChunkFate.Useless);
  bench.add({ tsn: 3, ssn: 2 });
  assert.equal(bench.add({ tsn: 4, ssn: 2 }), ChunkFate.Useless);
  assert.equal(bench.add({ tsn: 5, ssn: 65_535 }), ChunkFate.Useless);
  assert.deepEqual(bench.readAll(), ["x."]);
  bench.end();
});

Deno.test("neighbours that contradict each other are told apart from strangers", () => {
  const wrong: [Fragment, Fragment][] = [
    [{ tsn: 1, marks: "B" }, { tsn: 2, marks: "BE" }],
    [{ tsn: 1, marks: "B" }, { tsn: 2, marks: "E", stream: 1 }],
    [{ tsn: 1, marks: "B" }, { tsn: 2, marks: "E", ssn: 1 }],
    [{ tsn: 1, marks: "BU" }, { tsn: 2, marks: "E" }],
    [{ tsn: 1, marks: "E" }, { tsn: 2, marks: "E" }],
    [{ tsn: 1, marks: "E" }, { tsn: 2, marks: "" }],
  ];
  for (const [first, second] of wrong) {
    for (const [a, b] of [[first, second], [second, first]]) {
      const bench = new Bench(1);
      const fates = [bench.add(a), bench.add(b)];
      const known = fates.includes(ChunkFate.Contradiction);
      // A complete message is not remembered: only its incomplete neighbour can be blamed.
      assert.ok(known || a.marks === "BE", JSON.stringify([a, b]));
      bench.end();
    }
  }
});

Deno.test("a message is read in pieces of any size", () => {
  for (const room of [1, 2, 3, 5, 7, 100]) {
    const bench = new Bench();
    bench.add({ tsn: 1, marks: "B", text: "abcd" });
    bench.add({ tsn: 2, marks: "", text: "efg" });
    bench.add({ tsn: 3, marks: "E", text: "h" });
    bench.add({ tsn: 4, ssn: 1, text: "next" });
    assert.equal(bench.readAll(room).join(""), "abcdefgh.next.");
    bench.end();
  }
});

Deno.test("a long message is delivered in parts before it is complete (section 6.9)", () => {
  const bench = new Bench();
  bench.add({ tsn: 1, marks: "B", text: "aaa" });
  bench.add({ tsn: 2, marks: "", text: "bbb" });
  bench.reassembly.startPartialDelivery(tsn(2), 7);
  assert.equal(bench.reassembly.isReadable, false, "below the threshold");
  bench.add({ tsn: 3, marks: "", text: "c" });
  bench.reassembly.startPartialDelivery(tsn(3), 7);
  assert.equal(bench.reassembly.readyBytes, 7);
  assert.deepEqual(bench.readAll(), ["aaabbbc"]);
  bench.add({ tsn: 4, marks: "", text: "dd" });
  assert.deepEqual(bench.readAll(1), ["d", "d"]);
  bench.add({ tsn: 6, ssn: 1, text: "next" });
  assert.deepEqual(bench.readAll(), [], "the next message of the stream waits");
  bench.add({ tsn: 5, marks: "E", text: "e" });
  assert.deepEqual(bench.readAll(), ["e.", "next."]);
  bench.end();
});

Deno.test("partial delivery never starts in the middle of a stream, or without a beginning", () => {
  const bench = new Bench();
  bench.add({ tsn: 1, ssn: 1, marks: "B", text: "later message" });
  bench.reassembly.startPartialDelivery(tsn(1), 1);
  assert.equal(bench.reassembly.isReadable, false);
  const other = new Bench();
  other.add({ tsn: 1, marks: "", text: "no beginning" });
  other.reassembly.startPartialDelivery(tsn(1), 1);
  assert.equal(other.reassembly.isReadable, false);
  bench.end();
  other.end();
});

Deno.test("a partial delivery can be cut off at any time without losing memory", () => {
  for (const room of [0, 1, 3, 4, 6]) {
    const bench = new Bench();
    bench.add({ tsn: 1, marks: "B", text: "aaa" });
    bench.add({ tsn: 2, marks: "", text: "bbb" });
    bench.reassembly.startPartialDelivery(tsn(2), 1);
    bench.add({ tsn: 4, marks: "", text: "behind a gap" });
    if (room > 0) bench.read(room);
    bench.reassembly.clear(false);
    const rest = bench.readAll().join("");
    assert.equal(rest, "aaabbb".slice(room));
    bench.end();
  }
});

Deno.test("what was complete stays readable when the rest is given up", () => {
  const bench = new Bench();
  bench.add({ tsn: 1, marks: "B", text: "ab" });
  bench.add({ tsn: 2, marks: "E", text: "cd" });
  bench.add({ tsn: 3, ssn: 2, text: "out of turn" });
  bench.add({ tsn: 5, ssn: 1, marks: "B", text: "unfinished" });
  assert.equal(bench.read(1), "a");
  bench.reassembly.clear(false);
  assert.deepEqual(bench.readAll(), ["bcd."]);
  assert.equal(bench.pool.liveBytes, 0);
  bench.end();
});

Deno.test("fragments that can never be completed are released too, however many there were", () => {
  const bench = new Bench();
  // A complete message hides the beginning behind it: nothing will ever join that one.
  for (let i = 0; i < 2000; i++) {
    bench.add({ tsn: 2 * i + 2, ssn: i, stream: 1 });
    bench.add({ tsn: 2 * i + 1, marks: "B" });
    bench.cumulative += 2;
    bench.readAll();
  }
  assert.equal(bench.store.heldBytes, 2000);
  bench.end();
});

interface Sent {
  readonly stream: number;
  readonly unordered: boolean;
  readonly text: string;
}

function fragmentsOf(messages: readonly Sent[], initial: number, cut: number): Fragment[] {
  const ssns = new Map<number, number>();
  const fragments: Fragment[] = [];
  let next = tsn(initial);
  for (const { stream, unordered, text } of messages) {
    const ssn = ssns.get(stream) ?? 0;
    if (!unordered) ssns.set(stream, ssn + 1);
    for (let at = 0; at < text.length; at += cut) {
      const marks = (at === 0 ? "B" : "") + (at + cut >= text.length ? "E" : "") +
        (unordered ? "U" : "");
      fragments.push({ tsn: next, stream, ssn, marks, text: text.slice(at, at + cut) });
      next = tsnAdd(next, 1);
    }
  }
  return fragments;
}

/** Swaps neighbours within a distance, as networks do. */
function jumbled<Item>(items: readonly Item[], random: SeededRandom, distance: number): Item[] {
  const keys = items.map((_, i) => i + random.uint32() % distance);
  return items.map((item, i) => ({ item, key: keys[i] }))
    .sort((a, b) => a.key - b.key).map(({ item }) => item);
}

Deno.test("whatever the order, each stream yields its messages in order, each once and whole", () => {
  const message = fc.record({
    stream: fc.nat(2),
    unordered: fc.boolean(),
    text: fc.string({ minLength: 1, maxLength: 30, unit: fc.constantFrom("a", "b", "c") }),
  });
  const settings = fc.record({
    messages: fc.array(message, { maxLength: 40 }),
    initial: fc.constantFrom(1, 0xffff_fff0),
    seed: fc.nat(),
    distance: fc.integer({ min: 1, max: 60 }),
    threshold: fc.constantFrom(1, 5, 1000),
    room: fc.constantFrom(1, 3, 1000),
  });
  fc.assert(
    fc.property(settings, ({ messages, initial, seed, distance, threshold, room }) => {
      const random = new SeededRandom(seed);
      const bench = new Bench(initial);
      const arrived = new Set<number>();
      const received: string[] = [];
      let open: string | undefined;
      const readSome = () => {
        const target = new Uint8Array(room);
        const info = newInfo();
        for (;;) {
          const length = bench.reassembly.read(target, info);
          if (length === 0) return;
          const text = new TextDecoder().decode(target.subarray(0, length));
          open = (open ?? `${info.stream} ${info.unordered} `) + text;
          if (!info.endOfMessage) continue;
          received.push(open);
          open = undefined;
        }
      };
      for (const fragment of jumbled(fragmentsOf(messages, initial, 4), random, distance)) {
        assert.equal(bench.add(fragment), ChunkFate.Kept);
        arrived.add(fragment.tsn);
        while (arrived.has(tsnAdd(tsn(bench.cumulative), 1))) {
          bench.cumulative = tsnAdd(tsn(bench.cumulative), 1);
        }
        bench.reassembly.startPartialDelivery(tsn(bench.cumulative), threshold);
        if (random.uint32() % 2 === 0) readSome();
      }
      readSome();
      const lines = messages.map(({ stream, unordered, text }) => `${stream} ${unordered} ${text}`);
      assert.deepEqual([...received].sort(), [...lines].sort());
      for (const stream of [0, 1, 2]) {
        const isOrdered = (line: string) => line.startsWith(`${stream} false `);
        assert.deepEqual(received.filter(isOrdered), lines.filter(isOrdered));
      }
      assert.equal(bench.pool.liveBytes, 0);
      bench.end();
    }),
    { numRuns: 300 },
  );
});

Deno.test("once all has been read no memory is held for it", () => {
  const bench = new Bench();
  assert.equal(bench.store.tsn.length, 0);
  for (let i = 1; i <= 100; i++) bench.add({ tsn: 3 * i - 2, ssn: i - 1, marks: "B" });
  for (let i = 1; i <= 100; i++) bench.add({ tsn: 3 * i, ssn: i - 1, marks: "E" });
  assert.ok(bench.store.tsn.length >= 200);
  for (let i = 1; i <= 100; i++) bench.add({ tsn: 3 * i - 1, ssn: i - 1, marks: "" });
  assert.deepEqual(bench.readAll(), new Array(100).fill("xxx."));
  assert.equal(bench.store.tsn.length, 0);
  assert.equal(bench.pool.liveBytes, 0);
  bench.add({ tsn: 301, ssn: 100, text: "again" });
  assert.deepEqual(bench.readAll(), ["again."]);
});

Deno.test("what is given up gives its memory back as well", () => {
  const bench = new Bench();
  for (const tsn of [1, 5, 300]) bench.add({ tsn, ssn: tsn, marks: "B" });
  bench.reassembly.clear(false);
  assert.equal(bench.store.tsn.length, 0);
});
