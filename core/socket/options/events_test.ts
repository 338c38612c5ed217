/** Notifications that `recvv` gives once SCTP_EVENT asks for them, in both styles: each type has its scene. */
import assert from "node:assert/strict";
import type { ConnectionEvent } from "../notifications.ts";
import { BACKLOG } from "../notifier.ts";
import { bytes, type End, inBothStyles, until } from "../testing/styles.ts";
import { NOTIFICATION_TYPES, type NotificationType } from "./events.ts";

const [ONE, TWO] = ["127.0.0.1", "127.0.0.2"];

/** Options that subscribe to a type. */
const on = (type: NotificationType) => ({ SCTP_EVENT: { type, on: true } });

/** The next notification that `recvv` gives. */
async function next(end: End): Promise<ConnectionEvent> {
  const received = await end.recvv();
  assert.equal(received?.kind, "notification");
  return received.notification;
}

inBothStyles(
  "SCTP_EVENT: notifications come if they are subscribed to, and no others",
  async (ends) => {
    const { client, server } = ends;
    for (const type of NOTIFICATION_TYPES) {
      assert.deepEqual(server.getOption("SCTP_EVENT", { type }), { type, on: false });
    }
    client.setOption("SCTP_ADD_STREAMS", { outgoing: 1 });
    await client.told("streams-changed");
    const type = "SCTP_SHUTDOWN_EVENT";
    server.setOption("SCTP_EVENT", { type, on: true });
    assert.equal(server.getOption("SCTP_EVENT", { type }).on, true);
    await client.send(bytes("data comes before what tells of the end"));
    const closed = client.close();
    assert.equal((await server.recvv())?.kind, "data");
    assert.equal((await next(server)).kind, "shutdown-received");
    await closed;
  },
);

inBothStyles("SCTP_EVENT: what is switched off comes no more", async ({ client, server }) => {
  const type = "SCTP_STREAM_CHANGE_EVENT";
  server.setOption("SCTP_EVENT", { type, on: true });
  client.setOption("SCTP_ADD_STREAMS", { outgoing: 1 });
  assert.equal((await next(server)).kind, "streams-changed");
  server.setOption("SCTP_EVENT", { type, on: false });
  const told = server.told("streams-changed");
  client.setOption("SCTP_ADD_STREAMS", { outgoing: 1 });
  await told;
  await client.send(bytes("data"));
  assert.equal((await server.recvv())?.kind, "data");
});

inBothStyles(
  "SCTP_RECVNXTINFO: a notification that comes next is told",
  async ({ client, server }) => {
    server.setOption("SCTP_EVENT", { type: "SCTP_STREAM_CHANGE_EVENT", on: true });
    server.setOption("SCTP_RECVNXTINFO", true);
    for (const outgoing of [1, 2]) {
      const told = server.told("streams-changed");
      client.setOption("SCTP_ADD_STREAMS", { outgoing });
      await told;
    }
    const first = await server.recvv();
    assert.deepEqual(first?.nxtinfo?.flags, ["SCTP_NOTIFICATION"]);
  },
);

inBothStyles("SCTP_ASSOC_CHANGE: an association is up, and over", async ({ client, server }) => {
  const up = await next(server);
  assert.ok(up.kind === "up");
  assert.equal(up.outboundStreams, server.control.outboundStreams);
  assert.ok(up.extensions.includes(3758));
  await client.send(bytes("data comes before the end"));
  const closed = client.close();
  assert.equal((await server.recvv())?.kind, "data");
  const end = await next(server);
  assert.ok(end.kind === "closed" && end.end.graceful);
  await closed;
}, { serverOptions: on("SCTP_ASSOC_CHANGE") });

inBothStyles("SCTP_ASSOC_CHANGE: an association is lost", async ({ client, server }) => {
  assert.equal((await next(server)).kind, "up");
  client.abort();
  const lost = await next(server);
  assert.ok(lost.kind === "closed" && !lost.end.graceful);
  assert.equal(lost.end.error.code, "ERR_SCTP_ABORTED_BY_PEER");
}, { serverOptions: on("SCTP_ASSOC_CHANGE") });

