import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import { chunkHasItsFields } from "./chunk.ts";
import { cwrTsn, describeEcn, ecneTsn, encodeCwr, encodeEcne } from "./ecn.ts";
import { hex, truncations } from "./fixtures.ts";

Deno.test("ECNE and CWR carry one TSN", () => {
  const ecne = encodeEcne(tsn(0x89abcdef));
  const cwr = encodeCwr(tsn(0x89abcdef));
  assert.deepEqual(ecne, hex("0c000008 89abcdef"));
  assert.deepEqual(cwr, hex("0d000008 89abcdef"));
  assert.equal(ecneTsn(ecne, 0), 0x89abcdef);
  assert.equal(cwrTsn(cwr, 0), 0x89abcdef);
});

Deno.test("an ECNE that was cut lacks its TSN", () => {
  for (const shorter of truncations(encodeEcne(tsn(1)))) {
    assert.equal(chunkHasItsFields(shorter, 0), shorter.length === 8);
  }
});

Deno.test("ECNE and CWR read as their TSN", () => {
  assert.equal(describeEcn(encodeEcne(tsn(5)), 0), "ECNE TSN 5");
  assert.equal(describeEcn(encodeCwr(tsn(6)), 0), "CWR TSN 6");
});
