import assert from "node:assert/strict";
import { SctpError, type SctpErrorCode } from "./errors.ts";
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
