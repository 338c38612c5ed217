import assert from "node:assert/strict";
import { IpAddress } from "../sctp/base/address.ts";
import {
  EACCES,
  ECONNREFUSED,
  EHOSTUNREACH,
  ENETUNREACH,
  ENOPROTOOPT,
  EPOLLIN,
  IPPROTO_TCP,
  SO_BINDTOIFINDEX,
  SOCK_STREAM,
  SOL_SOCKET,
} from "./constants.ts";
import { firewallMark, MarkKind, refusalKind } from "./firewall_marks.ts";
import { type NetfilterQueue, Verdict } from "./nfqueue.ts";
import { guardQueue } from "./queue_guard.ts";
import { takeAway } from "./queue_watchdog.ts";
import { nativeBytes } from "./native_memory.ts";
import { SOCKADDR_BYTES, writeSockaddr } from "./sockaddr.ts";
import { familyOf, openSocket, setOption } from "./socket.ts";
import { libc } from "./libc.ts";
import { SockDiag } from "./sock_diag.ts";
import { TcpSocket } from "./tcp_socket.ts";
import {
  HoldingHost,
  nextHeld,
  outcome,
  planOf,
  REDIRECT_PORT,
  SERVERS,
  waitFor,
} from "./testing/held_syns.ts";
import { needs } from "./testing/requirements.ts";

const NEEDS = ["linux", "ffi", "root", "netns", "nft", "iptables", "ipv6"] as const;
const LOOPBACK = { 4: IpAddress.parse("127.0.0.1"), 6: IpAddress.parse("::1") };

Deno.test(
  needs(NEEDS, "a held SYN tells who connects, and connects once it is accepted", async () => {
    using host = await HoldingHost.make();
    host.serve(8080);
    host.apply(planOf());
    const queue = host.queue();
    for (const server of SERVERS) {
      const socket = host.connect(server, 8080);
      const { packet, syn } = nextHeld(queue)!;
      assert.deepEqual(syn.source, socket.localAddress);
      assert.deepEqual(syn.destination, { address: IpAddress.parse(server), port: 8080 });
      assert.equal(packet.family, syn.source.address.family);
      assert.equal(packet.uid, Deno.uid());
      assert.equal(packet.gid, Deno.gid());
      assert.ok(packet.outputInterface > 1);
      assert.equal(outcome(socket, 300), undefined, "connect() waits while its SYN is held");
      queue.verdict(packet.id, Verdict.Accept);
      assert.equal(outcome(socket), 0);
    }
  }),
);

Deno.test(
  needs(
    NEEDS,
    "a carried connection comes to the shim and keeps its names, IPv4 and IPv6",
    async () => {
      using host = await HoldingHost.make();
      host.apply(planOf());
      const queue = host.queue();
      const mark = firewallMark(0, MarkKind.Carry);
      for (const server of SERVERS) {
        const address = IpAddress.parse(server);
        const front = host.listen(host.client, {
          address: LOOPBACK[address.family],
          port: REDIRECT_PORT,
        });
        const socket = host.connect(server, 8080);
        const { packet, syn } = nextHeld(queue)!;
        queue.verdict(packet.id, Verdict.Accept, mark);
        assert.equal(outcome(socket), 0);
        assert.ok(waitFor(front.descriptor, EPOLLIN));
        const accepted = front.accept()!;
        assert.deepEqual(accepted.peer, syn.source);
        assert.deepEqual(accepted.socket.originalDestination, { address, port: 8080 });
        assert.deepEqual(socket.remoteAddress, { address, port: 8080 });
        accepted.socket.close();
      }
    },
  ),
);

/** What connect() fails with in each family when the verdict asks for the errno. */
const REFUSALS: readonly (readonly [errno: number, v4: number, v6: number])[] = [
  [ECONNREFUSED, ECONNREFUSED, ECONNREFUSED],
  [EHOSTUNREACH, EHOSTUNREACH, EHOSTUNREACH],
  [ENETUNREACH, ENETUNREACH, ENETUNREACH],
  [EACCES, EHOSTUNREACH, EACCES],
  [ENOPROTOOPT, ENOPROTOOPT, ECONNREFUSED],
];

Deno.test(needs(NEEDS, "connect() fails with the error that the peer meant", async () => {
  using host = await HoldingHost.make();
  host.apply(planOf());
  const queue = host.queue();
  for (const [errno, ...results] of REFUSALS) {
    for (const [family, server] of SERVERS.entries()) {
      const socket = host.connect(server, 8080);
      const { packet } = nextHeld(queue)!;
      const kind = refusalKind(errno, packet.family)!;
      queue.verdict(packet.id, Verdict.Accept, firewallMark(0, kind));
      assert.equal(outcome(socket), results[family], `${errno} for ${server}`);
    }
  }
}));

