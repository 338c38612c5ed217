import assert from "node:assert/strict";
import fc from "fast-check";
import { IpAddress } from "../base/address.ts";
import { writeU16 } from "../base/bytes.ts";
import { tsn } from "../base/serial.ts";
import { chunkIsWhole } from "./chunk.ts";
import { ChunkType } from "./chunk_type.ts";
import { isFault } from "./fault.ts";
import { embedded, hex, truncations } from "./fixtures.ts";
import {
  decodeInit,
  encodeInit,
  INIT_HEADER_LENGTH,
  type InitChunk,
  type InitFields,
  MAX_UNRECOGNIZED,
} from "./init.ts";
import { newAuthParameters } from "./auth_parameters.ts";
import { describeInit } from "./init_words.ts";
import { MAX_ADDRESSES } from "./address_parameter.ts";
import { newTlv } from "./tlv.ts";

const MANDATORY: InitFields = {
  initiateTag: 0x01020304,
  receiverWindow: 131072,
  outboundStreams: 10,
  inboundStreams: 2048,
  initialTsn: tsn(0x0a0b0c0d),
};

const EMPTY: Omit<InitChunk, keyof typeof MANDATORY> & typeof MANDATORY = {
  ...MANDATORY,
  addresses: [],
  supportedAddressTypes: undefined,
  cookiePreservative: undefined,
  stateCookie: undefined,
  ecnCapable: false,
  adaptationIndication: undefined,
  forwardTsnSupported: false,
  errorDetectionMethod: undefined,
  supportedExtensions: [],
  auth: {},
  hostName: undefined,
  unrecognizedInPeer: [],
  unrecognized: [],
};

/** A parameter of any length. */
function tlvOf(type: number) {
  return fc.uint8Array({ maxLength: 40 }).map((value) => newTlv(type, value));
}

/** An INIT whose parameters are these bytes. */
function initWith(parameters: string): Uint8Array {
  const bytes = hex(`01000000 01020304 00020000 000a 0800 0a0b0c0d ${parameters}`);
  writeU16(bytes, 2, bytes.length);
  return bytes;
}

/** What an INIT with these parameters is decoded to. */
function decoded(parameters: string): InitChunk {
  const init = decodeInit(embedded(initWith(parameters)), 7);
  if (isFault(init)) throw new Error(`${init.fault}: ${init.detail}`);
  return init;
}

Deno.test("an INIT without parameters has the layout of RFC 9260, section 3.3.2", () => {
  assert.deepEqual(
    encodeInit(ChunkType.Init, MANDATORY),
    hex("01000014 01020304 00020000 000a 0800 0a0b0c0d"),
  );
  assert.deepEqual(decoded(""), EMPTY);
});

Deno.test("every parameter has the layout of its section", () => {
  const chunk = encodeInit(ChunkType.InitAck, {
    ...MANDATORY,
    stateCookie: hex("c0ffee"),
    addresses: [IpAddress.parse("10.9.1.2")],
    cookiePreservative: 1000,
    ecnCapable: true,
    forwardTsnSupported: true,
    errorDetectionMethod: 1,
    supportedAddressTypes: [5, 6],
    adaptationIndication: 0x42,
    supportedExtensions: [0xc1, 0x80, 0x0f],
    auth: newAuthParameters(new Uint8Array(32).fill(0xab), [0xc1], [3]),
    unrecognized: [hex("c0000004")],
  });
  assert.deepEqual(
    chunk,
    hex(
      "02000090 01020304 00020000 000a 0800 0a0b0c0d" +
        "0007 0007 c0ffee 00" +
        "0005 0008 0a090102" +
        "0009 0008 000003e8" +
        "8000 0004" +
        "c000 0004" +
        "8001 0008 00000001" +
        "000c 0008 0005 0006" +
        "c006 0008 00000042" +
        "8008 0007 c1800f 00" +
        "8002 0024" + "ab".repeat(32) +
        "8003 0005 c1 000000" +
        "8004 0006 0003 0000" +
        "0008 0008 c0000004",
    ),
  );
});

Deno.test("an INIT or INIT ACK comes back as it was written, at any place", () => {
  const address = fc.uint8Array({ minLength: 4, maxLength: 4 })
    .map((bytes) => IpAddress.fromBytes(4, bytes))
    .filter((address) => address.isUnicast);
  const word = fc.nat(0xffffffff);
  const fields = fc.record({
    initiateTag: word,
    receiverWindow: word,
    outboundStreams: fc.nat(0xffff),
    inboundStreams: fc.nat(0xffff),
    initialTsn: word.map(tsn),
    addresses: fc.array(address, { maxLength: MAX_ADDRESSES }),
    supportedAddressTypes: fc.option(fc.constantFrom([5], [6], [5, 6]), { nil: undefined }),
    cookiePreservative: fc.option(word, { nil: undefined }),
    stateCookie: fc.option(fc.uint8Array({ maxLength: 50 }), { nil: undefined }),
    ecnCapable: fc.boolean(),
    adaptationIndication: fc.option(word, { nil: undefined }),
    forwardTsnSupported: fc.boolean(),
    errorDetectionMethod: fc.option(word, { nil: undefined }),
    supportedExtensions: fc.array(fc.nat(255), { maxLength: 256 }),
    auth: fc.tuple(tlvOf(0x8002), tlvOf(0x8003), tlvOf(0x8004))
      .map(([random, chunkList, hmacList]) => ({ random, chunkList, hmacList })),
  });
  fc.assert(fc.property(fields, fc.nat(9), (init, offset) => {
    const bytes = embedded(encodeInit(ChunkType.InitAck, init), offset);
    const expected = { ...init, hostName: undefined, unrecognizedInPeer: [], unrecognized: [] };
    assert.deepEqual(decodeInit(bytes, offset), expected);
  }));
});

