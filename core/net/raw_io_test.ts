import assert from "node:assert/strict";
import { Ecn } from "../sctp/packet.ts";
import { openRawIo } from "./raw_io.ts";
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

const RAW = ["linux", "ffi", "raw-sockets", "root", "netns"] as const;

/** Two hosts on one link with an address of each family. */
function dualStack(): Promise<TwoHosts> {
  return TwoHosts.make([[["10.9.0.1/24", "fd09::1/64"], ["10.9.0.2/24", "fd09::2/64"]]]);
}

const NEAR = ["10.9.0.1", "fd09::1"].map(address);
const FAR = ["10.9.0.2", "fd09::2"].map(address);

Deno.test(
  needs(RAW, "packets of both families go both ways with addresses and ECN", async () => {
    using hosts = await dualStack();
    const [a, b] = hosts.names;
    const first = hosts.in(a, () => openRawIo({ addresses: NEAR }));
    const second = hosts.in(b, () => openRawIo({}));
    assert.equal(first.overhead, 0);
    assert.equal(first.encapsulationPort, 0);
    for (const [index, near] of NEAR.entries()) {
      const far = FAR[index];
      const lengths = [...new Array(70).fill(1440), 12, 28];
      await sendAll(first, batchOf(lengths, () => routeBetween(near, far, second, Ecn.Ect0)));
      const arrived = await collect(second, lengths.length);
      assertPackets(arrived, lengths);
      for (const packet of arrived) {
        assert.equal(packet.source.text, near.text);
        assert.equal(packet.destination.text, far.text);
        assert.equal(packet.encapsulationPort, 0);
        assert.equal(packet.ecn, Ecn.Ect0);
      }
      await sendAll(second, batchOf([100, 200], () => routeBetween(far, near, first, Ecn.Ce)));
      const answered = await collect(first, 2);
      assertPackets(answered, [100, 200]);
      assert.ok(answered.every((packet) => packet.source.text === far.text));
      assert.ok(answered.every((packet) => packet.destination.text === near.text));
      assert.ok(answered.every((packet) => packet.ecn === Ecn.Ce));
    }
    first.close();
    second.close();
  }),
);

Deno.test(
  needs(
    RAW,
    "each packet leaves from its route's address, though all addresses share a socket",
    async () => {
      using hosts = await TwoHosts.make([
        [["10.9.0.1/24", "10.9.0.11/24"], ["10.9.0.2/24"]],
        [["10.9.1.1/24"], ["10.9.1.2/24"]],
      ]);
      const [a, b] = hosts.names;
      const first = hosts.in(a, () => openRawIo({}));
      const second = hosts.in(b, () => openRawIo({}));
      const pairs = [
        ["10.9.0.1", "10.9.0.2"],
        ["10.9.0.11", "10.9.0.2"],
        ["10.9.1.1", "10.9.1.2"],
      ];
      const routes = pairs.map(([from, to]) => routeBetween(address(from), address(to), second));
      await sendAll(first, batchOf(new Array(9).fill(60), (index) => routes[index % 3]));
      for (const packet of await collect(second, 9)) {
        const [from, to] = pairs[packet.bytes[0] % 3];
        assert.equal(packet.source.text, from);
        assert.equal(packet.destination.text, to);
      }
      assert.equal(second.metrics.packetsReceived, 9);
      first.close();
      second.close();
    },
  ),
);

Deno.test(
  needs(RAW, "packets to addresses that were not named are not taken", async () => {
    using hosts = await TwoHosts.make([[["10.9.0.1/24"], ["10.9.0.2/24", "10.9.0.22/24"]]]);
    const [a, b] = hosts.names;
    const first = hosts.in(a, () => openRawIo({}));
    const second = hosts.in(b, () => openRawIo({ addresses: [address("10.9.0.2")] }));
    const near = address("10.9.0.1");
    const routes = ["10.9.0.22", "10.9.0.2"].map((to) => routeBetween(near, address(to), second));
    await sendAll(first, batchOf([20, 20], (index) => routes[index]));
    const received = await collect(second, 1);
    assert.deepEqual(received.map((packet) => packet.bytes[0]), [1]);
    assert.equal(second.metrics.packetsReceived, 1);
    const unreachable = await awaitIcmp(first);
    assert.equal(unreachable?.kind, "protocol-unreachable", "the kernel answers for the other");
    assert.equal(unreachable?.remote.text, "10.9.0.22");
    first.close();
    second.close();
  }),
);

Deno.test(
  needs(RAW, "a host without SCTP says so within a round trip, in both families", async () => {
    using hosts = await dualStack();
    const [a] = hosts.names;
    for (const addresses of [NEAR, []]) {
      const io = hosts.in(a, () => openRawIo({ addresses }));
      for (const [index, near] of NEAR.entries()) {
        const init = batchOf([20, 48], () => routeBetween(near, FAR[index], io));
        assert.equal(io.send(init, 1), 2);
        const error = (await awaitIcmp(io))!;
        assert.equal(error.kind, "protocol-unreachable");
        assert.equal(error.local.text, near.text);
        assert.equal(error.remote.text, FAR[index].text);
        assert.deepEqual(error.quoted, new Uint8Array(48).fill(1), "the packet is quoted");
        assert.equal(io.pollIcmp(), undefined);
      }
      io.close();
    }
  }),
);

Deno.test(
  needs(RAW, "a router's smaller MTU comes back as packet too big, in both families", async () => {
    using hosts = await TwoHosts.make([
      [["10.9.0.1/24", "fd09::1/64"], ["10.9.0.2/24", "fd09::2/64"]],
      [[], ["10.9.1.2/24", "fd09:1::2/64"]],
    ]);
    const [a, b] = hosts.names;
    hosts.ip(a, "route", "add", "10.9.1.0/24", "via", "10.9.0.2");
    hosts.ip(a, "route", "add", "fd09:1::/64", "via", "fd09::2");
    hosts.ip(b, "link", "set", "link1", "mtu", "1300");
    hosts.exec(b, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1");
    const io = hosts.in(a, () => openRawIo({}));
    for (const [index, to] of ["10.9.1.9", "fd09:1::9"].entries()) {
      const route = routeBetween(NEAR[index], address(to), io);
      io.send(batchOf([1400], () => route), 0);
      const error = (await awaitIcmp(io))!;
      assert.equal(error.kind, "packet-too-big");
      assert.equal(error.mtu, 1300);
      assert.equal(error.local.text, NEAR[index].text);
      assert.equal(error.remote.text, to);
      assert.ok(error.quoted.length > 0);
    }
    io.close();
  }),
);

Deno.test(
  needs(["linux", "ffi", "raw-sockets"], "an address that is not this host's is named", () => {
    assert.throws(() => openRawIo({ addresses: [address("192.0.2.77")] }), {
      code: "EADDRNOTAVAIL",
      message: /192\.0\.2\.77/,
    });
  }),
);

Deno.test(
  needs(
    ["linux", "ffi", "root"],
    "without the right to raw sockets the message says what is needed and what works without",
    async () => {
      const script = `
        const { openPacketIo } = await import(${JSON.stringify(import.meta.resolve("./mod.ts"))});
        try { openPacketIo({ transport: "raw" }); } catch (error) { console.log(error.message); }`;
      const { stdout } = await new Deno.Command("setpriv", {
        args: ["--bounding-set=-net_raw", "--inh-caps=-net_raw", Deno.execPath(), "eval", script],
      }).output();
      assert.match(
        new TextDecoder().decode(stdout),
        /raw SCTP socket.*EPERM.*CAP_NET_RAW.*--udp.*without/,
      );
    },
  ),
);