Deno.test(needs(NEEDS, "a dropped SYN is sent again, and held again", async () => {
  using host = await HoldingHost.make();
  host.serve(8080);
  host.apply(planOf());
  const queue = host.queue();
  const socket = host.connect(SERVERS[0], 8080);
  const first = nextHeld(queue)!;
  const { sequenceNumber } = first.syn;
  queue.verdict(first.packet.id, Verdict.Drop);
  const again = nextHeld(queue)!;
  assert.equal(again.syn.sequenceNumber, sequenceNumber);
  queue.verdict(again.packet.id, Verdict.Accept);
  assert.equal(outcome(socket), 0);
}));

Deno.test(needs(NEEDS, "without anybody at the queue connections pass", async () => {
  using host = await HoldingHost.make();
  host.serve(8080);
  host.apply(planOf());
  for (const server of SERVERS) assert.equal(outcome(host.connect(server, 8080), 500), 0);
}));

/** A process of its own that holds the next SYN. */
class Holder {
  readonly process: Deno.ChildProcess;
  readonly #words: ReadableStreamDefaultReader<string>;

  constructor(host: HoldingHost, ...args: readonly string[]) {
    const program = new URL("testing/queue_holder.ts", import.meta.url).pathname;
    const run = [Deno.execPath(), "run", "-A", "--no-lock", program, String(planOf().queue)];
    this.process = new Deno.Command("ip", {
      args: ["netns", "exec", host.client, ...run, ...args],
      stdout: "piped",
    }).spawn();
    this.#words = this.process.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  async says(word: string): Promise<void> {
    assert.equal((await this.#words.read()).value, `${word}\n`);
  }

  async kill(): Promise<void> {
    this.process.kill("SIGKILL");
    await this.process.status;
    await this.#words.cancel();
  }
}

for (const guard of [[], ["60000"]]) {
  const name = guard.length > 0 ? "a guarded holder" : "a holder";
  Deno.test(needs(NEEDS, `${name} that is killed costs the application one SYN`, async () => {
    using host = await HoldingHost.make();
    host.serve(8080);
    host.apply(planOf());
    const holder = new Holder(host, ...guard);
    await holder.says("ready");
    const socket = host.connect(SERVERS[0], 8080);
    await holder.says("held");
    assert.equal(outcome(socket, 0), undefined);
    await holder.kill();
    assert.equal(outcome(socket), 0);
  }));
}

Deno.test(
  needs(
    NEEDS,
    "a holder that is stopped loses its queue to its guard, and learns of it",
    async () => {
      using host = await HoldingHost.make();
      host.serve(8080);
      host.apply(planOf());
      const holder = new Holder(host, "500");
      await holder.says("ready");
      const socket = host.connect(SERVERS[1], 8080);
      await holder.says("held");
      assert.equal(outcome(socket, 1500), undefined, "the guard leaves one alone that beats");
      holder.process.kill("SIGSTOP");
      assert.equal(outcome(socket), 0);
      assert.equal(outcome(host.connect(SERVERS[0], 8080), 500), 0);
      holder.process.kill("SIGCONT");
      await holder.says("unguarded");
      await holder.kill();
    },
  ),
);

Deno.test(needs(NEEDS, "a guard that is stopped leaves the queue alone", async () => {
  using host = await HoldingHost.make();
  host.serve(8080);
  host.apply(planOf());
  const queue = host.queue();
  const guard = host.hosts.in(host.client, () => guardQueue(queue, 60_000))!;
  assert.equal(outcome(acceptedBy(host, queue)), 0);
  await guard.stop();
  assert.equal(outcome(acceptedBy(host, queue)), 0);
}));

Deno.test(needs(NEEDS, "a queue that a watchdog takes away lets go of what it held", async () => {
  using host = await HoldingHost.make();
  host.serve(8080);
  host.apply(planOf());
  const queue = host.queue();
  const socket = host.connect(SERVERS[1], 8080);
  assert.ok(nextHeld(queue));
  const guard = host.hosts.in(host.client, () => guardQueue(queue, 60_000))!;
  takeAway(queue.descriptor);
  await guard.stop();
  assert.equal(outcome(socket), 0);
  assert.throws(() => queue.receive(), { code: "ENOTSOCK" });
  const next = host.queue();
  const held = host.connect(SERVERS[1], 8080);
  next.verdict(nextHeld(next)!.packet.id, Verdict.Accept);
  assert.equal(outcome(held), 0, "the number of the queue is free for a new one");
}));

const SYN_COUNTER = "table inet seen { chain in { type filter hook input priority 0; " +
  "tcp dport 8080 tcp flags syn / syn,ack counter; }; }";

/** A connection whose SYN was held and accepted. */
function acceptedBy(host: HoldingHost, queue: NetfilterQueue): TcpSocket {
  const socket = host.connect(SERVERS[0], 8080);
  queue.verdict(nextHeld(queue)!.packet.id, Verdict.Accept);
  return socket;
}

Deno.test(
  needs(NEEDS, "an application that dies while it is held leaves no ghost SYN", async () => {
    using host = await HoldingHost.make();
    host.serve(8080);
    host.apply(planOf());
    const queue = host.queue();
    const diag = host.hosts.in(host.client, () => new SockDiag());
    host.hosts.exec(host.server, "nft", SYN_COUNTER);
    for (const server of SERVERS) {
      const options = { remoteAddress: IpAddress.parse(server), remotePort: 8080 };
      const socket = host.hosts.in(host.client, () => TcpSocket.connect(options));
      const { packet, syn } = nextHeld(queue)!;
      const found = diag.find(syn.source, syn.destination, packet.outputInterface);
      assert.equal(found?.state, "SYN-SENT");
      assert.equal(found.uid, Deno.uid());
      socket.close();
      assert.equal(diag.find(syn.source, syn.destination, packet.outputInterface), undefined);
      queue.verdict(packet.id, Verdict.Drop);
    }
    assert.match(host.output(host.server, "nft", "list", "table", "inet", "seen"), /packets 0 /);
    assert.equal(outcome(acceptedBy(host, queue)), 0);
    assert.match(host.output(host.server, "nft", "list", "table", "inet", "seen"), /packets 1 /);
    diag.close();
  }),
);

Deno.test(
  needs(NEEDS, "a full queue lets connections pass, or drops them if it is told to", async () => {
    using host = await HoldingHost.make();
    host.serve(8080);
    host.apply(planOf());
    const open = host.queue({ maxLength: 1 });
    const first = host.connect(SERVERS[0], 8080);
    assert.ok(nextHeld(open));
    assert.equal(outcome(host.connect(SERVERS[0], 8080)), 0);
    assert.equal(outcome(first, 0), undefined);
    open.acceptAll();
    assert.equal(outcome(first), 0);
    takeAway(open.descriptor);
    const closed = host.queue({ maxLength: 1, failOpen: false });
    host.connect(SERVERS[0], 8080);
    assert.ok(nextHeld(closed));
    assert.equal(outcome(host.connect(SERVERS[0], 8080), 500), undefined);
  }),
);

Deno.test(needs(NEEDS, "a queue belongs to one process, and says so", async () => {
  using host = await HoldingHost.make();
  host.queue();
  assert.throws(() => host.queue(), { code: "EPERM", message: /queue 7.*nfnetlink_queue/ });
}));

Deno.test(needs(NEEDS, "a verdict on a packet that is gone is counted", async () => {
  using host = await HoldingHost.make();
  const queue = host.queue();
  queue.verdict(12345, Verdict.Accept);
  assert.equal(queue.receive(), 0);
  assert.equal(queue.lateVerdicts, 1);
}));

/** Starts to connect by a socket that is bound to the link, as `curl --interface` does. */
function connectByLink(address: IpAddress, port: number): TcpSocket {
  const descriptor = openSocket(familyOf(address), SOCK_STREAM, IPPROTO_TCP, "TCP socket");
  const index = libc().if_nametoindex(new TextEncoder().encode("link0\0"));
  setOption(descriptor, SOL_SOCKET, SO_BINDTOIFINDEX, index, "SO_BINDTOIFINDEX");
  const sockaddr = nativeBytes(SOCKADDR_BYTES);
  libc().connect(descriptor, sockaddr, writeSockaddr(sockaddr, 0, address, port));
  return new TcpSocket(descriptor);
}

Deno.test(
  needs(NEEDS, "the socket of a held SYN is found, however the application made it", async () => {
    using host = await HoldingHost.make();
    host.serve(8080);
    host.apply(planOf());
    const queue = host.queue();
    const diag = host.hosts.in(host.client, () => new SockDiag());
    const connects: readonly (() => TcpSocket)[] = [
      ...SERVERS.map((server) => () => connectByLink(IpAddress.parse(server), 8080)),
      () => {
        const mapped = IpAddress.parse(`::ffff:${SERVERS[0]}`);
        return TcpSocket.connect({ remoteAddress: mapped, remotePort: 8080 });
      },
    ];
    for (const connect of connects) {
      const socket = host.hosts.in(host.client, connect);
      const { packet, syn } = nextHeld(queue)!;
      const found = diag.find(syn.source, syn.destination, packet.outputInterface);
      assert.equal(found?.state, "SYN-SENT");
      assert.equal(found.source.port, socket.localAddress.port);
      queue.verdict(packet.id, Verdict.Accept);
      assert.equal(outcome(socket), 0);
      socket.close();
    }
    diag.close();
  }),
);
