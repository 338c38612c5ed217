import assert from "node:assert/strict";
import type { TcpSocketStatus } from "../../net/sock_diag_message.ts";
import { Configuration } from "../../rules/configuration.ts";
import { IpAddress } from "../../sctp/base/address.ts";
import { instant } from "../../sctp/base/time.ts";
import type { ListenOptions } from "../../sctp/listener.ts";
import { LocalServers } from "./local_servers.ts";

/** A host without a kernel: its listeners, and what its endpoint is told. */
class Host {
  readonly configuration = new Configuration();
  readonly localAddresses = ["10.0.0.1", "10.0.1.1"].map((text) => ({
    address: IpAddress.parse(text),
    prefixLength: 24,
    interfaceIndex: 2,
  }));
  listening: TcpSocketStatus[] = [];
  closed = 0;
  /** Ports that the endpoint listens on, with the addresses. */
  readonly open = new Map<number, string>();
  readonly said: string[] = [];

  constructor() {
    this.configuration.apply({ kind: "set", key: "defaultLocalEnable", value: 1 });
  }

  start(reserved: readonly number[] = []): LocalServers {
    return new LocalServers(instant(0), {
      endpoint: this,
      configuration: this.configuration,
      diag: { listeners: () => this.listening, close: () => void this.closed++ },
      reserved: new Set(reserved),
      ownSockets: () => new Set([99]),
      transparent: 3,
    });
  }

  add(address: string, port: number, inode = port): void {
    this.listening.push({
      state: "LISTEN",
      source: { address: IpAddress.parse(address), port },
      destination: { address: IpAddress.parse("0.0.0.0"), port: 0 },
      interfaceIndex: 0,
      uid: 0,
      inode,
      cookie: 0n,
      v6Only: false,
      mark: 0,
      cgroup: 0n,
      info: undefined,
    });
  }

  listen(port: number, { localAddresses, parameters }: ListenOptions = {}): void {
    assert.ok(!this.open.has(port), `port ${port} twice`);
    const where = localAddresses?.map(({ text }) => text).join() ?? "all";
    this.open.set(port, `${where} ${parameters?.pathMaxRetrans}`);
    this.said.push(`listen ${port}`);
  }

  stopListening(port: number): void {
    this.open.delete(port);
    this.said.push(`stop ${port}`);
  }
}

Deno.test("servers are served that are there already, that come, and until they go", () => {
  const host = new Host();
  host.add("0.0.0.0", 22);
  const servers = host.start();
  assert.deepEqual([...host.open], [[22, "all 5"]]);
  host.add("10.0.0.1", 80);
  servers.refresh(instant(100));
  assert.deepEqual([...host.open.keys()], [22], "it is not time to look again");
  servers.refresh(servers.deadline);
  assert.deepEqual([...host.open], [[22, "all 5"], [80, "10.0.0.1 5"]]);
  host.listening = host.listening.slice(1);
  servers.refresh(servers.deadline);
  assert.deepEqual([...host.open.keys()], [80]);
  assert.deepEqual(servers.statuses().map(({ address, port }) => [address, port]), [[
    "10.0.0.1",
    80,
  ]]);
});

Deno.test("a server that is asked for is found at once, but not for every question", () => {
  const host = new Host();
  const servers = host.start();
  host.add("0.0.0.0", 50_000);
  servers.lookOnDemand();
  assert.deepEqual([...host.open.keys()], [50_000]);
  for (let i = 0; i < 100; i++) servers.lookOnDemand();
  host.add("0.0.0.0", 50_001);
  servers.lookOnDemand();
  assert.deepEqual([...host.open.keys()], [50_000], "the questions are used up");
  servers.refresh(servers.deadline);
  host.add("0.0.0.0", 50_002);
  servers.lookOnDemand();
  assert.deepEqual([...host.open.keys()], [50_000, 50_001, 50_002]);
  servers.close();
  servers.lookOnDemand();
  assert.deepEqual([...host.open.keys()], []);
});

Deno.test("a server that has gone does not stand in for a new one at another address", () => {
  const host = new Host();
  host.configuration.apply({ kind: "set", key: "forceBindall", value: 1 });
  host.add("10.0.1.1", 50_000);
  const servers = host.start();
  const reached = IpAddress.parse("10.0.0.1");
  const target = () => servers.targetOf(50_000, reached)?.name;
  assert.equal(target(), "10.0.1.1:50000");
  host.listening = [];
  host.add("10.0.0.1", 50_000);
  assert.equal(target(), "10.0.0.1:50000");
});

Deno.test("where nothing has changed the endpoint is told nothing", () => {
  const host = new Host();
  host.add("0.0.0.0", 22);
  const servers = host.start();
  servers.refresh(servers.deadline);
  servers.replan();
  assert.deepEqual(host.said, ["listen 22"]);
});

Deno.test("changed rules and settings hold at once", () => {
  const host = new Host();
  host.add("10.0.0.1", 80);
  const servers = host.start();
  const set = (key: "forceBindall" | "pathRtxMax" | "defaultLocalEnable", value: number) => {
    host.configuration.apply({ kind: "set", key, value });
    servers.replan();
    return [...host.open];
  };
  assert.deepEqual(set("forceBindall", 1), [[80, "all 5"]]);
  assert.deepEqual(set("pathRtxMax", 1), [[80, "all 1"]]);
  assert.deepEqual(set("defaultLocalEnable", 0), []);
});

Deno.test("sockets of this process and ports that are served by hand are left alone", () => {
  const host = new Host();
  host.add("0.0.0.0", 9999, 99);
  host.add("0.0.0.0", 22);
  host.start([22]);
  assert.deepEqual([...host.open], []);
});

Deno.test("a server that none of the endpoint's addresses reaches is not served", () => {
  const host = new Host();
  host.add("127.0.0.1", 5432);
  host.start();
  assert.deepEqual([...host.open], []);
});

Deno.test("after the end nothing is served, and the end may come twice", () => {
  const host = new Host();
  host.add("0.0.0.0", 22);
  const servers = host.start();
  servers.close();
  servers.close();
  assert.deepEqual([...host.open], []);
  assert.equal(host.closed, 1);
  servers.refresh(instant(1e6));
  assert.deepEqual([...host.open], []);
});
