/** What two endpoints do over a network, one story a test. */
import assert from "node:assert/strict";
import { IpAddress } from "../sctp/base/address.ts";
import type { InboundPacket } from "../sctp/packet.ts";
import { ChunkType } from "../sctp/wire/chunk_type.ts";
import type { LinkSettings } from "./link_settings.ts";
import type { LossModel } from "./loss.ts";
import { Network } from "./network.ts";
import { Scenario } from "./scenario.ts";
import { SimPeer, type SimPeerOptions } from "./testing/sim_peer.ts";
import { Workload, type WorkloadOptions } from "./workload.ts";

const SEED = 7;
const CLIENT = ["10.1.0.1", "10.2.0.1"];
const SERVER = ["10.1.0.2", "10.2.0.2"];
const MTU = 1500;

type Sides = Partial<Record<"client" | "server", Partial<SimPeerOptions>>>;

/** A client and a server with one link or more; the links are numbered like the addresses. */
function meet(settings: readonly LinkSettings[], sides: Sides = {}, sent?: Workload) {
  const network = new Network(SEED);
  const count = settings.length;
  const server = new SimPeer("server", network, {
    addresses: SERVER.slice(0, count),
    listens: true,
    ...(sent && { expects: sent }),
    ...sides.server,
  });
  const client = new SimPeer("client", network, {
    addresses: CLIENT.slice(0, count),
    ...(sent && { sends: sent }),
    ...sides.client,
  });
  const links = settings.map((one, i) => network.connect(CLIENT[i], SERVER[i], one));
  const scenario = new Scenario(network, { time: 600_000 });
  return { network, client, server, links, scenario };
}

function workload(options: Partial<WorkloadOptions>): Workload {
  return new Workload({ seed: SEED, streams: 4, messages: 50, maximumSize: 20_000, ...options });
}

/** Loses the first packet that begins with a chunk of this type. */
function loseFirst(type: ChunkType): LossModel {
  let isLost = false;
  return {
    loses(_random, { buffer, offset }: InboundPacket) {
      if (isLost || buffer[offset + 12] !== type) return false;
      isLost = true;
      return true;
    },
  };
}

Deno.test("messages arrive in order, and a shutdown ends both sides", () => {
  const sent = workload({});
  const { client, server, scenario } = meet([{ delay: 10 }], {}, sent);
  client.associate(server);
  scenario.runUntil(() => server.isComplete, "all messages");
  client.command((association, now) => association.shutdown(now));
  scenario.runUntilQuiet();
  assert.ok(server.checker?.complete().ok, server.checker?.complete().text);
  assert.deepEqual(client.events.filter((event) => event !== "writable"), [
    "communication-up",
    "shutdown-complete",
  ]);
  assert.ok(server.events.includes("shutdown-received"));
  assert.equal(server.events.at(-1), "shutdown-complete");
});

Deno.test("bulk data fills a link of 10 Mbit/s", () => {
  const sent = workload({ messages: 200, minimumSize: 20_000 });
  const { network, client, server, scenario } = meet([{ rate: 10e6, delay: 10 }], {}, sent);
  client.associate(server);
  scenario.runUntil(() => server.isComplete, "all messages");
  const rate = sent.bytes * 8000 / network.clock.now;
  assert.ok(rate > 8.5e6, `${(rate / 1e6).toFixed(2)} Mbit/s`);
});

Deno.test("data moves to the other path when the first is cut, and with switchback comes back when it has healed", () => {
  const sent = workload({ messages: 2000, minimumSize: 15_000 });
  const settings = { rate: 20e6, delay: 5, queuePackets: 100 };
  // Frequent probes, so that the healed path is noticed while there is data left.
  const switchback = { primarySwitchoverMaxRetrans: 65_535 };
  const sides = { client: { parameters: { hbInterval: 1000, rtoMax: 2000, ...switchback } } };
  const { client, server, links, scenario } = meet([settings, settings], sides, sent);
  const [first, second] = links;
  client.associate(server);
  scenario.at(2000, "cut the first link", () => first.cut());
  scenario.at(9000, "heal it", () => first.heal());
  scenario.runFor(8999);
  const bytesAtHeal = first.forward.statistics.deliveredBytes;
  const detour = second.forward.statistics.deliveredBytes;
  assert.ok(detour > 5e6, `${detour} bytes took the second link`);
  scenario.runUntil(() => server.isComplete, "all messages");
  assert.ok(server.checker?.complete().ok, server.checker?.complete().text);
  const back = first.forward.statistics.deliveredBytes - bytesAtHeal;
  assert.ok(back > 5e6, `${back} bytes came back to the first link`);
  assert.equal(client.association?.paths[0].status, "active");
  const gaps = server.readTimes.map((at, i, all) => i === 0 ? 0 : at - all[i - 1]);
  assert.ok(Math.max(...gaps) < 3000, `longest gap ${Math.max(...gaps)} ms`);
});

