/** Shims on the way of other shims' connections, and inside of applications that a shim takes care of. */
import assert from "node:assert/strict";
import { needs } from "../../core/net/testing/requirements.ts";
import { converse, enableAll, finalCounters, leave, NOTHING, ways } from "./lab/all_enabled.ts";
import { ApplicationHosts } from "./lab/application_hosts.ts";
import { startEcho } from "./lab/conversation.ts";
import { HostShim } from "./lab/host_shim.ts";
import { PORT } from "./lab/intercepted.ts";
import { RoutedHosts } from "./lab/routed_hosts.ts";
import { shimkitCommand } from "./lab/shimkit.ts";

const REQUIREMENTS = ["linux", "root", "netns", "nft", "iptables", "ffi", "ipv6"] as const;

/** Shims of the client, the router and the server, all with everything enabled. */
async function startShims(hosts: RoutedHosts): Promise<HostShim[]> {
  const shims: HostShim[] = [];
  for (const side of ["client", "router", "server"] as const) {
    const shim = await enableAll(await HostShim.prepare(hosts.lab, hosts[side], side));
    await shim.start("--intercept");
    shims.push(shim);
  }
  return shims;
}

for (const [family, key] of [["IPv4", "v4"], ["IPv6", "v6"]] as const) {
  Deno.test(
    needs(REQUIREMENTS, `over ${family}, a router's shim lets what it forwards pass`, async () => {
      await using hosts = await RoutedHosts.open();
      await startEcho(hosts.server, PORT);
      const shims = await startShims(hosts);
      await leave([await converse(hosts.client, hosts.wires[1].b[key])]);
      const [client, router, server] = (await finalCounters(shims)).map(ways);
      assert.deepEqual(client, { ...NOTHING, held: 1, accepted: 1, carried: 1 });
      assert.deepEqual(router, NOTHING);
      assert.deepEqual(server, { ...NOTHING, associated: 1, carried: 1 });
    }),
  );

  const relayed = `over ${family}, a relay between shims is carried on both sides, once each`;
  Deno.test(needs([...REQUIREMENTS, "socat"], relayed, async () => {
    await using hosts = await RoutedHosts.open();
    const { client, router, server, wires } = hosts;
    await startEcho(server, PORT);
    const shims = await startShims(hosts);
    const to = key === "v4" ? `TCP4:${wires[1].b.v4}` : `TCP6:[${wires[1].b.v6}]`;
    const listen = `TCP${key === "v4" ? 4 : 6}-LISTEN:${PORT + 1},fork,reuseaddr`;
    router.spawn(["socat", listen, `${to}:${PORT}`]);
    await router.run("sh", "-c", `until ss -Htln sport = :${PORT + 1} | grep -q .; do :; done`);
    await leave([await converse(client, wires[0].b[key], PORT + 1)]);
    const [near, middle, far] = (await finalCounters(shims)).map(ways);
    assert.deepEqual(near, { ...NOTHING, held: 1, accepted: 1, carried: 1 });
    assert.deepEqual(middle, { ...NOTHING, held: 1, accepted: 1, associated: 1, carried: 2 });
    assert.deepEqual(far, { ...NOTHING, associated: 1, carried: 1 });
  }));
}

Deno.test(
  needs([...REQUIREMENTS, "cgroup2"], "by run, shimkit's own commands are left alone", async () => {
    await using hosts = await ApplicationHosts.open();
    const { client, server } = hosts;
    const shim = hosts.shim("client");
    await startEcho(server, PORT);
    await hosts.startShim("client");
    const run = (...words: readonly string[]) =>
      client.spawn(shimkitCommand(["run", "--control", shim.control, "--", ...words]), {
        stdin: "piped",
      });

    // A shimd that nobody answers by SCTP falls back to TCP, which is to stay TCP.
    const front = `127.0.0.1:${PORT + 1}=${hosts.address("server")}:${PORT}`;
    const places = ["--no-control", "--udp", "9900", "--udp-remote", "1"];
    const inner = run(...shimkitCommand(["shimd", "--forward", front, ...places]));
    await inner.line(/^forwarding/);
    await leave([await converse(client, "127.0.0.1", PORT + 1)]);

    const listen = ["sctp", "listen", "7", "--echo", "--once", "--udp", "9901"];
    const listening = server.spawn(shimkitCommand(listen));
    await listening.line(/listening/i);
    const connect = ["sctp", "connect", `${hosts.address("server")}:7`, "--udp", "9902"];
    const connected = run(...shimkitCommand([...connect, "--udp-remote", "9901"]));
    await connected.write("hello\n");
    await connected.line(/^hello$/);
    await connected.closeInput();
    await connected.succeeded();

    const [counters] = await finalCounters([shim]);
    assert.deepEqual(ways(counters), NOTHING);
  }),
);
