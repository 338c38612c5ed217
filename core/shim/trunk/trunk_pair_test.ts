/** Two daemons whose connections share an association. */
import assert from "node:assert/strict";
import { needs } from "../../net/testing/requirements.ts";
import type { ConnectionStatus } from "../status.ts";
import {
  type PairOptions,
  SERVER_ADDRESSES,
  type ShimPair,
  shimPair,
  startServer,
} from "../testing/shim_pair.ts";
import { connectTo, send } from "../testing/tcp_sockets.ts";
import {
  connect,
  howItEnds,
  listen,
  receiveAll,
  receiveText,
  sendPattern,
  sendText,
  type TestServer,
} from "../testing/tcp_apps.ts";

const NEEDS = ["linux", "ffi"] as const;
const ON = 'multiplex = "on"';

/** A connection through a pair, seen from both ends. */
async function through(pair: ShimPair, server: TestServer): Promise<[Deno.TcpConn, Deno.TcpConn]> {
  const client = await connect(pair.port);
  await sendText(client, "?");
  const accepted = await server.accept();
  assert.equal(await receiveText(accepted, 1), "?");
  return [client, accepted];
}

/** Waits until a condition holds; a test that waits longer has failed. */
async function until(condition: () => Promise<boolean>, what: string): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(`${what} did not happen within 10 s`);
}

/** A pair with a trunk: its first connection is there, and has brought it. */
async function pairWithTrunk(options: PairOptions, server: TestServer) {
  const pair = await shimPair({ settings: ON, ...options });
  const first = await through(pair, server);
  const isUp = async () => {
    const sides = await Promise.all([pair.client.status(), pair.server.status()]);
    return sides.every(({ counters }) => counters.trunks === 1);
  };
  await until(isUp, "the trunk");
  return { pair, first };
}

function close(...connections: readonly Deno.Conn[]): void {
  for (const connection of connections) connection.close();
}

async function streamsOf(pair: ShimPair): Promise<readonly (readonly ConnectionStatus[])[]> {
  const sides = await Promise.all([pair.client.status(), pair.server.status()]);
  return sides.map(({ connections }) => connections.filter(({ stream }) => stream !== undefined));
}

Deno.test(needs(NEEDS, "connections after the first share an association", async () => {
  using tcp = listen();
  const { pair, first } = await pairWithTrunk({ port: tcp.port }, tcp);
  await using _ = pair;
  const ends: Deno.TcpConn[] = [];
  for (let i = 0; i < 30; i++) ends.push(...await through(pair, tcp));
  const [client, server] = await streamsOf(pair);
  for (const side of [client, server]) {
    assert.equal(side.length, 30);
    assert.equal(new Set(side.map(({ association }) => association?.id)).size, 1);
    assert.equal(new Set(side.map(({ stream }) => stream)).size, 30);
  }
  assert.deepEqual(client.map(({ stream }) => stream), server.map(({ stream }) => stream));
  assert.equal((await pair.client.status()).engine.associations, 2);
  close(...ends, ...first);
  await until(async () => (await streamsOf(pair)).flat().length === 0, "the end of all");
  const { counters } = await pair.client.status();
  assert.deepEqual([counters.carried, counters.multiplexed], [31, 30]);
}));

Deno.test(needs(NEEDS, "20 MB cross both ways at once beside one that nobody reads", async () => {
  using tcp = listen();
  const { pair, first } = await pairWithTrunk({ port: tcp.port }, tcp);
  await using _ = pair;
  const [client, server] = await through(pair, tcp);
  const stuck = await through(pair, tcp);
  const flood = sendPattern(stuck[0], 20_000_000, 9).catch(() => "broken");
  const exchange = async (conn: Deno.TcpConn, seed: number) => {
    const sent = sendPattern(conn, 20_000_000, seed).then((hash) =>
      conn.closeWrite().then(() => hash)
    );
    return await Promise.all([sent, receiveAll(conn)]);
  };
  const [[up, down], [back, there]] = await Promise.all([
    exchange(client, 1),
    exchange(server, 2e6),
  ]);
  assert.deepEqual(there, { bytes: 20_000_000, sha256: up });
  assert.deepEqual(down, { bytes: 20_000_000, sha256: back });
  const late = receiveAll(stuck[1]);
  const sent = await flood;
  await stuck[0].closeWrite();
  assert.deepEqual(await late, { bytes: 20_000_000, sha256: sent });
  close(client, server, ...stuck, ...first);
}));

Deno.test(
  needs(NEEDS, "a reset of a connection reaches its other end alone", async () => {
    using tcp = listen();
    const { pair, first } = await pairWithTrunk({ port: tcp.port }, tcp);
    await using _ = pair;
    const other = await through(pair, tcp);
    const client = await connectTo(pair.port);
    send(client, "?");
    const server = await tcp.accept();
    assert.equal(await receiveText(server, 1), "?");
    client.reset();
    assert.equal(await howItEnds(server), "ConnectionReset");
    server.close();
    await sendText(other[0], "!");
    assert.equal(await receiveText(other[1], 1), "!");
    close(...other, ...first);
  }),
);

