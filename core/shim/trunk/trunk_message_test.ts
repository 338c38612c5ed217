import assert from "node:assert/strict";
import { SeededRandom } from "../../sctp/base/random.ts";
import { IpAddress } from "../../sctp/base/address.ts";
import { encodeControlMessage } from "../control_message.ts";
import {
  decodeTrunkMessage,
  encodeCredit,
  encodeOpen,
  MAX_TRUNK_MESSAGE,
  SMALLEST_WINDOW,
} from "./trunk_message.ts";

const at = (text: string, port: number) => ({ address: IpAddress.parse(text), port });

const OPENS = [
  { window: SMALLEST_WINDOW, destination: at("10.0.0.2", 22), source: at("10.0.0.1", 40_000) },
  { window: 0x7fff_ffff, destination: at("2001:db8::2", 65_535), source: at("2001:db8::1", 1) },
];

Deno.test("an OPEN and a CREDIT survive a round trip", () => {
  for (const open of OPENS) {
    const bytes = encodeOpen(open);
    assert.equal(bytes.length, MAX_TRUNK_MESSAGE);
    assert.deepEqual(decodeTrunkMessage(bytes, bytes.length), { kind: "open", ...open });
  }
  const credit = encodeCredit(4095, 524_288);
  assert.deepEqual([...credit], [5, 0, 0, 12, 0, 0, 0x0f, 0xff, 0, 8, 0, 0]);
  assert.deepEqual(decodeTrunkMessage(credit, 12), {
    kind: "credit",
    stream: 4095,
    bytes: 524_288,
  });
});

Deno.test("the control messages of an association are those of a stream too", () => {
  const bytes = encodeControlMessage({ kind: "reset", reason: 2 });
  assert.deepEqual(decodeTrunkMessage(bytes, 8), { kind: "reset", reason: 2 });
  assert.deepEqual(decodeTrunkMessage(Uint8Array.of(99, 0, 0, 4), 4), {
    kind: "unknown-type",
    type: 99,
  });
});

Deno.test("a window, a credit, a port or an address that cannot be is a fault", () => {
  const open = (change: (bytes: Uint8Array) => void) => {
    const bytes = encodeOpen(OPENS[0]);
    change(bytes);
    return decodeTrunkMessage(bytes, bytes.length).kind;
  };
  assert.equal(open((bytes) => bytes.fill(0, 4, 8)), "bad-window");
  assert.equal(open((bytes) => bytes.fill(0xff, 4, 8)), "bad-window");
  assert.equal(open((bytes) => bytes.fill(0, 8, 10)), "bad-address");
  assert.equal(open((bytes) => bytes.fill(0, 10, 12)), "bad-address");
  assert.equal(open((bytes) => bytes.fill(0, 24, 28)), "bad-address");
  assert.equal(open((bytes) => bytes.fill(0xff, 40, 44)), "bad-address");
  assert.equal(open((bytes) => bytes[3] = 43), "bad-length");
  assert.equal(decodeTrunkMessage(encodeCredit(1, 0), 12).kind, "bad-window");
  assert.equal(decodeTrunkMessage(encodeCredit(1, 0x8000_0000), 12).kind, "bad-window");
  assert.equal(decodeTrunkMessage(Uint8Array.of(4, 0, 0, 8, 0, 0, 0, 0), 8).kind, "bad-length");
});

Deno.test("whatever bytes come are answered without a throw", () => {
  const random = new SeededRandom(1);
  const bytes = new Uint8Array(64);
  for (let i = 0; i < 20_000; i++) {
    random.fill(bytes);
    const length = random.uint32() % bytes.length;
    bytes[0] = random.uint32() % 7;
    if (i % 2 === 0) bytes.set([length >> 8, length & 0xff], 2);
    assert.ok(decodeTrunkMessage(bytes, length).kind);
  }
});