inBothStyles("SCTP_PEER_ADDR_CHANGE: an address of the peer is added, and proved", async (ends) => {
  const { client, server } = ends;
  const agreed = client.told("local-address");
  client.control.addresses.remove(TWO);
  let removed = await next(server);
  while (removed.kind === "path-status") removed = await next(server);
  assert.deepEqual(removed, { kind: "peer-address", address: TWO, change: "removed" });
  await agreed;
  client.control.addresses.add(TWO);
  const added = await next(server);
  assert.ok(added.kind === "peer-address" && added.change === "added");
  const proved = await next(server);
  assert.ok(proved.kind === "path-status" && proved.status === "active");
}, { client: [ONE, TWO], serverOptions: on("SCTP_PEER_ADDR_CHANGE") });

inBothStyles("SCTP_REMOTE_ERROR: the peer reports what it cannot do with", async (ends) => {
  const { client, server } = ends;
  client.setOption("SCTP_EVENT", { type: "SCTP_REMOTE_ERROR", on: true });
  // Its reader knows fewer streams than it said: what comes on the others is an error.
  const { rx } = server.association;
  assert.ok(rx);
  rx.inboundStreams = 1;
  await client.send(bytes("nobody knows this stream"), { stream: 5 });
  const event = await next(client);
  assert.ok(event.kind === "remote-error");
  assert.deepEqual(event.causes.map(({ code }) => code), [1]);
});

inBothStyles("SCTP_SEND_FAILED_EVENT: a message comes back with its context", async (ends) => {
  const { client } = ends;
  await client.send(new Uint8Array(4000));
  const prinfo = { policy: "ttl", value: 30 } as const;
  const sndinfo = { sid: 1, ppid: 9, context: 4711 };
  await client.sendv(bytes("too late"), { sndinfo, prinfo });
  const event = await next(client);
  assert.ok(event.kind === "send-failed");
  const { stream, ppid, context, wasSent, isWhole, data } = event.message;
  assert.deepEqual([stream, ppid, context, wasSent, isWhole], [1, 9, 4711, false, true]);
  assert.deepEqual(data, bytes("too late"));
}, { parameters: { receiveBuffer: 4096 }, clientOptions: on("SCTP_SEND_FAILED_EVENT") });

inBothStyles("SCTP_SHUTDOWN_EVENT: the peer has begun to shut down", async ({ client, server }) => {
  const closed = client.close();
  assert.equal((await next(server)).kind, "shutdown-received");
  await closed;
}, { serverOptions: on("SCTP_SHUTDOWN_EVENT") });

inBothStyles("SCTP_ADAPTATION_INDICATION: what the peer says of its upper layer", async (ends) => {
  assert.deepEqual(await next(ends.server), { kind: "adaptation-indication", indication: 42 });
}, {
  clientOptions: { SCTP_ADAPTATION_LAYER: 42 },
  serverOptions: on("SCTP_ADAPTATION_INDICATION"),
});

inBothStyles(
  "SCTP_PARTIAL_DELIVERY_EVENT: of a message that was read in part no more comes",
  async (ends) => {
    const { client, server } = ends;
    const prinfo = { policy: "ttl", value: 2000 } as const;
    await client.sendv(new Uint8Array(100_000), { sndinfo: { ppid: 3 }, prinfo });
    const part = await server.recvv(new Uint8Array(1000));
    assert.ok(part?.kind === "data" && !part.endOfRecord);
    server.setOption("SCTP_FRAGMENT_INTERLEAVE", 1);
    await server.told("partial-delivery-aborted");
    let event = await server.recvv(new Uint8Array(1000));
    while (event?.kind === "data") event = await server.recvv(new Uint8Array(1000));
    assert.ok(event?.kind === "notification");
    assert.ok(event.notification.kind === "partial-delivery-aborted");
    assert.equal(event.notification.message.ppid, 3);
  },
  {
    parameters: { receiveBuffer: 4096, noDelay: 1, partialDeliveryPoint: 1 },
    serverOptions: on("SCTP_PARTIAL_DELIVERY_EVENT"),
  },
);

