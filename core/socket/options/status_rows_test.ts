/** Options that only tell, in both styles. */
import assert from "node:assert/strict";
import { PORT, StackPair } from "../testing/pair.ts";
import { inBothStyles, until } from "../testing/styles.ts";

const SMALL = { receiveBuffer: 4096, noDelay: 1 };

inBothStyles("SCTP_STATUS: state, windows and streams", async ({ client, server }) => {
  await client.send(new Uint8Array(1000));
  await until(() => client.control.info.bufferedBytes === 0);
  const status = client.getOption("SCTP_STATUS");
  assert.equal(status.state, "ESTABLISHED");
  assert.equal(status.peerWindow, SMALL.receiveBuffer - 1000);
  assert.equal(status.unacknowledged, 0);
  assert.equal(server.getOption("SCTP_STATUS").pendingBytes, 1000);
  assert.equal(status.outboundStreams, client.control.outboundStreams);
  assert.equal(status.primary?.address, "127.0.0.1");
  assert.throws(() => client.setOption("SCTP_STATUS", undefined as never), {
    code: "ERR_SCTP_OPTION_ACCESS",
    message: /can only be read/,
  });
}, { parameters: SMALL });

inBothStyles("SCTP_GET_ASSOC_STATS: counters", async ({ client, server }) => {
  await client.send(new Uint8Array(10));
  await server.receive();
  const { messagesSent, payloadSent } = client.getOption("SCTP_GET_ASSOC_STATS");
  assert.deepEqual([messagesSent, payloadSent], [1, 10]);
  assert.equal(server.getOption("SCTP_GET_ASSOC_STATS").messagesReceived, 1);
});

inBothStyles(
  "SCTP_PR_ASSOC_STATUS, SCTP_PR_STREAM_STATUS: what was given up is counted",
  async (ends) => {
    const { client } = ends;
    await client.send(new Uint8Array(4000));
    await client.send(new Uint8Array(1000), { stream: 1, prinfo: { policy: "ttl", value: 20 } });
    const all = () => client.getOption("SCTP_PR_ASSOC_STATUS", { policy: "all" });
    await until(() => all().unsent === 1);
    assert.deepEqual(all(), { unsent: 1, sent: 0 });
    const of = (stream: number, policy: "ttl" | "rtx") =>
      client.getOption("SCTP_PR_STREAM_STATUS", { stream, policy }).unsent;
    assert.deepEqual([of(1, "ttl"), of(1, "rtx"), of(0, "ttl")], [1, 0, 0]);
  },
  { parameters: SMALL },
);

Deno.test("SCTP_GET_ASSOC_NUMBER, SCTP_GET_ASSOC_ID_LIST: the associations of a socket", async () => {
  await using pair = new StackPair();
  pair.server.openSocket({ port: PORT });
  pair.server.listen({ port: PORT + 1 });
  const socket = pair.client.openSocket({ port: 4000 });
  assert.equal(socket.getOption("SCTP_GET_ASSOC_NUMBER"), 0);
  const ids = [
    await socket.connect(pair.target),
    await socket.connect({ ...pair.target, port: PORT + 1 }),
  ];
  assert.deepEqual(socket.getOption("SCTP_GET_ASSOC_ID_LIST"), ids);
  assert.equal(socket.getOption("SCTP_GET_ASSOC_NUMBER"), 2);
  const connection = socket.peelOff(ids[0]);
  assert.equal(socket.getOption("SCTP_GET_ASSOC_NUMBER"), 1);
  for (const name of ["SCTP_GET_ASSOC_NUMBER", "SCTP_GET_ASSOC_ID_LIST"] as const) {
    assert.throws(() => connection.getOption(name), /an option of one-to-many sockets/);
  }
});

Deno.test("SCTP_AUTOCLOSE: it can be switched on for associations that there are", async () => {
  await using pair = new StackPair();
  pair.server.openSocket({ port: PORT });
  const socket = pair.client.openSocket({ port: 4000 });
  assert.equal(socket.getOption("SCTP_AUTOCLOSE"), 0);
  await socket.connect(pair.target);
  const closed = (async () => {
    for await (const event of socket.events) if (event.kind === "closed") return event.end;
  })();
  socket.setOption("SCTP_AUTOCLOSE", 1);
  assert.equal(socket.getOption("SCTP_AUTOCLOSE"), 1);
  assert.deepEqual(await closed, { graceful: true });
  assert.throws(() => socket.setOption("SCTP_AUTOCLOSE", 0.5), RangeError);
});
