import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import { chunkHasItsFields } from "./chunk.ts";
import { hex, truncations } from "./fixtures.ts";
import {
  describeShutdown,
  describeShutdownComplete,
  encodeShutdown,
  encodeShutdownAck,
  encodeShutdownComplete,
  shutdownCompleteIsReflected,
  shutdownCumulativeTsn,
} from "./shutdown.ts";

Deno.test("the shutdown chunks have the layouts of RFC 9260", () => {
  assert.deepEqual(encodeShutdown(tsn(0x01020304)), hex("07000008 01020304"));
  assert.deepEqual(encodeShutdownAck(), hex("08000004"));
  assert.deepEqual(encodeShutdownComplete(false), hex("0e000004"));
  assert.deepEqual(encodeShutdownComplete(true), hex("0e010004"));
});

Deno.test("a SHUTDOWN carries its TSN, and one that was cut lacks it", () => {
  assert.equal(shutdownCumulativeTsn(encodeShutdown(tsn(0xffffffff)), 0), 0xffffffff);
  for (const shorter of truncations(encodeShutdown(tsn(1)))) {
    assert.equal(chunkHasItsFields(shorter, 0), shorter.length === 8);
  }
});

Deno.test("the T bit is read whatever the reserved bits are", () => {
  assert.equal(shutdownCompleteIsReflected(hex("0eff0004"), 0), true);
  assert.equal(shutdownCompleteIsReflected(hex("0efe0004"), 0), false);
});

Deno.test("shutdown chunks read as their fields", () => {
  assert.equal(describeShutdown(encodeShutdown(tsn(9)), 0), "SHUTDOWN cumulative TSN 9");
  assert.equal(describeShutdownComplete(encodeShutdownComplete(false), 0), "SHUTDOWN COMPLETE");
  assert.equal(
    describeShutdownComplete(encodeShutdownComplete(true), 0),
    "SHUTDOWN COMPLETE with T bit",
  );
});
