import assert from "node:assert/strict";
import fc from "fast-check";
import { ssn, ssnLess, tsn, tsnAdd, tsnDistance, tsnLess, tsnLessOrEqual } from "./serial.ts";

const anyTsn = fc.nat(0xffff_ffff).map(tsn);

Deno.test("a TSN after 2^32 - 1 is 0, and the older one is less (RFC 9260, section 1.6)", () => {
  const last = tsn(0xffff_ffff);
  assert.equal(tsnAdd(last, 1), 0);
  assert.equal(tsnAdd(tsn(0), -1), 0xffff_ffff);
  assert.ok(tsnLess(last, tsn(0)));
  assert.ok(!tsnLess(tsn(0), last));
  assert.equal(tsnDistance(last, tsn(2)), 3);
});

Deno.test("TSN distance undoes addition anywhere on the circle", () => {
  fc.assert(fc.property(anyTsn, fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), (start, n) => {
    assert.equal(tsnDistance(start, tsnAdd(start, n)), n);
  }));
});

Deno.test("of two TSNs less than 2^31 apart exactly one is less", () => {
  fc.assert(fc.property(anyTsn, fc.integer({ min: 1, max: 2 ** 31 - 1 }), (start, n) => {
    const later = tsnAdd(start, n);
    assert.ok(tsnLess(start, later) && !tsnLess(later, start));
    assert.ok(tsnLessOrEqual(start, later) && tsnLessOrEqual(start, start));
  }));
});

Deno.test("a Stream Sequence Number wraps at 2^16", () => {
  assert.equal(ssn(65_536), 0);
  assert.ok(ssnLess(ssn(65_535), ssn(0)));
  assert.ok(!ssnLess(ssn(0), ssn(65_535)));
  assert.ok(!ssnLess(ssn(7), ssn(7)));
  assert.ok(ssnLess(ssn(0), ssn(32_767)));
});
