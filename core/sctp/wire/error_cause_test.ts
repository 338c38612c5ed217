import assert from "node:assert/strict";
import fc from "fast-check";
import { IpAddress } from "../base/address.ts";
import { tsn } from "../base/serial.ts";
import { encodeAbort } from "./abort.ts";
import { chunkIsWhole, chunkLength } from "./chunk.ts";
import {
  CauseCode,
  causeName,
  chunkCauses,
  decodeCauses,
  describeCause,
  encodeCauses,
  type ErrorCause,
  MAX_CAUSES,
  protocolViolation,
} from "./error_cause.ts";
import { hex } from "./fixtures.ts";

/** The parameter of a request that is refused. */
const DELETION = hex("c002 0010 00000007 0005 0008 0a090102");

/** One cause of each kind, its bytes and its words. */
const EXAMPLES: readonly (readonly [ErrorCause, string, string])[] = [
  [
    { code: CauseCode.InvalidStreamIdentifier, stream: 0xabcd },
    "0001 0008 abcd 0000",
    "Invalid Stream Identifier (stream 43981)",
  ],
  [
    { code: CauseCode.MissingMandatoryParameter, types: [7, 0xc006] },
    "0002 000c 00000002 0007 c006",
    "Missing Mandatory Parameter (State Cookie, Adaptation Layer Indication)",
  ],
  [
    { code: CauseCode.StaleCookie, staleness: 1500 },
    "0003 0008 000005dc",
    "Stale Cookie (by 1500 microseconds)",
  ],
  [{ code: CauseCode.OutOfResource }, "0004 0004", "Out of Resource"],
  [
    { code: CauseCode.UnresolvableAddress, parameter: hex("0005 0008 0a090102") },
    "0005 000c 0005 0008 0a090102",
    "Unresolvable Address (10.9.1.2)",
  ],
  [
    { code: CauseCode.UnrecognizedChunkType, chunk: hex("c1000004") },
    "0006 0008 c1000004",
    "Unrecognized Chunk Type (ASCONF)",
  ],
  [{ code: CauseCode.InvalidMandatoryParameter }, "0007 0004", "Invalid Mandatory Parameter"],
  [
    { code: CauseCode.UnrecognizedParameters, parameters: hex("c000 0004 80080005 c0") },
    "0008 000d c000 0004 8008 0005 c0",
    "Unrecognized Parameters (Forward TSN Supported, Supported Extensions)",
  ],
  [{ code: CauseCode.NoUserData, tsn: tsn(4711) }, "0009 0008 00001267", "No User Data (TSN 4711)"],
  [
    { code: CauseCode.CookieReceivedWhileShuttingDown },
    "000a 0004",
    "Cookie Received While Shutting Down",
  ],
  [
    { code: CauseCode.RestartWithNewAddresses, addresses: [IpAddress.parse("10.9.1.2")] },
    "000b 000c 0005 0008 0a090102",
    "Restart of an Association with New Addresses (10.9.1.2)",
  ],
  [
    { code: CauseCode.UserInitiatedAbort, reason: hex("627965") },
    "000c 0007 627965",
    'User-Initiated Abort ("bye")',
  ],
  [protocolViolation("no tag"), "000d 000a 6e6f20746167", 'Protocol Violation ("no tag")'],
  [
    { code: CauseCode.Unknown, wireCode: 0x00af, value: hex("0102") },
    "00af 0006 0102",
    "cause 175 (2 bytes)",
  ],
  [
    { code: CauseCode.DeleteLastAddress, request: DELETION },
    "00a0 0014 c002 0010 00000007 0005 0008 0a090102",
    "Request to Delete Last Remaining IP Address (Delete IP Address)",
  ],
  [
    { code: CauseCode.ResourceShortage, request: DELETION },
    "00a1 0014 c002 0010 00000007 0005 0008 0a090102",
    "Operation Refused Due to Resource Shortage (Delete IP Address)",
  ],
  [
    { code: CauseCode.DeleteSourceAddress, request: DELETION },
    "00a2 0014 c002 0010 00000007 0005 0008 0a090102",
    "Request to Delete Source IP Address (Delete IP Address)",
  ],
  [
    { code: CauseCode.IllegalAsconfAck },
    "00a3 0004",
    "Association Aborted Due to Illegal ASCONF-ACK",
  ],
  [
    { code: CauseCode.NoAuthorization, request: DELETION },
    "00a4 0014 c002 0010 00000007 0005 0008 0a090102",
    "Request Refused - No Authorization (Delete IP Address)",
  ],
  [
    { code: CauseCode.UnsupportedHmac, hmac: 0x0203 },
    "0105 0006 0203",
    "Unsupported HMAC Identifier (HMAC 515)",
  ],
];

