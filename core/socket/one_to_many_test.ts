/** One-to-many sockets (RFC 6458, sections 3, 8.1.8 and 9.2) over loopback. */
import assert from "node:assert/strict";
import { SctpError } from "./errors.ts";
import type { SocketEvent } from "./members.ts";
import type { OneToManySocket } from "./one_to_many.ts";
import type { OneToManyOptions } from "./one_to_many_types.ts";
import { PORT, StackPair } from "./testing/pair.ts";

const CLIENT_PORT = 4000;

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

async function textFrom(socket: OneToManySocket): Promise<string> {
  const message = await socket.receive();
  return new TextDecoder().decode(message?.data);
}

/** The next event of this kind, from now on. */
async function nextEvent<Kind extends SocketEvent["kind"]>(
  socket: OneToManySocket,
  kind: Kind,
): Promise<SocketEvent & { kind: Kind }> {
  for await (const event of socket.events) {
    if (event.kind === kind) return event as SocketEvent & { kind: Kind };
  }
  throw new Error(`the socket was closed before ${kind}`);
}

/** A socket on each side of a pair. */
class Sockets implements AsyncDisposable {
  readonly pair = new StackPair();
  readonly client: OneToManySocket;
  readonly server: OneToManySocket;

  constructor(options: { client?: OneToManyOptions; server?: OneToManyOptions } = {}) {
    this.client = this.pair.client.openSocket({ port: CLIENT_PORT, ...options.client });
    this.server = this.pair.server.openSocket({ port: PORT, ...options.server });
  }

  /** Where the server's socket is. */
  get to() {
    return this.pair.target;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.pair[Symbol.asyncDispose]();
  }
}

Deno.test("a message to a new peer sets up the association, and goes along", async () => {
  await using sockets = new Sockets();
  const { client, server, to } = sockets;
  const up = nextEvent(server, "up");
  const id = await client.send(bytesOf("hello"), { to, stream: 3, ppid: 7 });
  const message = await server.receive();
  assert.equal(new TextDecoder().decode(message?.data), "hello");
  assert.deepEqual([message?.stream, message?.ppid], [3, 7]);
  assert.equal((await up).association, message?.association);
  assert.deepEqual([...client.associations.keys()], [id]);
  assert.equal(server.control(message!.association).remoteAddr.port, CLIENT_PORT);
});

Deno.test("the same peer is reached by the same association, and answers by it", async () => {
  await using sockets = new Sockets();
  const { client, server, to } = sockets;
  const first = await client.connect(to);
  assert.equal(await client.send(bytesOf("one"), { to }), first);
  const { association } = (await server.receive())!;
  await server.send(bytesOf("two"), { association });
  const answer = await client.receive();
  assert.equal(answer?.association, first);
  assert.equal(server.associations.size, 1);
});

Deno.test("however its address is written, a peer has one association", async () => {
  await using pair = new StackPair({ client: ["::1"], server: ["::1"] });
  const client = pair.client.openSocket({ port: CLIENT_PORT });
  pair.server.openSocket({ port: PORT });
  const ids = await Promise.all(
    ["::1", "0:0:0:0:0:0:0:1"].map((addresses) => client.connect({ ...pair.target, addresses })),
  );
  assert.equal(ids[0], ids[1]);
});

Deno.test("one socket serves many peers, each in its turn", async () => {
  await using sockets = new Sockets();
  const { pair, server, to } = sockets;
  const others = [1, 2, 3].map((i) => pair.client.openSocket({ port: CLIENT_PORT + i }));
  for (const other of others) {
    for (let i = 0; i < 20; i++) await other.send(bytesOf(String(i)), { to });
  }
  const seen: number[] = [];
  const last = new Map<number, number>();
  while (seen.length < 60) {
    const { association, data } = (await server.receive())!;
    const number = Number(new TextDecoder().decode(data));
    assert.equal(number, (last.get(association) ?? -1) + 1, "in the order of each association");
    last.set(association, number);
    seen.push(association);
  }
  assert.equal(last.size, 3);
  assert.equal(await server.sendAll(bytesOf("to all")), 3);
  assert.deepEqual(await Promise.all(others.map(textFrom)), ["to all", "to all", "to all"]);
});

Deno.test("an association that is peeled off takes what was not received along", async () => {
  await using sockets = new Sockets();
  const { client, server, to } = sockets;
  await client.send(bytesOf("to the socket"), { to });
  const { association } = (await server.receive())!;
  await client.send(bytesOf("unread"), { to });
  while (server.control(association).info.readableBytes === 0) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await using connection = server.peelOff(association);
  await client.send(bytesOf("later"), { to });
  for (const expected of ["unread", "later"]) {
    assert.equal(new TextDecoder().decode((await connection.receive())?.data), expected);
  }
  assert.equal(server.tryReceive(), undefined);
  assert.equal(server.associations.size, 0);
  assert.throws(() => server.peelOff(association), RangeError);
});

