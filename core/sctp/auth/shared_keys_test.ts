import assert from "node:assert/strict";
import { tsn } from "../base/serial.ts";
import { SharedKeys } from "./shared_keys.ts";

const secret = (byte: number) => new Uint8Array(16).fill(byte);

Deno.test("without keys there is the null key, id 0 (RFC 4895, section 6.2)", () => {
  const keys = new SharedKeys();
  assert.equal(keys.activeId, 0);
  assert.deepEqual(keys.secretOf(0), new Uint8Array(0));
  assert.equal(keys.secretOf(1), undefined);
});

Deno.test("with keys, the first one is active and there is no null key", () => {
  const keys = new SharedKeys([{ id: 9, secret: secret(9) }, { id: 3, secret: secret(3) }]);
  assert.equal(keys.activeId, 9);
  assert.deepEqual(keys.ids, [9, 3]);
  assert.equal(keys.secretOf(0), undefined);
});

Deno.test("a key is set, activated, deactivated and deleted, in this order (RFC 6458, section 8.3)", () => {
  const keys = new SharedKeys();
  assert.throws(() => keys.activate(1), /no shared key 1/);
  keys.set(1, secret(1));
  keys.activate(1);
  assert.equal(keys.activeId, 1);
  assert.throws(() => keys.deactivate(1, tsn(5)), /activate another one first/);
  assert.throws(() => keys.delete(0), /deactivate it first/);
  keys.deactivate(0, tsn(5));
  assert.throws(() => keys.activate(0), /was deactivated/);
  assert.throws(() => keys.delete(0), /in flight/);
  assert.ok(keys.haveRetiring);
  assert.deepEqual(keys.secretOf(0), new Uint8Array(0), "still good for receiving");
  assert.deepEqual(keys.takeFree(tsn(4)), []);
  assert.deepEqual(keys.takeFree(tsn(5)), [0]);
  assert.deepEqual(keys.takeFree(tsn(6)), [], "told once");
  assert.ok(!keys.haveRetiring);
  keys.delete(0);
  assert.equal(keys.secretOf(0), undefined);
});

Deno.test("a key that is set again is a new one, and no longer retires", () => {
  const keys = new SharedKeys([{ id: 1, secret: secret(1) }, { id: 2, secret: secret(2) }]);
  keys.deactivate(2, tsn(100));
  keys.deactivate(2, tsn(200));
  keys.set(2, secret(7));
  assert.ok(!keys.haveRetiring);
  assert.deepEqual(keys.takeFree(), []);
  keys.activate(2);
  assert.deepEqual(keys.secretOf(2), secret(7));
});

Deno.test("a key is a copy: its owner may wipe what it was made of", () => {
  const mine = secret(5);
  const keys = new SharedKeys([{ id: 1, secret: mine }]);
  mine.fill(0);
  assert.deepEqual(keys.secretOf(1), secret(5));
});

Deno.test("what is no key is refused with what would do", () => {
  const keys = new SharedKeys();
  for (const id of [-1, 65_536, 0.5, NaN]) {
    assert.throws(() => keys.set(id, secret(1)), /takes 0 to 65535/);
  }
  assert.throws(() => keys.set(1, new Uint8Array(65_536)), /65,535 are the most/);
  const twice = [{ id: 1, secret: secret(1) }, { id: 1, secret: secret(2) }];
  assert.throws(() => new SharedKeys(twice), /two shared keys with id 1/);
});
