import assert from "node:assert/strict";
import { hex } from "./fixtures.ts";
import {
  joinTlvs,
  newTlv,
  nextTlv,
  tlvBytes,
  tlvIsWhole,
  tlvsEnd,
  tlvType,
  tlvValue,
} from "./tlv.ts";

Deno.test("an item comes back as it was written, without padding", () => {
  const item = newTlv(0x8008, hex("c082c1"));
  assert.deepEqual(item, hex("8008 0007 c082c1"));
  assert.equal(tlvType(item, 0), 0x8008);
  assert.deepEqual(tlvValue(item, 0), hex("c082c1"));
  assert.deepEqual(tlvBytes(item, 0), item);
  assert.equal(nextTlv(item, 0), 8);
});

Deno.test("an item is whole from its own length on, with or without its padding", () => {
  const item = hex("8008 0005 c0 000000");
  assert.equal(tlvIsWhole(item, 0, 4), false);
  assert.equal(tlvIsWhole(item, 0, 5), true);
  assert.equal(tlvIsWhole(item, 0, 8), true);
  assert.equal(tlvIsWhole(hex("8008 0003"), 0, 4), false);
});

Deno.test("less than a header is the end", () => {
  assert.equal(tlvsEnd(0, 4), false);
  assert.equal(tlvsEnd(1, 4), true);
  assert.equal(tlvsEnd(4, 4), true);
});

Deno.test("joined items are padded but for the last", () => {
  const items = [hex("0001 0005 aa"), hex("0002 0004"), hex("0003 0006 bbbb")];
  assert.deepEqual(joinTlvs(items), hex("0001 0005 aa000000 0002 0004 0003 0006 bbbb"));
  assert.deepEqual(joinTlvs([]), new Uint8Array(0));
});

Deno.test("a value that no item can carry is refused", () => {
  assert.equal(newTlv(1, new Uint8Array(65531)).length, 65535);
  assert.throws(() => newTlv(1, new Uint8Array(65532)), /65532 bytes does not fit/);
});
