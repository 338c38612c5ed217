import assert from "node:assert/strict";
import { hex } from "./fixtures.ts";
import { putPad, SHORTEST_PAD } from "./pad.ts";

Deno.test("PAD has type 132, no flags, and zeros as many as were asked for", () => {
  const bytes = new Uint8Array(16).fill(0xff);
  putPad(bytes, 4, 8);
  assert.deepEqual(bytes, hex("ffffffff 84000008 00000000 ffffffff"));
});

Deno.test("the shortest PAD is its header", () => {
  const bytes = new Uint8Array(8).fill(0xff);
  putPad(bytes, 0, SHORTEST_PAD);
  assert.deepEqual(bytes, hex("84000004 ffffffff"));
});
