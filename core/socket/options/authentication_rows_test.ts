/** Options about authentication, in both styles. */
import assert from "node:assert/strict";
import { PORT, StackPair } from "../testing/pair.ts";
import { bytes, inBothStyles, text, until } from "../testing/styles.ts";

const DATA = 0;
const key = (id: number) => ({ id, secret: bytes(`the secret of ${id}`) });
const SHARED = { SCTP_AUTH_KEY: key(5), SCTP_AUTH_ACTIVE_KEY: 5, SCTP_AUTH_CHUNK: DATA };
const BOTH = { clientOptions: SHARED, serverOptions: SHARED };

Deno.test("SCTP_HMAC_IDENT: the list must have SHA-1, and peers use what stands first", async () => {
  await using pair = new StackPair();
  const listener = pair.server.listen({ port: PORT, options: { SCTP_HMAC_IDENT: [1] } });
  assert.deepEqual(listener.getOption("SCTP_HMAC_IDENT"), [1]);
  listener.setOption("SCTP_HMAC_IDENT", [3, 1]);
  assert.deepEqual(listener.getOption("SCTP_HMAC_IDENT"), [3, 1]);
  for (const list of [[3], [1, 2]]) {
    assert.throws(() => listener.setOption("SCTP_HMAC_IDENT", list), RangeError);
  }
  const socket = pair.server.openSocket({ port: PORT + 1 });
  socket.setOption("SCTP_HMAC_IDENT", [1], { association: "future" });
  assert.deepEqual(socket.getOption("SCTP_HMAC_IDENT"), [1]);
});

inBothStyles("SCTP_AUTH_KEY, SCTP_AUTH_ACTIVE_KEY: keys change while data flows", async (ends) => {
  const { client, server } = ends;
  assert.equal(client.getOption("SCTP_AUTH_ACTIVE_KEY"), 5);
  for (const end of [client, server]) end.setOption("SCTP_AUTH_KEY", key(6));
  const used = server.told("authentication");
  client.setOption("SCTP_AUTH_ACTIVE_KEY", 6);
  assert.equal(client.getOption("SCTP_AUTH_ACTIVE_KEY"), 6);
  await client.send(bytes("with the new one"));
  assert.equal(text((await server.receive())?.data), "with the new one");
  const event = await used;
  assert.ok(event.indication === "new-key" && event.key === 6);
  assert.throws(() => client.setOption("SCTP_AUTH_ACTIVE_KEY", 9), /no shared key 9/);
}, BOTH);

inBothStyles(
  "SCTP_AUTH_DEACTIVATE_KEY, SCTP_AUTH_DELETE_KEY: a key goes once it is free",
  async (ends) => {
    const { client } = ends;
    client.setOption("SCTP_AUTH_KEY", key(6));
    assert.throws(() => client.setOption("SCTP_AUTH_DEACTIVATE_KEY", 5), /is in use/);
    assert.throws(() => client.setOption("SCTP_AUTH_DELETE_KEY", 6), /deactivate it first/);
    const free = client.told("authentication");
    client.setOption("SCTP_AUTH_DEACTIVATE_KEY", 6);
    await free;
    client.setOption("SCTP_AUTH_DELETE_KEY", 6);
    assert.deepEqual(client.control.keys.ids, [5, 0]);
  },
  BOTH,
);

inBothStyles(
  "SCTP_AUTH_CHUNK, SCTP_LOCAL_AUTH_CHUNKS, SCTP_PEER_AUTH_CHUNKS: what is authenticated",
  (ends) => {
    const { client, server } = ends;
    assert.ok(client.getOption("SCTP_LOCAL_AUTH_CHUNKS").includes(DATA));
    assert.ok(server.getOption("SCTP_PEER_AUTH_CHUNKS").includes(DATA));
    assert.ok(!client.getOption("SCTP_PEER_AUTH_CHUNKS").includes(DATA));
    assert.throws(() => client.setOption("SCTP_AUTH_CHUNK", 3), { code: "ERR_SCTP_OPTION_LEVEL" });
    return Promise.resolve();
  },
  { clientOptions: { SCTP_AUTH_CHUNK: DATA } },
);

Deno.test("SCTP_AUTH_CHUNK, SCTP_AUTH_KEY: those of associations to come", async () => {
  await using pair = new StackPair();
  const listener = pair.server.listen({ port: PORT });
  assert.throws(() => listener.setOption("SCTP_AUTH_CHUNK", 1), /INIT cannot be authenticated/);
  listener.setOption("SCTP_AUTH_CHUNK", DATA);
  listener.setOption("SCTP_AUTH_CHUNK", DATA);
  assert.deepEqual(listener.getOption("SCTP_LOCAL_AUTH_CHUNKS"), [DATA]);
  assert.equal(listener.getOption("SCTP_AUTH_ACTIVE_KEY"), 0, "the null key");
  listener.setOption("SCTP_AUTH_KEY", key(5));
  listener.setOption("SCTP_AUTH_ACTIVE_KEY", 5);
  assert.throws(() => listener.setOption("SCTP_AUTH_DELETE_KEY", 5), /activate another one first/);
  assert.throws(() => listener.setOption("SCTP_AUTH_DEACTIVATE_KEY", 5), RangeError);
  listener.setOption("SCTP_AUTH_DEACTIVATE_KEY", 0);
  listener.setOption("SCTP_AUTH_DELETE_KEY", 0);
  assert.throws(() => listener.setOption("SCTP_AUTH_ACTIVE_KEY", 0), /no shared key 0/);
  await assert.rejects(pair.client.connect({ ...pair.target, parameters: { authentication: 0 } }));
  const connection = await pair.client.connect({ ...pair.target, options: SHARED });
  await connection.send(bytes("authentic"));
  await until(() => connection.info.bufferedBytes === 0);
});
