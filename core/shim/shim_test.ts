import assert from "node:assert/strict";
import { needs } from "../net/testing/requirements.ts";
import {
  CLIENT_ADDRESSES,
  SCTP_PORT,
  SERVER_ADDRESSES,
  type ShimPair,
  shimPair,
  startClient,
  startServer,
} from "./testing/shim_pair.ts";
import {
  connect,
  howItEnds,
  listen,
  receiveAll,
  receiveText,
  sendPattern,
  sendText,
  type TestServer,
  writeAll,
} from "./testing/tcp_apps.ts";

const NEEDS = ["linux", "ffi"] as const;

/** A connection through a pair, seen from both ends. */
async function through(pair: ShimPair, server: TestServer): Promise<[Deno.TcpConn, Deno.TcpConn]> {
  const client = await connect(pair.port);
  await sendText(client, "?");
  const accepted = await server.accept();
  assert.equal(await receiveText(accepted, 1), "?");
  return [client, accepted];
}

/** Waits until a condition holds; a test that waits longer has failed. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail("it did not happen within 10 s");
}

async function noneOpen({ client, server }: ShimPair): Promise<boolean> {
  const both = await Promise.all([client.status(), server.status()]);
  return both.every(({ connections }) => connections.length === 0);
}

Deno.test(needs(NEEDS, "25 MB cross both ways at once and arrive as they were sent", async () => {
  using tcp = listen();
  await using pair = await shimPair({ port: tcp.port });
  const [client, server] = await through(pair, tcp);
  const exchange = async (conn: Deno.TcpConn, seed: number) => {
    const sent = sendPattern(conn, 25_000_000, seed).then((hash) =>
      conn.closeWrite().then(() => hash)
    );
    return await Promise.all([sent, receiveAll(conn)]);
  };
  const [[up, down], [back, there]] = await Promise.all([
    exchange(client, 1),
    exchange(server, 2e6),
  ]);
  assert.deepEqual(there, { bytes: 25_000_000, sha256: up });
  assert.deepEqual(down, { bytes: 25_000_000, sha256: back });
  client.close();
  server.close();
  await until(() => noneOpen(pair));
  const { counters, ended: [last] } = await pair.client.status();
  assert.deepEqual([counters.carried, counters.closed, counters.broken], [1, 1, 0]);
  assert.equal(last.state, "ACTIVE");
  assert.equal(last.association?.peerIsShim, true);
  assert.deepEqual([last.bytesOut, last.bytesIn], [25_000_001, 25_000_000]);
}));

Deno.test(needs(NEEDS, "one direction ends while the other goes on, from either side", async () => {
  using tcp = listen();
  await using pair = await shimPair({ port: tcp.port });
  for (const first of ["client", "server"]) {
    const [client, server] = await through(pair, tcp);
    const [early, late] = first === "client" ? [client, server] : [server, client];
    await sendText(early, "that is all");
    await early.closeWrite();
    assert.equal((await receiveAll(late)).bytes, 11);
    await sendText(late, "an answer after your end");
    assert.equal(await receiveText(early, 24), "an answer after your end");
    await late.closeWrite();
    assert.equal(await howItEnds(early), "end");
    early.close();
    late.close();
  }
  await until(() => noneOpen(pair));
  assert.equal((await pair.server.status()).counters.closed, 2);
}));

Deno.test(
  needs(NEEDS, "a server that speaks first and closes at once is heard to its end", async () => {
    using tcp = listen();
    await using pair = await shimPair({ port: tcp.port });
    for (let i = 0; i < 20; i++) {
      const client = await connect(pair.port);
      const server = await tcp.accept();
      await sendText(server, "220 banner");
      server.close();
      assert.equal(await receiveText(client, 10), "220 banner");
      assert.equal(await howItEnds(client), "end");
      client.close();
    }
    await until(() => noneOpen(pair));
    assert.equal((await pair.client.status()).counters.closed, 20);
  }),
);

Deno.test(
  needs(NEEDS, "a reset in the middle of a transfer crosses, from either side", async () => {
    using tcp = listen();
    await using pair = await shimPair({ port: tcp.port });
    for (const first of ["client", "server"]) {
      const [client, server] = await through(pair, tcp);
      const [gone, stays] = first === "client" ? [client, server] : [server, client];
      await sendText(stays, "unread");
      // What was received and not read makes the kernel reset the connection at its close.
      await until(async () =>
        (await pair[first as "client" | "server"].status()).connections[0]?.bytesIn >= 6
      );
      const sending = sendPattern(stays, 50_000_000, 1);
      await until(async () => (await pair.client.status()).connections[0] !== undefined);
      gone.close();
      await assert.rejects(
        sending,
        (error: Error) => /ConnectionReset|BrokenPipe/.test(error.name),
      );
      stays.close();
      await until(() => noneOpen(pair));
    }
    const reasons = (await pair.client.status()).ended.map(({ reason }) => reason);
    assert.match(reasons[0], /^the application reset the connection/);
    assert.match(reasons[1], /^reset by the peer: the application reset/);
  }),
);

Deno.test(needs(NEEDS, "200 connections at once are carried apart from one another", async () => {
  using tcp = listen();
  // A busy machine takes its time to answer so many INITs.
  await using pair = await shimPair({ port: tcp.port, parameters: { maxInitRetransmits: 8 } });
  const echoes = (async () => {
    const all: Promise<void>[] = [];
    for (let i = 0; i < 200; i++) {
      const conn = await tcp.accept();
      all.push(conn.readable.pipeTo(conn.writable));
    }
    await Promise.all(all);
  })();
  const talk = async (index: number) => {
    const conn = await connect(pair.port);
    const hash = sendPattern(conn, 20_000 + index, index * 7919).then(async (sent) => {
      await conn.closeWrite();
      return sent;
    });
    const [sent, received] = await Promise.all([hash, receiveAll(conn)]);
    conn.close();
    assert.deepEqual(received, { bytes: 20_000 + index, sha256: sent });
  };
  await Promise.all(Array.from({ length: 200 }, (_, index) => talk(index)));
  await echoes;
  await until(() => noneOpen(pair));
  const { counters } = await pair.client.status();
  assert.deepEqual([counters.accepted, counters.closed, counters.broken], [200, 200, 0]);
}));

Deno.test(
  needs(
    NEEDS,
    "a server that does not read stops the client, within the buffers' size",
    async () => {
      using tcp = listen();
      const parameters = { sendBuffer: 1 << 18, receiveBuffer: 1 << 18 };
      await using pair = await shimPair({ port: tcp.port, parameters });
      const [client, server] = await through(pair, tcp);
      let written = 0;
      const sending = (async () => {
        const block = new Uint8Array(65_536);
        for (let i = 0; i < 1600; i++) {
          await writeAll(client, block);
          written += block.length;
        }
        await client.closeWrite();
      })();
      let before = -1;
      await until(async () => {
        await new Promise((resolve) => setTimeout(resolve, 300));
        const still = written === before;
        before = written;
        return still;
      });
      const [side] = (await pair.client.status()).connections;
      const [other] = (await pair.server.status()).connections;
      assert.ok(side.association!.bufferedBytes <= 1 << 18);
      assert.ok(other.association!.readableBytes <= 1 << 18);
      assert.match(side.reason, /waiting for the peer to read/);
      assert.match(other.reason, /waiting for the application to read/);
      assert.equal((await receiveAll(server)).bytes, 1600 * 65_536);
      await sending;
      client.close();
      server.close();
      await until(() => noneOpen(pair));
    },
  ),
);

Deno.test(needs(NEEDS, "a path that is cut in the middle costs no byte", async () => {
  using tcp = listen();
  await using pair = await shimPair({ port: tcp.port });
  const [client, server] = await through(pair, tcp);
  const sending = sendPattern(client, 30_000_000, 3);
  const receiving = receiveAll(server);
  await until(async () => (await pair.client.status()).connections[0].bytesOut > 5_000_000);
  pair.server.cut(CLIENT_ADDRESSES[0]);
  const sha256 = await sending;
  await client.closeWrite();
  assert.deepEqual(await receiving, { bytes: 30_000_000, sha256 });
  client.close();
  server.close();
  await until(() => noneOpen(pair));
  const { ended: [last] } = await pair.client.status();
  const bytes = last.association!.paths.map(({ metrics }) => metrics.bytesSent);
  assert.ok(bytes.every((count) => count > 1_000_000), `bytes of the paths: ${bytes}`);
}));

Deno.test(needs(NEEDS, "a server that is down is a reset at once, without a fallback", async () => {
  const tcp = listen();
  await using pair = await shimPair({ port: tcp.port, fallback: true });
  tcp[Symbol.dispose]();
  const client = await connect(pair.port);
  assert.equal(await howItEnds(client), "ConnectionReset");
  client.close();
  await until(() => noneOpen(pair));
  const { ended: [last], counters } = await pair.client.status();
  assert.equal(last.reason, "reset by the peer: the server refused the connection");
  assert.equal(counters.fellBack, 0);
}));

Deno.test(
  needs(
    NEEDS,
    "where nobody answers by SCTP the connection goes over TCP, and says so",
    async () => {
      const tcp = Deno.listen({ hostname: SERVER_ADDRESSES[1], port: SCTP_PORT });
      const warnings: string[] = [];
      const log = (level: string, message: string) =>
        void (level === "warning" && warnings.push(message));
      await using daemon = await startClient({ port: 0, fallback: true, log }, 1);
      const [front] = await daemon.listeners;
      const client = await connect(front.port);
      const server = await tcp.accept();
      await sendText(client, "hello");
      assert.equal(await receiveText(server, 5), "hello");
      const [connection] = (await daemon.status()).connections;
      assert.deepEqual([connection.state, connection.carrier], ["READY", "tcp"]);
      assert.match(connection.reason, /^fell back to TCP: /);
      assert.match(warnings[0], /fell back to TCP/);
      await client.closeWrite();
      assert.equal(await howItEnds(server), "end");
      const hash = sendPattern(server, 5_000_000, 9);
      const received = hash.then((sha256) => server.closeWrite().then(() => sha256));
      const [sha256, got] = await Promise.all([received, receiveAll(client)]);
      assert.deepEqual(got, { bytes: 5_000_000, sha256 });
      client.close();
      server.close();
      tcp.close();
      await until(async () => (await daemon.status()).counters.closed === 1);
    },
  ),
);

Deno.test(
  needs(NEEDS, "a server with one address that has no SCTP is reached by the next", async () => {
    using tcp = listen();
    await using server = await startServer({ port: tcp.port });
    const { transport } = await server.status();
    const addresses = ["127.0.9.9", ...SERVER_ADDRESSES];
    await using client = await startClient({ port: 0 }, transport.port, addresses);
    const [front] = await client.listeners;
    const conn = await connect(front.port);
    await sendText(conn, "hello");
    const accepted = await tcp.accept();
    assert.equal(await receiveText(accepted, 5), "hello");
    conn.close();
    accepted.close();
  }),
);

Deno.test(needs(NEEDS, "without a fallback such a connection is reset", async () => {
  await using daemon = await startClient({ port: 0 }, 1);
  const [front] = await daemon.listeners;
  const client = await connect(front.port);
  assert.equal(await howItEnds(client), "ConnectionReset");
  client.close();
  const { ended: [last], counters } = await daemon.status();
  assert.equal(last.state, "ENABLE_MANUAL");
  assert.equal(counters.broken, 1);
}));

Deno.test(needs(NEEDS, "stopping either daemon leaves no application waiting", async () => {
  for (const side of ["client", "server"] as const) {
    using tcp = listen();
    await using pair = await shimPair({ port: tcp.port });
    const [client, server] = await through(pair, tcp);
    await pair[side].stop();
    assert.equal(await howItEnds(client), "ConnectionReset");
    assert.equal(await howItEnds(server), "ConnectionReset");
    client.close();
    server.close();
  }
}));

Deno.test(needs(NEEDS, "a daemon that drains lets open connections finish", async () => {
  using tcp = listen();
  await using pair = await shimPair({ port: tcp.port });
  const [client, server] = await through(pair, tcp);
  const stopped = pair.server.stop(10_000);
  await sendText(client, "the end");
  await client.closeWrite();
  assert.equal((await receiveAll(server)).bytes, 7);
  server.close();
  assert.equal(await howItEnds(client), "end");
  client.close();
  await stopped;
}));
