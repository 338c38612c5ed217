import assert from "node:assert/strict";
import { abortIsReflected, describeAbort, encodeAbort } from "./abort.ts";
import { CauseCode, chunkCauses } from "./error_cause.ts";
import { hex, truncations } from "./fixtures.ts";

Deno.test("an ABORT has the layout of RFC 9260, section 3.3.7", () => {
  assert.deepEqual(encodeAbort(false, []), hex("06000004"));
  assert.deepEqual(
    encodeAbort(true, [{ code: CauseCode.UserInitiatedAbort, reason: hex("61") }]),
    hex("06010009 000c0005 61000000"),
  );
});

Deno.test("the T bit is read whatever the reserved bits are", () => {
  assert.equal(abortIsReflected(hex("06ff0004"), 0), true);
  assert.equal(abortIsReflected(hex("06fe0004"), 0), false);
});

Deno.test("the causes of an ABORT cut anywhere are those that are whole", () => {
  const abort = encodeAbort(false, [
    { code: CauseCode.OutOfResource },
    { code: CauseCode.StaleCookie, staleness: 1 },
  ]);
  for (const shorter of truncations(abort)) {
    const whole = (shorter.length >= 8 ? 1 : 0) + (shorter.length >= 16 ? 1 : 0);
    assert.equal(chunkCauses(shorter, 0).length, whole, `length ${shorter.length}`);
  }
});

Deno.test("an ABORT reads as its T bit and causes", () => {
  assert.equal(describeAbort(hex("06000004"), 0), "ABORT");
  assert.equal(
    describeAbort(hex("0601000c 00040004 00070004"), 0),
    "ABORT with T bit: Out of Resource, Invalid Mandatory Parameter",
  );
});
