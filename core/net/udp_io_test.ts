import assert from "node:assert/strict";
import { Ecn } from "../sctp/packet.ts";
import { SO_SNDBUF, SOL_SOCKET } from "./constants.ts";
import { hostAddresses } from "./interfaces.ts";
import type { PacketIo } from "./packet_io.ts";
import { trySetOption } from "./socket.ts";
import { TwoHosts } from "./testing/namespaces.ts";
import {
  address,
  assertPackets,
  awaitIcmp,
  batchOf,
  collect,
  routeBetween,
  sendAll,
} from "./testing/packet_io_support.ts";
import { needs } from "./testing/requirements.ts";
import { openUdpIo } from "./udp_io.ts";

const V4 = address("127.0.0.1");

function openPair(text = "127.0.0.1"): { first: PacketIo; second: PacketIo; close(): void } {
  const addresses = [address(text)];
  const first = openUdpIo({ port: 0, addresses });
  const second = openUdpIo({ port: 0, addresses });
  return {
    first,
    second,
    close() {
      first.close();
      second.close();
    },
  };
}

Deno.test(
  needs(["linux", "ffi"], "equal-sized packets share a call, with a shorter one at the end", () => {
    const { first, second, close } = openPair();
    const route = routeBetween(V4, V4, second);
    const lengths = [...new Array(40).fill(1452), 300, 1452, 1452];
    const batch = batchOf(lengths, () => route);
    assert.equal(first.send(batch, 0), batch.count);
    assert.equal(first.metrics.sendCalls, 1);
    assert.equal(second.receive(), batch.count);
    assert.equal(second.metrics.receiveCalls, 1);
    close();
  }),
);

Deno.test(
  needs(["linux", "ffi"], "sending goes on from the index that is asked for", async () => {
    const { first, second, close } = openPair();
    const route = routeBetween(V4, V4, second);
    const batch = batchOf([20, 20, 20, 20], () => route);
    assert.equal(first.send(batch, 2), 4);
    assert.deepEqual((await collect(second, 2)).map((packet) => packet.bytes[0]), [2, 3]);
    close();
  }),
);

Deno.test(
  needs(["linux", "ffi"], "runs end where the route changes, though the sizes agree", async () => {
    const { first, second, close } = openPair();
    const third = openUdpIo({ port: 0, addresses: [V4] });
    const routes = [routeBetween(V4, V4, second), routeBetween(V4, V4, third)];
    const batch = batchOf(new Array(12).fill(64), (index) => routes[(index >> 1) % 2]);
    assert.equal(first.send(batch, 0), 12);
    const indexes = async (io: PacketIo) => (await collect(io, 6)).map(({ bytes }) => bytes[0]);
    assert.deepEqual(await indexes(second), [0, 1, 4, 5, 8, 9]);
    assert.deepEqual(await indexes(third), [2, 3, 6, 7, 10, 11]);
    close();
    third.close();
  }),
);

for (const text of ["127.0.0.1", "::1"]) {
  Deno.test(
    needs(
      text === "::1" ? ["linux", "ffi", "ipv6"] : ["linux", "ffi"],
      `ECN codepoints arrive as they were sent, in runs too (${text})`,
      async () => {
        const { first, second, close } = openPair(text);
        const local = address(text);
        const codepoints = [Ecn.Ect0, Ecn.NotEct, Ecn.Ce, Ecn.Ect1];
        const routes = codepoints.map((ecn) => routeBetween(local, local, second, ecn));
        const batch = batchOf(new Array(40).fill(1000), (index) => routes[Math.floor(index / 10)]);
        await sendAll(first, batch);
        const received = await collect(second, 40);
        assertPackets(received, new Array(40).fill(1000));
        for (const [index, { ecn }] of received.entries()) {
          assert.equal(ecn, codepoints[Math.floor(index / 10)]);
        }
        close();
      },
    ),
  );
}

