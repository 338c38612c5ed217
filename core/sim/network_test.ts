import assert from "node:assert/strict";
import { IpAddress } from "../sctp/base/address.ts";
import { after, type Instant, instant, NEVER } from "../sctp/base/time.ts";
import type { InboundPacket, PacketBatch, Route } from "../sctp/packet.ts";
import { DirectLink } from "./direct_link.ts";
import { Network } from "./network.ts";
import type { PacketHandler } from "./packet_handler.ts";
import { ScriptedPeer } from "./scripted_peer.ts";

const boot = () => new ScriptedPeer();
const packetOf = (first: number) => Uint8Array.of(first, 0, 0, 0);

/** A laptop with two uplinks and a server with one address. */
function laptop() {
  const network = new Network(1);
  const client = network.addHost("client", ["10.1.0.1", "10.2.0.1"], { boot });
  const server = network.addHost("server", ["10.9.0.1"], { boot });
  const first = network.connect("10.1.0.1", "10.9.0.1", { delay: 5 });
  const second = network.connect("10.2.0.1", "10.9.0.1", { delay: 9 });
  return { network, client, server, first, second };
}

Deno.test("a packet leaves by the link of its source address and by no other", () => {
  const { network, client, server, first, second } = laptop();
  client.command((peer) => {
    peer.send(packetOf(1), "10.1.0.1", "10.9.0.1");
    peer.send(packetOf(2), "10.2.0.1", "10.9.0.1");
  });
  network.clock.advanceTo(instant(100));
  assert.deepEqual(server.handler.received.map(({ at, source }) => [at, source.text]), [
    [5, "10.1.0.1"],
    [9, "10.2.0.1"],
  ]);
  second.cut();
  client.command((peer) => peer.send(packetOf(3), "10.2.0.1", "10.9.0.1"));
  network.clock.advanceTo(instant(200));
  assert.equal(server.handler.received.length, 2);
  assert.equal(first.forward.statistics.sent, 1);
});

Deno.test("answers take the way back between the same two addresses", () => {
  const { network, client, server } = laptop();
  server.command((peer) => peer.send(packetOf(1), "10.9.0.1", "10.2.0.1"));
  network.clock.advanceTo(instant(100));
  assert.equal(server.handler.received.length, 0);
  const [{ at, destination }] = client.handler.received;
  assert.deepEqual([at, destination.text], [9, "10.2.0.1"]);
});

Deno.test("a source address that the host has not, and a destination without a way, are counted", () => {
  const { network, client } = laptop();
  client.command((peer) => {
    peer.send(packetOf(1), "10.3.0.1", "10.9.0.1");
    peer.send(packetOf(1), "10.1.0.1", "10.77.0.1");
  });
  assert.equal(client.statistics.dropped["bad-source"], 1);
  assert.equal(client.statistics.dropped["no-route"], 1);
  assert.equal(network.pool.lent, 0);
});

Deno.test("an address is one object for all packets that carry it", () => {
  const { network, client, server } = laptop();
  client.command((peer) => {
    for (let i = 0; i < 2; i++) peer.send(packetOf(i), "10.1.0.1", "10.9.0.1");
  });
  network.clock.advanceTo(instant(100));
  const [one, two] = server.handler.received;
  assert.equal(one.source, two.source);
  assert.equal(one.destination, server.addresses[0].address);
});

Deno.test("an address that went away neither sends nor receives, and the handler is told", () => {
  const { network, client, server } = laptop();
  const lost = IpAddress.parse("10.1.0.1");
  client.setAddressUp(lost, false);
  assert.deepEqual(client.handler.addresses.map(({ address }) => address.text), ["10.2.0.1"]);
  client.command((peer) => peer.send(packetOf(1), "10.1.0.1", "10.9.0.1"));
  server.command((peer) => peer.send(packetOf(2), "10.9.0.1", "10.1.0.1"));
  network.clock.advanceTo(instant(50));
  assert.equal(client.statistics.dropped["bad-source"], 1);
  assert.equal(client.statistics.dropped["address-gone"], 1);
  client.setAddressUp(lost, true);
  assert.equal(client.handler.addresses.length, 2);
  assert.throws(() => client.setAddressUp(IpAddress.parse("10.4.0.1"), true), RangeError);
});

