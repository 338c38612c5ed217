/** Options about addresses and paths, in both styles. */
import assert from "node:assert/strict";
import { PORT, StackPair } from "../testing/pair.ts";
import { listenInSilence } from "../testing/silence.ts";
import { inBothStyles, until } from "../testing/styles.ts";

const [ONE, TWO] = ["127.0.0.1", "127.0.0.2"];
const TWO_PATHS = { client: [ONE, TWO], server: [ONE, TWO] };

inBothStyles("SCTP_PRIMARY_ADDR: data prefers the address", async ({ client, server }) => {
  assert.equal(client.getOption("SCTP_PRIMARY_ADDR"), ONE);
  client.setOption("SCTP_PRIMARY_ADDR", TWO);
  assert.equal(client.getOption("SCTP_PRIMARY_ADDR"), TWO);
  await until(() => client.control.paths.every(({ status }) => status === "active"));
  const bytesTo = (remote: string) =>
    client.control.paths.filter((path) => path.remote === remote)
      .reduce((sum, { metrics }) => sum + metrics.bytesSent, 0);
  const before = bytesTo(TWO);
  await client.send(new Uint8Array(1000));
  await server.receive();
  assert.ok(bytesTo(TWO) - before >= 1000);
  assert.throws(() => client.setOption("SCTP_PRIMARY_ADDR", "127.0.0.9"), RangeError);
  assert.throws(() => client.setOption("SCTP_PRIMARY_ADDR", "nowhere"), TypeError);
}, TWO_PATHS);

inBothStyles("SCTP_SET_PEER_PRIMARY_ADDR: the peer is asked to prefer an address", async (ends) => {
  const { client, server } = ends;
  await until(() => server.control.paths.every(({ status }) => status === "active"));
  client.setOption("SCTP_SET_PEER_PRIMARY_ADDR", TWO);
  await until(() => server.getOption("SCTP_PRIMARY_ADDR") === TWO);
  assert.throws(() => client.getOption("SCTP_SET_PEER_PRIMARY_ADDR"), {
    code: "ERR_SCTP_OPTION_ACCESS",
  });
}, TWO_PATHS);

inBothStyles(
  "SCTP_PEER_ADDR_PARAMS: limits and intervals of one address, or of all",
  ({ client }) => {
    const name = "SCTP_PEER_ADDR_PARAMS";
    client.setOption(name, { address: TWO, heartbeatInterval: 0, pathMaxRetrans: 2 });
    const { heartbeatInterval, pathMaxRetrans } = client.getOption(name, { address: TWO });
    assert.deepEqual([heartbeatInterval, pathMaxRetrans], [0, 2]);
    assert.equal(client.getOption(name, { address: ONE }).pathMaxRetrans, 5);
    client.setOption(name, { pathMaxRetrans: 7, heartbeat: false });
    for (const address of [ONE, TWO]) {
      const { heartbeat, pathMaxRetrans } = client.getOption(name, { address });
      assert.deepEqual([heartbeat, pathMaxRetrans], [false, 7]);
    }
    client.setOption(name, { address: TWO, heartbeat: true });
    assert.deepEqual(
      [ONE, TWO].map((address) => client.getOption(name, { address }).heartbeat),
      [false, true],
    );
    assert.equal(client.association.parameters.pathMaxRetrans, 7, "of addresses to come, too");
    assert.throws(() => client.getOption(name, { address: "127.0.0.9" }), /no address of the peer/);
    return Promise.resolve();
  },
  TWO_PATHS,
);

inBothStyles("SCTP_PEER_ADDR_PARAMS: a heartbeat is sent on demand", async ({ client }) => {
  const sent = () => client.control.paths[0].metrics.heartbeatsAcked;
  const before = sent();
  client.setOption("SCTP_PEER_ADDR_PARAMS", { address: ONE, heartbeatNow: true });
  await until(() => sent() === before + 1);
  assert.throws(
    () => client.setOption("SCTP_PEER_ADDR_PARAMS", { heartbeatNow: true }),
    RangeError,
  );
});

inBothStyles(
  "SCTP_PEER_ADDR_PARAMS: the path MTU is set by hand, and searched for again",
  async (ends) => {
    const { client, server } = ends;
    const name = "SCTP_PEER_ADDR_PARAMS";
    const { pathMtu } = client.getOption(name);
    client.setOption(name, { pathMtuDiscovery: false, pathMtu: 1000 });
    assert.equal(client.getOption(name).pathMtu, 1000);
    assert.equal(client.getOption("SCTP_GET_PEER_ADDR_INFO", { address: ONE }).mtu, 1000);
    const before = client.control.info.metrics.dataChunksSent;
    await client.send(new Uint8Array(2900));
    await server.receive();
    assert.equal(client.control.info.metrics.dataChunksSent - before, 3);
    client.setOption(name, { pathMtuDiscovery: true });
    await until(() => client.getOption(name).pathMtu === pathMtu);
    assert.throws(() => client.setOption(name, { pathMtu: 1000 }), /needs pathMtuDiscovery: false/);
  },
);

inBothStyles("SCTP_PEER_ADDR_PARAMS: flow label and DSCP are refused in words", ({ client }) => {
  for (const value of [{ dscp: 46 }, { ipv6FlowLabel: 1 }]) {
    assert.throws(() => client.setOption("SCTP_PEER_ADDR_PARAMS", value), {
      code: "ERR_SCTP_OPTION_NOT_AVAILABLE",
      message: /cannot set (dscp|ipv6FlowLabel)/,
    });
  }
  return Promise.resolve();
});

