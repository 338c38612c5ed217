import assert from "node:assert/strict";
import { needs } from "../net/testing/requirements.ts";
import type { PacketIo } from "../net/packet_io.ts";
import { LISTABLE_CHUNKS } from "../sctp/wire/auth_parameters.ts";
import { IpAddress } from "../sctp/base/address.ts";
import type { Parameters } from "../sctp/parameters.ts";
import type { SctpConnection } from "./connection.ts";
import { SctpError, type SctpErrorCode } from "./errors.ts";
import { SctpStack } from "./stack.ts";
import { PORT, StackPair } from "./testing/pair.ts";
import { openTransport, type Transport } from "./transport.ts";

/** Time-outs that suit loopback, so that what waits for one does not take long. */
const FAST: Partial<Parameters> = { rtoInitial: 50, rtoMin: 20, rtoMax: 100 };

const UNREACHABLE = "127.0.0.1";

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function textOf(bytes: Uint8Array | undefined): string {
  return new TextDecoder().decode(bytes);
}

function withCode(code: SctpErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof SctpError && error.code === code;
}

async function receiveText(connection: SctpConnection): Promise<string | undefined> {
  const message = await connection.receive();
  return message && textOf(message.data);
}

function pattern(length: number, seed: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 0xff);
}

function openLoopback(udpPort: number): Transport {
  const localAddresses = [IpAddress.parse("127.0.0.1")];
  return openTransport({ transport: "udp", udpPort, localAddresses });
}