Deno.test("a restart boots a new handler; packets on their way reach the new one", () => {
  const { network, client, server } = laptop();
  client.command((peer) => peer.send(packetOf(1), "10.1.0.1", "10.9.0.1"));
  const old = server.handler;
  server.restart();
  network.clock.advanceTo(instant(50));
  assert.notEqual(server.handler, old);
  assert.equal(old.received.length, 0);
  assert.equal(server.handler.received.length, 1);
});

Deno.test("a host that is switched off is silent until it restarts", () => {
  const { network, client, server } = laptop();
  server.switchOff();
  client.command((peer) => peer.send(packetOf(1), "10.1.0.1", "10.9.0.1"));
  network.clock.advanceTo(instant(50));
  assert.equal(server.statistics.dropped.off, 1);
  assert.throws(() => server.handler, /switched off/);
  server.restart();
  assert.equal(server.isRunning, true);
});

Deno.test("encapsulated packets carry the sender's port and reach only a host on that port", () => {
  const network = new Network(1);
  const a = network.addHost("a", ["fd00::1"], { boot, encapsulationPort: 5555 });
  const b = network.addHost("b", ["fd00::2"], { boot, encapsulationPort: 9899 });
  network.connect("fd00::1", "fd00::2", { delay: 3 });
  a.command((peer) => {
    peer.send(packetOf(1), "fd00::1", "fd00::2", { encapsulationPort: 9899 });
    peer.send(packetOf(2), "fd00::1", "fd00::2", { encapsulationPort: 9900 });
    peer.send(packetOf(3), "fd00::1", "fd00::2");
  });
  network.clock.advanceTo(instant(50));
  assert.deepEqual(
    b.handler.received.map(({ bytes, encapsulationPort }) => [bytes[0], encapsulationPort]),
    [
      [1, 5555],
    ],
  );
  assert.equal(b.statistics.dropped["wrong-port"], 2);
  assert.deepEqual(a.handler.icmpErrors.map(({ kind, quoted }) => [kind, quoted[0]]), [
    ["protocol-unreachable", 2],
    ["protocol-unreachable", 3],
  ]);
});

Deno.test("in a cloud every address reaches every other through both access links", () => {
  const network = new Network(1);
  const a = network.addHost("a", ["10.0.1.1", "10.0.2.1"], { boot });
  const b = network.addHost("b", ["10.0.3.1"], { boot });
  const cloud = network.addCloud();
  network.attach("10.0.1.1", cloud, { delay: 1 }, { delay: 2 });
  network.attach("10.0.2.1", cloud, { delay: 4 }, { delay: 8 });
  network.attach("10.0.3.1", cloud, { delay: 16 }, { delay: 32, mtu: 1000 });
  a.command((peer) => {
    peer.send(packetOf(1), "10.0.1.1", "10.0.3.1");
    peer.send(packetOf(2), "10.0.2.1", "10.0.3.1");
    peer.send(packetOf(3), "10.0.2.1", "10.0.99.1");
    peer.send(new Uint8Array(1200), "10.0.1.1", "10.0.3.1");
  });
  b.command((peer) => peer.send(packetOf(4), "10.0.3.1", "10.0.2.1"));
  network.clock.advanceTo(instant(500));
  assert.deepEqual(b.handler.received.map(({ at, bytes }) => [at, bytes[0]]), [[33, 1], [36, 2]]);
  assert.deepEqual(a.handler.received.map(({ at, bytes }) => [at, bytes[0]]), [[24, 4]]);
  assert.equal(cloud.unroutable, 1);
  assert.equal(a.handler.icmpErrors[0].mtu, 1000);
  assert.equal(network.pool.lent, 0);
});

Deno.test("an injected packet reaches its target whatever its source address says", () => {
  const { network, server } = laptop();
  network.inject({ source: "192.0.2.7", destination: "10.9.0.1", bytes: packetOf(9) });
  assert.equal(server.handler.received[0].source.text, "192.0.2.7");
});

