import assert from "node:assert/strict";
import { SockDiag } from "./sock_diag.ts";
import { IpAddress } from "../sctp/base/address.ts";
import { ECONNREFUSED, EPOLLET, EPOLLIN, EPOLLOUT, EPOLLPRI } from "./constants.ts";
import { Epoll } from "./epoll.ts";
import { TcpListener, TcpResult, TcpSocket } from "./tcp_socket.ts";
import { TwoHosts } from "./testing/namespaces.ts";
import { needs } from "./testing/requirements.ts";

const LOOPBACK = IpAddress.parse("127.0.0.1");

function ready(descriptor: number, events: number): void {
  const epoll = new Epoll(1);
  epoll.add(descriptor, events);
  assert.equal(epoll.wait(5000), 1, "the socket becomes ready");
  epoll.close();
}

/** A connected pair over loopback. */
function pair(address = LOOPBACK): { client: TcpSocket; server: TcpSocket; close(): void } {
  const listener = new TcpListener({ address, port: 0 });
  const client = TcpSocket.connect({
    remoteAddress: address,
    remotePort: listener.localAddress.port,
  });
  ready(listener.descriptor, EPOLLIN);
  const server = listener.accept()!.socket;
  ready(client.descriptor, EPOLLOUT);
  assert.equal(client.finishConnect(), 0);
  return {
    client,
    server,
    close() {
      for (const each of [client, server, listener]) each.close();
    },
  };
}

Deno.test(
  needs(["linux", "ffi"], "a connection has the same two names at both ends, IPv4 and IPv6", () => {
    for (const text of ["127.0.0.1", "::1"]) {
      const address = IpAddress.parse(text);
      const listener = new TcpListener({ address, port: 0 });
      assert.equal(listener.accept(), undefined);
      const client = TcpSocket.connect({
        remoteAddress: address,
        remotePort: listener.localAddress.port,
        localAddress: address,
      });
      ready(listener.descriptor, EPOLLIN);
      const { socket: server, peer } = listener.accept()!;
      assert.deepEqual(peer, client.localAddress);
      assert.deepEqual(server.remoteAddress, client.localAddress);
      assert.deepEqual(server.localAddress, client.remoteAddress);
      assert.equal(server.originalDestination, undefined);
      for (const each of [client, server, listener]) each.close();
    }
  }),
);

Deno.test(
  needs(
    ["linux", "ffi"],
    "bytes go from the middle of one buffer into the middle of another",
    () => {
      const { client, server, close } = pair();
      const from = Uint8Array.from({ length: 100 }, (_, i) => i);
      const into = new Uint8Array(100).fill(0xff);
      assert.equal(server.receive(into, 0, 100), TcpResult.WouldBlock);
      assert.equal(client.send(from, 10, 20), 20);
      ready(server.descriptor, EPOLLIN);
      assert.equal(server.receive(into, 50, 50), 20);
      assert.deepEqual([...into.subarray(48, 72)], [255, 255, ...from.subarray(10, 30), 255, 255]);
      close();
    },
  ),
);

Deno.test(
  needs(
    ["linux", "ffi"],
    "a stretch that leaves its buffer is refused before the kernel sees it",
    () => {
      const { client, close } = pair();
      const buffer = new Uint8Array(100);
      assert.throws(() => client.send(buffer, 90, 11), RangeError);
      assert.throws(() => client.receive(buffer, -1, 10), RangeError);
      close();
    },
  ),
);

Deno.test(needs(["linux", "ffi"], "half-close: one direction ends, the other goes on", () => {
  const { client, server, close } = pair();
  const buffer = new Uint8Array(10);
  client.shutdownWrite();
  ready(server.descriptor, EPOLLIN);
  assert.equal(server.receive(buffer, 0, 10), TcpResult.EndOfStream);
  assert.equal(server.send(buffer, 0, 10), 10);
  ready(client.descriptor, EPOLLIN);
  assert.equal(client.receive(buffer, 0, 10), 10);
  assert.equal(client.send(buffer, 0, 1), TcpResult.Reset, "the closed side cannot send");
  close();
}));

Deno.test(needs(["linux", "ffi"], "a reset is told apart from an end", () => {
  const { client, server, close } = pair();
  client.reset();
  ready(server.descriptor, EPOLLIN);
  assert.equal(server.receive(new Uint8Array(10), 0, 10), TcpResult.Reset);
  close();
}));

Deno.test(needs(["linux", "ffi"], "closing twice leaves who has the number now alone", () => {
  const { client, close } = pair();
  client.close();
  // The lowest free number is given first, unless another thread was faster.
  const next = new TcpListener({ address: LOOPBACK, port: 0 });
  const { port } = next.localAddress;
  client.close();
  client.reset();
  assert.equal(next.localAddress.port, port);
  next.close();
  close();
}));

Deno.test(needs(["linux", "ffi"], "nor does closing a listener or a netlink socket twice", () => {
  const options = { address: LOOPBACK, port: 0 };
  for (const first of [new TcpListener(options), new SockDiag()]) {
    first.close();
    const next = new TcpListener(options);
    const { port } = next.localAddress;
    first.close();
    assert.equal(next.localAddress.port, port);
    next.close();
  }
}));

