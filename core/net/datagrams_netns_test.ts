/// <reference lib="deno.unstable" />
/** Datagrams of applications in the kernel's hands: held, let go, taken away, delivered. */
import assert from "node:assert/strict";
import { IpAddress } from "../sctp/base/address.ts";
import { EPOLLIN } from "./constants.ts";
import { DatagramRules } from "./datagram_rules.ts";
import { LONGEST_COPY, NetfilterQueue, Verdict } from "./nfqueue.ts";
import { removeStaleRules } from "./owned_rules.ts";
import { SockDiag } from "./sock_diag.ts";
import { HoldingHost, selection, SERVERS, waitFor } from "./testing/held_syns.ts";
import { needs } from "./testing/requirements.ts";
import { UdpDelivery } from "./udp_delivery.ts";
import { UdpPacket } from "./udp_packet.ts";

const NEEDS = ["linux", "ffi", "root", "netns", "nft", "iptables", "ipv6"] as const;
const QUEUE = 8;
const CLIENTS = ["10.9.0.1", "fd09::1"];
const PORT = 5353;

/** The holding host with a queue for datagrams to {@link PORT} of the other one. */
class DatagramHost implements Disposable {
  readonly rules = new DatagramRules();
  readonly queue: NetfilterQueue;
  readonly delivery: UdpDelivery;
  readonly diag: SockDiag;
  readonly packet = new UdpPacket();
  readonly #sockets: Deno.DatagramConn[] = [];

  static async make(): Promise<DatagramHost> {
    return new DatagramHost(await HoldingHost.make());
  }

  private constructor(readonly host: HoldingHost) {
    this.queue = this.in(() => new NetfilterQueue({ queue: QUEUE, copyBytes: LONGEST_COPY }));
    this.delivery = this.in(() => new UdpDelivery(0));
    this.diag = this.in(() => new SockDiag());
    const remote = [selection(true, undefined, PORT)];
    const plan = { queue: QUEUE, remote, local: [], ownPorts: [9899] };
    this.in(() => this.rules.apply(plan));
  }

  in<T>(action: () => T, host = this.host.client): T {
    return this.host.hosts.in(host, action);
  }

  socket(hostname: string, port: number, host = this.host.client): Deno.DatagramConn {
    const listen = () => Deno.listenDatagram({ transport: "udp", hostname, port });
    const socket = this.in(listen, host);
    this.#sockets.push(socket);
    return socket;
  }

  /** Waits for a datagram, reads it into {@link packet}, and gives its number in the queue. */
  held(): number {
    for (;;) {
      const count = this.queue.receive();
      assert.ok(count <= 1, "the tests send one datagram at a time");
      if (count === 1) break;
      assert.ok(waitFor(this.queue.descriptor, EPOLLIN), "a datagram is held");
    }
    const { id, offset, length } = this.queue.packet(0);
    assert.ok(this.packet.read(this.queue.memory, offset, length));
    return id;
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.close();
    this.in(() => this.rules.remove());
    this.queue.close();
    this.delivery.close();
    this.diag.close();
    this.host[Symbol.dispose]();
  }
}

Deno.test(
  needs(
    NEEDS,
    "a datagram that is held is read whole, and goes on or vanishes as told",
    async () => {
      using lab = await DatagramHost.make();
      for (const [family, hostname] of SERVERS.entries()) {
        const server = lab.socket(hostname, PORT, lab.host.server);
        const client = lab.socket(CLIENTS[family], 0);
        const to = { transport: "udp", hostname, port: PORT } as const;
        const payload = crypto.getRandomValues(new Uint8Array(65_000 + family));
        await client.send(payload, to);
        lab.queue.verdict(lab.held(), Verdict.Drop);
        const { source, destination, destinationPort, offset, length } = lab.packet;
        assert.deepEqual([source.text, destination.text], [CLIENTS[family], hostname]);
        assert.equal(destinationPort, PORT);
        assert.deepEqual(lab.queue.memory.slice(offset, offset + length), payload);
        await client.send(new Uint8Array(0), to);
        lab.queue.verdict(lab.held(), Verdict.Accept);
        assert.equal(lab.packet.length, 0);
        const [received, from] = await server.receive();
        assert.deepEqual([received.length, (from as Deno.NetAddr).hostname], [0, CLIENTS[family]]);
      }
    },
  ),
);

