/** Options about how associations are set up, in both styles. */
import assert from "node:assert/strict";
import { listenInSilence } from "../testing/silence.ts";
import { inBothStyles, until } from "../testing/styles.ts";
import { PORT, StackPair } from "../testing/pair.ts";

inBothStyles("SCTP_ASSOCINFO: what can be set, and what is told", async ({ client, server }) => {
  const info = client.getOption("SCTP_ASSOCINFO");
  assert.deepEqual([info.maxRetrans, info.cookieLife, info.peerDestinations], [10, 60_000, 1]);
  assert.ok(info.peerWindow > 0 && info.localWindow > 0);
  client.setOption("SCTP_ASSOCINFO", { maxRetrans: 3, cookieLife: 0 });
  assert.equal(client.getOption("SCTP_ASSOCINFO").maxRetrans, 3);
  assert.equal(client.getOption("SCTP_ASSOCINFO").cookieLife, 60_000, "0 leaves it as it is");
  assert.throws(() => client.setOption("SCTP_ASSOCINFO", { cookieLife: 1 }), RangeError);
  await client.send(new Uint8Array(1000));
  await until(() => server.control.info.readableBytes === 1000);
});

inBothStyles("SCTP_INITMSG: streams both ways", ({ client, server }) => {
  assert.equal(client.control.outboundStreams, 3);
  assert.equal(server.control.streams.inbound, 3);
  assert.equal(server.control.outboundStreams, 2, "no more than the client takes");
  assert.throws(
    () => client.setOption("SCTP_INITMSG", { outboundStreams: 9 }),
    /SCTP_INITMSG cannot be/,
  );
  return Promise.resolve();
}, { clientOptions: { SCTP_INITMSG: { outboundStreams: 3, maxInboundStreams: 2 } } });

Deno.test("SCTP_INITMSG: how often and how fast INIT is sent again", async () => {
  await using pair = new StackPair({ parameters: { rtoMin: 10, rtoInitial: 10 } });
  using silent = listenInSilence();
  const nowhere = { ...pair.target, encapsulationPort: silent.port };
  const options = { SCTP_INITMSG: { maxAttempts: 4, maxTimeout: 10 } };
  const before = pair.client.metrics.packetsSent;
  await assert.rejects(pair.client.connect({ ...nowhere, options }), {
    code: "ERR_SCTP_CONNECT_TIMEOUT",
  });
  assert.equal(pair.client.metrics.packetsSent - before, 5);
  const listener = pair.server.listen({ port: PORT, options });
  const defaults = { outboundStreams: 64, maxInboundStreams: 65_535 };
  assert.deepEqual(listener.getOption("SCTP_INITMSG"), {
    ...defaults,
    ...options.SCTP_INITMSG,
  });
});

inBothStyles("SCTP_ADAPTATION_LAYER: INIT and INIT ACK tell it", ({ client, server }) => {
  assert.equal(server.control.peerAdaptationIndication, 7);
  assert.equal(client.control.peerAdaptationIndication, 8);
  return Promise.resolve();
}, {
  clientOptions: { SCTP_ADAPTATION_LAYER: 7 },
  serverOptions: { SCTP_ADAPTATION_LAYER: 8 },
});

inBothStyles("SCTP_AUTO_ASCONF: it can be switched while the association lives", ({ client }) => {
  assert.equal(client.getOption("SCTP_AUTO_ASCONF"), false);
  client.setOption("SCTP_AUTO_ASCONF", true);
  assert.equal(client.getOption("SCTP_AUTO_ASCONF"), true);
  client.setOption("SCTP_AUTO_ASCONF", false);
  assert.equal(client.getOption("SCTP_AUTO_ASCONF"), false);
  return Promise.resolve();
});

inBothStyles("SCTP_I_WANT_MAPPED_V4_ADDR: addresses are never mapped", ({ client }) => {
  assert.equal(client.getOption("SCTP_I_WANT_MAPPED_V4_ADDR"), false);
  client.setOption("SCTP_I_WANT_MAPPED_V4_ADDR", false);
  assert.throws(() => client.setOption("SCTP_I_WANT_MAPPED_V4_ADDR", true), {
    code: "ERR_SCTP_OPTION_NOT_AVAILABLE",
  });
  return Promise.resolve();
});

Deno.test("SCTP_REUSE_PORT: connections share the port of a listener; sockets of many have no such option", async () => {
  await using pair = new StackPair();
  const { server } = await pair.associate();
  assert.equal(server.getOption("SCTP_REUSE_PORT"), true);
  assert.throws(() => server.setOption("SCTP_REUSE_PORT", false), {
    code: "ERR_SCTP_OPTION_NOT_AVAILABLE",
  });
  pair.client.listen({ port: 9 });
  const connection = await pair.client.connect({ ...pair.target, localPort: 9 });
  assert.equal(connection.localAddr.port, 9);
  const socket = pair.client.openSocket({ port: 10 });
  assert.throws(() => socket.getOption("SCTP_REUSE_PORT"), /an option of one-to-one sockets/);
});

/** Options that say whether an association has an extension. */
const SUPPORTED = [
  "SCTP_PR_SUPPORTED",
  "SCTP_INTERLEAVING_SUPPORTED",
  "SCTP_AUTH_SUPPORTED",
  "SCTP_ASCONF_SUPPORTED",
  "SCTP_RECONFIG_SUPPORTED",
  "SCTP_NRSACK_SUPPORTED",
  "SCTP_ECN_SUPPORTED",
] as const;

const WITH_PARTS = { SCTP_RECVRCVINFO: true, SCTP_FRAGMENT_INTERLEAVE: 2 };

for (const name of SUPPORTED) {
  for (const wanted of [true, false]) {
    inBothStyles(`${name}: ${wanted}`, ({ client, server }) => {
      assert.equal(client.getOption(name), wanted);
      assert.equal(server.getOption(name), wanted);
      assert.throws(() => client.setOption(name, true), { code: "ERR_SCTP_OPTION_LEVEL" });
      return Promise.resolve();
    }, {
      clientOptions: { ...WITH_PARTS, [name]: wanted },
      serverOptions: { ...WITH_PARTS, [name]: true },
    });
  }
}

Deno.test("SCTP_INTERLEAVING_SUPPORTED: it needs a reader who takes parts of several messages", async () => {
  await using pair = new StackPair();
  const listener = pair.server.listen({ port: PORT });
  assert.throws(
    () => listener.setOption("SCTP_INTERLEAVING_SUPPORTED", true),
    /set fragmentInterleave to 2/,
  );
});

inBothStyles("SCTP_ACCEPT_ZERO_CHECKSUM: not without DTLS below", ({ client }) => {
  assert.equal(client.getOption("SCTP_ACCEPT_ZERO_CHECKSUM"), false);
  return Promise.resolve();
}, { clientOptions: { SCTP_ACCEPT_ZERO_CHECKSUM: false } });

Deno.test("SCTP_ACCEPT_ZERO_CHECKSUM: it is refused in words", async () => {
  await using pair = new StackPair();
  const listener = pair.server.listen({ port: PORT });
  assert.throws(() => listener.setOption("SCTP_ACCEPT_ZERO_CHECKSUM", true), {
    code: "ERR_SCTP_OPTION_NOT_AVAILABLE",
  });
});
