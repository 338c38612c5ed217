import assert from "node:assert/strict";
import { instant } from "../sctp/base/time.ts";
import { DeliveryChecker, type PartInfo } from "./delivery_checker.ts";
import { Workload } from "./workload.ts";

const NOW = instant(0);

interface Delivered extends PartInfo {
  bytes: Uint8Array;
}

/** Lets a workload pass as a perfect transport would, with at most `room` messages a call. */
function send(workload: Workload, room = Infinity): Delivered[] {
  const delivered: Delivered[] = [];
  const ssns = new Map<number, number>();
  let left = 0;
  const sink = {
    send(
      _now: number,
      data: Uint8Array,
      options: { stream: number; ppid: number; unordered: boolean },
    ) {
      if (left-- <= 0) return false;
      const { stream, ppid, unordered } = options;
      const ssn = unordered ? 0 : ssns.get(stream) ?? 0;
      if (!unordered) ssns.set(stream, ssn + 1);
      delivered.push({ bytes: data.slice(), stream, ppid, unordered, ssn, endOfMessage: true });
      return true;
    },
  };
  const sender = workload.sender();
  while (!sender.isDone) {
    left = room;
    sender.pump(NOW, sink);
  }
  return delivered;
}

function check(workload: Workload, delivered: readonly Delivered[]): DeliveryChecker {
  const checker = new DeliveryChecker(workload);
  for (const part of delivered) checker.take(part.bytes, part.bytes.length, part);
  return checker;
}

const options = { seed: 5, streams: 4, messages: 60, maximumSize: 5000, unorderedShare: 0.3 };

Deno.test("a workload that arrives as sent is complete", () => {
  const workload = new Workload(options);
  const checker = check(workload, send(workload, 3));
  const verdict = checker.complete();
  assert.ok(verdict.ok, verdict.text);
  assert.match(verdict.text, /^60 of 60 messages, \d+ bytes: each once, in order, intact$/);
  assert.equal(checker.bytes, workload.bytes);
});

Deno.test("a workload has the sizes, streams and total that were asked for", () => {
  const workload = new Workload({ seed: 9, streams: 3, messages: 2000, totalBytes: 3_000_000 });
  const sizes = workload.messages.map(({ size }) => size);
  assert.ok(Math.min(...sizes) === 1 && Math.max(...sizes) > 100_000);
  assert.ok(workload.bytes < 3_000_000 + 2000);
  assert.deepEqual([...new Set(workload.messages.map(({ stream }) => stream))].sort(), [0, 1, 2]);
  assert.ok(workload.messages.every(({ unordered }) => !unordered));
});

Deno.test("messages that come in parts are checked across the parts", () => {
  const workload = new Workload({ ...options, minimumSize: 1000 });
  const delivered = send(workload);
  const queue = delivered.map((message) => ({ message, at: 0 }));
  const source = {
    read(_now: number, target: Uint8Array, info: PartInfo): number {
      const [first] = queue;
      if (!first) return 0;
      const part = first.message.bytes.subarray(first.at, first.at + target.length);
      target.set(part);
      first.at += part.length;
      Object.assign(info, first.message, { endOfMessage: first.at === first.message.bytes.length });
      if (info.endOfMessage) queue.shift();
      return part.length;
    },
  };
  const checker = new DeliveryChecker(workload, 333);
  checker.pull(NOW, source);
  assert.ok(checker.isComplete);
  assert.ok(checker.complete().ok, checker.complete().text);
});

Deno.test("every kind of wrong delivery is seen and named", () => {
  const workload = new Workload({ ...options, unorderedShare: 0 });
  const wrong = (change: (delivered: Delivered[]) => void) => {
    const delivered = send(workload);
    change(delivered);
    const verdict = check(workload, delivered).complete();
    assert.equal(verdict.ok, false);
    return verdict.text;
  };
  const streamOf = (d: Delivered[], i: number) =>
    d.findIndex((m, j) => j > i && m.stream === d[i].stream);
  assert.match(wrong((d) => d.splice(7, 1)), /message 7 .* is missing/);
  assert.match(wrong((d) => d.splice(9, 0, d[8])), /message 8 .* came twice/);
  assert.match(wrong((d) => d[3].bytes[0] ^= 1), /message 3 .* differs at byte 0/);
  assert.match(
    wrong((d) => d[3].bytes = d[3].bytes.subarray(1)),
    /message 3 .* came with \d+ bytes/,
  );
  assert.match(wrong((d) => d[3].ppid = 999), /PPID 999 was never sent/);
  assert.match(wrong((d) => d[3].stream += 1), /message 3 .* came on stream/);
  assert.match(wrong((d) => d[3].ssn += 1), /message 3 .* came with SSN/);
  assert.match(
    wrong((d) => {
      const other = streamOf(d, 2);
      [d[2], d[other]] = [d[other], d[2]];
    }),
    /came where number \d+ of its stream was due/,
  );
});

Deno.test("a partial verdict does not mind what is missing at the end", () => {
  const workload = new Workload(options);
  const checker = check(workload, send(workload).slice(0, 20));
  assert.equal(checker.partial().ok, true);
  assert.equal(checker.complete().ok, false);
});
