import assert from "node:assert/strict";
import fc from "fast-check";
import { embedded, hex, truncations } from "./fixtures.ts";
import {
  describeHeartbeat,
  encodeHeartbeat,
  encodeHeartbeatAck,
  heartbeatInfo,
  heartbeatParameters,
} from "./heartbeat.ts";

Deno.test("a HEARTBEAT has the layout of RFC 9260, section 3.3.5", () => {
  assert.deepEqual(encodeHeartbeat(hex("aabbcc")), hex("0400000b 00010007 aabbcc00"));
});

Deno.test("a HEARTBEAT ACK returns the parameters of the HEARTBEAT, known or not, unchanged", () => {
  const request = hex("04000011 0bad0005 ee000000 00010005 aa");
  const answer = encodeHeartbeatAck(heartbeatParameters(embedded(request), 7));
  assert.deepEqual(answer, hex("05000011 0bad0005 ee000000 00010005 aa000000"));
  assert.deepEqual(heartbeatInfo(answer, 0), hex("aa"));
});

Deno.test("heartbeat info comes back as it was sent", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (info) => {
    const request = embedded(encodeHeartbeat(info));
    const answer = encodeHeartbeatAck(heartbeatParameters(request, 7));
    assert.deepEqual(heartbeatInfo(answer, 0), info);
  }));
});

Deno.test("a HEARTBEAT cut anywhere has no info, or all of it", () => {
  const whole = encodeHeartbeat(new Uint8Array(12).fill(5));
  for (const shorter of truncations(whole)) {
    const info = heartbeatInfo(embedded(shorter), 7);
    assert.deepEqual(info, shorter.length < whole.length ? undefined : new Uint8Array(12).fill(5));
  }
});

Deno.test("a HEARTBEAT with a parameter of length zero has no info and does not loop", () => {
  assert.equal(heartbeatInfo(hex("0400000c 0bad0000 00010004"), 0), undefined);
});

Deno.test("heartbeats read as the length of their info", () => {
  assert.equal(describeHeartbeat(encodeHeartbeat(hex("aabb")), 0), "HEARTBEAT info of 2 bytes");
  assert.equal(describeHeartbeat(hex("05000004"), 0), "HEARTBEAT ACK without info");
});
