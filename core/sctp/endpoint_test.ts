/** The endpoint's contract: drain rule, ports, misuse, limits, memory (no RFC: DESIGN.md, section 3). */
import assert from "node:assert/strict";
import { instant, NEVER } from "./base/time.ts";
import { Endpoint } from "./endpoint.ts";
import { PacketBatch } from "./packet.ts";
import { simEnvironment } from "../sim/environment.ts";
import { PLAIN, Puppet, SUBJECT_PORT } from "./testing/puppet.ts";
import { address, localAddresses, TestEndpoint } from "./testing/test_endpoint.ts";
import { WirePair } from "./testing/wire_pair.ts";

Deno.test("arming a timer before draining throws, with development checks", () => {
  const endpoint = new Endpoint(simEnvironment(1), {
    developmentChecks: true,
    localAddresses: localAddresses(["10.0.0.1"]),
  });
  assert.equal(endpoint.pollTimeout(), NEVER);
  endpoint.associate(instant(0), { remotePort: 1, remoteAddresses: [address("10.0.0.2")] });
  assert.throws(() => endpoint.pollTimeout(), /drain rule/);
  const batch = new PacketBatch(new Uint8Array(70_000), 10);
  while (endpoint.pollTransmit(instant(0), batch)) batch.clear();
  while (endpoint.pollEvent());
  assert.equal(endpoint.pollTimeout(), 1000);
});

Deno.test("ports are checked, and a port has one listener", () => {
  const { endpoint } = new TestEndpoint();
  for (const port of [0, -1, 65_536, 1.5, NaN]) {
    assert.throws(() => endpoint.listen(port), RangeError);
  }
  endpoint.listen(80);
  assert.throws(() => endpoint.listen(80), /taken/);
  endpoint.stopListening(80);
  endpoint.listen(80);
});

Deno.test("who listens when an INIT finds no listener has that INIT", () => {
  const pair = new WirePair();
  const asked: number[] = [];
  pair.b.endpoint.onUnservedPort = (port) => {
    asked.push(port);
    if (port === 80) pair.b.endpoint.listen(port);
  };
  const [served, refused] = [80, 81].map((remotePort) => {
    return pair.associate(["10.0.0.2"], { remotePort, localPort: remotePort });
  });
  pair.run(100);
  assert.deepEqual([served.state, refused.state], ["ESTABLISHED", "CLOSED"]);
  assert.deepEqual(asked, [80, 81]);
});

Deno.test("parameters out of range are refused wherever they are given", () => {
  const bad = { rtoMin: 2000, rtoMax: 1000 };
  assert.throws(() => new TestEndpoint({ parameters: bad }), /rtoMin/);
  const { endpoint } = new TestEndpoint();
  assert.throws(() => endpoint.listen(80, { parameters: { sackDelay: 501 } }), /sackDelay/);
  assert.throws(() => endpoint.listen(80, { parameters: { sackFrequency: 0 } }), RangeError);
});

Deno.test("a batch that is too small for all is filled again and again, without loss", () => {
  const options = { batchBytes: 66_000, batchPackets: 2, parameters: { noDelay: 1 } };
  const puppet = new Puppet(options);
  puppet.connect();
  const packets = puppet.submit(4000);
  assert.deepEqual(puppet.offsets(packets), [0, 1, 2]);
});

Deno.test("misuse of send is told in words", () => {
  const puppet = new Puppet({ listen: { parameters: { sendBuffer: 10_000, outboundStreams: 3 } } });
  puppet.connect();
  const send = (length: number, stream: number) => () =>
    puppet.association.send(puppet.subject.now, new Uint8Array(length), { ...PLAIN, stream });
  assert.throws(send(0, 0), /empty/);
  assert.throws(send(10_001, 0), /sendBuffer/);
  for (const stream of [-1, 3, 0.5, NaN, 65_536]) assert.throws(send(1, stream), /stream/);
  assert.equal(puppet.association.bufferedBytes, 0);
  assert.equal(send(10_000, 2)(), true);
  assert.equal(send(1, 0)(), false, "no room is no misuse");
  puppet.subject.drain();
});

Deno.test("the user's bytes are copied: what he does to them later is his own affair", () => {
  const puppet = new Puppet();
  puppet.connect();
  const bytes = Uint8Array.of(1, 2, 3);
  const packets = puppet.submit(bytes);
  bytes.fill(9);
  assert.deepEqual([...packets[0].chunks[0].slice(16)], [1, 2, 3]);
  const again = puppet.wait(1100).find(({ names }) => names === "DATA");
  assert.deepEqual([...again?.chunks[0].slice(16) ?? []], [1, 2, 3]);
});

Deno.test("reading into nothing, and reading nothing, does nothing", () => {
  const puppet = new Puppet();
  puppet.connect();
  assert.equal(puppet.read().bytes.length, 0);
  puppet.data();
  assert.equal(puppet.read(0).bytes.length, 0);
  assert.equal(puppet.read().bytes.length, 10);
});

