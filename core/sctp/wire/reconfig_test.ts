import assert from "node:assert/strict";
import fc from "fast-check";
import { tsn } from "../base/serial.ts";
import { parameter, rawChunk } from "../testing/chunks.ts";
import { chunkLength } from "./chunk.ts";
import { ChunkType } from "./chunk_type.ts";
import { isFault } from "./fault.ts";
import {
  decodeReconfig,
  describeReconfig,
  encodeReconfig,
  type ReconfigParameter,
  ReconfigResult,
} from "./reconfig.ts";

const OUTGOING: ReconfigParameter = {
  kind: "reset-outgoing",
  sequence: 0x01020304,
  responseSequence: 0x05060708,
  lastTsn: tsn(0x090a0b0c),
  streams: [1, 0x0203, 65_535],
};
const INCOMING: ReconfigParameter = { kind: "reset-incoming", sequence: 7, streams: [] };
const ASSOCIATION: ReconfigParameter = { kind: "reset-association", sequence: 9 };
const RESPONSE: ReconfigParameter = {
  kind: "response",
  sequence: 3,
  result: ReconfigResult.Performed,
  next: undefined,
};
const NEXT: ReconfigParameter = { ...RESPONSE, next: { sender: tsn(5), receiver: tsn(6) } };
const ADD: ReconfigParameter = { kind: "add-outgoing", sequence: 4, count: 3 };
const ADD_INCOMING: ReconfigParameter = { kind: "add-incoming", sequence: 5, count: 300 };
const ALL = [OUTGOING, INCOMING, ASSOCIATION, RESPONSE, NEXT, ADD, ADD_INCOMING];

Deno.test("an Outgoing SSN Reset Request stands byte for byte as in RFC 6525, section 4.1", () => {
  const expected = [130, 0, 0, 26, 0, 13, 0, 22, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
  const chunk = encodeReconfig([OUTGOING]);
  assert.deepEqual([...chunk], [...expected, 0, 1, 2, 3, 255, 255, 0, 0]);
});

Deno.test("the other parameters stand byte for byte as in sections 4.2 to 4.6", () => {
  const bytesOf = (parameter: ReconfigParameter) => [...encodeReconfig([parameter])].slice(4);
  assert.deepEqual(bytesOf(INCOMING), [0, 14, 0, 8, 0, 0, 0, 7]);
  assert.deepEqual(bytesOf(ASSOCIATION), [0, 15, 0, 8, 0, 0, 0, 9]);
  assert.deepEqual(bytesOf(RESPONSE), [0, 16, 0, 12, 0, 0, 0, 3, 0, 0, 0, 1]);
  assert.deepEqual(bytesOf(NEXT).slice(12), [0, 0, 0, 5, 0, 0, 0, 6]);
  assert.deepEqual(bytesOf(ADD), [0, 17, 0, 12, 0, 0, 0, 4, 0, 3, 0, 0]);
  assert.deepEqual(bytesOf(ADD_INCOMING), [0, 18, 0, 12, 0, 0, 0, 5, 1, 44, 0, 0]);
});

Deno.test("what was encoded is decoded, alone and in the pairs that section 3.1 allows", () => {
  const allowed = [
    ...ALL.map((one) => [one]),
    [OUTGOING, INCOMING],
    [ADD, ADD_INCOMING],
    [RESPONSE, OUTGOING],
    [OUTGOING, RESPONSE],
    [RESPONSE, RESPONSE],
  ];
  for (const parameters of allowed) {
    assert.deepEqual(decodeReconfig(encodeReconfig(parameters), 0), parameters);
  }
});

Deno.test("combinations that section 3.1 does not list are faults", () => {
  for (const pair of [[OUTGOING, OUTGOING], [ADD, OUTGOING], [ASSOCIATION, RESPONSE]]) {
    const result = decodeReconfig(encodeReconfig(pair), 0);
    assert.ok(isFault(result) && result.fault === "bad-parameter", JSON.stringify(pair));
  }
  const three = decodeReconfig(encodeReconfig([RESPONSE, RESPONSE, RESPONSE]), 0);
  assert.ok(isFault(three));
});

Deno.test("parameters of other chunks, wrong lengths and none at all are faults", () => {
  const faulty = [
    rawChunk(ChunkType.ReConfig),
    rawChunk(ChunkType.ReConfig, 0, parameter(1, new Uint8Array(8))),
    rawChunk(ChunkType.ReConfig, 0, parameter(13, new Uint8Array(11))),
    rawChunk(ChunkType.ReConfig, 0, parameter(14, new Uint8Array(5))),
    rawChunk(ChunkType.ReConfig, 0, parameter(15, new Uint8Array(5))),
    rawChunk(ChunkType.ReConfig, 0, parameter(16, new Uint8Array(12))),
    rawChunk(ChunkType.ReConfig, 0, parameter(17, new Uint8Array(4))),
    rawChunk(ChunkType.ReConfig, 0, Uint8Array.of(0, 13, 0, 0)),
    rawChunk(ChunkType.ReConfig, 0, Uint8Array.of(0, 13, 255, 255)),
  ];
  for (const chunk of faulty) {
    assert.ok(isFault(decodeReconfig(chunk, 0)), [...chunk].join(" "));
    assert.match(describeReconfig(chunk, 0), /^malformed RE-CONFIG \(/);
  }
});

Deno.test("any bytes are a value or a fault, and have words of bounded length", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (value) => {
    const chunk = rawChunk(ChunkType.ReConfig, 0, value);
    const result = decodeReconfig(chunk, 0);
    assert.ok(isFault(result) || result.length <= 2);
    assert.ok(describeReconfig(chunk, 0).length < 400);
  }));
});

Deno.test("the words say what is asked and answered", () => {
  const words = (...parameters: ReconfigParameter[]) =>
    describeReconfig(encodeReconfig(parameters), 0);
  assert.equal(
    words(OUTGOING),
    "RE-CONFIG reset-outgoing 16909060 of streams 1, 515, 65535 behind TSN 151653132",
  );
  assert.equal(words(INCOMING), "RE-CONFIG reset-incoming 7 of all streams");
  assert.equal(
    words(RESPONSE, NEXT),
    "RE-CONFIG response to 3: performed, response to 3: performed",
  );
  assert.equal(words(ADD), "RE-CONFIG add-outgoing 4: 3 streams");
  assert.equal(words(ASSOCIATION), "RE-CONFIG reset-association 9");
  assert.equal(words({ ...RESPONSE, result: 77 }), "RE-CONFIG response to 3: result 77");
  assert.equal(chunkLength(encodeReconfig([ASSOCIATION]), 0), 12);
});
