import assert from "node:assert/strict";
import { SctpError, type SctpErrorCode } from "./errors.ts";
import { receiveInfo } from "./message.ts";
import { StackPair } from "./testing/pair.ts";
import { told } from "./testing/told.ts";

const MESSAGE = new Uint8Array(10);

function withCode(code: SctpErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof SctpError && error.code === code;
}

Deno.test("a stream is reset, and both sides are told", async () => {
  await using pair = new StackPair();
  const { client, server } = await pair.associate();
  await client.send(MESSAGE, { stream: 2 });
  await server.receive();
  const atServer = told(server, "streams-reset");
  const reset = () => client.streams.reset({ outgoing: [2] });
  const { direction, streams, outcome } = await told(client, "streams-reset", reset);
  assert.deepEqual([direction, streams, outcome], ["outgoing", [2], "performed"]);
  assert.equal((await atServer).direction, "incoming");
  await client.send(MESSAGE, { stream: 2 });
  assert.equal((await server.receive())?.stream, 2);
});

Deno.test("all numbers start again, and messages go on", async () => {
  await using pair = new StackPair();
  const { client, server } = await pair.associate();
  const { outcome } = await told(client, "association-reset", () => client.streams.resetAll());
  assert.equal(outcome, "performed");
  await Promise.all([client.send(MESSAGE), server.send(MESSAGE)]);
  assert.ok(await server.receive() && await client.receive());
});

Deno.test("streams are added both ways, up to the peer's limit", async () => {
  await using pair = new StackPair({ parameters: { outboundStreams: 4, inboundStreams: 6 } });
  const { client, server } = await pair.associate();
  assert.deepEqual([client.streams.outbound, client.streams.inbound], [4, 4]);
  const grown = await told(client, "streams-changed", () => client.streams.add(2));
  assert.deepEqual([grown.outbound, grown.outcome], [6, "performed"]);
  await client.send(MESSAGE, { stream: 5 });
  assert.equal((await server.receive())?.stream, 5);
  const refused = await told(client, "streams-changed", () => client.streams.add(1));
  assert.deepEqual([refused.outbound, refused.outcome], [6, "denied"]);
});

Deno.test("a peer without the extension is told apart from a closed association", async () => {
  await using pair = new StackPair({ parameters: { streamReconfiguration: 0 } });
  const { client } = await pair.associate();
  assert.throws(() => client.streams.add(1), withCode("ERR_SCTP_NOT_SUPPORTED_BY_PEER"));
  client.abort();
  assert.throws(() => client.streams.resetAll(), withCode("ERR_SCTP_CLOSED"));
});

Deno.test("streams take turns as the user says", async () => {
  await using pair = new StackPair();
  const { client, server } = await pair.associate();
  assert.equal(client.streams.scheduler, "fcfs");
  client.streams.scheduler = "prio";
  client.streams.setValue(0, 1);
  assert.equal(client.streams.scheduler, "prio");
  const options = { ppid: 0, unordered: false, immediate: false };
  for (const stream of [0, 0, 1]) assert.ok(client.trySend(MESSAGE, { ...options, stream }));
  const order = [await server.receive(), await server.receive(), await server.receive()];
  assert.deepEqual(order.map((message) => message?.stream), [1, 0, 0]);
});

/** Both sides take messages interleaved, and read long ones in parts. */
const INTERLEAVING = { interleaving: 1, fragmentInterleave: 2, noDelay: 1 };

Deno.test("SCTP_INTERLEAVING_SUPPORTED: a short message overtakes a long one of another stream", async () => {
  await using pair = new StackPair({ parameters: INTERLEAVING });
  const { client, server } = await pair.associate();
  assert.ok(client.streams.interleaved && server.streams.interleaved);
  assert.ok(client.info.extensions.includes(8260));
  client.streams.scheduler = "prio";
  client.streams.setValue(1, 9);
  const long = new Uint8Array(1_000_000).map((_, i) => i % 251);
  await client.send(long, { stream: 1 });
  await client.send(MESSAGE, { stream: 2 });
  const first = await server.receive();
  assert.deepEqual([first?.stream, first?.data.length], [2, MESSAGE.length]);
  assert.deepEqual((await server.receive())?.data, long);
});

Deno.test("SCTP_FRAGMENT_INTERLEAVE: parts of several streams are read in turn", async () => {
  const parameters = { ...INTERLEAVING, partialDeliveryPoint: 1 };
  await using pair = new StackPair({ parameters });
  const { client, server } = await pair.associate();
  client.streams.scheduler = "rr";
  const content = [1, 2, 3].map((stream) => new Uint8Array(200_000).fill(stream));
  for (const [i, data] of content.entries()) await client.send(data, { stream: i + 1 });
  const switches = new Set<string>();
  const taken = [0, 0, 0];
  const target = new Uint8Array(65_536);
  const info = receiveInfo();
  for (let ended = 0, last = 0; ended < 3;) {
    const count = server.tryRead(target, info);
    if (count === 0) {
      await server.waitReadable();
      continue;
    }
    assert.ok(target.subarray(0, count).every((byte) => byte === info.stream));
    if (last !== info.stream) switches.add(`${last} ${info.stream}`);
    taken[info.stream - 1] += count;
    last = info.stream;
    ended += Number(info.endOfMessage);
  }
  assert.deepEqual(taken, [200_000, 200_000, 200_000]);
  assert.ok(switches.size > 3, [...switches].join(", "));
});

Deno.test("without a peer that wants it messages come one after the other", async () => {
  await using pair = new StackPair();
  const { client } = await pair.associate({ parameters: INTERLEAVING });
  assert.ok(!client.streams.interleaved);
  assert.ok(!client.info.extensions.includes(8260));
});
