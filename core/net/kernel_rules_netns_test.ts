import assert from "node:assert/strict";
import { IpAddress } from "../sctp/base/address.ts";
import { EPOLLIN } from "./constants.ts";
import { firewallMark, MarkKind } from "./firewall_marks.ts";
import { detectFronts } from "./interception_fronts.ts";
import type { InterceptionPlan } from "./interception_plan.ts";
import { KernelRules } from "./kernel_rules.ts";
import { removeStaleRules } from "./owned_rules.ts";
import { Verdict } from "./nfqueue.ts";
import { TcpSocket } from "./tcp_socket.ts";
import {
  HoldingHost,
  nextHeld,
  outcome,
  planOf,
  REDIRECT_PORT,
  selection,
  SERVERS,
  waitFor,
} from "./testing/held_syns.ts";
import { needs } from "./testing/requirements.ts";

const NEEDS = ["linux", "ffi", "root", "netns", "nft", "iptables", "ipv6"] as const;
const EVERYTHING = selection(true);

/** Which of these ports of a server are held under a plan, by connecting to each. */
function heldPorts(host: HoldingHost, server: string, ports: readonly number[]): number[] {
  const queue = host.queue();
  const held = ports.filter((port) => {
    const socket = host.connect(server, port);
    if (outcome(socket, 100) !== undefined) return false;
    queue.verdict(nextHeld(queue)!.packet.id, Verdict.Accept);
    return outcome(socket) !== undefined;
  });
  queue.close();
  return held;
}

Deno.test(needs(NEEDS, "only what a selection enables reaches the queue", async () => {
  using host = await HoldingHost.make();
  for (const port of [8079, 8080]) host.serve(port);
  host.apply(planOf());
  const queue = host.queue();
  for (const server of SERVERS) {
    for (let i = 0; i < 20; i++) assert.equal(outcome(host.connect(server, 8079)), 0);
  }
  assert.equal(host.queuedPackets(), 0);
  queue.verdict(nextHeld(queue, 0)?.packet.id ?? 0, Verdict.Accept);
  const socket = host.connect(SERVERS[0], 8080);
  queue.verdict(nextHeld(queue)!.packet.id, Verdict.Accept);
  assert.equal(outcome(socket), 0);
  assert.equal(host.queuedPackets(), 1);
}));

Deno.test(needs(NEEDS, "the first selection that matches decides", async () => {
  using host = await HoldingHost.make();
  const ports = [21, 22, 23, 80];
  const v4 = () => heldPorts(host, SERVERS[0], ports);
  const v6 = () => heldPorts(host, SERVERS[1], ports);
  const ranges = [selection(false, "10.9.0.0/24", 22), selection(true, undefined, 21, 23)];
  host.apply(planOf({ selections: ranges }));
  assert.deepEqual(v4(), [21, 23]);
  assert.deepEqual(v6(), [21, 22, 23]);
  host.apply(planOf({ selections: ranges.toReversed() }));
  assert.deepEqual(v4(), [21, 22, 23]);
  const exceptions = [selection(false, "fd09::2/128"), selection(false, undefined, 80)];
  host.apply(planOf({ selections: exceptions, otherwise: true }));
  assert.deepEqual(v4(), [21, 22, 23]);
  assert.deepEqual(v6(), []);
  host.apply(planOf({ selections: [selection(true, "::/0")] }));
  assert.deepEqual(v4(), []);
  assert.deepEqual(v6(), ports);
  host.apply(planOf({ selections: [EVERYTHING], families: [4] }));
  assert.deepEqual(v4(), ports);
  assert.deepEqual(v6(), []);
}));

Deno.test(
  needs(NEEDS, "the shim's own connections and those over loopback are not held", async () => {
    using host = await HoldingHost.make();
    host.serve(8080);
    const local = IpAddress.parse("10.9.0.1");
    host.listen(host.client, { address: local, port: 8080 });
    host.apply(planOf({ selections: [EVERYTHING] }));
    const queue = host.queue();
    const mark = firewallMark(9, MarkKind.Own);
    const options = { remoteAddress: IpAddress.parse(SERVERS[0]), remotePort: 8080, mark };
    const own = host.hosts.in(host.client, () => TcpSocket.connect(options));
    assert.equal(outcome(own), 0);
    own.close();
    assert.equal(outcome(host.connect("10.9.0.1", 8080)), 0);
    assert.equal(queue.receive(), 0);
  }),
);

Deno.test(
  needs(NEEDS, "a mark of the application's own does not keep it from being held", async () => {
    using host = await HoldingHost.make();
    host.serve(8080);
    host.apply(planOf());
    const queue = host.queue();
    const options = { remoteAddress: IpAddress.parse(SERVERS[0]), remotePort: 8080, mark: 5 };
    const socket = host.hosts.in(host.client, () => TcpSocket.connect(options));
    const { packet } = nextHeld(queue)!;
    assert.equal(packet.mark, 5);
    queue.verdict(packet.id, Verdict.Accept);
    assert.equal(outcome(socket), 0);
    socket.close();
  }),
);

