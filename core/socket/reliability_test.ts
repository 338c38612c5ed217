/** Messages that need not arrive, between two sockets (RFC 6458, RFC 7496). */
import assert from "node:assert/strict";
import type { Parameters } from "../sctp/parameters.ts";
import { StackPair } from "./testing/pair.ts";
import { told } from "./testing/told.ts";

/** A reader that does not read stops its peer after this. */
const SMALL: Partial<Parameters> = { receiveBuffer: 4096, noDelay: 1 };
const FILLING = new Uint8Array(4000);
/** It has no room behind {@link FILLING}. */
const MESSAGE = new Uint8Array(1000).fill(7);
const SHORTLY = { policy: "ttl", value: 50 } as const;

Deno.test("SCTP_PR_SUPPORTED: messages may be given up if both sides have it", async () => {
  for (const partialReliability of [0, 1]) {
    await using pair = new StackPair();
    const { client, server } = await pair.associate({ parameters: { partialReliability } });
    for (const { reliability, info } of [client, server]) {
      assert.equal(reliability.isSupported, partialReliability === 1);
      assert.equal(info.extensions.includes(3758), partialReliability === 1);
    }
  }
});

Deno.test("PRINFO, SCTP_SEND_FAILED_EVENT: a message that waits too long is given back", async () => {
  await using pair = new StackPair({ parameters: SMALL });
  const { client, server } = await pair.associate();
  client.reliability.reportsFailures = true;
  assert.ok(client.reliability.reportsFailures);
  await client.send(FILLING);
  const failed = told(client, "send-failed");
  await client.send(MESSAGE, { stream: 1, ppid: 9, prinfo: SHORTLY });
  await client.send(MESSAGE, { ppid: 10 });
  assert.deepEqual((await failed).message, {
    stream: 1,
    ppid: 9,
    unordered: false,
    context: 0,
    wasSent: false,
    isWhole: true,
    data: MESSAGE,
  });
  const ppids = [await server.receive(), await server.receive()].map((message) => message?.ppid);
  assert.deepEqual(ppids, [0, 10]);
});

Deno.test("SCTP_PR_ASSOC_STATUS, SCTP_PR_STREAM_STATUS: what was given up is counted", async () => {
  await using pair = new StackPair({ parameters: SMALL });
  const { client } = await pair.associate();
  const { reliability } = client;
  reliability.reportsFailures = true;
  await client.send(FILLING);
  const failed = told(client, "send-failed");
  await client.send(MESSAGE, { stream: 1, prinfo: SHORTLY });
  await failed;
  assert.deepEqual(reliability.abandoned(), { unsent: 1, sent: 0 });
  assert.deepEqual(reliability.abandoned("ttl", 1), { unsent: 1, sent: 0 });
  assert.deepEqual(reliability.abandoned("rtx"), { unsent: 0, sent: 0 });
  assert.deepEqual(reliability.abandoned(undefined, 0), { unsent: 0, sent: 0 });
});

Deno.test("SCTP_DEFAULT_PRINFO: it is for messages and bytes without a PRINFO of their own", async () => {
  await using pair = new StackPair({ parameters: SMALL });
  const { client, server } = await pair.associate();
  const { reliability } = client;
  assert.deepEqual(reliability.default, { policy: "none" });
  await client.send(FILLING);
  reliability.default = SHORTLY;
  reliability.reportsFailures = true;
  const messages = told(client, "send-failed");
  await client.send(MESSAGE, { ppid: 1 });
  assert.equal((await messages).message.ppid, 1);
  const bytes = told(client, "send-failed");
  await client.write(MESSAGE);
  assert.deepEqual((await bytes).message.data, MESSAGE);
  await client.send(MESSAGE, { ppid: 2, prinfo: { policy: "none" } });
  assert.equal((await server.receive())?.data.length, FILLING.length);
  assert.equal((await server.receive())?.ppid, 2);
});

Deno.test("a value out of range is refused with the range, and nothing is set or sent", async () => {
  await using pair = new StackPair();
  const { client } = await pair.associate();
  const prinfo = { policy: "ttl", value: 0 } as const;
  const expected = {
    name: "RangeError",
    message: /lifetime takes .* from 1 to 4294967295 ms, not 0/,
  };
  await assert.rejects(client.send(MESSAGE, { prinfo }), expected);
  assert.throws(() => client.reliability.default = prinfo, expected);
  assert.deepEqual(client.reliability.default, { policy: "none" });
});

Deno.test("SCTP_PARTIAL_DELIVERY_ABORTED: what was read of a message that is given up is dropped", async () => {
  await using pair = new StackPair({ parameters: { ...SMALL, partialDeliveryPoint: 1 } });
  const { client, server } = await pair.associate();
  const aborted = told(server, "partial-delivery-aborted");
  await client.send(new Uint8Array(100_000), { ppid: 1, prinfo: { policy: "ttl", value: 3000 } });
  // It takes what is there, and no more: the rest waits until its time is over.
  while (server.info.readableBytes === 0) await server.waitReadable();
  assert.equal(server.tryReceive(), undefined);
  const { ppid, stream, unordered } = (await aborted).message;
  assert.deepEqual({ ppid, stream, unordered }, { ppid: 1, stream: 0, unordered: false });
  await client.send(MESSAGE, { ppid: 2 });
  const message = await server.receive();
  assert.deepEqual([message?.ppid, message?.data.length], [2, MESSAGE.length]);
  assert.deepEqual(client.reliability.abandoned(), { unsent: 0, sent: 1 });
});