Deno.test("an INIT cut anywhere is decoded or a fault, and never read past its end", () => {
  const whole = encodeInit(ChunkType.Init, {
    ...MANDATORY,
    addresses: [IpAddress.parse("10.9.1.2"), IpAddress.parse("fd09::1")],
    supportedAddressTypes: [5, 6],
    adaptationIndication: 1,
  });
  const parameterStarts = [20, 28, 48, 56, 64];
  for (const chunk of truncations(whole)) {
    const init = decodeInit(embedded(chunk), 7);
    const cut = Math.min(...parameterStarts.map((at) => chunk.length - at).filter((n) => n >= 0));
    if (chunk.length < INIT_HEADER_LENGTH) {
      assert.ok(isFault(init) && init.fault === "too-short" && init.offset === 7);
    } else if (cut >= 4) {
      assert.ok(isFault(init) && init.fault === "bad-length", `length ${chunk.length}`);
    } else {
      assert.ok(!isFault(init), `length ${chunk.length}`);
      assert.equal(init.addresses.length, chunk.length < 28 ? 0 : chunk.length < 48 ? 1 : 2);
      assert.equal(init.adaptationIndication, chunk.length < 64 ? undefined : 1);
    }
  }
});

Deno.test("any bytes behind the fixed fields give an INIT or a fault inside of the chunk", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (parameters) => {
    const bytes = new Uint8Array(INIT_HEADER_LENGTH + parameters.length);
    bytes.set(initWith(""));
    bytes.set(parameters, INIT_HEADER_LENGTH);
    writeU16(bytes, 2, bytes.length);
    const init = decodeInit(bytes, 0);
    if (isFault(init)) assert.ok(init.offset < bytes.length);
    assert.ok(describeInit(bytes, 0).startsWith("INIT "));
  }));
});

Deno.test("unknown parameters are skipped, reported or final by their highest bits", () => {
  const adaptation = "c006 0008 00000042";
  const skipped = decoded(`bfff 0005 aa000000 ${adaptation}`);
  assert.deepEqual([skipped.unrecognized, skipped.adaptationIndication], [[], 0x42]);

  const reported = decoded(`ffff 0005 aa000000 ${adaptation}`);
  assert.deepEqual(reported.unrecognized, [hex("ffff 0005 aa")]);
  assert.equal(reported.adaptationIndication, 0x42);

  const final = decoded(`3fff 0005 aa000000 ${adaptation}`);
  assert.deepEqual([final.unrecognized, final.adaptationIndication], [[], undefined]);

  const reportedFinal = decoded(`7fff 0005 aa000000 ${adaptation}`);
  assert.deepEqual(reportedFinal.unrecognized, [hex("7fff 0005 aa")]);
  assert.equal(reportedFinal.adaptationIndication, undefined);
});

Deno.test("what was read before a final unknown parameter stays read", () => {
  assert.equal(decoded("c006 0008 00000042 3fff 0004").adaptationIndication, 0x42);
});

Deno.test("a known parameter of the wrong length is a fault that names it", () => {
  const wrong = {
    "IPv4 Address": "0005 0007 0a090100",
    "IPv6 Address": "0006 0008 00000000",
    "Cookie Preservative": "0009 0004",
    "ECN Capable": "8000 0008 00000000",
    "Forward TSN Supported": "c000 0008 00000000",
    "Adaptation Layer Indication": "c006 000c 00000000 00000000",
  };
  for (const [name, parameter] of Object.entries(wrong)) {
    const init = decodeInit(initWith(`80080004 ${parameter}`), 0);
    assert.ok(isFault(init), name);
    assert.equal(init.fault, "bad-parameter");
    assert.equal(init.chunkType, ChunkType.Init);
    assert.equal(init.offset, INIT_HEADER_LENGTH + 4);
    assert.ok(init.detail.startsWith(name), init.detail);
  }
});

Deno.test("a parameter of length zero is a fault and not an endless loop", () => {
  const init = decodeInit(initWith("c000 0000"), 0);
  assert.ok(isFault(init) && init.fault === "bad-length");
});

