import assert from "node:assert/strict";
import {
  type ControlMessage,
  decodeControlMessage,
  describeResetReason,
  encodeControlMessage,
  MAX_CONTROL_MESSAGE,
  ResetReason,
} from "./control_message.ts";

const EXAMPLES: [ControlMessage, number[]][] = [
  [{ kind: "half-close", bytes: 0 }, [1, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0]],
  [{ kind: "half-close", bytes: 0x1_2345_6789_a }, [
    1,
    0,
    0,
    12,
    0,
    0,
    0,
    0x12,
    0x34,
    0x56,
    0x78,
    0x9a,
  ]],
  [{ kind: "half-close", bytes: Number.MAX_SAFE_INTEGER }, [
    1,
    0,
    0,
    12,
    0,
    0x1f,
    255,
    255,
    255,
    255,
    255,
    255,
  ]],
  [{ kind: "reset", reason: ResetReason.Refused }, [2, 0, 0, 8, 0, 0, 0, 2]],
  [{ kind: "connected", takesTrunks: false }, [3, 0, 0, 4]],
  [{ kind: "connected", takesTrunks: true }, [3, 1, 0, 4]],
];

Deno.test("control messages have the documented bytes and survive a round trip", () => {
  for (const [message, bytes] of EXAMPLES) {
    assert.deepEqual([...encodeControlMessage(message)], bytes);
    assert.deepEqual(decodeControlMessage(Uint8Array.from(bytes)), message);
    assert.ok(bytes.length <= MAX_CONTROL_MESSAGE);
  }
});

Deno.test("a control message is read in place, wherever it lies in a buffer", () => {
  const buffer = new Uint8Array(40).fill(0xee);
  buffer.set(encodeControlMessage({ kind: "half-close", bytes: 77 }), 13);
  assert.deepEqual(decodeControlMessage(buffer, 13, 12), { kind: "half-close", bytes: 77 });
});

Deno.test("flags are ignored, so that a later version can use them", () => {
  const bytes = encodeControlMessage({ kind: "reset", reason: 1 });
  bytes[1] = 0xff;
  assert.deepEqual(decodeControlMessage(bytes), { kind: "reset", reason: 1 });
});

Deno.test("a wrong length, an unknown type and a count beyond 2^53 - 1 are faults", () => {
  const decode = (...bytes: number[]) => decodeControlMessage(Uint8Array.from(bytes));
  assert.deepEqual(decode(), { kind: "bad-length", length: 0 });
  assert.deepEqual(decode(1, 0, 0), { kind: "bad-length", length: 3 });
  assert.deepEqual(decode(1, 0, 0, 12), { kind: "bad-length", length: 4 });
  assert.deepEqual(decode(1, 0, 0, 8, 0, 0, 0, 0), { kind: "bad-length", length: 8 });
  assert.deepEqual(decode(2, 0, 0, 4), { kind: "bad-length", length: 4 });
  assert.deepEqual(decode(9, 0, 0, 4), { kind: "unknown-type", type: 9 });
  assert.deepEqual(decode(1, 0, 0, 12, 0, 0x20, 0, 0, 0, 0, 0, 0), { kind: "bad-count" });
});

Deno.test("every short input is answered without a throw, whatever its bytes", () => {
  for (let length = 0; length <= 16; length++) {
    for (let value = 0; value < 256; value++) {
      const result = decodeControlMessage(new Uint8Array(length).fill(value));
      assert.equal(typeof result.kind, "string");
    }
  }
});

Deno.test("each reason of a reset is told in words, an unknown one by its number", () => {
  const texts = Object.values(ResetReason).map(describeResetReason);
  assert.equal(new Set(texts).size, texts.length);
  assert.equal(describeResetReason(99), "reason 99");
});