/** Ends a stack as a power cut does, and starts another on the same UDP port. */
async function crashAndReopen(io: PacketIo): Promise<SctpStack> {
  io.send = (batch) => batch.count;
  io.receive = () => 0;
  io.wait = () => new Promise(() => {});
  io.close();
  for (;;) {
    try {
      return new SctpStack(openLoopback(io.encapsulationPort));
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }
}

Deno.test("a message keeps its stream, payload protocol and order", async () => {
  await using pair = new StackPair();
  const { client, server } = await pair.associate();
  await client.send(bytesOf("one"), { stream: 3, ppid: 51 });
  await client.send(bytesOf("two"), { stream: 3, unordered: true });
  const first = await server.receive();
  assert.deepEqual({ ...first, data: textOf(first?.data) }, {
    data: "one",
    stream: 3,
    ppid: 51,
    unordered: false,
  });
  const second = await server.receive();
  assert.equal(textOf(second?.data), "two");
  assert.equal(second?.unordered, true);
});

Deno.test("messages of every size from a byte to beyond a packet arrive whole, both ways", async () => {
  await using pair = new StackPair();
  const { client, server } = await pair.associate();
  for (const size of [1, 2, 3, 4, 1000, 1452, 1453, 70_000, 1_500_000]) {
    for (const [from, to] of [[client, server], [server, client]]) {
      await from.send(pattern(size, size));
      assert.deepEqual((await to.receive())?.data, pattern(size, size));
    }
  }
});

Deno.test("after a graceful close the other side reads what came before, then the end", async () => {
  await using pair = new StackPair();
  const { client, server } = await pair.associate();
  await client.send(bytesOf("last words"));
  await client.close();
  assert.equal(await receiveText(server), "last words");
  assert.equal(await server.receive(), undefined);
  assert.deepEqual(await server.closed, { graceful: true });
  assert.deepEqual(await client.closed, { graceful: true });
  await assert.rejects(server.send(bytesOf("too late")), withCode("ERR_SCTP_CLOSED"));
});

Deno.test("a receive that waits ends with the association, whoever ends it", async () => {
  await using pair = new StackPair();
  const { client, server } = await pair.associate();
  const waiting = [client.receive(), client.receive(), server.receive()];
  await server.close();
  assert.deepEqual(await Promise.all(waiting), [undefined, undefined, undefined]);
});

Deno.test("an abort reaches the peer with its reason and rejects what waits on both sides", async () => {
  await using pair = new StackPair();
  const { client, server } = await pair.associate();
  const atServer = server.receive();
  const atClient = client.receive();
  client.abort("out of patience");
  await assert.rejects(atClient, withCode("ERR_SCTP_ABORTED"));
  await assert.rejects(
    atServer,
    (error) => withCode("ERR_SCTP_ABORTED_BY_PEER")(error) && /out of patience/.test(String(error)),
  );
  assert.equal((await server.closed).graceful, false);
});

Deno.test("connecting to a port where nobody listens is refused", async () => {
  await using pair = new StackPair();
  await assert.rejects(pair.client.connect(pair.target), withCode("ERR_SCTP_CONNECT_REFUSED"));
});

Deno.test("connecting to a peer that does not answer times out", async () => {
  await using pair = new StackPair({ parameters: FAST });
  const silent = Deno.listenDatagram({ transport: "udp", hostname: UNREACHABLE, port: 0 });
  const { port } = silent.addr as Deno.NetAddr;
  const attempt = pair.client.connect({
    addresses: UNREACHABLE,
    encapsulationPort: port,
    port: PORT,
    parameters: { maxInitRetransmits: 2 },
  });
  await assert.rejects(attempt, withCode("ERR_SCTP_CONNECT_TIMEOUT"));
  silent.close();
});

Deno.test(
  needs(["ffi"], "connecting to a host without SCTP on that UDP port fails at once", async () => {
    await using pair = new StackPair();
    const free = Deno.listenDatagram({ transport: "udp", hostname: UNREACHABLE, port: 0 });
    const { port } = free.addr as Deno.NetAddr;
    free.close();
    const attempt = pair.client.connect({
      addresses: UNREACHABLE,
      encapsulationPort: port,
      port: PORT,
    });
    await assert.rejects(attempt, withCode("ERR_SCTP_NOT_SUPPORTED"));
  }),
);

Deno.test("a connection attempt can be given up", async () => {
  await using pair = new StackPair();
  const silent = Deno.listenDatagram({ transport: "udp", hostname: UNREACHABLE, port: 0 });
  const { port } = silent.addr as Deno.NetAddr;
  const controller = new AbortController();
  const attempt = pair.client.connect({
    addresses: UNREACHABLE,
    encapsulationPort: port,
    port: PORT,
    signal: controller.signal,
  });
  controller.abort(new Error("changed my mind"));
  await assert.rejects(attempt, /changed my mind/);
  silent.close();
});

Deno.test("a sender waits while the receiver does not read, and memory stays bounded", async () => {
  const parameters = { sendBuffer: 128 * 1024, receiveBuffer: 128 * 1024 };
  await using pair = new StackPair({ parameters });
  const { client, server } = await pair.associate();
  const message = pattern(10_000, 1);
  let sent = 0;
  const sending = (async () => {
    for (; sent < 100; sent++) await client.send(message);
  })();
  await new Promise((resolve) => setTimeout(resolve, 300));
  const stoppedAt = sent;
  assert.ok(stoppedAt < 40, `${stoppedAt} messages of 10 kB went into 256 KiB of buffers`);
  assert.ok(client.info.bufferedBytes <= parameters.sendBuffer);
  assert.ok(server.info.readableBytes <= parameters.receiveBuffer);
  for (let i = 0; i < 100; i++) assert.deepEqual((await server.receive())?.data, message);
  await sending;
});

Deno.test("sends that wait for room keep their order", async () => {
  const parameters = { sendBuffer: 32 * 1024, receiveBuffer: 32 * 1024 };
  await using pair = new StackPair({ parameters });
  const { client, server } = await pair.associate();
  const sends = Array.from({ length: 50 }, (_, i) => client.send(pattern(4000, i)));
  for (let i = 0; i < 50; i++) assert.deepEqual((await server.receive())?.data, pattern(4000, i));
  await Promise.all(sends);
});

Deno.test("sends that wait for room are rejected when the association ends", async () => {
  const parameters = { sendBuffer: 32 * 1024, receiveBuffer: 32 * 1024 };
  await using pair = new StackPair({ parameters });
  const { client, server } = await pair.associate();
  const sends = Array.from({ length: 50 }, () => client.send(pattern(4000, 0)));
  const results = Promise.allSettled(sends);
  server.abort("not interested");
  const rejected = (await results).filter(({ status }) => status === "rejected");
  assert.ok(rejected.length > 0);
  for (const result of rejected) {
    assert.ok(result.status === "rejected" && withCode("ERR_SCTP_ABORTED_BY_PEER")(result.reason));
  }
});

Deno.test("the byte streams carry a megabyte each way and end when the peer closes", async () => {
  await using pair = new StackPair();
  const { client, server } = await pair.associate();
  const echo = server.readable.pipeTo(server.writable).catch(() => {});
  const data = pattern(1_000_000, 9);
  const writer = client.writable.getWriter();
  const writing = (async () => {
    for (let start = 0; start < data.length; start += 100_000) {
      await writer.write(data.subarray(start, start + 100_000));
    }
  })();
  const received = new Uint8Array(data.length);
  const reader = client.readable.getReader();
  let used = 0;
  while (used < data.length) {
    const { value } = await reader.read();
    assert.ok(value);
    received.set(value, used);
    used += value.length;
  }
  await writing;
  assert.deepEqual(received, data);
  await writer.close();
  assert.equal((await reader.read()).done, true);
  await echo;
});

Deno.test("read fills the caller's buffer and gives null at the end, as Deno.Conn does", async () => {
  await using pair = new StackPair();
  const { client, server } = await pair.associate();
  assert.equal(await client.write(pattern(200_000, 4)), 200_000);
  const closing = client.close();
  const received: number[] = [];
  const buffer = new Uint8Array(3333);
  for (let n = await server.read(buffer); n !== null; n = await server.read(buffer)) {
    received.push(...buffer.subarray(0, n));
  }
  assert.deepEqual(Uint8Array.from(received), pattern(200_000, 4));
  await closing;
});

Deno.test("a message longer than the receiver takes aborts the association", async () => {
  await using pair = new StackPair();
  const listener = pair.server.listen({ port: PORT, maximumMessageSize: 10_000 });
  const client = await pair.client.connect(pair.target);
  const server = await listener.accept();
  await client.send(pattern(10_001, 0));
  await assert.rejects(server.receive(), withCode("ERR_SCTP_MESSAGE_TOO_LONG"));
  await assert.rejects(client.receive(), withCode("ERR_SCTP_ABORTED_BY_PEER"));
});

Deno.test("a listener hands out associations by iteration until it is closed", async () => {
  await using pair = new StackPair();
  const listener = pair.server.listen({ port: PORT });
  const texts: (string | undefined)[] = [];
  const serving = (async () => {
    for await (const connection of listener) texts.push(await receiveText(connection));
  })();
  for (const text of ["first", "second"]) {
    const client = await pair.client.connect(pair.target);
    await client.send(bytesOf(text));
    await client.close();
  }
  listener.close();
  await serving;
  assert.deepEqual(texts, ["first", "second"]);
  await assert.rejects(pair.client.connect(pair.target), withCode("ERR_SCTP_CONNECT_REFUSED"));
});

Deno.test("associations beyond the backlog are aborted, those that nobody accepted too", async () => {
  await using pair = new StackPair();
  const listener = pair.server.listen({ port: PORT, backlog: 1 });
  const waiting = await pair.client.connect(pair.target);
  await assert.rejects(pair.client.connect(pair.target), /too many associations wait/);
  listener.close();
  await assert.rejects(waiting.receive(), withCode("ERR_SCTP_ABORTED_BY_PEER"));
});

Deno.test("closing a stack ends its connections gracefully and releases who waits", async () => {
  const pair = new StackPair();
  const { client, server } = await pair.associate();
  const accepting = assert.rejects(
    pair.server.listen({ port: PORT + 1 }).accept(),
    withCode("ERR_SCTP_CLOSED"),
  );
  await client.send(bytesOf("unread"));
  await pair.server.close();
  assert.deepEqual(await client.closed, { graceful: true });
  assert.deepEqual(await server.closed, { graceful: true });
  await accepting;
  await assert.rejects(pair.server.connect(pair.target), withCode("ERR_SCTP_CLOSED"));
  await pair.client.close();
});

Deno.test("both addresses of both sides become paths, and the primary can be chosen", async () => {
  const [client, server] = [["127.0.1.1", "127.0.1.2"], ["127.0.2.1", "127.0.2.2"]];
  await using pair = new StackPair({ client, server, parameters: FAST });
  const ends = await pair.associate();
  assert.deepEqual(ends.client.remoteAddr.addresses, server);
  assert.deepEqual(ends.server.remoteAddr.addresses, client);
  const events = ends.client.events[Symbol.asyncIterator]();
  while (!ends.client.paths.some((path) => path.remote === server[1] && path.status === "active")) {
    await events.next();
  }
  ends.client.setPrimary(server[1]);
  assert.equal(ends.client.paths.find((path) => path.primary)?.remote, server[1]);
  for (let i = 0; i < 20; i++) await ends.client.send(pattern(1000, i));
  for (let i = 0; i < 20; i++) {
    assert.deepEqual((await ends.server.receive())?.data, pattern(1000, i));
  }
  const second = ends.client.paths.filter(({ remote }) => remote === server[1]);
  assert.ok(second.some(({ metrics }) => metrics.bytesSent > 20_000));
  assert.throws(() => ends.client.setPrimary("127.9.9.9"), RangeError);
});

Deno.test("notifications tell of the peer's wish to end, and of the end", async () => {
  await using pair = new StackPair();
  const { client, server } = await pair.associate();
  const kinds: string[] = [];
  const listening = (async () => {
    for await (const { kind } of server.events) kinds.push(kind);
  })();
  await client.close();
  await listening;
  assert.deepEqual(kinds, ["shutdown-received", "closed"]);
});

Deno.test("a restart of the peer is notified; streams of bytes end with it, messages go on", async () => {
  await using pair = new StackPair();
  const listener = pair.server.listen({ port: PORT });
  const transport = openLoopback(0);
  const target = { ...pair.target, localPort: 5000 };
  await new SctpStack(transport).connect(target);
  const server = await listener.accept();
  const events = server.events[Symbol.asyncIterator]();
  const reading = server.readable.getReader().read();
  const told = assert.rejects(reading, withCode("ERR_SCTP_RESTARTED"));
  await using reborn = await crashAndReopen(transport.io);
  const again = await reborn.connect(target);
  assert.equal((await events.next()).value.kind, "restart");
  await again.send(bytesOf("new life"));
  await told;
  await again.send(bytesOf("second message"));
  assert.equal(await receiveText(server), "second message");
});

Deno.test("misuse is told by the call that misuses", async () => {
  await using pair = new StackPair();
  const { client } = await pair.associate();
  await assert.rejects(client.send(bytesOf("x"), { stream: 70_000 }), RangeError);
  await assert.rejects(client.send(new Uint8Array(0)), RangeError);
  assert.throws(() => pair.server.listen({ port: PORT }), RangeError);
});

Deno.test("sockets work without FFI", async () => {
  await using pair = new StackPair({ ffi: false });
  const { client, server } = await pair.associate();
  for (let i = 0; i < 20; i++) await client.send(pattern(50_000, i));
  for (let i = 0; i < 20; i++) assert.deepEqual((await server.receive())?.data, pattern(50_000, i));
  await client.close();
  assert.deepEqual(await server.closed, { graceful: true });
});

Deno.test(needs(["ipv6"], "sockets work over IPv6", async () => {
  await using pair = new StackPair({ client: ["::1"], server: ["::1"] });
  const { client, server } = await pair.associate();
  await client.send(pattern(50_000, 6));
  assert.deepEqual((await server.receive())?.data, pattern(50_000, 6));
  assert.equal(server.remoteAddr.hostname, "::1");
}));

Deno.test("shared keys change while data flows, are told of, and are free when nothing needs them", async () => {
  const [one, two] = [1, 2].map((id) => ({ id, secret: new Uint8Array(32).fill(id) }));
  const authentication = { keys: [one], chunks: LISTABLE_CHUNKS };
  await using pair = new StackPair({ authentication });
  const { client, server } = await pair.associate();
  assert.ok(client.info.extensions.includes(4895));
  const told: string[] = [];
  const listening = (async () => {
    for await (const event of client.events) {
      if (event.kind !== "authentication") continue;
      told.push("key" in event ? `${event.indication} ${event.key}` : event.indication);
    }
  })();
  const data = pattern(300_000, 5);
  const sending = [client.send(data), server.send(data)];
  for (const { keys } of [client, server]) {
    keys.set(two.id, two.secret);
    keys.activate(two.id);
    keys.deactivate(one.id);
  }
  await Promise.all(sending);
  assert.deepEqual((await client.receive())?.data, data);
  assert.deepEqual((await server.receive())?.data, data);
  await server.close();
  await client.close();
  await listening;
  assert.deepEqual(told.sort(), ["free-key 1", "new-key 2"]);
  assert.deepEqual(client.keys.ids, [1, 2]);
  client.keys.delete(1);
  assert.throws(() => client.keys.delete(2), /deactivate it first/);
  assert.equal(client.keys.activeId, 2);
});

Deno.test("a connection to who has not the key is refused in words", async () => {
  const keys = [{ id: 1, secret: new Uint8Array(32).fill(1) }];
  await using pair = new StackPair({ authentication: { keys, chunks: LISTABLE_CHUNKS } });
  const parameters = { authentication: 0 };
  const stranger = { authentication: { keys: [], chunks: [] }, parameters };
  pair.server.listen({ port: PORT });
  await assert.rejects(pair.client.connect({ ...pair.target, ...stranger }), (error) => {
    assert.ok(error instanceof SctpError);
    assert.equal(error.code, "ERR_SCTP_CONNECT_REFUSED");
    assert.match(error.message, /Missing Mandatory Parameter \(Random, Requested HMAC Algorithm\)/);
    return true;
  });
});