Deno.test("mistakes in a topology are refused in words", () => {
  const { network } = laptop();
  assert.throws(() => network.addHost("x", ["10.9.0.1"], { boot }), /10\.9\.0\.1 is taken/);
  assert.throws(() => network.addHost("x", ["10.9.0.256"], { boot }), TypeError);
  assert.throws(() => network.connect("10.9.0.1", "10.88.0.1"), /no host has the address 10\.88/);
  assert.throws(() => network.linkBetween("10.1.0.1", "10.2.0.1"), /no link between/);
});

Deno.test("the link between two addresses is found from both sides", () => {
  const { network, first } = laptop();
  assert.equal(network.linkBetween("10.1.0.1", "10.9.0.1"), first);
  assert.equal(network.linkBetween("10.9.0.1", "10.1.0.1").forward, first.backward);
});

/** Sends a packet each time its timer runs out, and reports it as an event. */
class Ticker implements PacketHandler<string> {
  deadline: Instant;
  ticks = 0;
  #unsent = 0;
  readonly #events: string[] = [];
  readonly arrivals: number[] = [];

  constructor(readonly period: number, readonly route: Route) {
    this.deadline = period === Infinity ? NEVER : instant(period);
  }
  handlePacket(now: Instant, packet: InboundPacket): void {
    this.arrivals.push(now);
    this.#events.push(`packet ${packet.buffer[packet.offset]}`);
  }
  handleTimeout(now: Instant): void {
    this.ticks++;
    this.#unsent++;
    this.deadline = after(now, this.period);
  }
  handleIcmp(): void {}
  handleNetworkChange(): void {}
  pollTransmit(_now: Instant, batch: PacketBatch): boolean {
    if (this.#unsent === 0) return false;
    batch.memory.fill(7, batch.used, batch.used + 4);
    batch.commit(4, this.route);
    this.#unsent--;
    return this.#unsent > 0;
  }
  pollEvent(): string | undefined {
    return this.#events.shift();
  }
  pollTimeout(): Instant {
    return this.deadline;
  }
}

const route = (from: string, to: string): Route => ({
  local: IpAddress.parse(from),
  remote: IpAddress.parse(to),
  encapsulationPort: 0,
  ecn: 0,
});

Deno.test("a host arms its timer by the drain rule and hands events over", () => {
  const network = new Network(1);
  const events: string[] = [];
  const a = network.addHost("a", ["10.0.0.1"], {
    boot: () => new Ticker(100, route("10.0.0.1", "10.0.0.2")),
  });
  const b = network.addHost("b", ["10.0.0.2"], {
    boot: () => new Ticker(Infinity, route("10.0.0.2", "10.0.0.1")),
    handleEvent: (event, now) => events.push(`${event} at ${now}`),
  });
  network.connect("10.0.0.1", "10.0.0.2", { delay: 30 });
  network.clock.advanceTo(instant(350));
  assert.deepEqual(b.handler.arrivals, [130, 230, 330]);
  assert.deepEqual(events, ["packet 7 at 130", "packet 7 at 230", "packet 7 at 330"]);
  assert.equal(a.statistics.timeouts, 3);
  a.command((ticker, now) => ticker.deadline = after(now, 5));
  network.clock.advanceTo(instant(399));
  assert.equal(a.handler.ticks, 4, "an earlier deadline comes true");
  a.command((ticker, now) => ticker.deadline = after(now, 1000));
  network.clock.advanceTo(instant(1398));
  assert.equal(a.handler.ticks, 4, "a later deadline replaces the earlier one");
  network.clock.advanceTo(instant(1399));
  assert.equal(a.handler.ticks, 5);
});

Deno.test("a direct link carries packets between two handlers in place", () => {
  const left = new Ticker(10, route("10.0.0.1", "10.0.0.2"));
  const right = new Ticker(15, route("10.0.0.2", "10.0.0.1"));
  const direct = new DirectLink(left, right);
  assert.equal(direct.settle(), 0);
  for (let i = 0; i < 4; i++) {
    assert.equal(direct.skipToTimeout(), true);
    direct.settle();
  }
  assert.deepEqual(right.arrivals, [10, 20, 30]);
  assert.deepEqual(left.arrivals, [15, 30]);
  assert.equal(direct.packets, 5);
  left.deadline = right.deadline = NEVER;
  assert.equal(direct.skipToTimeout(), false);
});
