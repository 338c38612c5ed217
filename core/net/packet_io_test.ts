/** What every UDP transport has to do, whatever its means. */
import assert from "node:assert/strict";
import { Ecn } from "../sctp/packet.ts";
import { openDatagramIo } from "./datagram_io.ts";
import type { PacketIo } from "./packet_io.ts";
import {
  address,
  assertPackets,
  batchOf,
  collect,
  routeBetween,
  sendAll,
} from "./testing/packet_io_support.ts";
import { missing } from "./testing/requirements.ts";
import { openUdpIo, type UdpIoOptions } from "./udp_io.ts";

interface Transport {
  readonly name: string;
  readonly ignore: boolean;
  open(options: UdpIoOptions): PacketIo;
}

const noFfi = missing("linux") !== undefined || missing("ffi") !== undefined;

const TRANSPORTS: readonly Transport[] = [
  { name: "UDP by FFI", ignore: noFfi, open: openUdpIo },
  {
    name: "UDP by FFI without segmentation",
    ignore: noFfi,
    open: (options) => openUdpIo({ ...options, segmentation: false }),
  },
  { name: "the runtime's UDP", ignore: !("listenDatagram" in Deno), open: openDatagramIo },
];

const V4 = address("127.0.0.1");
const V6 = address("::1");

