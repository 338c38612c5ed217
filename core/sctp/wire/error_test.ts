import assert from "node:assert/strict";
import { describeError, encodeError } from "./error.ts";
import { CauseCode, chunkCauses, type ErrorCause } from "./error_cause.ts";
import { hex } from "./fixtures.ts";

const CAUSES: readonly ErrorCause[] = [
  { code: CauseCode.UnrecognizedChunkType, chunk: hex("c1000005 aa") },
  { code: CauseCode.StaleCookie, staleness: 0 },
];

Deno.test("an ERROR has the layout of RFC 9260, section 3.3.10", () => {
  const error = encodeError(CAUSES);
  assert.deepEqual(error, hex("09000018 00060009 c1000005 aa000000 00030008 00000000"));
  assert.deepEqual(chunkCauses(error, 0), CAUSES);
});

Deno.test("an ERROR reads as its causes", () => {
  assert.equal(
    describeError(encodeError(CAUSES), 0),
    "ERROR: Unrecognized Chunk Type (ASCONF), Stale Cookie",
  );
});