Deno.test("no packet of a path leaves by another path's interface", () => {
  const sent = workload({ messages: 300 });
  const { network, client, server, links, scenario } = meet([{ delay: 2 }, { delay: 3 }], {}, sent);
  const strays: string[] = [];
  network.observe({
    packetSent(_now, link, packet) {
      const index = CLIENT.indexOf(packet.source.text) + SERVER.indexOf(packet.source.text) + 1;
      const { forward, backward } = links[index];
      if (link !== forward && link !== backward) strays.push(`${packet.source} on ${link.name}`);
    },
    packetArrived() {},
  });
  client.associate(server);
  scenario.at(300, "cut the first link", () => links[0].cut());
  scenario.runUntil(() => server.isComplete, "all messages");
  assert.deepEqual(strays, []);
  for (const { host } of [client, server]) {
    assert.equal(host.statistics.dropped["bad-source"], 0);
    assert.equal(host.statistics.dropped["no-route"], 0);
  }
});

Deno.test("a laptop that loses one address goes on with the other", () => {
  const sent = workload({ messages: 400, minimumSize: 5000 });
  const settings = { rate: 10e6, delay: 5, queuePackets: 100 };
  const { client, server, links, scenario } = meet([settings, settings], {}, sent);
  client.associate(server);
  scenario.at(500, "lose the first address", () => {
    client.host.setAddressUp(IpAddress.parse(CLIENT[0]), false);
    links[0].cut();
  });
  scenario.runUntil(() => server.isComplete, "all messages");
  assert.ok(server.checker?.complete().ok, server.checker?.complete().text);
  assert.equal(client.host.statistics.dropped["bad-source"], 0);
});

Deno.test("congestion is met by ECN before a packet is lost", () => {
  const sent = workload({ messages: 300, minimumSize: 15_000 });
  const link = { rate: 10e6, delay: 10, queuePackets: 200, ecnThreshold: 20 };
  const { client, server, links, scenario } = meet([link], {}, sent);
  client.associate(server);
  scenario.runUntil(() => server.isComplete, "all messages");
  const { marked, lost } = links[0].forward.statistics;
  assert.ok(marked > 0);
  assert.equal(lost.queue, 0);
  assert.ok((client.association?.paths[0].metrics.ecnReductions ?? 0) > 0);
});

Deno.test("a path with a smaller MTU is learnt from ICMP, over IPv4 and UDP", () => {
  const sent = workload({ messages: 60, minimumSize: 10_000 });
  const udp = { client: { encapsulationPort: 40_000 }, server: { encapsulationPort: 9899 } };
  const { client, server, links, scenario } = meet([{ delay: 5, mtu: 1300 }], udp, sent);
  client.associate(server);
  scenario.runUntil(() => server.isComplete, "all messages");
  assert.ok(server.checker?.complete().ok, server.checker?.complete().text);
  assert.equal(client.association?.paths[0].pmtu, 1300);
  const { sent: packets, sentBytes } = links[0].forward.statistics;
  assert.ok(sentBytes / packets < 1300 && MTU > 1300);
});

Deno.test("a path that swallows large packets without a word is found out and used (RFC 8899)", () => {
  const sent = workload({ messages: 60, minimumSize: 10_000 });
  const hole = { delay: 5, mtu: 1450, packetTooBig: false };
  const { client, server, scenario } = meet([hole], {}, sent);
  client.associate(server);
  scenario.runUntil(() => server.isComplete, "all messages");
  assert.ok(server.checker?.complete().ok, server.checker?.complete().text);
  assert.equal(client.association?.paths[0].pmtu, 1440);
});

Deno.test("a path that swallows what is larger than the usual is used with what passes", () => {
  const sent = workload({ messages: 20, minimumSize: 10_000 });
  const hole = { delay: 5, mtu: 1006, packetTooBig: false };
  const { client, server, scenario } = meet([hole], {}, sent);
  client.associate(server);
  scenario.runUntil(() => server.isComplete, "all messages");
  assert.equal(client.association?.paths[0].pmtu, 1000);
});

