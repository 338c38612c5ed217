import assert from "node:assert/strict";
import { IpAddress } from "../../sctp/base/address.ts";
import { instant } from "../../sctp/base/time.ts";
import { AvailabilityCache, type CacheLimits } from "./availability_cache.ts";

const A = IpAddress.parse("192.0.2.1");
const B = IpAddress.parse("2001:db8::1");

function cacheOf(limits: CacheLimits): AvailabilityCache {
  return new AvailabilityCache(() => limits);
}

Deno.test("both answers are remembered, by address and port", () => {
  const cache = cacheOf({ lifetime: 1000, size: 10 });
  cache.note(instant(0), A, 80, "yes", "up");
  cache.note(instant(0), A, 81, "no", "silent");
  cache.note(instant(0), B, 80, "no", "refused");
  assert.equal(cache.find(instant(1), IpAddress.parse("192.0.2.1"), 80), "yes");
  assert.equal(cache.find(instant(1), A, 81), "no");
  assert.equal(cache.find(instant(1), B, 80), "no");
  assert.equal(cache.find(instant(1), B, 81), undefined);
});

Deno.test("an answer is forgotten when its time is up, and a newer one takes its place before", () => {
  const cache = cacheOf({ lifetime: 1000, size: 10 });
  cache.note(instant(0), A, 80, "no", "silent");
  cache.note(instant(600), A, 80, "yes", "up");
  assert.equal(cache.find(instant(1599), A, 80), "yes");
  assert.equal(cache.find(instant(1600), A, 80), undefined);
  assert.equal(cache.size, 0);
});

Deno.test("only a yes can be doubted", () => {
  const cache = cacheOf({ lifetime: 1000, size: 10 });
  cache.note(instant(0), A, 80, "yes", "up");
  cache.note(instant(0), A, 81, "no", "silent");
  for (const port of [80, 81, 82]) cache.doubt(A, port);
  assert.equal(cache.find(instant(1), A, 80), undefined);
  assert.equal(cache.find(instant(1), A, 81), "no");
});

Deno.test("the server that was not met for longest makes room", () => {
  const cache = cacheOf({ lifetime: 1000, size: 2 });
  cache.note(instant(0), A, 1, "no", "");
  cache.note(instant(1), A, 2, "no", "");
  cache.find(instant(2), A, 1);
  cache.note(instant(3), A, 3, "no", "");
  assert.deepEqual(cache.list(instant(3)).map(({ port }) => port), [1, 3]);
});

Deno.test("changed limits count at once, and zero remembers nothing", () => {
  const limits = { lifetime: 1000, size: 2 };
  const cache = cacheOf(limits);
  cache.note(instant(0), A, 1, "no", "");
  limits.lifetime = 10;
  assert.equal(cache.find(instant(10), A, 1), undefined);
  limits.lifetime = 0;
  cache.note(instant(20), A, 2, "no", "");
  assert.equal(cache.size, 0);
  Object.assign(limits, { lifetime: 1000, size: 0 });
  cache.note(instant(20), A, 2, "no", "");
  assert.equal(cache.size, 0);
});

Deno.test("the list tells what is known, since when and for how long; a flush empties it", () => {
  const cache = cacheOf({ lifetime: 1000, size: 2 });
  cache.note(instant(0), B, 443, "no", "silent");
  assert.deepEqual(cache.list(instant(400)), [{
    address: "2001:db8::1",
    port: 443,
    available: "no",
    reason: "silent",
    age: 400,
    expiresIn: 600,
  }]);
  assert.equal(cache.flush(), 1);
  assert.deepEqual(cache.list(instant(400)), []);
});