Deno.test("associations have numbers that are never used again, and the endpoint lists the living", () => {
  const pair = new WirePair();
  const ids: number[] = [];
  for (let i = 0; i < 5; i++) {
    const association = pair.associate(["10.0.0.2"]);
    ids.push(association.id);
    pair.run(100);
    assert.deepEqual(pair.a.associations, [association]);
    assert.equal(pair.a.endpoint.associationCount, 1);
    pair.a.do((_, now) => association.shutdown(now));
    pair.collect();
    pair.run(100);
    assert.equal(pair.a.endpoint.associationCount + pair.b.endpoint.associationCount, 0);
  }
  assert.equal(new Set(ids).size, 5);
  assert.equal(pair.a.endpoint.metrics.associationsClosed, 5);
  assert.equal(pair.b.endpoint.metrics.associationsEstablished, 5);
});

Deno.test("hundreds of associations come, talk and go; nothing is left", () => {
  const pair = new WirePair({ script: () => [1] });
  const clients = Array.from(
    { length: 300 },
    (_, i) =>
      pair.a.do((endpoint, now) =>
        endpoint.associate(now, {
          localPort: 10_000 + i,
          remotePort: SUBJECT_PORT,
          remoteAddresses: [address("10.0.0.2")],
        })
      ),
  );
  pair.collect();
  pair.run(100);
  assert.equal(pair.b.associations.length, 300);
  for (const [i, client] of clients.entries()) {
    pair.a.do((_, now) => client.send(now, new Uint8Array(100 + i), PLAIN));
  }
  pair.collect();
  pair.run(1000);
  const info = { stream: 0, ssn: 0, ppid: 0, unordered: false, endOfMessage: false };
  const lengths = pair.b.associations.map((server) =>
    pair.b.do((_, now) => server.read(now, new Uint8Array(1000), info))
  );
  assert.deepEqual(lengths.sort((a, b) => a - b), clients.map((_, i) => 100 + i));
  for (const [i, client] of clients.entries()) {
    pair.a.do((_, now) => i % 2 === 0 ? client.shutdown(now) : client.abort(now));
  }
  pair.collect();
  pair.run(1000);
  for (const side of [pair.a, pair.b]) {
    assert.equal(side.associations.length, 0);
    assert.equal(side.endpoint.pool.liveBytes, 0);
    assert.equal(side.nextTimeout, NEVER);
  }
});

Deno.test("65,535 streams each way cost nothing until they are used", () => {
  const parameters = { outboundStreams: 65_535, inboundStreams: 65_535, noDelay: 1 };
  const pair = new WirePair({ a: { parameters }, b: { parameters }, script: () => [1] });
  const association = pair.associate(["10.0.0.2"]);
  pair.run(100);
  assert.equal(association.outboundStreams, 65_535);
  assert.equal(pair.a.endpoint.pool.reservedBytes, 0);
  pair.a.do((_, now) => association.send(now, Uint8Array.of(1), { ...PLAIN, stream: 65_534 }));
  pair.collect();
  pair.run(100);
  const [server] = pair.b.associations;
  const info = { stream: 0, ssn: 0, ppid: 0, unordered: false, endOfMessage: false };
  pair.b.do((_, now) => server.read(now, new Uint8Array(10), info));
  assert.equal(info.stream, 65_534);
});

Deno.test("metrics of the endpoint and of paths count what passes", () => {
  const pair = new WirePair({ script: () => [1] });
  const association = pair.associate(["10.0.0.2"]);
  pair.run(100);
  pair.a.do((_, now) => association.send(now, new Uint8Array(5000), PLAIN));
  pair.collect();
  pair.run(500);
  const { metrics } = association;
  assert.equal(metrics.messagesSent, 1);
  assert.equal(metrics.payloadSent, 5000);
  assert.equal(metrics.dataChunksSent, 4);
  assert.equal(metrics.dataChunksRetransmitted, 0);
  const [server] = pair.b.associations;
  assert.equal(server.metrics.dataChunksReceived, 4);
  assert.equal(association.paths[0].metrics.packetsSent, metrics.packetsSent);
  assert.equal(pair.b.endpoint.metrics.packetsReceived, pair.a.endpoint.metrics.packetsSent);
  assert.equal(pair.b.endpoint.metrics.bytesReceived, pair.a.endpoint.metrics.bytesSent);
});

Deno.test("the first path starts at the preferred local address, if that can reach the peer", () => {
  const addresses = ["10.0.0.1", "10.0.0.9", "10.0.1.1"];
  const first = (preferredLocal: string) => {
    const { endpoint } = new TestEndpoint({ addresses });
    const association = endpoint.associate(instant(0), {
      remotePort: 80,
      remoteAddresses: [address("10.0.0.2")],
      preferredLocal: address(preferredLocal),
    });
    return association.primaryPath?.local.text;
  };
  assert.equal(first("10.0.0.9"), "10.0.0.9");
  assert.equal(first("10.0.1.1"), "10.0.0.1", "another link");
  assert.equal(first("10.0.0.7"), "10.0.0.1", "none of this host's");
});
