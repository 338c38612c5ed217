/** Urgent data through two data planes, between real TCP connections. */
import assert from "node:assert/strict";
import { EPOLLIN, EPOLLOUT, EPOLLPRI } from "../net/constants.ts";
import { Epoll } from "../net/epoll.ts";
import { TcpListener, TcpSocket } from "../net/tcp_socket.ts";
import { needs } from "../net/testing/requirements.ts";
import { IpAddress } from "../sctp/base/address.ts";
import { SctpStack } from "../socket/stack.ts";
import { QUICK, SCTP_PORT, SERVER_ADDRESSES, shimPair, startClient } from "./testing/shim_pair.ts";

const NEEDS = ["linux", "ffi"] as const;
const LOOPBACK = IpAddress.parse("127.0.0.1");
const encode = (words: string) => new TextEncoder().encode(words);

/** Waits for epoll's word about a descriptor, without keeping the thread from anything else. */
async function ready(descriptor: number, events: number): Promise<void> {
  const epoll = new Epoll(1);
  epoll.add(descriptor, events);
  await epoll.waitAsync(20_000);
  assert.equal(epoll.wait(0), 1, "something comes");
  epoll.close();
}

async function connectTo(port: number): Promise<TcpSocket> {
  const socket = TcpSocket.connect({ remoteAddress: LOOPBACK, remotePort: port });
  await ready(socket.descriptor, EPOLLOUT);
  assert.equal(socket.finishConnect(), 0);
  socket.setUrgentInLine();
  return socket;
}

function send(socket: TcpSocket, words: string): void {
  const bytes = encode(words);
  assert.equal(socket.send(bytes, 0, bytes.length), bytes.length);
}

/** Reads `words.length` bytes, and where the mark was: text with the urgent byte in brackets. */
async function receive(socket: TcpSocket, length: number): Promise<string> {
  const byte = new Uint8Array(1);
  let all = "";
  for (let i = 0; i < length; i++) {
    await ready(socket.descriptor, EPOLLIN);
    const { atMark } = socket;
    assert.equal(socket.receive(byte, 0, 1), 1);
    const letter = String.fromCharCode(byte[0]);
    all += atMark ? `[${letter}]` : letter;
  }
  return all;
}

Deno.test(needs(NEEDS, "urgent data crosses two shims at its mark, from either side", async () => {
  const listener = new TcpListener({ address: LOOPBACK, port: 0 });
  await using pair = await shimPair({ port: listener.localAddress.port });
  const client = await connectTo(pair.port);
  send(client, "?");
  await ready(listener.descriptor, EPOLLIN);
  const server = listener.accept()!.socket;
  server.setUrgentInLine();
  assert.equal(await receive(server, 1), "?");
  for (const [from, to] of [[client, server], [server, client]]) {
    for (let i = 0; i < 20; i++) {
      send(from, "before");
      assert.equal(from.sendUrgent(encode("!"), 0), 1);
      await ready(to.descriptor, EPOLLPRI);
      send(from, "after");
      assert.equal(await receive(to, 12), "before[!]after");
    }
  }
  for (const each of [client, server, listener]) each.close();
}));

Deno.test(needs(NEEDS, "a native server gets urgent data in line", async () => {
  await using stack = SctpStack.open({
    transport: "udp",
    udpPort: 0,
    localAddresses: SERVER_ADDRESSES.map(IpAddress.parse),
    parameters: QUICK,
  });
  const listener = stack.listen({ port: SCTP_PORT });
  await using daemon = await startClient({ port: 0 }, stack.encapsulationPort);
  const [front] = await daemon.listeners;
  const client = await connectTo(front.port);
  send(client, "before");
  assert.equal(client.sendUrgent(encode("!"), 0), 1);
  send(client, "after");
  const native = await listener.accept();
  let received = "";
  while (received.length < 12) {
    const message = await native.receive();
    assert.equal(message?.ppid, 0);
    received += new TextDecoder().decode(message?.data);
  }
  assert.equal(received, "before!after");
  client.close();
  await native.close();
}));