inBothStyles("SCTP_PEER_ADDR_PARAMS: those of associations to come", ({ client }) => {
  const params = client.getOption("SCTP_PEER_ADDR_PARAMS");
  assert.deepEqual([params.heartbeat, params.heartbeatInterval], [false, 5000]);
  return Promise.resolve();
}, {
  clientOptions: { SCTP_PEER_ADDR_PARAMS: { heartbeat: false, heartbeatInterval: 5000 } },
});

inBothStyles("SCTP_GET_PEER_ADDR_INFO: state, window and times of an address", async (ends) => {
  const { client, server } = ends;
  await client.send(new Uint8Array(1000));
  await server.receive();
  await until(() => client.control.info.bufferedBytes === 0);
  const info = client.getOption("SCTP_GET_PEER_ADDR_INFO", { address: ONE });
  const [path] = client.control.paths;
  assert.deepEqual(info, {
    address: ONE,
    state: "SCTP_ACTIVE",
    cwnd: path.cwnd,
    srtt: path.srtt,
    rto: path.rto,
    mtu: info.mtu,
  });
  assert.ok(info.mtu < path.pmtu && info.mtu > path.pmtu - 60);
});

inBothStyles(
  "SCTP_PEER_ADDR_THLDS: all three thresholds, that of a new primary path not below that of suspicion",
  ({ client }) => {
    client.setOption("SCTP_PEER_ADDR_THLDS", {
      address: TWO,
      pathMaxRetrans: 9,
      potentiallyFailed: 3,
    });
    assert.deepEqual(client.getOption("SCTP_PEER_ADDR_THLDS", { address: TWO }), {
      pathMaxRetrans: 9,
      potentiallyFailed: 3,
      primarySwitchover: 3,
    });
    assert.equal(client.getOption("SCTP_PEER_ADDR_THLDS", { address: ONE }).potentiallyFailed, 0);
    client.setOption("SCTP_PEER_ADDR_THLDS", { address: TWO, primarySwitchover: 0xffff });
    const { primarySwitchover } = client.getOption("SCTP_PEER_ADDR_THLDS", { address: TWO });
    assert.equal(primarySwitchover, 0xffff);
    assert.throws(
      () => client.setOption("SCTP_PEER_ADDR_THLDS", { address: TWO, primarySwitchover: 2 }),
      /primarySwitchoverMaxRetrans \(2\) must not be below potentiallyFailedMaxRetrans \(3\)/,
    );
    return Promise.resolve();
  },
  TWO_PATHS,
);

/** Probed all the time, and never given up. */
const TIRELESS = {
  SCTP_RTOINFO: { min: 20, initial: 20 },
  SCTP_PEER_ADDR_PARAMS: { heartbeatInterval: 20 },
  SCTP_PEER_ADDR_THLDS: { pathMaxRetrans: 1000 },
  SCTP_ASSOCINFO: { maxRetrans: 1000 },
};

for (const exposed of [true, false]) {
  inBothStyles(`SCTP_EXPOSE_POTENTIALLY_FAILED_STATE: ${exposed}`, async ({ client }) => {
    using silent = listenInSilence();
    const statuses: string[] = [];
    const first = client.told("path-status").then(
      ({ status }) => statuses.push(status),
      () => {},
    );
    client.setOption("SCTP_REMOTE_UDP_ENCAPS_PORT", { port: silent.port });
    await until(() => client.control.paths[0].errorCount > 0);
    if (exposed) await first;
    const { state } = client.getOption("SCTP_GET_PEER_ADDR_INFO", { address: ONE });
    assert.equal(state, exposed ? "SCTP_POTENTIALLY_FAILED" : "SCTP_ACTIVE");
    assert.deepEqual(statuses, exposed ? ["potentially-failed"] : []);
    client.abort();
  }, { clientOptions: { ...TIRELESS, SCTP_EXPOSE_POTENTIALLY_FAILED_STATE: exposed } });
}

inBothStyles("SCTP_REMOTE_UDP_ENCAPS_PORT: where packets go", ({ client, pair }) => {
  const port = pair.server.encapsulationPort;
  assert.equal(client.getOption("SCTP_REMOTE_UDP_ENCAPS_PORT", { address: ONE }).port, port);
  client.setOption("SCTP_REMOTE_UDP_ENCAPS_PORT", { address: ONE, port: 9 });
  assert.equal(client.getOption("SCTP_REMOTE_UDP_ENCAPS_PORT").port, 9);
  client.setOption("SCTP_REMOTE_UDP_ENCAPS_PORT", { port });
  return Promise.resolve();
});

Deno.test("SCTP_REMOTE_UDP_ENCAPS_PORT: that of peers that name none", async () => {
  await using pair = new StackPair();
  pair.server.listen({ port: PORT });
  const options = { SCTP_REMOTE_UDP_ENCAPS_PORT: { port: pair.server.encapsulationPort } };
  const connection = await pair.client.connect({ addresses: ONE, port: PORT, options });
  assert.equal(connection.paths[0].encapsulationPort, pair.server.encapsulationPort);
});