/** Registers a test for every transport, with two of them open on these addresses. */
function testEach(
  name: string,
  addresses: readonly [string[], string[]],
  run: (first: PacketIo, second: PacketIo) => Promise<void>,
): void {
  for (const transport of TRANSPORTS) {
    Deno.test({
      name: `${transport.name}: ${name}`,
      ignore: transport.ignore,
      async fn() {
        const first = transport.open({ port: 0, addresses: addresses[0].map(address) });
        const second = transport.open({ port: 0, addresses: addresses[1].map(address) });
        try {
          await run(first, second);
        } finally {
          first.close();
          second.close();
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      },
    });
  }
}

testEach(
  "packets of many sizes arrive whole, in order, with their addresses and port",
  [["127.0.0.1"], ["127.0.0.1"]],
  async (first, second) => {
    const lengths = [12, 1452, 1452, 1452, 700, 1452, 28, 28, 28, 16, 9000, 9000, 1500, 65504];
    const route = routeBetween(V4, V4, second);
    await sendAll(first, batchOf(lengths, () => route));
    const received = await collect(second, lengths.length);
    assertPackets(received, lengths);
    for (const packet of received) {
      assert.equal(packet.source.text, "127.0.0.1");
      assert.equal(packet.destination.text, "127.0.0.1");
      assert.equal(packet.encapsulationPort, first.encapsulationPort);
      assert.equal(packet.ecn, Ecn.NotEct);
    }
    assert.equal(first.metrics.packetsSent, lengths.length);
    assert.equal(second.metrics.packetsReceived, lengths.length);
    const bytes = lengths.reduce((sum, length) => sum + length, 0);
    assert.equal(first.metrics.bytesSent, bytes);
    assert.equal(second.metrics.bytesReceived, bytes);
  },
);

testEach("more equal packets than one message takes arrive in order", [["127.0.0.1"], [
  "127.0.0.1",
]], async (
  first,
  second,
) => {
  const lengths = [...new Array(80).fill(1452), 40];
  const route = routeBetween(V4, V4, second);
  await sendAll(first, batchOf(lengths, () => route));
  assertPackets(await collect(second, lengths.length), lengths);
});

testEach("IPv6 works like IPv4", [["::1"], ["::1"]], async (first, second) => {
  const lengths = [1432, 1432, 1432, 20];
  const route = routeBetween(V6, V6, second);
  await sendAll(first, batchOf(lengths, () => route));
  const received = await collect(second, lengths.length);
  assertPackets(received, lengths);
  assert.ok(received.every((packet) => packet.source.text === "::1"));
  assert.ok(received.every((packet) => packet.destination.text === "::1"));
});

testEach(
  "each packet leaves from its route's address, and says which address it came to",
  [["127.0.0.1", "127.0.0.2", "::1"], ["127.0.0.3", "127.0.0.4", "::1"]],
  async (first, second) => {
    const routes = [
      ["127.0.0.1", "127.0.0.3"],
      ["127.0.0.2", "127.0.0.3"],
      ["127.0.0.1", "127.0.0.4"],
      ["::1", "::1"],
      ["127.0.0.2", "127.0.0.4"],
    ].map(([local, remote]) => routeBetween(address(local), address(remote), second));
    const lengths = new Array(50).fill(100);
    await sendAll(first, batchOf(lengths, (index) => routes[index % 5]));
    const received = await collect(second, lengths.length);
    assert.equal(received.length, lengths.length);
    for (const { bytes, source, destination } of received) {
      const route = routes[bytes[0] % 5];
      assert.equal(source.text, route.local.text);
      assert.equal(destination.text, route.remote.text);
    }
  },
);

testEach(
  "an address of ours is always the same object, that of localAddresses",
  [["127.0.0.1"], ["127.0.0.1"]],
  async (first, second) => {
    const route = routeBetween(V4, V4, second);
    const both = [];
    for (let i = 0; i < 2; i++) {
      await sendAll(first, batchOf([100], () => route));
      both.push(...await collect(second, 1));
    }
    assert.equal(both[0].source, both[1].source);
    assert.equal(both[0].destination, second.localAddresses[0].address);
    assert.equal(both[1].destination, second.localAddresses[0].address);
  },
);

testEach(
  "a packet from an address that is not ours is counted and dropped, the others leave",
  [["127.0.0.1"], ["127.0.0.1"]],
  async (first, second) => {
    const wrong = routeBetween(address("127.0.0.9"), V4, second);
    const right = routeBetween(V4, V4, second);
    const batch = batchOf([20, 20, 20], (index) => index === 1 ? wrong : right);
    await sendAll(first, batch);
    const received = await collect(second, 2);
    assert.deepEqual(received.map((packet) => packet.bytes[0]), [0, 2]);
    assert.deepEqual([...first.metrics.sendErrors], [["EADDRNOTAVAIL", 1]]);
  },
);

testEach(
  "a datagram too short for an SCTP header is counted and not shown",
  [["127.0.0.1"], ["127.0.0.1"]],
  async (first, second) => {
    const route = routeBetween(V4, V4, second);
    await sendAll(first, batchOf([11, 0, 12], () => route));
    assert.deepEqual((await collect(second, 1)).map((packet) => packet.length), [12]);
    assert.ok(second.metrics.receivedUnusable >= 1);
  },
);

testEach(
  "a wait ends by its time, by a wake, by a packet, and by the closing",
  [["127.0.0.1"], ["127.0.0.1"]],
  async (first, second) => {
    await first.wait(2);
    setTimeout(() => first.wake(), 2);
    await first.wait(Infinity);
    first.wake();
    await first.wait(Infinity);
    const route = routeBetween(V4, V4, first);
    setTimeout(() => second.send(batchOf([12], () => route), 0), 2);
    await first.wait(Infinity);
    assert.equal((await collect(first, 1)).length, 1);
    setTimeout(() => first.close(), 2);
    await first.wait(Infinity);
  },
);

testEach(
  "timers run while waits end at once, one after the other",
  [["127.0.0.1"], ["127.0.0.1"]],
  async (first, second) => {
    const route = routeBetween(V4, V4, first);
    await sendAll(second, batchOf([12], () => route));
    let done = false;
    setTimeout(() => done = true, 1);
    const deadline = performance.now() + 2000;
    while (!done && performance.now() < deadline) await first.wait(Infinity);
    assert.ok(done, "the packet that nobody takes does not keep the timer from running");
  },
);

for (const transport of TRANSPORTS) {
  Deno.test({
    name: `${transport.name}: a port in use is named with its address`,
    ignore: transport.ignore,
    async fn() {
      const first = transport.open({ port: 0, addresses: [V4] });
      const port = first.encapsulationPort;
      assert.throws(
        () => transport.open({ port, addresses: [address("127.0.0.5"), V4] }),
        new RegExp(`127\\.0\\.0\\.1 port ${port}`),
      );
      first.close();
      await new Promise((resolve) => setTimeout(resolve, 1));
      transport.open({ port, addresses: [address("127.0.0.5")] }).close();
      await new Promise((resolve) => setTimeout(resolve, 1));
    },
  });
}