Deno.test(
  needs(["linux", "ffi"], "a socket that is to be reset on death still closes in order", () => {
    const { client, server, close } = pair();
    const bytes = new Uint8Array(100_000);
    client.resetOnDeath();
    const sent = client.send(bytes, 0, bytes.length);
    client.close();
    let received = 0;
    for (let count = 1; count !== 0; received += count) {
      ready(server.descriptor, EPOLLIN);
      count = server.receive(bytes, 0, bytes.length);
      assert.ok(count >= 0, "no reset");
    }
    assert.equal(received, sent);
    close();
  }),
);

Deno.test(needs(["linux", "ffi"], "a full connection blocks, and goes on when it is read", () => {
  const { client, server, close } = pair();
  const chunk = new Uint8Array(1 << 20);
  let sent = 0;
  for (;;) {
    const count = client.send(chunk, 0, chunk.length);
    if (count === TcpResult.WouldBlock) break;
    assert.ok(count > 0);
    sent += count;
  }
  let received = 0;
  while (received < sent) {
    ready(server.descriptor, EPOLLIN);
    received += server.receive(chunk, 0, chunk.length);
  }
  assert.equal(received, sent);
  ready(client.descriptor, EPOLLOUT);
  assert.equal(client.send(chunk, 0, 1), 1);
  close();
}));

Deno.test(needs(["linux", "ffi"], "a refused connection says so by its errno", () => {
  const listener = new TcpListener({ address: LOOPBACK, port: 0 });
  const { port } = listener.localAddress;
  listener.close();
  const client = TcpSocket.connect({ remoteAddress: LOOPBACK, remotePort: port });
  ready(client.descriptor, EPOLLOUT);
  assert.equal(client.finishConnect(), ECONNREFUSED);
  client.close();
}));

Deno.test(needs(["linux", "ffi"], "a port in use is named with its address", () => {
  const listener = new TcpListener({ address: LOOPBACK, port: 0 });
  const { port } = listener.localAddress;
  assert.throws(() => new TcpListener({ address: LOOPBACK, port }), {
    code: "EADDRINUSE",
    message: new RegExp(`127\\.0\\.0\\.1 port ${port}.*another port`),
  });
  listener.close();
}));

Deno.test(
  needs(["linux", "ffi"], "urgent data stays in line, and a read stops before its mark", () => {
    const { client, server, close } = pair();
    server.setUrgentInLine();
    const buffer = Uint8Array.of(1, 2, 3, 4, 0, 0, 0, 0);
    assert.equal(client.send(buffer, 0, 2), 2);
    assert.equal(client.sendUrgent(buffer, 2), 1);
    assert.equal(client.send(buffer, 3, 1), 1);
    ready(server.descriptor, EPOLLPRI);
    assert.equal(server.peek(), 1);
    assert.equal(server.atMark, false);
    assert.equal(server.receive(buffer, 4, 4), 2);
    assert.equal(server.atMark, true);
    assert.equal(server.receive(buffer, 6, 1), 1);
    assert.equal(server.atMark, false);
    ready(server.descriptor, EPOLLIN);
    assert.equal(server.receive(buffer, 7, 1), 1);
    assert.equal(server.peek(), TcpResult.WouldBlock);
    assert.deepEqual([...buffer], [1, 2, 3, 4, 1, 2, 3, 4]);
    close();
  }),
);

Deno.test(
  needs(
    ["linux", "ffi", "root"],
    "a transparent listener takes an address that is not this host's",
    () => {
      for (const text of ["192.0.2.1", "2001:db8::1"]) {
        const address = IpAddress.parse(text);
        assert.throws(() => new TcpListener({ address, port: 0 }), { code: "EADDRNOTAVAIL" });
        new TcpListener({ address, port: 0, transparent: true }).close();
      }
    },
  ),
);

Deno.test(
  needs(
    ["linux", "ffi", "root", "netns", "nft", "ipv6"],
    "a redirected connection knows where it was going, in both families",
    async () => {
      using hosts = await TwoHosts.make([]);
      const [name] = hosts.names;
      const rules = "table inet nat { chain out { type nat hook output priority -100; " +
        "tcp dport 8080 redirect to :9999; }; }";
      hosts.exec(name, "nft", rules);
      for (const text of ["127.0.0.1", "::1"]) {
        const address = IpAddress.parse(text);
        const [listener, client] = hosts.in(name, () =>
          [
            new TcpListener({ address, port: 9999 }),
            TcpSocket.connect({ remoteAddress: address, remotePort: 8080, mark: 5 }),
          ] as const);
        ready(listener.descriptor, EPOLLIN);
        const { socket } = listener.accept()!;
        assert.equal(socket.originalDestination?.port, 8080);
        assert.equal(socket.originalDestination?.address.text, text);
        assert.equal(client.remoteAddress.port, 8080);
        for (const each of [socket, client, listener]) each.close();
      }
    },
  ),
);

Deno.test(
  needs(
    ["linux", "ffi"],
    "the end is acknowledged once the other kernel has it, and epoll tells",
    () => {
      const { client, server, close } = pair();
      const block = new Uint8Array(1 << 20);
      while (server.send(block, 0, block.length) > 0);
      server.shutdownWrite();
      assert.equal(server.endIsAcknowledged, false, "there is no room for it");
      const epoll = new Epoll(1);
      epoll.add(server.descriptor, (EPOLLIN | EPOLLOUT | EPOLLET) >>> 0);
      while (!server.endIsAcknowledged) {
        while (client.receive(block, 0, block.length) > 0);
        assert.equal(epoll.wait(5000), 1, "something happens to the socket");
      }
      epoll.close();
      close();
    },
  ),
);