Deno.test("every cause has its layout of RFC 9260, section 3.3.10, and comes back", () => {
  for (const [cause, bytes] of EXAMPLES) {
    assert.deepEqual(encodeCauses([cause]), hex(bytes));
    assert.deepEqual(decodeCauses(hex(bytes), 0, hex(bytes).length), [cause]);
  }
});

Deno.test("every cause reads as its name and its fields", () => {
  for (const [cause, , words] of EXAMPLES) assert.equal(describeCause(cause), words);
});

Deno.test("a list of causes comes back whole, each behind the padding of the last", () => {
  const causes = EXAMPLES.map(([cause]) => cause);
  const bytes = encodeCauses(causes);
  assert.deepEqual(decodeCauses(bytes, 0, bytes.length), causes);
});

Deno.test("a known cause with too little inside is kept as it came", () => {
  for (const code of [1, 2, 3, 9]) {
    const bytes = hex(`000${code} 0007 010203`);
    assert.deepEqual(decodeCauses(bytes, 0, bytes.length), [
      { code: CauseCode.Unknown, wireCode: code, value: hex("010203") },
    ]);
  }
});

Deno.test("a count of missing parameters beyond the cause is not believed", () => {
  const bytes = hex("0002 000a ffffffff 0007");
  assert.deepEqual(decodeCauses(bytes, 0, bytes.length), [
    { code: CauseCode.MissingMandatoryParameter, types: [7] },
  ]);
});

Deno.test("causes are read up to the first malformed one", () => {
  const good = "0004 0004";
  for (const bad of ["0004 0000", "0004 0003", "0004 0009 00000000", "0004"]) {
    const bytes = hex(`${good} ${bad}`);
    assert.deepEqual(
      decodeCauses(bytes, 0, bytes.length),
      [{ code: CauseCode.OutOfResource }],
      bad,
    );
  }
});

Deno.test("any bytes give causes that can be told in words and encoded again", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(20), (bytes, code) => {
    if (bytes.length > 4) bytes.set([0, code, 0, bytes.length % 60]);
    const causes = decodeCauses(bytes, 0, bytes.length);
    for (const cause of causes) assert.match(describeCause(cause), /^\P{C}+$/u);
    const again = encodeCauses(causes);
    assert.deepEqual(decodeCauses(again, 0, again.length), causes);
  }));
});

Deno.test("of a flood of causes only the first ones are read", () => {
  const bytes = hex("0004 0004".repeat(1000));
  assert.equal(decodeCauses(bytes, 0, bytes.length).length, MAX_CAUSES);
});

Deno.test("causes always fit into one chunk: long values are cut, the rest is left out", () => {
  const reason = new Uint8Array(70000).fill(0x61);
  const abort = encodeAbort(false, [
    { code: CauseCode.UserInitiatedAbort, reason },
    { code: CauseCode.OutOfResource },
  ]);
  assert.ok(chunkIsWhole(abort, 0, abort.length));
  assert.equal(chunkLength(abort, 0), 65535);
  const [cause, ...others] = chunkCauses(abort, 0);
  assert.ok(cause.code === CauseCode.UserInitiatedAbort);
  assert.equal(cause.reason.length, 65527);
  assert.deepEqual(others, []);
});

Deno.test("a cause code has the name of the RFC, an unknown one its number", () => {
  assert.equal(causeName(CauseCode.CookieReceivedWhileShuttingDown), EXAMPLES[9][2]);
  assert.equal(causeName(0x00af), "cause 175");
});
