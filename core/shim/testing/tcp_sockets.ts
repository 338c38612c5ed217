/** TCP applications that do what Deno's own sockets cannot: urgent data, resets. */
import assert from "node:assert/strict";
import { EPOLLIN, EPOLLOUT } from "../../net/constants.ts";
import { Epoll } from "../../net/epoll.ts";
import { TcpListener, TcpSocket } from "../../net/tcp_socket.ts";
import { IpAddress } from "../../sctp/base/address.ts";

const LOOPBACK = IpAddress.parse("127.0.0.1");

/** Waits for epoll's word about a descriptor, without keeping the thread from anything else. */
export async function ready(descriptor: number, events: number): Promise<void> {
  const epoll = new Epoll(1);
  epoll.add(descriptor, events);
  await epoll.waitAsync(20_000);
  assert.equal(epoll.wait(0), 1, "something comes");
  epoll.close();
}

/** A server on a port of its own. */
export function listenOn(): TcpListener {
  return new TcpListener({ address: LOOPBACK, port: 0 });
}

/** The next connection of a server, urgent data in line. */
export async function acceptFrom(listener: TcpListener): Promise<TcpSocket> {
  await ready(listener.descriptor, EPOLLIN);
  const { socket } = listener.accept()!;
  socket.setUrgentInLine();
  return socket;
}

/** A client's connection, urgent data in line. */
export async function connectTo(port: number): Promise<TcpSocket> {
  const socket = TcpSocket.connect({ remoteAddress: LOOPBACK, remotePort: port });
  await ready(socket.descriptor, EPOLLOUT);
  assert.equal(socket.finishConnect(), 0);
  socket.setUrgentInLine();
  return socket;
}

export function send(socket: TcpSocket, words: string): void {
  const bytes = new TextEncoder().encode(words);
  assert.equal(socket.send(bytes, 0, bytes.length), bytes.length);
}

/** Reads so many bytes, the urgent one in brackets. */
export async function receive(socket: TcpSocket, length: number): Promise<string> {
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
