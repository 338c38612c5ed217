/** Urgent data and resets through two data planes, between real TCP connections. */
import assert from "node:assert/strict";
import { EPOLLIN, EPOLLPRI } from "../net/constants.ts";
import { TcpResult } from "../net/tcp_socket.ts";
import { needs } from "../net/testing/requirements.ts";
import { IpAddress } from "../sctp/base/address.ts";
import { SctpStack } from "../socket/stack.ts";
import { QUICK, SCTP_PORT, SERVER_ADDRESSES, shimPair, startClient } from "./testing/shim_pair.ts";
import { acceptFrom, connectTo, listenOn, ready, receive, send } from "./testing/tcp_sockets.ts";

const NEEDS = ["linux", "ffi"] as const;
const encode = (words: string) => new TextEncoder().encode(words);

Deno.test(needs(NEEDS, "urgent data crosses two shims at its mark, from either side", async () => {
  const listener = listenOn();
  await using pair = await shimPair({ port: listener.localAddress.port });
  const client = await connectTo(pair.port);
  send(client, "?");
  const server = await acceptFrom(listener);
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

Deno.test(needs(NEEDS, "bytes that a reset follows at once are read before it", async () => {
  const listener = listenOn();
  await using pair = await shimPair({ port: listener.localAddress.port });
  for (let i = 0; i < 20; i++) {
    const client = await connectTo(pair.port);
    send(client, "?");
    const server = await acceptFrom(listener);
    assert.equal(await receive(server, 1), "?");
    const [gone, stays] = i % 2 ? [client, server] : [server, client];
    send(gone, "last words");
    gone.reset();
    assert.equal(await receive(stays, 10), "last words");
    await ready(stays.descriptor, EPOLLIN);
    assert.equal(stays.receive(new Uint8Array(1), 0, 1), TcpResult.Reset);
    stays.close();
  }
  listener.close();
}));
