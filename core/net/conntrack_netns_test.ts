import assert from "node:assert/strict";
import { IpAddress } from "../sctp/base/address.ts";
import { Conntrack } from "./conntrack.ts";
import { EPOLLIN } from "./constants.ts";
import { TcpSocket } from "./tcp_socket.ts";
import {
  HoldingHost,
  outcome,
  planOf,
  REDIRECT_PORT,
  selection,
  SERVERS,
  waitFor,
} from "./testing/held_syns.ts";
import { needs } from "./testing/requirements.ts";

const NEEDS = ["linux", "ffi", "root", "netns", "nft", "iptables", "ipv6"] as const;

Deno.test(needs(NEEDS, "redirected connections from one port are told apart", async () => {
  using host = await HoldingHost.make();
  host.apply(planOf({ front: "redirect", selections: [selection(true)] }));
  const conntrack = host.hosts.in(host.client, () => new Conntrack());
  const here = [["127.0.0.1", "10.9.0.1"], ["::1", "fd09::1"]];
  for (const [index, [shim, local]] of here.entries()) {
    const address = IpAddress.parse(shim);
    const listener = host.listen(host.client, { address, port: REDIRECT_PORT });
    const [ports, open]: [number[], TcpSocket[]] = [[], []];
    for (const remotePort of [8080, 8081, 8082]) {
      const own = { localAddress: IpAddress.parse(local), localPort: 2000 };
      const there = { remoteAddress: IpAddress.parse(SERVERS[index]), remotePort };
      const ours = host.hosts.in(host.client, () => TcpSocket.connect({ ...own, ...there }));
      assert.equal(outcome(ours), 0);
      assert.ok(waitFor(listener.descriptor, EPOLLIN));
      const { socket, peer } = listener.accept()!;
      ports.push(peer.port);
      assert.equal(conntrack.originalSourcePort(peer, socket.localAddress), 2000);
      open.push(ours, socket);
    }
    assert.equal(new Set(ports).size, 3, "the kernel has given them other ports");
    for (const each of open) each.close();
  }
  conntrack.close();
}));

Deno.test(needs(NEEDS, "of a connection that there is not, nothing is known", async () => {
  using host = await HoldingHost.make();
  const conntrack = host.hosts.in(host.client, () => new Conntrack());
  for (const text of ["10.9.0.1", "fd09::1"]) {
    const address = IpAddress.parse(text);
    const [source, destination] = [{ address, port: 1 }, { address, port: 2 }];
    assert.equal(conntrack.originalSourcePort(source, destination), undefined);
  }
  conntrack.close();
}));