Deno.test("an association without user data is closed after autoClose (SCTP_AUTOCLOSE)", async () => {
  await using sockets = new Sockets({ client: { autoClose: 1 } });
  const { client, server, to } = sockets;
  const closed = nextEvent(client, "closed");
  const began = performance.now();
  await client.send(bytesOf("one"), { to });
  assert.equal(await textFrom(server), "one");
  await new Promise((resolve) => setTimeout(resolve, 600));
  await client.send(bytesOf("two"), { to });
  const { end } = await closed;
  assert.ok(end.graceful);
  assert.ok(performance.now() - began >= 1600, "the second message began a new second");
  assert.equal(client.associations.size, 0);
});

Deno.test("each association ends by itself, in peace or not", async () => {
  await using sockets = new Sockets();
  const { pair, client, server, to } = sockets;
  const other = pair.client.openSocket({ port: CLIENT_PORT + 1 });
  const [first, second] = [await client.connect(to), await other.connect(to)];
  const ends: boolean[] = [];
  const watching = (async () => {
    for await (const event of server.events) {
      if (event.kind === "closed") ends.push(event.end.graceful);
      if (ends.length === 2) return;
    }
  })();
  await client.send(bytesOf("last words"), { association: first });
  await client.shutdown(first);
  other.abort(second, "enough");
  await watching;
  assert.deepEqual(ends, [true, false]);
  assert.equal(await textFrom(server), "last words", "what came before the end is there");
  assert.throws(() => client.abort(first), /no association \d+ on this socket; there are: none/);
});

Deno.test("a peer that refuses is told as an event; the socket goes on", async () => {
  await using sockets = new Sockets();
  const { client, server, to } = sockets;
  const closed = nextEvent(client, "closed");
  const refused = { ...to, port: PORT + 1 };
  await client.send(bytesOf("nobody is there"), { to: refused });
  const { end } = await closed;
  assert.ok(!end.graceful && end.error.code === "ERR_SCTP_CONNECT_REFUSED");
  await assert.rejects(client.connect(refused), SctpError);
  await client.send(bytesOf("still here"), { to });
  assert.equal(await textFrom(server), "still here");
});

Deno.test("a message that is too long ends its own association and no other", async () => {
  await using sockets = new Sockets({ server: { maximumMessageSize: 1000 } });
  const { pair, client, server, to } = sockets;
  const other = pair.client.openSocket({ port: CLIENT_PORT + 1 });
  const closed = nextEvent(server, "closed");
  await client.send(new Uint8Array(2000), { to });
  await other.send(bytesOf("short"), { to });
  assert.equal(await textFrom(server), "short");
  const next = textFrom(server);
  assert.ok(!(await closed).end.graceful);
  await other.send(bytesOf("and on"), { to });
  assert.equal(await next, "and on");
});

Deno.test("closing ends every association in peace, and all that wait", async () => {
  await using sockets = new Sockets();
  const { client, server, to } = sockets;
  await client.send(bytesOf("hello"), { to });
  const { association } = (await server.receive())!;
  const closed = nextEvent(server, "closed");
  const waiting = client.receive();
  await client.close();
  assert.equal(await waiting, undefined);
  const event = await closed;
  assert.deepEqual([event.association, event.end.graceful], [association, true]);
  await assert.rejects(client.send(bytesOf("x"), { to }), /the socket is closed/);
  sockets.pair.client.openSocket({ port: CLIENT_PORT });
});

Deno.test("a socket that does not listen has only the associations that it asks for", async () => {
  await using sockets = new Sockets({ client: { listen: false } });
  const { client, server, to } = sockets;
  const back = {
    ...to,
    port: CLIENT_PORT,
    encapsulationPort: sockets.pair.client.encapsulationPort,
  };
  await assert.rejects(server.connect(back), { code: "ERR_SCTP_CONNECT_REFUSED" });
  await client.connect(to);
});

Deno.test("what cannot be is told in words", async () => {
  await using sockets = new Sockets();
  const { pair, client } = sockets;
  await assert.rejects(client.send(bytesOf("x"), {}), /an association, by its number, or a peer/);
  await assert.rejects(client.send(bytesOf("x"), { association: 99 }), /no association 99/);
  assert.throws(() => pair.client.openSocket({ port: CLIENT_PORT }), /port 4000 is taken/);
  assert.throws(
    () => pair.client.openSocket({ port: 1, autoClose: -1 }),
    /SCTP_AUTOCLOSE takes a whole number from 0 to 2147483 s, not -1/,
  );
});

Deno.test("SO_LINGER: with 0 seconds closing a socket aborts its associations", async () => {
  await using sockets = new Sockets();
  const { client, server, to } = sockets;
  await client.connect(to);
  client.setOption("SO_LINGER", { on: true, seconds: 0 });
  const closed = nextEvent(server, "closed");
  await client.close();
  const { end } = await closed;
  assert.ok(!end.graceful && end.error.code === "ERR_SCTP_ABORTED_BY_PEER");
});