Deno.test(
  needs(NEEDS, "the redirect front carries what is selected, in both families", async () => {
    using host = await HoldingHost.make();
    for (const port of [8079, 8080]) host.serve(port);
    for (const text of ["127.0.0.1", "::1"]) {
      host.listen(host.client, { address: IpAddress.parse(text), port: REDIRECT_PORT });
    }
    const v6 = host.listen(host.client, { address: IpAddress.parse("::1"), port: 9998 });
    const plan = planOf({ front: "redirect", redirectPort: 9998 });
    const selections = [selection(false, "10.9.0.0/24"), ...plan.selections];
    host.apply({ ...plan, selections });
    assert.equal(outcome(host.connect(SERVERS[0], 8080)), 0, "an exception goes straight");
    assert.equal(outcome(host.connect(SERVERS[1], 8079)), 0, "as does what is not selected");
    const socket = host.connect(SERVERS[1], 8080);
    assert.equal(outcome(socket), 0);
    assert.ok(waitFor(v6.descriptor, EPOLLIN));
    const accepted = v6.accept()!;
    assert.deepEqual(accepted.peer, socket.localAddress);
    assert.equal(accepted.socket.originalDestination?.address.text, SERVERS[1]);
    assert.equal(v6.accept(), undefined);
    accepted.socket.close();
  }),
);

Deno.test(
  needs(NEEDS, "a connection that stands when the redirection comes is not touched", async () => {
    using host = await HoldingHost.make();
    for (const [index, address] of SERVERS.map(IpAddress.parse).entries()) {
      const server = host.listen(host.server, { address, port: 8080 });
      host.apply(planOf({ front: "redirect", selections: [] }));
      host.hosts.in(host.client, () => host.rules.remove());
      const socket = host.connect(SERVERS[index], 8080);
      assert.equal(outcome(socket), 0);
      assert.ok(waitFor(server.descriptor, EPOLLIN));
      const accepted = server.accept()!.socket;
      host.apply(planOf({ front: "redirect" }));
      assert.equal(socket.send(Uint8Array.of(7), 0, 1), 1);
      assert.ok(waitFor(accepted.descriptor, EPOLLIN));
      assert.equal(accepted.receive(new Uint8Array(1), 0, 1), 1);
      accepted.close();
    }
  }),
);

const PLANS: readonly (readonly [name: string, plan: InterceptionPlan])[] = [
  ["the NFQUEUE front", planOf({ selections: [EVERYTHING] })],
  ["the redirect front", planOf({ front: "redirect", otherwise: true })],
];

for (const [name, plan] of PLANS) {
  Deno.test(needs(NEEDS, `${name} leaves nothing behind, however often it is removed`, async () => {
    using host = await HoldingHost.make();
    const before = host.traces(host.client);
    host.apply(plan);
    assert.notEqual(host.traces(host.client), before);
    for (let i = 0; i < 2; i++) {
      host.hosts.in(host.client, () => host.rules.remove());
      assert.equal(host.traces(host.client), before);
    }
    host.apply(plan);
    host.apply(planOf({ front: "redirect", selections: [] }));
    host.hosts.in(host.client, () => new KernelRules().remove());
    assert.equal(host.traces(host.client), before);
  }));
}

Deno.test(needs(NEEDS, "rules of others stay as they are, and in their order", async () => {
  using host = await HoldingHost.make();
  const others = "*mangle\n-A OUTPUT -p tcp -m tcp --dport 1 -j ACCEPT\n" +
    "-A POSTROUTING -p udp -j ACCEPT\nCOMMIT\n";
  for (const program of ["iptables-restore", "ip6tables-restore"]) {
    host.hosts.exec(
      host.client,
      "sh",
      "-c",
      `printf '${others.replaceAll("\n", "\\n")}' | ${program}`,
    );
  }
  host.hosts.exec(host.client, "nft", "add table inet theirs");
  const before = host.traces(host.client);
  host.apply(planOf());
  host.apply(planOf({ otherwise: true }));
  assert.match(host.traces(host.client), /tcp dport 1 .*\n.*jump SHIMKIT_0/);
  host.hosts.in(host.client, () => host.rules.remove());
  assert.equal(host.traces(host.client), before);
}));

Deno.test(needs(NEEDS, "a plan that the kernel refuses leaves the last one in force", async () => {
  using host = await HoldingHost.make();
  const none = host.traces(host.client);
  const bad = planOf({ cgroups: ["shimkit-no-such-group"], redirectPort: 1 });
  assert.throws(() => host.apply(bad), /cgroup/);
  assert.equal(host.traces(host.client), none);
  host.apply(planOf());
  const before = host.traces(host.client);
  assert.throws(() => host.apply(bad), /cgroup/);
  assert.equal(host.traces(host.client), before);
}));