Deno.test(needs(NEEDS, "a server's end that does not multiplex gets associations", async () => {
  using tcp = listen();
  await using pair = await shimPair({
    port: tcp.port,
    settings: { client: ON, server: 'multiplex = "off"' },
  });
  const ends: Deno.TcpConn[] = [];
  for (let i = 0; i < 3; i++) ends.push(...await through(pair, tcp));
  const { counters, connections } = await pair.client.status();
  assert.deepEqual([counters.carried, counters.multiplexed, counters.trunks], [3, 0, 0]);
  assert.equal(new Set(connections.map(({ association }) => association?.id)).size, 3);
  close(...ends);
}));

Deno.test(needs(NEEDS, "a client's end that is not told to multiplex does not", async () => {
  using tcp = listen();
  await using pair = await shimPair({ port: tcp.port, settings: { server: ON } });
  const ends = [...await through(pair, tcp), ...await through(pair, tcp)];
  const { counters, engine } = await pair.client.status();
  assert.deepEqual([counters.trunks, engine.associations], [0, 2]);
  close(...ends);
}));

Deno.test(
  needs(NEEDS, "a trunk that nobody uses is closed, and there is another in its time", async () => {
    using tcp = listen();
    const settings = `${ON}\nmultiplex_idle = 1`;
    const { pair, first } = await pairWithTrunk({ port: tcp.port, settings }, tcp);
    await using _ = pair;
    close(...first);
    const none = async () => (await pair.server.status()).engine.associations === 0;
    await until(none, "the end of the trunk");
    close(...await through(pair, tcp));
    await until(async () => (await pair.server.status()).counters.trunks === 2, "another trunk");
  }),
);

Deno.test(needs(NEEDS, "a daemon that is stopped lets connections of a trunk finish", async () => {
  using tcp = listen();
  const { pair, first } = await pairWithTrunk({ port: tcp.port }, tcp);
  await using _ = pair;
  const [client, server] = await through(pair, tcp);
  const stopped = pair.server.stop(20_000);
  await sendText(client, "last");
  assert.equal(await receiveText(server, 4), "last");
  await client.closeWrite();
  await server.closeWrite();
  assert.deepEqual([await howItEnds(client), await howItEnds(server)], ["end", "end"]);
  close(client, server, ...first);
  await stopped;
}));

Deno.test(
  needs(NEEDS, "a daemon that is stopped at once resets every connection of a trunk", async () => {
    using tcp = listen();
    const { pair, first } = await pairWithTrunk({ port: tcp.port }, tcp);
    await using _ = pair;
    const ends = [...await through(pair, tcp), ...await through(pair, tcp)];
    await pair.server.stop();
    for (const end of ends) assert.equal(await howItEnds(end), "ConnectionReset");
    const { ended } = await pair.client.status();
    assert.match(ended.at(-1)!.reason, /the shim was stopped/);
    close(...ends, ...first);
  }),
);

Deno.test(
  needs(NEEDS, "a server that refuses shows on a stream as it does on an association", async () => {
    const tcp = listen();
    const { pair, first } = await pairWithTrunk({ port: tcp.port }, tcp);
    await using _ = pair;
    tcp[Symbol.dispose]();
    const refused = await connect(pair.port);
    assert.equal(await howItEnds(refused), "ConnectionReset");
    const { ended } = await pair.client.status();
    assert.match(ended.at(-1)!.reason, /the server refused the connection/);
    close(refused, ...first);
  }),
);

Deno.test(
  needs(NEEDS, "a trunk whose other end has gone without a word costs no connection", async () => {
    using tcp = listen();
    // Nothing but the connection itself can find out.
    const parameters = { hbInterval: 60_000 };
    const { pair, first } = await pairWithTrunk({ port: tcp.port, parameters }, tcp);
    await using _ = pair;
    const { transport } = await pair.server.status();
    for (const address of SERVER_ADDRESSES) pair.client.cut(address);
    await pair.client.status();
    await pair.server.stop();
    await using _successor = await startServer({ port: tcp.port, settings: ON }, transport.port);
    for (const address of SERVER_ADDRESSES) pair.client.heal(address);
    const [client, server] = await through(pair, tcp);
    await sendText(server, "!");
    assert.equal(await receiveText(client, 1), "!");
    const { counters, trunks } = await pair.client.status();
    assert.equal(counters.multiplexed, 1, "the trunk was tried");
    assert.deepEqual(trunks.filter(({ connections }) => connections > 0), []);
    close(client, server, ...first);
  }),
);
