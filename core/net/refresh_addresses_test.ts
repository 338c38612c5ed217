import assert from "node:assert/strict";
import { HostWatch } from "./host_watch.ts";
import { openPacketIo, type TransportKind } from "./mod.ts";
import type { PacketIo } from "./packet_io.ts";
import { TwoHosts } from "./testing/namespaces.ts";
import { address, batchOf, collect, routeBetween, sendAll } from "./testing/packet_io_support.ts";
import { needs } from "./testing/requirements.ts";

const NEEDS = ["linux", "ffi", "root", "netns", "raw-sockets"] as const;

function textsOf(io: PacketIo): string[] {
  return io.localAddresses.map(({ address }) => address.text).filter((text) => text.includes("."));
}

for (const transport of ["udp", "raw"] as const satisfies readonly TransportKind[]) {
  Deno.test(
    needs(
      NEEDS,
      `${transport}: an address that the host has got can be used, one that is gone not`,
      async () => {
        using hosts = await TwoHosts.make([[["10.66.0.1/24"], ["10.66.0.2/24"]]]);
        const [here, there] = hosts.names;
        const open = (name: string, addresses?: string[]) =>
          hosts.in(
            name,
            () => openPacketIo({ transport, port: 9899, addresses: addresses?.map(address) }),
          );
        const ours = open(here);
        const theirs = open(there, ["10.66.0.2"]);
        try {
          assert.deepEqual(textsOf(ours).sort(), ["10.66.0.1", "127.0.0.1"]);
          hosts.ip(here, "address", "delete", "10.66.0.1/24", "dev", "link0");
          hosts.ip(here, "address", "add", "10.66.0.9/24", "dev", "link0");
          const [kept] = ours.localAddresses.filter(({ address }) => address.text === "127.0.0.1");
          hosts.in(here, () => ours.refreshAddresses());
          assert.deepEqual(textsOf(ours).sort(), ["10.66.0.9", "127.0.0.1"]);
          assert.ok(ours.localAddresses.includes(kept), "what stays is the same object");
          const route = routeBetween(address("10.66.0.9"), address("10.66.0.2"), theirs);
          await sendAll(ours, batchOf([100], () => route));
          const [packet] = await collect(theirs, 1);
          assert.equal(packet.source.text, "10.66.0.9");
        } finally {
          ours.close();
          theirs.close();
        }
      },
    ),
  );
}

Deno.test(needs(NEEDS, "a named address that is gone is left out, and comes back", async () => {
  using hosts = await TwoHosts.make([[["10.66.0.1/24", "10.66.0.5/24"], ["10.66.0.2/24"]]]);
  const [here] = hosts.names;
  const addresses = ["10.66.0.5", "127.0.0.3"].map(address);
  const io = hosts.in(here, () => openPacketIo({ transport: "udp", port: 9899, addresses }));
  const refresh = () => {
    hosts.in(here, () => io.refreshAddresses());
    return textsOf(io);
  };
  try {
    hosts.ip(here, "address", "add", "10.66.0.9/24", "dev", "link0");
    assert.deepEqual(refresh(), ["10.66.0.5", "127.0.0.3"]);
    hosts.ip(here, "address", "delete", "10.66.0.5/24", "dev", "link0");
    assert.deepEqual(refresh(), ["127.0.0.3"]);
    hosts.ip(here, "address", "add", "10.66.0.5/24", "dev", "link0");
    assert.deepEqual(refresh(), ["10.66.0.5", "127.0.0.3"]);
  } finally {
    io.close();
  }
}));

Deno.test(needs(NEEDS, "a watch tells of changes until it is closed", async () => {
  using hosts = await TwoHosts.make([[["10.66.0.1/24"], ["10.66.0.2/24"]]]);
  const [here] = hosts.names;
  const changed = Promise.withResolvers<void>();
  const watch = hosts.in(here, () => new HostWatch(() => changed.resolve()));
  try {
    hosts.ip(here, "link", "set", "link0", "down");
    await changed.promise;
  } finally {
    watch.close();
  }
}));