Deno.test(
  needs(
    ["linux", "ffi", "ipv6"],
    "without named addresses every address of the host is there, each answers as itself",
    async () => {
      const all = openUdpIo({ port: 0 });
      const one = openUdpIo({ port: 0, addresses: ["127.0.0.1", "::1"].map(address) });
      assert.deepEqual(all.localAddresses, hostAddresses());
      for (const [ours, theirs] of [["127.0.0.7", "127.0.0.1"], ["::1", "::1"]]) {
        await sendAll(
          one,
          batchOf([100, 100, 50], () => routeBetween(address(theirs), address(ours), all)),
        );
        const arrived = await collect(all, 3);
        assertPackets(arrived, [100, 100, 50]);
        assert.ok(arrived.every((packet) => packet.destination.text === ours));
        await sendAll(
          all,
          batchOf([100, 100, 50], () => routeBetween(address(ours), address(theirs), one)),
        );
        const answered = await collect(one, 3);
        assertPackets(answered, [100, 100, 50]);
        assert.ok(answered.every((packet) => packet.source.text === ours));
      }
      all.close();
      one.close();
    },
  ),
);

Deno.test(
  needs(["linux", "ffi"], "received packets lie in the memory that the caller gave", async () => {
    let given: Uint8Array | undefined;
    const allocate = (length: number) => {
      const memory = new Uint8Array(length + 128);
      return given = memory.subarray(128);
    };
    const io = openUdpIo({ port: 0, addresses: [V4], allocate });
    await sendAll(io, batchOf([40, 40], () => routeBetween(V4, V4, io)));
    while (io.receive() < 2) await io.wait(100);
    assert.equal(io.packetAt(1).buffer, given);
    assert.equal(given![io.packetAt(1).offset], 1);
    io.close();
  }),
);

for (const text of ["127.0.0.1", "::1"]) {
  Deno.test(
    needs(
      text === "::1" ? ["linux", "ffi", "ipv6"] : ["linux", "ffi"],
      `a closed port means that there is no SCTP; what waits behind the error still leaves (${text})`,
      async () => {
        const { first, second, close } = openPair(text);
        const local = address(text);
        const closed = openUdpIo({ port: 0, addresses: [local] });
        const nowhere = routeBetween(local, local, closed);
        closed.close();
        first.send(batchOf([500, 500, 40], () => nowhere), 0);
        const batch = batchOf([100, 100, 100], () => routeBetween(local, local, second));
        assert.equal(first.send(batch, 0), 3);
        assertPackets(await collect(second, 3), [100, 100, 100]);
        const error = (await awaitIcmp(first))!;
        assert.equal(error.kind, "protocol-unreachable");
        assert.equal(error.local.text, text);
        assert.equal(error.remote.text, text);
        assert.equal(error.mtu, 0);
        assert.deepEqual(error.quoted.slice(0, 500), new Uint8Array(500), "the packet is quoted");
        while (first.pollIcmp());
        assert.equal(first.receive(), 0);
        close();
      },
    ),
  );
}

Deno.test(
  needs(
    ["linux", "ffi"],
    "an error does not hide packets that came before or after it",
    async () => {
      const { first, second, close } = openPair();
      const closed = openUdpIo({ port: 0, addresses: [V4] });
      const nowhere = routeBetween(V4, V4, closed);
      closed.close();
      await sendAll(second, batchOf([20], () => routeBetween(V4, V4, first)));
      first.send(batchOf([30], () => nowhere), 0);
      await sendAll(second, batchOf([40], () => routeBetween(V4, V4, first)));
      await new Promise((resolve) => setTimeout(resolve, 10));
      assert.equal(first.receive(), 2);
      assert.deepEqual([0, 1].map((index) => first.packetAt(index).length), [20, 40]);
      assert.equal(first.pollIcmp()?.kind, "protocol-unreachable");
      assert.equal(first.pollIcmp(), undefined);
      close();
    },
  ),
);

