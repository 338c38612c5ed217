import assert from "node:assert/strict";
import { MAX_LISTED_STREAMS } from "../../sctp/wire/reconfig.ts";
import { StreamTable } from "./stream_table.ts";

/** A table with these streams in use, each known by a name. */
function tableOf(...names: string[]): StreamTable<string> {
  const table = new StreamTable<string>();
  for (const name of names) table.add(table.takeFree(names.length + 1)!, name);
  return table;
}

Deno.test("a number is free again once both sides have reset the stream, in either order", () => {
  const first = tableOf("a");
  assert.equal(first.takeFree(2), undefined);
  first.retire(1);
  assert.deepEqual(first.takeDue(), [1]);
  assert.deepEqual(first.concludeReset(), ["a"]);
  assert.equal(first.takeFree(2), undefined);
  assert.deepEqual(first.handlePeerReset([1]), []);
  assert.equal(first.takeFree(2), 1);

  const second = tableOf("a");
  assert.deepEqual(second.handlePeerReset([1]), ["a"], "it still carries a connection");
  second.retire(1);
  second.takeDue();
  assert.equal(second.takeFree(2), undefined);
  second.concludeReset();
  assert.equal(second.takeFree(2), 1);
});

Deno.test("one reset is under way at a time, and takes with it what has gathered", () => {
  const table = tableOf("a", "b", "c");
  table.retire(1);
  assert.deepEqual(table.takeDue(), [1]);
  table.retire(2);
  table.retire(3);
  table.retire(3);
  assert.deepEqual(table.takeDue(), []);
  table.concludeReset();
  assert.deepEqual(table.takeDue(), [2, 3]);
  assert.equal(table.inUse, 0);
});

Deno.test("no more streams are reset at once than a RE-CONFIG can name", () => {
  const names = Array.from({ length: MAX_LISTED_STREAMS + 1 }, (_, i) => `${i}`);
  const table = tableOf(...names);
  for (let id = 1; id <= names.length; id++) table.retire(id);
  assert.equal(table.takeDue().length, MAX_LISTED_STREAMS);
  table.concludeReset();
  assert.deepEqual(table.takeDue(), [names.length]);
});

Deno.test("a reset that has to be asked for again comes before others", () => {
  const table = tableOf("a", "b");
  table.retire(1);
  table.takeDue();
  table.retire(2);
  table.repeatReset();
  assert.deepEqual(table.takeDue(), [1, 2]);
});

Deno.test("the peer may use a number whose reset it has seen before we have its answer", () => {
  const table = tableOf("old");
  assert.equal(table.isFreeForPeer(1), false);
  assert.equal(table.isFreeForPeer(2), true);
  table.retire(1);
  table.handlePeerReset([1]);
  assert.equal(table.isFreeForPeer(1), false, "the peer cannot have seen what was not sent");
  table.takeDue();
  assert.equal(table.isFreeForPeer(1), true);
  table.add(1, "new");
  assert.deepEqual(table.concludeReset(), ["old"]);
  assert.deepEqual([table.find(1), table.inUse], ["new", 1]);
  assert.equal(table.isFreeForPeer(1), false);
});

Deno.test("a peer that resets all streams resets each of them", () => {
  const table = tableOf("a", "b");
  assert.deepEqual(table.handlePeerReset([]), ["a", "b"]);
  assert.deepEqual(table.handlePeerReset([7]), []);
});