inBothStyles("SCTP_AUTHENTICATION_EVENT: the peer does not authenticate", async ({ client }) => {
  assert.deepEqual(await next(client), {
    kind: "authentication",
    indication: "no-authentication",
  });
}, {
  clientOptions: {
    ...on("SCTP_AUTHENTICATION_EVENT"),
    SCTP_AUTH_KEY: { id: 1, secret: bytes("secret") },
  },
  serverOptions: { SCTP_AUTH_SUPPORTED: false },
});

inBothStyles(
  "SCTP_SENDER_DRY_EVENT: all is acknowledged, each time, and at once if it is so",
  async (ends) => {
    const { client } = ends;
    const type = "SCTP_SENDER_DRY_EVENT";
    client.setOption("SCTP_EVENT", { type, on: true });
    assert.deepEqual(await next(client), { kind: "sender-dry" });
    for (let i = 0; i < 2; i++) {
      await client.send(new Uint8Array(1000));
      assert.ok(client.control.info.bufferedBytes > 0);
      assert.deepEqual(await next(client), { kind: "sender-dry" });
      assert.equal(client.control.info.bufferedBytes, 0);
    }
  },
);

inBothStyles(
  "SCTP_NOTIFICATIONS_STOPPED_EVENT: who does not take them in time has to ask again",
  async (ends) => {
    const { client } = ends;
    const type = "SCTP_SEND_FAILED_EVENT";
    await client.send(new Uint8Array(4000));
    const prinfo = { policy: "ttl", value: 1 } as const;
    for (let i = 0; i < 2 * BACKLOG; i++) await client.sendv(new Uint8Array(1), { prinfo });
    await until(() => client.getOption("SCTP_PR_ASSOC_STATUS", { policy: "all" }).unsent > BACKLOG);
    let count = 0;
    let event = await next(client);
    for (; event.kind === "send-failed"; event = await next(client)) count++;
    assert.equal(event.kind, "notifications-stopped");
    assert.equal(count, BACKLOG);
    assert.equal(client.getOption("SCTP_EVENT", { type }).on, false);
    client.setOption("SCTP_EVENT", { type, on: true });
    await client.sendv(new Uint8Array(1), { prinfo });
    assert.equal((await next(client)).kind, "send-failed");
  },
  { parameters: { receiveBuffer: 4096 }, clientOptions: on("SCTP_SEND_FAILED_EVENT") },
);

inBothStyles("SCTP_STREAM_RESET_EVENT: streams start again", async ({ client, server }) => {
  client.setOption("SCTP_RESET_STREAMS", { outgoing: true, streams: [1] });
  const event = await next(server);
  assert.ok(event.kind === "streams-reset" && event.outcome === "performed");
}, { serverOptions: on("SCTP_STREAM_RESET_EVENT") });

inBothStyles("SCTP_ASSOC_RESET_EVENT: all numbers start again", async ({ client, server }) => {
  client.setOption("SCTP_RESET_ASSOC", {});
  assert.deepEqual(await next(server), { kind: "association-reset", outcome: "performed" });
}, { serverOptions: on("SCTP_ASSOC_RESET_EVENT") });

inBothStyles("SCTP_STREAM_CHANGE_EVENT: there are more streams", async ({ client, server }) => {
  const before = server.control.streams.inbound;
  client.setOption("SCTP_ADD_STREAMS", { outgoing: 3 });
  const event = await next(server);
  assert.ok(event.kind === "streams-changed" && event.inbound === before + 3);
}, { serverOptions: on("SCTP_STREAM_CHANGE_EVENT") });
