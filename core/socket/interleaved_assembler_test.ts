import assert from "node:assert/strict";
import { SctpError } from "./errors.ts";
import { InterleavedAssembler } from "./interleaved_assembler.ts";
import type { Read } from "./message.ts";

/** A part of a message: its stream, its text and, at the end, a dot. */
function readerOf(...parts: readonly (readonly [stream: number, text: string])[]): Read {
  const left = [...parts];
  return (target, info) => {
    const part = left.shift();
    if (!part) return 0;
    const [stream, text] = part;
    info.stream = stream;
    info.ppid = stream + 40;
    info.endOfMessage = text.endsWith(".");
    return new TextEncoder().encodeInto(text, target).written;
  };
}

function textOf(assembler: InterleavedAssembler, read: Read): string | undefined {
  const message = assembler.next(read);
  return message && `${message.stream} ${message.ppid} ${new TextDecoder().decode(message.data)}`;
}

Deno.test("messages of several streams are put together from parts in turn", () => {
  const assembler = new InterleavedAssembler(100);
  const read = readerOf([1, "a"], [2, "x"], [1, "b"], [3, "whole."], [2, "y."], [1, "c."]);
  const texts = [1, 2, 3, 4].map(() => textOf(assembler, read));
  assert.deepEqual(texts, ["3 43 whole.", "2 42 xy.", "1 41 abc.", undefined]);
});

Deno.test("a stream's message that gets no more is forgotten, others are not; a reset forgets all", () => {
  const assembler = new InterleavedAssembler(100);
  assert.equal(textOf(assembler, readerOf([1, "a"], [2, "x"])), undefined);
  assembler.drop(1);
  assembler.drop(7);
  assert.equal(textOf(assembler, readerOf([1, "b."])), "1 41 b.");
  assembler.reset();
  assert.equal(textOf(assembler, readerOf([2, "y."])), "2 42 y.");
});

Deno.test("what is not whole has a bound, for all streams together; what was given out does not count", () => {
  const assembler = new InterleavedAssembler(10);
  for (let i = 0; i < 5; i++) assert.ok(textOf(assembler, readerOf([1, "12345"], [1, "6789."])));
  assert.equal(textOf(assembler, readerOf([1, "12345"], [2, "12345"])), undefined);
  assembler.drop(2);
  assert.equal(textOf(assembler, readerOf([2, "12345"])), undefined);
  assert.throws(
    () => textOf(assembler, readerOf([3, "1"])),
    (error) =>
      error instanceof SctpError && error.code === "ERR_SCTP_MESSAGE_TOO_LONG" &&
      /more than 10 bytes .* on 3 streams/.test(error.message),
  );
});
