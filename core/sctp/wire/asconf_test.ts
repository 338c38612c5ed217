import assert from "node:assert/strict";
import fc from "fast-check";
import { IpAddress } from "../base/address.ts";
import { parameter, rawChunk } from "../testing/chunks.ts";
import {
  type AddressRequest,
  decodeAsconf,
  decodeAsconfAck,
  describeAsconf,
  describeAsconfAck,
  encodeAsconf,
  encodeAsconfAck,
} from "./asconf.ts";
import { chunkLength } from "./chunk.ts";
import { ChunkType } from "./chunk_type.ts";
import { CauseCode } from "./error_cause.ts";
import { isFault } from "./fault.ts";
import { hex } from "./fixtures.ts";

const V4 = IpAddress.parse("192.0.2.1");
const V6 = IpAddress.parse("fd09::2");
const ADD: AddressRequest = { action: "add", correlation: 0x01023474, address: V4 };
const DELETE: AddressRequest = { action: "delete", correlation: 0x01023476, address: V4 };
const PRIMARY: AddressRequest = { action: "set-primary", correlation: 0x01023479, address: V6 };

function withoutParameter(request: object): object {
  return Object.fromEntries(Object.entries(request).filter(([name]) => name !== "parameter"));
}

Deno.test("ASCONF and its parameters stand byte for byte as in RFC 5061, sections 4.1.1 and 4.2", () => {
  const chunk = encodeAsconf({ serial: 0x0a0b0c0d, lookup: V4, requests: [ADD, DELETE, PRIMARY] });
  assert.deepEqual(
    chunk,
    hex(
      "c100004c 0a0b0c0d 0005 0008 c0000201" +
        "c001 0010 01023474 0005 0008 c0000201" +
        "c002 0010 01023476 0005 0008 c0000201" +
        "c004 001c 01023479 0006 0014 fd090000 00000000 00000000 00000002",
    ),
  );
});

Deno.test("ASCONF-ACK stands byte for byte as in sections 4.1.2 and 4.3.1", () => {
  assert.deepEqual(encodeAsconfAck({ serial: 7, responses: [] }), hex("80000008 00000007"));
  const request = hex("c002 0010 01023476 0005 0008 c0000201");
  const chunk = encodeAsconfAck({
    serial: 7,
    responses: [
      { kind: "success", correlation: 5 },
      {
        kind: "error",
        correlation: 0x01023476,
        causes: [{ code: CauseCode.DeleteLastAddress, request }],
      },
    ],
  });
  assert.deepEqual(
    chunk,
    hex(
      "8000002c 00000007 c005 0008 00000005" +
        "c003 001c 01023476 00a0 0014 c002 0010 01023476 0005 0008 c0000201",
    ),
  );
});

Deno.test("what was encoded is decoded, the parameters kept as they came", () => {
  const asconf = { serial: 0xffff_ffff, lookup: V6, requests: [PRIMARY, ADD] };
  const decoded = decodeAsconf(encodeAsconf(asconf), 0);
  assert.ok(!isFault(decoded));
  const requests = decoded.requests.map(withoutParameter);
  assert.deepEqual({ ...decoded, requests }, asconf);
  assert.deepEqual(
    decoded.requests[1].parameter,
    hex("c001 0010 01023474 0005 0008 c0000201"),
  );
  const ack = {
    serial: 3,
    responses: [
      { kind: "success", correlation: 1 },
      { kind: "error", correlation: 2, causes: [{ code: CauseCode.OutOfResource }] },
    ],
  } as const;
  assert.deepEqual(decodeAsconfAck(encodeAsconfAck(ack), 0), ack);
});

Deno.test("a parameter that is no request is told apart, with its Correlation ID", () => {
  const unknown = parameter(0xc00f, hex("00000009 0102"));
  const chunk = rawChunk(ChunkType.Asconf, 0, hex(`00000001 00050008c0000201${hexOf(unknown)}`));
  const decoded = decodeAsconf(chunk, 0);
  assert.ok(!isFault(decoded));
  assert.deepEqual(decoded.requests, [
    { action: "unknown", type: 0xc00f, correlation: 9, parameter: unknown.subarray(0, 10) },
  ]);
});

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

Deno.test("no Address Parameter, wrong lengths and hosts by name are faults", () => {
  const asconf = (value: string) => rawChunk(ChunkType.Asconf, 0, hex(`00000001 ${value}`));
  const lookup = "0005 0008 c0000201";
  const faulty = [
    asconf(""),
    asconf("c001 0010 00000001 0005 0008 c0000201"),
    asconf("000b 0008 61626300"),
    asconf("0005 0009 c0000201 00"),
    asconf(`${lookup} c001 0006 0000`),
    asconf(`${lookup} c001 0000`),
    asconf(`${lookup} c001 ffff 00000001`),
    asconf(`${lookup} c001 000c 00000001 00050008`),
    asconf(`${lookup} c002 0010 00000001 0006 0008 c0000201`),
    asconf(`${lookup} c004 0010 00000001 000b 0008 61626300`),
  ];
  for (const chunk of faulty) {
    assert.ok(isFault(decodeAsconf(chunk, 0)), [...chunk].join(" "));
    assert.match(describeAsconf(chunk, 0), /^malformed ASCONF \(/);
  }
  const ack = (value: string) => rawChunk(ChunkType.AsconfAck, 0, hex(`00000001 ${value}`));
  for (const chunk of [ack("c005 0006 0000"), ack("c003 0004"), ack("c001 0008 00000001")]) {
    assert.ok(isFault(decodeAsconfAck(chunk, 0)), [...chunk].join(" "));
  }
});

Deno.test("any bytes are read without a throw, and never beyond the chunk", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 8, maxLength: 120 }), (bytes) => {
      const chunk = rawChunk(ChunkType.Asconf, 0, bytes);
      const decoded = decodeAsconf(chunk, 0);
      if (!isFault(decoded)) {
        const most = (chunkLength(chunk, 0) - 16) / 8;
        assert.ok(decoded.requests.length <= most);
      }
      decodeAsconfAck(chunk, 0);
      describeAsconf(chunk, 0);
      describeAsconfAck(chunk, 0);
    }),
  );
});

Deno.test("both chunks read in words", () => {
  const asconf = encodeAsconf({ serial: 7, lookup: V4, requests: [ADD, PRIMARY] });
  assert.equal(
    describeAsconf(asconf, 0),
    "ASCONF 7 of 192.0.2.1: add 192.0.2.1, set-primary fd09::2",
  );
  const ack = encodeAsconfAck({
    serial: 7,
    responses: [
      { kind: "success", correlation: 1 },
      { kind: "error", correlation: 2, causes: [{ code: CauseCode.OutOfResource }] },
    ],
  });
  assert.equal(describeAsconfAck(ack, 0), "ASCONF-ACK 7: 1 done, 2 refused: Out of Resource");
});
