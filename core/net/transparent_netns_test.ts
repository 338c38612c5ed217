import assert from "node:assert/strict";
import { IpAddress } from "../sctp/base/address.ts";
import { ECONNREFUSED, EPOLLIN } from "./constants.ts";
import { TcpSocket } from "./tcp_socket.ts";
import { HoldingHost, outcome, planOf, waitFor } from "./testing/held_syns.ts";
import { needs } from "./testing/requirements.ts";
import { connectTransparent, removeStaleRouting, TransparentRouting } from "./transparent.ts";

const NEEDS = ["linux", "ffi", "root", "netns", "nft", "iptables", "ipv6"] as const;

/** Addresses that a server may be bound to, and where a client would connect. */
const SERVERS = [
  ["127.0.0.1", "127.0.0.1"],
  ["0.0.0.0", "10.9.0.1"],
  ["10.9.0.1", "10.9.0.1"],
  ["0.0.0.0", "127.0.0.1"],
  ["::1", "::1"],
  ["::", "fd09::1"],
  ["fd09::1", "fd09::1"],
  ["::", "::1"],
] as const;

/** A client on the link and one that the host has no route to, for each family. */
const CLIENTS = { 4: ["10.9.0.2", "198.51.100.7"], 6: ["fd09::2", "2001:db8::7"] };

function relays(from: TcpSocket, to: TcpSocket): boolean {
  const bytes = Uint8Array.of(1, 2, 3);
  const into = new Uint8Array(3);
  return from.send(bytes, 0, 3) === 3 && waitFor(to.descriptor, EPOLLIN) &&
    to.receive(into, 0, 3) === 3 && into[2] === 3;
}

Deno.test(needs(NEEDS, "a server sees the remote client's address and port", async () => {
  using host = await HoldingHost.make();
  const routing = new TransparentRouting();
  host.hosts.in(host.client, () => routing.install());
  host.apply(planOf({ selections: [], otherwise: true }));
  const queue = host.queue();
  let port = 20_000;
  for (const [bound, destination] of SERVERS) {
    const address = IpAddress.parse(bound);
    const listener = host.listen(host.client, { address, port: 0 });
    const server = { address: IpAddress.parse(destination), port: listener.localAddress.port };
    for (const text of CLIENTS[address.family]) {
      const source = { address: IpAddress.parse(text), port: port++ };
      const what = `${text} to ${destination} at ${bound}`;
      const ours = host.hosts.in(host.client, () => connectTransparent(source, server));
      assert.equal(outcome(ours), 0, what);
      assert.ok(waitFor(listener.descriptor, EPOLLIN), what);
      const { socket, peer } = listener.accept()!;
      assert.deepEqual(peer, source, what);
      assert.deepEqual(socket.remoteAddress, source, what);
      assert.deepEqual(socket.localAddress, server, what);
      assert.ok(relays(ours, socket) && relays(socket, ours), what);
      for (const each of [ours, socket]) each.close();
    }
  }
  assert.equal(queue.receive(), 0, "none of it is intercepted");
}));

Deno.test(
  needs(NEEDS, "an ordinary TCP client is served beside, by the same listener", async () => {
    using host = await HoldingHost.make();
    host.hosts.in(host.client, () => new TransparentRouting().install());
    for (const [bound, text] of [["0.0.0.0", "10.9.0.1"], ["::", "fd09::1"]]) {
      const listener = host.listen(host.client, { address: IpAddress.parse(bound), port: 0 });
      const server = { address: IpAddress.parse(text), port: listener.localAddress.port };
      const options = { remoteAddress: server.address, remotePort: server.port };
      const plain = host.hosts.in(host.server, () => TcpSocket.connect(options));
      assert.equal(outcome(plain), 0);
      plain.close();
    }
  }),
);

Deno.test(
  needs(NEEDS, "the routing leaves nothing behind, however often it is removed", async () => {
    using host = await HoldingHost.make();
    const before = host.traces(host.client);
    const routing = new TransparentRouting();
    host.hosts.in(host.client, () => routing.install());
    host.hosts.in(host.client, () => routing.install());
    assert.match(host.traces(host.client), /fwmark 0x53484b02 lookup 21320/);
    for (let i = 0; i < 2; i++) {
      host.hosts.in(host.client, () => routing.remove());
      assert.equal(host.traces(host.client), before);
    }
  }),
);

const SETTINGS = ["ipv4/tcp_fwmark_accept", "ipv4/fwmark_reflect", "ipv6/fwmark_reflect"];

Deno.test(needs(NEEDS, "the last of two shims puts the settings back as they were", async () => {
  using host = await HoldingHost.make();
  const [first, second] = [new TransparentRouting(0), new TransparentRouting(1)];
  for (const setting of SETTINGS.map((name) => `/proc/sys/net/${name}`)) {
    for (const value of ["0", "1"]) {
      host.hosts.in(host.client, () => {
        Deno.writeTextFileSync(setting, value);
        first.install();
        second.install();
        first.remove();
        assert.equal(Deno.readTextFileSync(setting).trim(), "1");
        second.remove();
        assert.equal(Deno.readTextFileSync(setting).trim(), value);
      });
    }
  }
}));

Deno.test(needs(NEEDS, "where no server is, the connection is refused at once", async () => {
  using host = await HoldingHost.make();
  host.hosts.in(host.client, () => new TransparentRouting().install());
  const destinations = new Set(SERVERS.map(([, destination]) => destination));
  let port = 20_000;
  for (const address of [...destinations].map((text) => IpAddress.parse(text))) {
    for (const text of CLIENTS[address.family]) {
      const source = { address: IpAddress.parse(text), port: port++ };
      const nobody = { address, port: 9 };
      const ours = host.hosts.in(host.client, () => connectTransparent(source, nobody));
      assert.equal(outcome(ours), ECONNREFUSED, `${text} to ${address.text}`);
      ours.close();
    }
  }
}));

Deno.test(needs(NEEDS, "what a dead process left is removed, or taken over", async () => {
  using host = await HoldingHost.make();
  const before = host.traces(host.client);
  const program = new URL("testing/rules_leaver.ts", import.meta.url).pathname;
  const die = () =>
    host.hosts.exec(host.client, Deno.execPath(), "run", "-A", "--no-lock", program, "source");
  die();
  assert.notEqual(host.traces(host.client), before);
  assert.deepEqual(host.hosts.in(host.client, removeStaleRouting), [0]);
  assert.equal(host.traces(host.client), before);
  die();
  const routing = new TransparentRouting();
  host.hosts.in(host.client, () => routing.install());
  assert.deepEqual(host.hosts.in(host.client, removeStaleRouting), []);
  host.hosts.in(host.client, () => routing.remove());
  assert.equal(host.traces(host.client), before);
}));
