import assert from "node:assert/strict";
import { needs } from "../../net/testing/requirements.ts";
import { ShimDaemon } from "../shim_daemon.ts";
import {
  CLIENT_ADDRESSES,
  QUICK,
  SCTP_PORT,
  SERVER_ADDRESSES,
  startServer,
} from "../testing/shim_pair.ts";
import {
  connect,
  howItEnds,
  listen,
  receiveText,
  sendText,
  type TestServer,
  writeAll,
} from "../testing/tcp_apps.ts";

const NEEDS = ["linux", "ffi"] as const;
const HEAD_START = "[net.inet.sctp.shim]\nhead_start = 600000\n";

/** A data plane with a SOCKS port that tries SCTP by a UDP port of the servers. */
function startSocks(remotePort: number, rules = HEAD_START): Promise<ShimDaemon> {
  return ShimDaemon.start({
    transport: { kind: "udp", port: 0, remotePort, addresses: CLIENT_ADDRESSES },
    forwards: [],
    serves: [],
    socks: [{ address: "127.0.0.1", port: 0 }],
    parameters: QUICK,
    fallback: true,
    rules,
  });
}

async function portOf(daemon: ShimDaemon): Promise<number> {
  return (await daemon.listeners)[0].port;
}

/** Greets and asks for an address; the code of the reply. */
async function request(
  conn: Deno.TcpConn,
  address: readonly number[],
  port: number,
): Promise<number> {
  const asked = [5, 1, 0, ...address, port >> 8, port & 255];
  // In pieces, as a slow network might bring it.
  for (const part of [[5], [2, 0, 2]]) await writeAll(conn, Uint8Array.from(part));
  assert.equal(await receiveText(conn, 2), "\x05\x00");
  for (const part of [asked.slice(0, 6), asked.slice(6)]) {
    await writeAll(conn, Uint8Array.from(part));
  }
  const reply = await receiveText(conn, 10);
  assert.equal(reply.charCodeAt(0), 5);
  return reply.charCodeAt(1);
}

const v4 = (text: string) => [1, ...text.split(".").map(Number)];
const name = (text: string) => [3, text.length, ...new TextEncoder().encode(text)];

/** A server's shim, and the SOCKS port in front of it. */
async function shims(tcp: TestServer) {
  const server = await startServer({ port: tcp.port });
  const client = await startSocks((await server.status()).transport.port);
  return {
    server,
    client,
    async [Symbol.asyncDispose]() {
      await Promise.all([client.stop(), server.stop()]);
    },
  };
}

Deno.test(
  needs(NEEDS, "a SOCKS client is carried by address, and bytes cross both ways", async () => {
    using tcp = listen();
    await using pair = await shims(tcp);
    const conn = await connect(await portOf(pair.client));
    assert.equal(await request(conn, v4(SERVER_ADDRESSES[0]), SCTP_PORT), 0);
    await sendText(conn, "ping");
    const accepted = await tcp.accept();
    assert.equal(await receiveText(accepted, 4), "ping");
    await sendText(accepted, "pong");
    assert.equal(await receiveText(conn, 4), "pong");
    const [connection] = (await pair.client.status()).connections;
    assert.deepEqual([connection.state, connection.carrier], ["ACTIVE", "sctp"]);
    accepted.close();
    conn.close();
  }),
);

Deno.test(needs(NEEDS, "the reply waits for the server, and says that it refused", async () => {
  const tcp = listen();
  await using pair = await shims(tcp);
  tcp[Symbol.dispose]();
  const conn = await connect(await portOf(pair.client));
  assert.equal(await request(conn, v4(SERVER_ADDRESSES[0]), SCTP_PORT), 5);
  assert.equal(await howItEnds(conn), "end");
  conn.close();
}));

Deno.test(needs(NEEDS, "a server without SCTP is reached over TCP, by its name", async () => {
  using tcp = listen();
  await using client = await startSocks(1);
  const conn = await connect(await portOf(client));
  assert.equal(await request(conn, name("localhost"), tcp.port), 0);
  const accepted = await tcp.accept();
  await sendText(accepted, "over TCP");
  assert.equal(await receiveText(conn, 8), "over TCP");
  const [connection] = (await client.status()).connections;
  assert.deepEqual([connection.state, connection.carrier], ["READY", "tcp"]);
  assert.equal((await client.availability())[0].available, "no");
  accepted.close();
  conn.close();
}));

Deno.test(needs(NEEDS, "a name without an address is an unreachable host", async () => {
  await using client = await startSocks(1);
  const conn = await connect(await portOf(client));
  assert.equal(await request(conn, name("nowhere.invalid"), 80), 4);
  conn.close();
}));

Deno.test(needs(NEEDS, "a rule that disables the shim for a server leaves it TCP", async () => {
  using tcp = listen();
  const rules = `rules = ["-c remote -p disable -s ${tcp.port}"]\n${HEAD_START}` +
    "default_remote_enable = 1\n";
  await using client = await startSocks(1, rules);
  const conn = await connect(await portOf(client));
  assert.equal(await request(conn, v4("127.0.0.1"), tcp.port), 0);
  (await tcp.accept()).close();
  assert.deepEqual(await client.availability(), [], "SCTP was not even tried");
  assert.equal((await client.status()).counters.fellBack, 0);
  conn.close();
}));

Deno.test(needs(NEEDS, "who does not speak SOCKS5 is closed", async () => {
  await using client = await startSocks(1);
  const conn = await connect(await portOf(client));
  await sendText(conn, "GET / HTTP/1.1\r\n\r\n");
  assert.ok(["end", "ConnectionReset"].includes(await howItEnds(conn)));
  conn.close();
  assert.equal((await client.status()).connections.length, 0);
}));

Deno.test(
  needs(NEEDS, "what a client says behind its request, before the reply, is not lost", async () => {
    using tcp = listen();
    await using pair = await shims(tcp);
    const conn = await connect(await portOf(pair.client));
    const target = v4(SERVER_ADDRESSES[0]);
    const hurried = [5, 1, 0, 5, 1, 0, ...target, SCTP_PORT >> 8, SCTP_PORT & 255, 0x68, 0x69];
    await writeAll(conn, Uint8Array.from(hurried));
    const accepted = await tcp.accept();
    assert.equal(await receiveText(accepted, 2), "hi");
    accepted.close();
    conn.close();
  }),
);
