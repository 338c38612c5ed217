import assert from "node:assert/strict";
import { IpAddress } from "../sctp/base/address.ts";
import { EPOLLIN, EPOLLOUT } from "./constants.ts";
import { DestroyedSockets, SockDiag } from "./sock_diag.ts";
import { TcpListener, TcpSocket } from "./tcp_socket.ts";
import { waitFor } from "./testing/held_syns.ts";
import { needs } from "./testing/requirements.ts";

/** A connection over loopback, and what it was made of. */
function connection(text: string) {
  const address = IpAddress.parse(text);
  const listener = new TcpListener({ address, port: 0 });
  const options = { remoteAddress: address, remotePort: listener.localAddress.port };
  const client = TcpSocket.connect(options);
  assert.ok(waitFor(listener.descriptor, EPOLLIN));
  const server = listener.accept()!.socket;
  assert.ok(waitFor(client.descriptor, EPOLLOUT));
  return { client, server, listener };
}

Deno.test(needs(["linux", "ffi", "ipv6"], "a connection is found from both of its ends", () => {
  const diag = new SockDiag();
  for (const text of ["127.0.0.1", "::1"]) {
    const { client, server, listener } = connection(text);
    const [here, there] = [client.localAddress, client.remoteAddress];
    assert.equal(client.send(new Uint8Array(100), 0, 100), 100);
    assert.ok(waitFor(server.descriptor, EPOLLIN));
    const ours = diag.find(here, there)!;
    const theirs = diag.find(there, here)!;
    assert.deepEqual([ours.source, ours.destination], [here, there]);
    assert.deepEqual([theirs.source, theirs.destination], [there, here]);
    for (const each of [ours, theirs]) {
      assert.equal(each.state, "ESTABLISHED");
      assert.equal(each.uid, Deno.uid());
      assert.ok(each.inode > 0 && each.cookie > 0n);
      assert.ok(each.info!.congestionWindow > 0 && each.info!.rto > 0);
      assert.equal(each.info!.totalRetransmissions, 0);
    }
    assert.equal(theirs.info!.bytesReceived, 100);
    assert.notEqual(ours.cookie, theirs.cookie);
    for (const each of [client, server, listener]) each.close();
  }
  diag.close();
}));

Deno.test(
  needs(
    ["linux", "ffi"],
    "a connection that is gone is not found, nor its listener instead",
    async () => {
      const diag = new SockDiag();
      const { client, server, listener } = connection("127.0.0.1");
      const [here, there] = [client.localAddress, client.remoteAddress];
      server.reset();
      client.close();
      // The kernel may deliver the reset on another processor, a moment later.
      for (let i = 0; i < 100 && (diag.find(here, there) ?? diag.find(there, here)); i++) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      assert.equal(diag.find(here, there), undefined);
      assert.equal(diag.find(there, here), undefined);
      listener.close();
      diag.close();
    },
  ),
);

Deno.test(needs(["linux", "ffi", "root"], "a socket that is freed is told of", () => {
  const destroyed = new DestroyedSockets();
  const { client, server, listener } = connection("127.0.0.1");
  const { port } = client.localAddress;
  server.reset();
  client.close();
  listener.close();
  let seen = false;
  while (!seen && waitFor(destroyed.descriptor, EPOLLIN)) {
    destroyed.receive(({ source }) => seen ||= source.port === port);
  }
  assert.ok(seen);
  destroyed.close();
}));