/** Applies a plan in a process that dies without removing it. */
function applyAndDie(host: HoldingHost): void {
  const program = new URL("testing/rules_leaver.ts", import.meta.url).pathname;
  host.hosts.exec(host.client, Deno.execPath(), "run", "-A", "--no-lock", program);
}

Deno.test(
  needs(NEEDS, "rules of a dead process are removed, those of a living one are not", async () => {
    using host = await HoldingHost.make();
    const before = host.traces(host.client);
    applyAndDie(host);
    assert.notEqual(host.traces(host.client), before);
    const stale = host.hosts.in(host.client, removeStaleRules);
    assert.equal(stale.length, 1);
    assert.notEqual(stale[0].pid, Deno.pid);
    assert.equal(host.traces(host.client), before);
    host.apply(planOf());
    assert.deepEqual(host.hosts.in(host.client, removeStaleRules), []);
    assert.notEqual(host.traces(host.client), before);
  }),
);

Deno.test(needs(NEEDS, "rules of a dead process are taken over by the next one", async () => {
  using host = await HoldingHost.make();
  const before = host.traces(host.client);
  applyAndDie(host);
  host.apply(planOf());
  const jumps = host.traces(host.client).match(/jump SHIMKIT_0/g);
  assert.equal(jumps?.length, 2, "one rule a family leads to the chain");
  host.hosts.in(host.client, () => host.rules.remove());
  assert.equal(host.traces(host.client), before, "what the dead one made goes as well");
}));

Deno.test(needs(NEEDS, "two shims on one host need two numbers", async () => {
  using host = await HoldingHost.make();
  const args = [host.client, Deno.execPath(), "run", "-A", "--no-lock"];
  const program = new URL("testing/rules_leaver.ts", import.meta.url).pathname;
  const other = new Deno.Command("ip", {
    args: ["netns", "exec", ...args, program, "stay"],
    stdout: "piped",
  }).spawn();
  const words = other.stdout.getReader();
  await words.read();
  assert.throws(
    () => host.apply(planOf()),
    /another shim of this host, process \d+, has the number 0/,
  );
  const second = new KernelRules(1);
  host.hosts.in(host.client, () => second.apply(planOf({ queue: 8 })));
  assert.match(host.traces(host.client), /chain SHIMKIT_0[^]*chain SHIMKIT_1/);
  host.hosts.in(host.client, () => second.remove());
  assert.match(host.traces(host.client), /chain SHIMKIT_0/);
  other.kill("SIGKILL");
  await other.status;
  await words.cancel();
}));

Deno.test(needs([...NEEDS, "cgroup2"], "only a cgroup's connections are held", async () => {
  using host = await HoldingHost.make();
  for (const port of [8080, 8081]) host.serve(port);
  using group = Cgroup.make();
  host.apply(planOf({ selections: [], cgroups: [group.name] }));
  const queue = host.queue();
  assert.equal(outcome(host.connect(SERVERS[0], 8080)), 0);
  const script = `echo $$ > ${group.path}/cgroup.procs; exec 3<>/dev/tcp/${SERVERS[0]}/8081`;
  const inside = `/run/netns/${host.client}`;
  const app = new Deno.Command("nsenter", { args: [`--net=${inside}`, "bash", "-c", script] })
    .spawn();
  const { packet, syn } = nextHeld(queue)!;
  assert.equal(syn.destination.port, 8081);
  queue.verdict(packet.id, Verdict.Accept);
  assert.equal((await app.status).code, 0);
}));

/** A group of processes of this test's own. */
class Cgroup implements Disposable {
  private constructor(readonly name: string, readonly path: string) {}

  static make(): Cgroup {
    const name = `sk${Deno.pid}`;
    const root = /^\S+ (\S+) cgroup2 /m.exec(Deno.readTextFileSync("/proc/mounts"))![1];
    Deno.mkdirSync(`${root}/${name}`);
    return new Cgroup(name, `${root}/${name}`);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.path);
  }
}

Deno.test(needs(NEEDS, "the fronts are found by trying, which leaves no trace", async () => {
  using host = await HoldingHost.make();
  const before = host.traces(host.client);
  const fronts = host.hosts.in(host.client, detectFronts);
  assert.deepEqual(fronts, { best: "nfqueue", families: [4, 6], lacks: [] });
  assert.equal(host.traces(host.client), before);
  host.apply(planOf());
  const used = host.traces(host.client);
  host.hosts.in(host.client, detectFronts);
  assert.equal(host.traces(host.client), used);
}));