Deno.test("addresses that no packet could be sent to are left out", () => {
  const mapped = "0006 0014 00000000 00000000 0000ffff 0a090102";
  const multicast = "0005 0008 e0000001";
  const wildcard = "0006 0014 00000000 00000000 00000000 00000000";
  const good = "0005 0008 0a090102";
  const { addresses } = decoded(`${mapped} ${multicast} ${wildcard} ${good}`);
  assert.deepEqual(addresses.map(String), ["10.9.1.2"]);
});

Deno.test("of a flood of addresses only the first ones are read", () => {
  const { addresses } = decoded("0005 0008 0a090102".repeat(1000));
  assert.equal(addresses.length, MAX_ADDRESSES);
});

Deno.test("of a flood of unknown parameters only the first ones are kept", () => {
  assert.equal(decoded("ffff 0004".repeat(1000)).unrecognized.length, MAX_UNRECOGNIZED);
  const { unrecognizedInPeer } = decoded("0008 0008 c0000004".repeat(1000));
  assert.equal(unrecognizedInPeer.length, MAX_UNRECOGNIZED);
});

Deno.test("a host name is kept whole", () => {
  assert.deepEqual(decoded("000b 0006 6100 0000").hostName, hex("000b 0006 6100"));
});

Deno.test("supported address types other than IPv4 and IPv6 are ignored", () => {
  assert.deepEqual(decoded("000c 000c 000b 0006 0006 0063").supportedAddressTypes, [6]);
  assert.deepEqual(decoded("000c 0004").supportedAddressTypes, []);
});

Deno.test("parameters that may stand only once count the first time", () => {
  const init = decoded("c0060008 00000001 c0060008 00000002 0007 0005 aa000000 0007 0005 bb000000");
  assert.equal(init.adaptationIndication, 1);
  assert.deepEqual(init.stateCookie, hex("aa"));
});

Deno.test("authentication parameters are kept as they came, the first of each", () => {
  const said = "8002 0006 aabb 0000 8003 0004 8004 0005 01 000000";
  const init = decoded(
    `${said} 8002 0004 8003 0005 00 000000 8004 0004 8008 0005 0f000000 80080004`,
  );
  assert.deepEqual(init.auth, {
    random: hex("8002 0006 aabb"),
    chunkList: hex("8003 0004"),
    hmacList: hex("8004 0005 01"),
  });
  assert.deepEqual(init.supportedExtensions, [0x0f]);
});

Deno.test("of a flood of supported extensions no more are kept than there are chunk types", () => {
  const bytes = initWith("8008 2004" + "0f".repeat(0x2000));
  const init = decodeInit(bytes, 0);
  assert.ok(!isFault(init));
  assert.equal(init.supportedExtensions.length, 256);
});

Deno.test("what an INIT says of extensions and authentication reads in words", () => {
  const words = (parameters: string) =>
    describeInit(initWith(parameters), 0).replace(/^.*168496141 ?/, "");
  const random = `8002 0024 ${"00".repeat(32)}`;
  assert.equal(words("8008 0006 0fc1 0000"), "extensions AUTH, ASCONF");
  assert.equal(words("c000 0004"), "FORWARD TSN");
  assert.equal(words(`${random} 8004 0008 0003 0001`), "authentication by SHA-256, SHA-1");
  assert.equal(
    words(`${random} 8003 0006 0003 0000 8004 0006 0001 0000`),
    "authentication by SHA-1 of DATA, SACK",
  );
  assert.equal(words("8002 0004 8004 0006 0001 0000"), "authentication incomplete");
  assert.equal(words(random), "authentication incomplete");
});

Deno.test("a known parameter of another chunk is skipped", () => {
  assert.equal(decoded("0001 0008 00000000 c0060008 00000042").adaptationIndication, 0x42);
});

Deno.test("reports of unrecognized parameters come back to the peer", () => {
  const chunk = encodeInit(ChunkType.InitAck, {
    ...MANDATORY,
    unrecognized: [hex("ffff 0005 aa")],
  });
  const init = decodeInit(chunk, 0);
  assert.ok(!isFault(init));
  assert.deepEqual(init.unrecognizedInPeer, [hex("ffff 0005 aa")]);
});

Deno.test("reports that do not fit into a chunk are left out", () => {
  const big = new Uint8Array(30000).fill(1);
  const chunk = encodeInit(ChunkType.InitAck, { ...MANDATORY, unrecognized: [big, big, big] });
  assert.ok(chunkIsWhole(chunk, 0, chunk.length));
  const init = decodeInit(chunk, 0);
  assert.ok(!isFault(init));
  assert.equal(init.unrecognizedInPeer.length, 2);
});

Deno.test("an INIT reads as its fields", () => {
  const parameters = "0005 0008 0a090102 c006 0008 00000042 ffff 0004 000b 0005 00";
  assert.equal(
    describeInit(initWith(parameters), 0),
    "INIT tag 0x01020304 a_rwnd 131072 OS 10 MIS 2048 TSN 168496141 10.9.1.2 " +
      "adaptation 0x00000042 host name unrecognized parameter 0xffff",
  );
  assert.equal(
    describeInit(initWith("0005 0004"), 0),
    "INIT malformed (IPv4 Address of 4 bytes)",
  );
});