Deno.test(
  needs(
    ["linux", "ffi", "root", "netns"],
    "a packet too big for the link is reported with the link's MTU and leaves in fragments",
    async () => {
      using hosts = await TwoHosts.make([[["10.9.0.1/24"], ["10.9.0.2/24"]]]);
      const [a, b] = hosts.names;
      hosts.ip(a, "link", "set", "link0", "mtu", "1400");
      const [near, far] = ["10.9.0.1", "10.9.0.2"].map(address);
      const first = hosts.in(a, () => openUdpIo({ port: 9899, addresses: [near] }));
      const second = hosts.in(b, () => openUdpIo({ port: 9899, addresses: [far] }));
      const batch = batchOf(
        [1372, 1372, 1376, 1376, 1376, 100],
        () => routeBetween(near, far, second),
      );
      assert.equal(first.send(batch, 0), batch.count);
      const received = await collect(second, 6);
      assert.deepEqual(received.map((packet) => packet.bytes[0]), [0, 1, 2, 3, 4, 5]);
      assert.deepEqual([...first.metrics.sendErrors], []);
      const error = first.pollIcmp()!;
      assert.equal(error.kind, "packet-too-big");
      assert.equal(error.mtu, 1400);
      assert.equal(error.local.text, "10.9.0.1");
      assert.equal(error.remote.text, "10.9.0.2");
      assert.deepEqual(error.quoted, new Uint8Array(64).fill(2), "the packet itself is quoted");
      while (first.pollIcmp());
      const calls = first.metrics.sendCalls;
      first.send(batchOf([1000, 1000, 1000], () => routeBetween(near, far, second)), 0);
      assert.equal(first.metrics.sendCalls, calls + 1, "segmentation is still in use");
      assert.equal((await collect(second, 3)).length, 3);
      first.close();
      second.close();
    },
  ),
);

Deno.test(
  needs(
    ["linux", "ffi", "root", "netns"],
    "a packet to another address of this host takes no link, whatever its source",
    async () => {
      using hosts = await TwoHosts.make([
        [["10.9.0.1/24"], []],
        [["10.9.1.1/24"], []],
      ]);
      const addresses = ["10.9.0.1", "10.9.1.1"].map(address);
      const io = hosts.in(hosts.names[0], () => openUdpIo({ port: 9899, addresses }));
      await sendAll(io, batchOf([50, 50], () => routeBetween(addresses[0], addresses[1], io)));
      assertPackets(await collect(io, 2), [50, 50]);
      io.close();
    },
  ),
);

Deno.test(
  needs(
    ["linux", "ffi", "root", "netns"],
    "a full socket blocks: sending stops at that packet, and goes on after a wait",
    async () => {
      using hosts = await TwoHosts.make([[["10.9.0.1/24"], ["10.9.0.2/24"]]]);
      const [a, b] = hosts.names;
      const shape = "tc qdisc add dev link0 root tbf rate 50mbit burst 20kb limit 10mb".split(" ");
      hosts.exec(a, ...shape);
      const [near, far] = ["10.9.0.1", "10.9.0.2"].map(address);
      const first = hosts.in(a, () => openUdpIo({ port: 9899, addresses: [near] }));
      const second = hosts.in(b, () => openUdpIo({ port: 9899, addresses: [far] }));
      trySetOption(first.descriptors[0], SOL_SOCKET, SO_SNDBUF, 100_000);
      const route = routeBetween(near, far, second);
      const lengths = new Array(400).fill(1400);
      const batch = batchOf(lengths, () => route);
      const stopped = first.send(batch, 0);
      assert.ok(stopped > 0 && stopped < 400, `stopped at ${stopped}`);
      let next = stopped;
      while (next < 400) {
        assert.ok(await endsByItself(first), "the wait ends when there is room");
        next = first.send(batch, next);
      }
      assertPackets(await collect(second, 400), lengths);
      assert.equal(first.metrics.sendErrors.size, 0);
      assert.ok(!await endsByItself(first, 20), "room is no event any more");
      first.close();
      second.close();
    },
  ),
);

/** Whether a wait without limit ends before `milliseconds` are over. */
async function endsByItself(io: PacketIo, milliseconds = 5000): Promise<boolean> {
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    io.wake();
  }, milliseconds);
  await io.wait(Infinity);
  clearTimeout(timer);
  return !late;
}

