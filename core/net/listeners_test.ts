import assert from "node:assert/strict";
import { IpAddress } from "../sctp/base/address.ts";
import { type Listener, ListenerWatch } from "./listeners.ts";
import { SockDiag } from "./sock_diag.ts";
import type { TcpSocketStatus } from "./sock_diag_message.ts";
import { TcpListener } from "./tcp_socket.ts";
import { needs } from "./testing/requirements.ts";

function status(text: string, port: number, changes: Partial<TcpSocketStatus> = {}) {
  return {
    state: "LISTEN",
    source: { address: IpAddress.parse(text), port },
    destination: { address: IpAddress.parse(text), port: 0 },
    interfaceIndex: 0,
    uid: 33,
    inode: 1000 + port,
    cookie: 1n,
    v6Only: false,
    mark: 0,
    cgroup: 0n,
    info: undefined,
    ...changes,
  } satisfies TcpSocketStatus;
}

/** A watch over what the test says. */
function watchOver(): { now: TcpSocketStatus[]; watch: ListenerWatch } {
  const world: { now: TcpSocketStatus[] } = { now: [] };
  return Object.assign(world, { watch: new ListenerWatch({ listeners: () => world.now }) });
}

function names(listeners: Iterable<Listener> | undefined): string[] {
  return [...listeners ?? []].map(({ address, port }) => `${address} ${port}`);
}

Deno.test("servers that come and go are told once", () => {
  const world = watchOver();
  assert.equal(world.watch.poll(), undefined);
  world.now = [status("0.0.0.0", 80), status("::1", 22)];
  assert.deepEqual(names(world.watch.poll()?.added), ["0.0.0.0 80", "::1 22"]);
  assert.equal(world.watch.poll(), undefined);
  world.now = [status("::1", 22), status("::1", 23)];
  const changes = world.watch.poll();
  assert.deepEqual(names(changes?.added), ["::1 23"]);
  assert.deepEqual(names(changes?.removed), ["0.0.0.0 80"]);
  assert.deepEqual(names(world.watch.listeners), ["::1 22", "::1 23"]);
});

Deno.test("sockets that share a port are one listener, until the last is gone", () => {
  const world = watchOver();
  world.now = [status("::", 80, { inode: 1 }), status("::", 80, { inode: 2 })];
  assert.equal(world.watch.poll()?.added.length, 1);
  world.now = [status("::", 80, { inode: 2 })];
  assert.equal(world.watch.poll(), undefined);
  world.now = [];
  assert.equal(world.watch.poll()?.removed.length, 1);
});

Deno.test("a listener that takes IPv4 no longer is another one", () => {
  const world = watchOver();
  world.now = [status("::", 80)];
  world.watch.poll();
  world.now = [status("::", 80, { v6Only: true })];
  const changes = world.watch.poll();
  assert.deepEqual([changes?.added[0].v6Only, changes?.removed[0].v6Only], [true, false]);
});

Deno.test(needs(["linux", "ffi"], "the kernel's listeners are found, with their owner", () => {
  const diag = new SockDiag();
  const watch = new ListenerWatch(diag);
  watch.poll();
  const listeners = ["127.0.0.1", "::1", "::"].map((text) =>
    new TcpListener({ address: IpAddress.parse(text), port: 0 })
  );
  const ports = listeners.map(({ localAddress: { port } }) => port);
  const ours = (found: readonly Listener[]) => found.filter(({ port }) => ports.includes(port));
  const added = ours(watch.poll()!.added);
  assert.deepEqual(
    names(added).sort(),
    listeners.map(({ localAddress: { address, port } }) => `${address} ${port}`).sort(),
  );
  for (const { uid, inode, address, v6Only } of added) {
    assert.equal(uid, Deno.uid());
    assert.ok(inode > 0);
    assert.equal(v6Only, address.family === 6);
  }
  for (const each of listeners) each.close();
  assert.equal(ours(watch.poll()!.removed).length, 3);
  diag.close();
}));

Deno.test(
  needs(["linux", "ffi"], "a server of both families is told apart from one of IPv6", () => {
    const server = Deno.listen({ hostname: "::", port: 0 });
    const { port } = server.addr as Deno.NetAddr;
    const diag = new SockDiag();
    const found = diag.listeners().filter(({ source }) => source.port === port);
    assert.deepEqual(found.map(({ v6Only }) => v6Only), [false]);
    server.close();
    diag.close();
  }),
);
