/** AUTH chunks that cannot be, and keys that change under an attacker's eyes (RFC 4895, section 9). */
import assert from "node:assert/strict";
import { AuthPuppet } from "../testing/auth_puppet.ts";
import { data } from "../testing/chunks.ts";
import { chunksOfType } from "../testing/sent_packet.ts";
import { encodeAbort } from "../wire/abort.ts";
import { LISTABLE_CHUNKS } from "../wire/auth_parameters.ts";
import { ChunkType } from "../wire/chunk_type.ts";

const secretOf = (id: number) => new Uint8Array(24).fill(id);
const keyOf = (id: number) => ({ id, secret: secretOf(id) });
const sealOf = (id: number) => ({ keyId: id, secret: secretOf(id) });

/** A subject that takes nothing without its key, which has id 1. */
function guarded(): AuthPuppet {
  const puppet = new AuthPuppet({
    authentication: { chunks: [ChunkType.Data, ChunkType.Abort], keys: [keyOf(1)] },
    parameters: { sackDelay: 0 },
  });
  puppet.connect();
  return puppet;
}

function drops({ subject }: AuthPuppet) {
  return subject.endpoint.metrics.dropped;
}

Deno.test("an HMAC id out of range ends nothing: what is behind it is dropped, and reports are bounded", () => {
  const puppet = guarded();
  const ids = [0, 2, 4, 255, 256, 0x7fff, 0xffff];
  for (const hmac of ids) {
    puppet.sendUndrained(...puppet.sealed({ ...sealOf(1), hmac }, encodeAbort(false, [])));
  }
  for (let i = 0; i < 100; i++) {
    puppet.sendUndrained(...puppet.sealed({ ...sealOf(1), hmac: 9 }, data(1000)));
  }
  puppet.subject.drain();
  assert.equal(puppet.association.state, "ESTABLISHED");
  assert.equal(puppet.association.readableBytes, 0);
  assert.equal(drops(puppet)["unsupported-hmac"], ids.length + 100);
  assert.ok(chunksOfType(puppet.subject.take(), ChunkType.Error).length <= 16);
});

Deno.test("a key that nobody has set opens nothing, and is not asked for a second time", () => {
  const puppet = guarded();
  for (let id = 2; id < 200; id++) {
    assert.deepEqual(puppet.sendSealed(sealOf(id), {}, encodeAbort(false, [])), []);
  }
  assert.equal(drops(puppet)["unknown-key"], 198);
  assert.equal(puppet.association.state, "ESTABLISHED");
  assert.deepEqual(puppet.association.keys.ids, [1]);
});

Deno.test("while keys change, either opens, none that was deleted does, and no forgery is told as a change", () => {
  const puppet = guarded();
  const { keys } = puppet.association;
  const changes = () =>
    puppet.subject.events.filter(({ kind }) => kind === "authentication").length;
  const take = (id: number, at: number, secret = secretOf(id)) =>
    puppet.sendSealed({ keyId: id, secret }, {}, data(at, { ssn: at - 1000 }));
  // The peer is ahead of us: its new key is not known yet, and what it sends comes again.
  take(2, 1000);
  assert.equal(drops(puppet)["unknown-key"], 1);
  keys.set(2, secretOf(2));
  // Forged under the id that is about to be used.
  for (let i = 0; i < 50; i++) take(2, 1000, secretOf(9));
  assert.equal(drops(puppet)["bad-auth"], 50);
  assert.equal(changes(), 0);
  // Reordered packets: the old and the new key take turns.
  for (let i = 0; i < 20; i++) take(1 + (i & 1), 1000 + i);
  assert.equal(puppet.association.readableBytes, 200);
  assert.equal(changes(), 1, "told once, however often they take turns");
  keys.activate(2);
  puppet.subject.do(() => puppet.association.deactivateSharedKey(1));
  take(1, 1020);
  assert.equal(puppet.association.readableBytes, 210, "late ones under the old key are taken");
  keys.delete(1);
  take(1, 1021);
  assert.equal(puppet.association.readableBytes, 210);
  assert.equal(drops(puppet)["unknown-key"], 2);
});

Deno.test("whatever is listed, every chunk of a stranger is dropped and counted, and costs no answer", () => {
  const puppet = new AuthPuppet({ authentication: { chunks: LISTABLE_CHUNKS, keys: [keyOf(1)] } });
  puppet.connect();
  // COOKIE ECHO is among them, so there is no association to be had without the key.
  assert.deepEqual(puppet.subject.associations, []);
  assert.ok(drops(puppet)["unauthenticated-chunk"] > 0);
});