Deno.test(
  needs(NEEDS, "a datagram of any length is delivered as if it came from the far end", async () => {
    using lab = await DatagramHost.make();
    for (const [family, hostname] of CLIENTS.entries()) {
      const socket = lab.socket(hostname, 0);
      const { port } = socket.addr as Deno.NetAddr;
      const ends = {
        source: IpAddress.parse(SERVERS[family]),
        sourcePort: PORT,
        destination: IpAddress.parse(hostname),
        destinationPort: port,
      };
      for (const length of [0, 1, 2, 1472, 9001, 65_487, ...family === 0 ? [65_507] : []]) {
        const payload = crypto.getRandomValues(new Uint8Array(length + 3));
        assert.ok(lab.delivery.add(ends, payload, 3, length), `${length} bytes`);
        lab.delivery.flush();
        const [received, from] = await socket.receive(new Uint8Array(70_000));
        assert.deepEqual(received, payload.subarray(3));
        assert.deepEqual({ ...from }, { transport: "udp", hostname: SERVERS[family], port: PORT });
      }
      assert.equal(lab.delivery.add(ends, new Uint8Array(65_508), 0, 65_508), false);
      const payload = new Uint8Array(1000);
      for (let i = 0; i < 150; i++) lab.delivery.add(ends, payload, 0, i);
      lab.delivery.flush();
      for (let i = 0; i < 150; i++) assert.equal((await socket.receive())[0].length, i);
    }
    assert.equal(lab.delivery.refused, 0);
  }),
);

Deno.test(
  needs(
    NEEDS,
    "the socket that a datagram would come to is found, or that there is none",
    async () => {
      using lab = await DatagramHost.make();
      assert.ok(lab.in(() => lab.diag.canFindReceivers()));
      for (const [family, hostname] of CLIENTS.entries()) {
        const [any, there] = [family === 0 ? "0.0.0.0" : "::", IpAddress.parse(SERVERS[family])];
        const { port } = lab.socket(any, 0).addr as Deno.NetAddr;
        const from = { address: there, port: PORT };
        const to = (port: number) => ({ address: IpAddress.parse(hostname), port });
        const found = lab.diag.findReceiver(from, to(port), 0);
        assert.equal(found?.source.port, port);
        assert.equal(found?.uid, Deno.uid());
        const free = port === 65_535 ? 1024 : port + 1;
        assert.equal(lab.diag.findReceiver(from, to(free), 0), undefined);
      }
    },
  ),
);

Deno.test(needs(NEEDS, "verdicts in a row hold for the datagrams before them too", async () => {
  using lab = await DatagramHost.make();
  const server = lab.socket(SERVERS[0], PORT, lab.host.server);
  const client = lab.socket(CLIENTS[0], 0);
  const to = { transport: "udp", hostname: SERVERS[0], port: PORT } as const;
  for (let i = 0; i < 10; i++) await client.send(Uint8Array.of(i), to);
  const ids: number[] = [];
  while (ids.length < 10) {
    const count = lab.queue.receive();
    for (let i = 0; i < count; i++) ids.push(lab.queue.packet(i).id);
    assert.ok(count > 0 || waitFor(lab.queue.descriptor, EPOLLIN));
  }
  lab.queue.verdictUpTo(ids[3], Verdict.Drop);
  lab.queue.verdictUpTo(ids[6], Verdict.Accept);
  lab.queue.verdictUpTo(ids[9], Verdict.Drop);
  await client.send(Uint8Array.of(10), to);
  lab.queue.verdict(lab.held(), Verdict.Accept);
  for (const expected of [4, 5, 6, 10]) {
    assert.equal((await server.receive())[0][0], expected);
  }
}));

Deno.test(needs(NEEDS, "what a dead process left of them is removed", async () => {
  using host = await HoldingHost.make();
  const before = host.traces(host.client);
  const program = new URL("testing/rules_leaver.ts", import.meta.url).pathname;
  const words = ["run", "-A", "--no-lock", program, "datagrams"];
  host.hosts.exec(host.client, Deno.execPath(), ...words);
  assert.match(host.traces(host.client), /SHIMKIT_0_udp/);
  assert.equal(host.hosts.in(host.client, removeStaleRules).length, 1);
  assert.equal(host.traces(host.client), before);
}));

Deno.test(needs(NEEDS, "nothing stays in the kernel of rules for datagrams", async () => {
  using lab = await DatagramHost.make();
  const chains = () => lab.host.output(lab.host.client, "iptables", "-t", "mangle", "-S");
  assert.match(chains(), /SHIMKIT_0_udp/);
  assert.deepEqual(lab.in(() => removeStaleRules()), [], "those of a process that lives stay");
  lab.in(() => lab.rules.remove());
  assert.doesNotMatch(chains(), /SHIMKIT/);
  assert.doesNotMatch(lab.host.output(lab.host.client, "nft", "list", "ruleset"), /shimkit/);
}));
