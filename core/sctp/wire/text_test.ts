import assert from "node:assert/strict";
import { hex } from "./fixtures.ts";
import { listItems, quoteBytes, toHex } from "./text.ts";

const utf8 = (text: string) => new TextEncoder().encode(text);

Deno.test("printable text is quoted, in any language", () => {
  assert.equal(quoteBytes(utf8("Tschüß, 世界")), '"Tschüß, 世界"');
});

Deno.test("control and direction characters and other bytes show as hexadecimal", () => {
  assert.equal(quoteBytes(utf8("\x1b[2J")), "1b5b324a");
  assert.equal(quoteBytes(utf8("a\u202eb")), "61e280ae62");
  assert.equal(quoteBytes(hex("ff00")), "ff00");
});

Deno.test("long text is cut, also in the middle of a character", () => {
  assert.equal(quoteBytes(utf8("x".repeat(70))), `"${"x".repeat(64)}" and 6 bytes more`);
  assert.equal(quoteBytes(utf8("x" + "ü".repeat(40))), `"x${"ü".repeat(31)}" and 17 bytes more`);
});

Deno.test("bytes are written in hexadecimal", () => {
  assert.equal(toHex(hex("00 0f ff")), "000fff");
});

Deno.test("a list shows its first eight items", () => {
  assert.equal(listItems([1, 2], String), "1, 2");
  assert.equal(listItems([], String), "");
  assert.equal(listItems(new Array(9).fill(0), String), "0, 0, 0, 0, 0, 0, 0, 0, and 1 more");
});