Deno.test("a cut path is no black hole: its packets, and those of others, stay as large as they were", () => {
  const sent = workload({ messages: 3000, minimumSize: 15_000 });
  const settings = { rate: 20e6, delay: 5, queuePackets: 100 };
  const { client, server, links, scenario } = meet([settings, settings], {}, sent);
  client.associate(server);
  scenario.at(1000, "cut the first link", () => links[0].cut());
  scenario.runUntil(() => server.isComplete, "all messages");
  assert.deepEqual(client.association?.paths.map(({ pmtu }) => pmtu), [MTU, MTU]);
});

Deno.test("a host without SCTP is told apart from one that is silent", () => {
  const elsewhere = { server: { encapsulationPort: 9899 } };
  const { client, server, scenario } = meet([{ delay: 20 }], elsewhere);
  client.associate(server, { encapsulationPort: 0 });
  scenario.runUntilQuiet();
  assert.deepEqual(client.events, ["communication-lost: no-sctp-at-peer"]);

  const silent = meet([{ delay: 20 }]);
  silent.links[0].cut();
  silent.client.associate(silent.server);
  silent.scenario.runUntilQuiet();
  assert.deepEqual(silent.client.events, ["communication-lost: unreachable"]);
});

Deno.test("a peer that vanishes is noticed, with data waiting and without", () => {
  for (const sent of [workload({ messages: 500 }), workload({ messages: 1 })]) {
    const { client, server, scenario } = meet([{ rate: 1e6, delay: 20 }], {}, sent);
    client.associate(server);
    scenario.runFor(1000);
    server.host.switchOff();
    scenario.runUntil(() => client.host.handler.associationCount === 0, "the end");
    assert.equal(client.events.at(-1), "communication-lost: unreachable");
    assert.equal(client.host.handler.bufferedMemory, 0);
  }
});

Deno.test("a message longer than the receive buffer gets through to a slow reader", () => {
  const sent = workload({ messages: 12, streams: 1, minimumSize: 1000, maximumSize: 200 * 1024 });
  for (const readDelay of [0, 50, 2000]) {
    const small = { server: { parameters: { receiveBuffer: 20_000 }, readDelay } };
    const { client, server, scenario } = meet([{ rate: 50e6, delay: 5 }], small, sent);
    client.associate(server);
    scenario.runUntil(() => server.isComplete, `all messages, read after ${readDelay} ms`);
    assert.ok(server.checker?.complete().ok, server.checker?.complete().text);
  }
});

Deno.test("a short message before a long one does not keep the long one's parts back", () => {
  const sent = workload({ seed: 2979, messages: 2, minimumSize: 1, maximumSize: 100_000 });
  assert.deepEqual(sent.messages.map(({ size }) => size), [5, 72_262]);
  const small = { server: { parameters: { receiveBuffer: 20_000 }, readDelay: 2200 } };
  const { client, server, scenario } = meet([{ rate: 50e6, delay: 5 }], small, sent);
  client.associate(server);
  scenario.runUntil(() => server.isComplete, "the long message");
  assert.ok(server.checker?.complete().ok, server.checker?.complete().text);
});

Deno.test("a peer that keeps its window closed for minutes is not given up while it answers", () => {
  const sent = workload({ messages: 100, minimumSize: 1000, maximumSize: 5000 });
  for (const rtoMin of [1000, 200]) {
    const sides = {
      client: { parameters: { rtoMin } },
      server: { parameters: { rtoMin, receiveBuffer: 20_000 }, readDelay: 400_000 },
    };
    const { client, server, scenario } = meet([{ delay: 1 }, { delay: 7 }], sides, sent);
    client.associate(server);
    scenario.runFor(399_000);
    assert.deepEqual(client.events.filter((event) => event.startsWith("communication")), [
      "communication-up",
    ]);
    assert.ok(client.association && client.association.bufferedBytes > 0);
  }
});

Deno.test("a HEARTBEAT that the SHUTDOWN has overtaken does not turn the end into an abort", () => {
  const { client, server, links, scenario } = meet([{ delay: 1 }, { delay: 40 }]);
  client.associate(server);
  scenario.runFor(500);
  links[0].forward.change({ loss: loseFirst(ChunkType.ShutdownComplete) });
  client.command((association, now) => {
    association.requestHeartbeat(now, association.paths[1]);
    association.shutdown(now);
  });
  scenario.runUntilQuiet();
  assert.equal(client.events.at(-1), "shutdown-complete");
  assert.equal(server.events.at(-1), "shutdown-complete");
});
