import assert from "node:assert/strict";
import { openPacketIo } from "./mod.ts";
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
import { openUdpIo } from "./udp_io.ts";

const NEEDS = ["linux", "ffi", "raw-sockets", "root", "netns"] as const;
const [NEAR, FAR] = ["10.9.0.1", "10.9.0.2"].map(address);

async function withHosts(run: (hosts: TwoHosts) => Promise<void>): Promise<void> {
  using hosts = await TwoHosts.make([[["10.9.0.1/24"], ["10.9.0.2/24"]]]);
  await run(hosts);
}

Deno.test(
  needs(
    NEEDS,
    "each packet leaves the way of its route, and says which way it came",
    () =>
      withHosts(async (hosts) => {
        const [a, b] = hosts.names;
        const dual = hosts.in(a, () => openPacketIo({ transport: "both", port: 0 }));
        const udp = hosts.in(b, () => openUdpIo({ port: 0 }));
        const raw = hosts.in(b, () => openRawIo({}));
        const ways = [udp, raw];
        // Runs of both ways, and alternating packets, in one batch.
        const way = (index: number) => ways[index < 20 ? Math.floor(index / 5) % 2 : index % 2];
        const lengths = Array.from({ length: 40 }, (_, index) => 100 + index);
        await sendAll(dual, batchOf(lengths, (index) => routeBetween(NEAR, FAR, way(index))));
        for (const io of ways) {
          const mine = lengths.filter((_, index) => way(index) === io);
          const received = await collect(io, mine.length);
          assert.deepEqual(received.map(({ length }) => length), mine);
          await sendAll(
            io,
            batchOf([200, 300], () => ({
              ...routeBetween(FAR, NEAR, dual),
              encapsulationPort: io === udp ? dual.encapsulationPort : 0,
            })),
          );
        }
        const answers = await collect(dual, 4);
        assert.deepEqual(
          answers.map(({ length, encapsulationPort }) => [length, encapsulationPort]).sort(),
          [[200, 0], [200, udp.encapsulationPort], [300, 0], [300, udp.encapsulationPort]].sort(),
        );
        const { packetsSent, packetsReceived, bytesReceived } = dual.metrics;
        assert.deepEqual([packetsSent, packetsReceived, bytesReceived], [40, 4, 1000]);
        for (const io of [dual, udp, raw]) io.close();
      }),
  ),
);

Deno.test(
  needs(NEEDS, "a host without one of the two says so by ICMP", () =>
    withHosts(async (hosts) => {
      const [a, b] = hosts.names;
      const dual = hosts.in(a, () => openPacketIo({ transport: "both", port: 0 }));
      const udp = hosts.in(b, () => openUdpIo({ port: 0 }));
      await sendAll(
        dual,
        batchOf([40], () => ({ ...routeBetween(NEAR, FAR, udp), encapsulationPort: 0 })),
      );
      assert.equal((await awaitIcmp(dual))?.kind, "protocol-unreachable");
      const { encapsulationPort } = udp;
      udp.close();
      await sendAll(
        dual,
        batchOf([40], () => ({ ...routeBetween(NEAR, FAR, udp), encapsulationPort })),
      );
      assert.equal((await awaitIcmp(dual))?.kind, "protocol-unreachable");
      dual.close();
    })),
);

Deno.test(
  needs(
    NEEDS,
    "a wait ends by a packet of either way, by a wake, and in time",
    () =>
      withHosts(async (hosts) => {
        const [a, b] = hosts.names;
        const dual = hosts.in(a, () => openPacketIo({ transport: "both", port: 0 }));
        const other = hosts.in(b, () => openPacketIo({ transport: "both", port: 0 }));
        for (const encapsulationPort of [0, dual.encapsulationPort]) {
          const waiting = dual.wait(60_000);
          await sendAll(
            other,
            batchOf([64], () => ({ ...routeBetween(FAR, NEAR, dual), encapsulationPort })),
          );
          await waiting;
          assertPackets(await collect(dual, 1), [64]);
        }
        const waiting = dual.wait(60_000);
        dual.wake();
        await waiting;
        await dual.wait(1);
        for (const io of [dual, other]) {
          io.close();
        }
        await dual.wait(60_000);
      }),
  ),
);
