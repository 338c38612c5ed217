import assert from "node:assert/strict";
import type { IpAddress } from "../sctp/base/address.ts";
import { openPacketIo } from "./mod.ts";
import { TwoHosts } from "./testing/namespaces.ts";
import { address, batchOf, collect, routeBetween, sendAll } from "./testing/packet_io_support.ts";
import { needs } from "./testing/requirements.ts";

interface Family {
  readonly name: string;
  readonly length: number;
  /** Addresses of both links: ours, and the next hops. */
  readonly near: readonly [string, string];
  readonly far: readonly [string, string];
  /** An address behind both links. */
  readonly remote: string;
}

const FAMILIES: readonly Family[] = [
  {
    name: "IPv4",
    length: 24,
    near: ["10.9.0.1", "10.9.1.1"],
    far: ["10.9.0.2", "10.9.1.2"],
    remote: "10.9.9.9",
  },
  {
    name: "IPv6",
    length: 64,
    near: ["fd09::1", "fd09:1::1"],
    far: ["fd09::2", "fd09:1::2"],
    remote: "fd09:9::9",
  },
];

const LINKS = ["link0", "link1"] as const;

/** Two links to another host, with default routes by both: the first link is the better one. */
async function twoLinks({ length, near, far, remote }: Family): Promise<TwoHosts> {
  const hosts = await TwoHosts.make([
    [[`${near[0]}/${length}`], [`${far[0]}/${length}`]],
    [[`${near[1]}/${length}`], [`${far[1]}/${length}`]],
  ]);
  const [a, b] = hosts.names;
  hosts.ip(b, "address", "add", remote, "dev", "lo");
  for (const [index, dev] of LINKS.entries()) {
    hosts.ip(a, "route", "add", "default", "via", far[index], "dev", dev, "metric", `${index + 1}`);
  }
  return hosts;
}

/** Packets that an interface has sent. */
function transmitted(hosts: TwoHosts, name: string, link: string): number {
  const table = hosts.in(name, () => Deno.readTextFileSync("/proc/thread-self/net/dev"));
  return Number(new RegExp(`${link}:(?:\\s+\\d+){9}\\s+(\\d+)`).exec(table)![1]);
}

/** Sends 20 packets from each of our addresses, and checks that each link got its half. */
async function sendByBoth(
  transport: "udp" | "raw",
  family: Family,
  named: readonly IpAddress[],
): Promise<void> {
  using hosts = await twoLinks(family);
  const [a, b] = hosts.names;
  const remote = address(family.remote);
  const open = (addresses: readonly IpAddress[]) =>
    openPacketIo({ transport, addresses, port: 9899 });
  const first = hosts.in(a, () => open(named));
  const second = hosts.in(b, () => open([remote]));
  const routes = family.near.map((local) => routeBetween(address(local), remote, second));
  const before = LINKS.map((link) => transmitted(hosts, a, link));
  await sendAll(first, batchOf(new Array(40).fill(1000), (index) => routes[index % 2]));
  const received = await collect(second, 40);
  assert.equal(received.length, 40);
  for (const { bytes, source } of received) assert.equal(source.text, family.near[bytes[0] % 2]);
  for (const [index, link] of LINKS.entries()) {
    const count = transmitted(hosts, a, link) - before[index];
    assert.ok(count >= 20 && count < 30, `${count} packets left by ${link}`);
  }
  first.close();
  second.close();
}

for (const family of FAMILIES) {
  for (const transport of ["udp", "raw"] as const) {
    for (const which of ["named addresses", "every address of the host"]) {
      const named = which === "named addresses" ? family.near.map(address) : [];
      Deno.test(
        needs(
          ["linux", "ffi", "root", "raw-sockets", "netns", "ipv6"],
          `packets leave by the interface of their source, though another has the better route: ${family.name}, ${transport}, ${which}`,
          () => sendByBoth(transport, family, named),
        ),
      );
    }
  }
}