Deno.test(
  needs(
    ["linux", "ffi", "root", "netns", "ipv6"],
    "what was sent to many at once is counted and not shown",
    async () => {
      using hosts = await TwoHosts.make([[["10.9.0.1/24", "fd09::1/64"], [
        "10.9.0.2/24",
        "fd09::2/64",
      ]]]);
      const [a, b] = hosts.names;
      const near = ["10.9.0.1", "fd09::1"].map(address);
      const first = hosts.in(a, () => openUdpIo({ port: 9899, addresses: near }));
      const second = hosts.in(b, () => openUdpIo({ port: 9899 }));
      const SO_BROADCAST = 6;
      assert.ok(trySetOption(first.descriptors[0], SOL_SOCKET, SO_BROADCAST, 1));
      const [link] = first.localAddresses.slice(1).map((each) => each.interfaceIndex);
      const remotes = ["10.9.0.255", `ff02::1%${link}`, "10.9.0.2", "fd09::2"].map(address);
      const locals = [near[0], near[1], near[0], near[1]];
      const routes = remotes.map((remote, index) => routeBetween(locals[index], remote, second));
      await sendAll(first, batchOf([20, 20, 20, 20], (index) => routes[index]));
      const received = await collect(second, 2);
      assert.deepEqual(received.map((packet) => packet.bytes[0]).sort(), [2, 3]);
      assert.equal(first.metrics.packetsSent, 4);
      // Each of a family's sockets gets a copy of what goes to a group.
      assert.ok(second.metrics.receivedUnusable >= 2);
      first.close();
      second.close();
    },
  ),
);

Deno.test(
  needs(
    ["linux", "ffi", "root", "netns", "ipv6"],
    "what comes by another interface than its address's is received",
    async () => {
      using hosts = await TwoHosts.make([
        [["10.9.0.1/24", "fd09::1/64"], ["10.9.0.2/24", "fd09::2/64"]],
        [["10.9.1.1/24", "fd09:1::1/64"], ["10.9.1.2/24", "fd09:1::2/64"]],
      ]);
      const [a, b] = hosts.names;
      hosts.ip(b, "route", "add", "10.9.0.1/32", "via", "10.9.1.1", "dev", "link1");
      hosts.ip(b, "route", "add", "fd09::1/128", "via", "fd09:1::1", "dev", "link1");
      const near = ["10.9.0.1", "fd09::1"].map(address);
      const far = ["10.9.1.2", "fd09:1::2"].map(address);
      const first = hosts.in(a, () => openUdpIo({ port: 9899, addresses: near }));
      const second = hosts.in(b, () => openUdpIo({ port: 9899, addresses: far }));
      const routes = near.map((remote, index) => routeBetween(far[index], remote, first));
      await sendAll(second, batchOf([100, 100], (index) => routes[index]));
      const received = await collect(first, 2);
      assert.deepEqual(
        new Set(received.map((packet) => packet.destination.text)),
        new Set(["10.9.0.1", "fd09::1"]),
      );
      first.close();
      second.close();
    },
  ),
);

Deno.test(
  needs(
    ["linux", "ffi", "root", "netns", "ipv6"],
    "the sockets of one address share its port with each other only",
    async () => {
      using hosts = await TwoHosts.make([[["fd09::1/64"], []]]);
      hosts.in(hosts.names[0], () => {
        const options = { port: 9899, addresses: [address("fd09::1")] };
        const io = openUdpIo(options);
        assert.equal(io.descriptors.length, 2);
        assert.throws(() => openUdpIo(options), { code: "EADDRINUSE" });
        io.close();
        openUdpIo(options).close();
      });
    },
  ),
);

for (const text of ["127.0.0.1", "::1"]) {
  const name = `what the engine wants cut up arrives whole, and no other packet is cut (${text})`;
  Deno.test(needs(["linux", "ffi", "ipv6"], name, async () => {
    const { first, second, close } = openPair(text);
    const local = address(text);
    const route = routeBetween(local, local, second);
    // The last has less than any IPv6 link carries.
    const limits = [1180, undefined, 900];
    const routes = limits.map((unfragmented) => ({ ...route, unfragmented }));
    const lengths = [1452, 5000, 1452];
    await sendAll(first, batchOf(lengths, (index) => routes[index]));
    assertPackets(await collect(second, lengths.length), lengths);
    assert.equal(first.pollIcmp(), undefined, "none was too big");
    assert.equal(first.metrics.sendErrors.size, 0);
    close();
  }));
}
