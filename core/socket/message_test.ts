import assert from "node:assert/strict";
import { SctpError } from "./errors.ts";
import { MessageAssembler, type Read, sendOptions } from "./message.ts";

/** Reads from messages that lie there; a message marked as begun gives its bytes without its end. */
function readerOf(messages: { bytes: number; stream?: number; begun?: boolean }[]): Read {
  let offset = 0;
  return (target, info) => {
    const [message] = messages;
    if (!message) return 0;
    const count = Math.min(target.length, message.bytes - offset);
    for (let i = 0; i < count; i++) target[i] = (offset + i) % 251;
    offset += count;
    info.stream = message.stream ?? 0;
    info.endOfMessage = offset === message.bytes && !message.begun;
    if (offset === message.bytes) {
      messages.shift();
      offset = 0;
    }
    return count;
  };
}

function patternOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i % 251);
}

Deno.test("messages come one by one with their stream", () => {
  const assembler = new MessageAssembler(1 << 20);
  const read = readerOf([{ bytes: 10, stream: 3 }, { bytes: 5 }]);
  assert.deepEqual(assembler.next(read)?.stream, 3);
  assert.deepEqual(assembler.next(read)?.data.length, 5);
  assert.equal(assembler.next(read), undefined);
});

Deno.test("a message longer than the buffer is put together without losing a byte", () => {
  const assembler = new MessageAssembler(1 << 20);
  const message = assembler.next(readerOf([{ bytes: 300_000 }]));
  assert.deepEqual(message?.data, patternOf(300_000));
});

Deno.test("a message that comes in parts waits for its end, and is forgotten by reset", () => {
  const assembler = new MessageAssembler(1 << 20);
  assert.equal(assembler.next(readerOf([{ bytes: 7, begun: true }])), undefined);
  assert.equal(assembler.next(readerOf([{ bytes: 3 }]))?.data.length, 10);
  assert.equal(assembler.next(readerOf([{ bytes: 7, begun: true }])), undefined);
  assembler.reset();
  assert.equal(assembler.next(readerOf([{ bytes: 3 }]))?.data.length, 3);
});

Deno.test("a message of the greatest length is taken, one byte more is an error", () => {
  const assembler = new MessageAssembler(100_000);
  assert.equal(assembler.next(readerOf([{ bytes: 100_000 }]))?.data.length, 100_000);
  assert.throws(
    () => assembler.next(readerOf([{ bytes: 100_001 }])),
    (error) => error instanceof SctpError && error.code === "ERR_SCTP_MESSAGE_TOO_LONG",
  );
});

Deno.test("options that are not given are stream 0, ordered, no payload protocol, reliable", () => {
  const plain = {
    stream: 0,
    ppid: 0,
    unordered: false,
    immediate: false,
    reliability: undefined,
    context: 0,
  };
  assert.deepEqual(sendOptions(), plain);
  assert.deepEqual(sendOptions({ prinfo: { policy: "none" } }), plain);
  assert.equal(sendOptions({ stream: 4 }).stream, 4);
});
