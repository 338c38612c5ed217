import assert from "node:assert/strict";
import { DATAGRAM_PORT } from "./message.ts";
import { DatagramWire, DNS_RULES } from "./testing/datagram_wire.ts";

const CLIENT = "10.0.0.1:5000";
const SERVER = "10.0.0.2:53";
const LOST: readonly number[] = [];

Deno.test("no datagram waits: they go by plain UDP until the association stands, then over it", () => {
  const wire = new DatagramWire();
  assert.equal(wire.a.send(CLIENT, SERVER, "1"), false);
  assert.equal(wire.a.send(CLIENT, SERVER, "2"), false, "while it is set up");
  wire.run(100);
  assert.equal(wire.a.send(CLIENT, SERVER, "3"), false, "while the peer is asked for the flow");
  wire.run(100);
  assert.equal(wire.a.send(CLIENT, SERVER, "4"), true);
  wire.run(100);
  assert.deepEqual(wire.b.heard(), [`${CLIENT} > ${SERVER} 4`]);
  const { counters, flows } = wire.a.datagrams.status();
  assert.deepEqual([counters.plainOut, counters.carriedOut], [3, 1]);
  assert.deepEqual([flows[0].state, flows[0].carrier], ["ACTIVE", "sctp"]);
  assert.equal(wire.b.datagrams.status().flows[0].state, "NATIVE");
});

Deno.test("the server's answers come from where the application has sent to", () => {
  const wire = new DatagramWire();
  wire.carry();
  assert.equal(wire.b.send(SERVER, CLIENT, "answer"), true);
  assert.equal(wire.b.send(SERVER, "10.0.0.1:5001", "to another"), false);
  wire.run(100);
  assert.deepEqual(wire.a.heard(), [`${SERVER} > ${CLIENT} answer`]);
});

Deno.test("datagrams keep their boundaries, empty ones and the longest too", () => {
  const wire = new DatagramWire();
  wire.carry();
  for (const length of [0, 1, 1472, 20_000, 65_503]) {
    const payload = crypto.getRandomValues(new Uint8Array(length));
    assert.ok(wire.a.send(CLIENT, SERVER, payload));
    wire.run(3000);
    assert.deepEqual(wire.b.delivered.splice(0).map((each) => each.payload), [payload]);
  }
});

Deno.test("once a server is known to take flows, later ones go over SCTP from the first datagram on", () => {
  const wire = new DatagramWire();
  wire.carry();
  for (const port of [6000, 6001]) {
    const from = `10.0.0.1:${port}`;
    assert.ok(wire.a.send(from, SERVER, "query"));
    assert.ok(wire.a.send(from, SERVER, ""), "before the peer has answered");
    wire.run(100);
    assert.deepEqual(wire.b.heard().sort(), [`${from} > ${SERVER} `, `${from} > ${SERVER} query`]);
    assert.ok(wire.b.send(SERVER, from, "answer"));
    wire.run(100);
    assert.deepEqual(wire.a.heard(), [`${SERVER} > ${from} answer`]);
  }
  assert.equal(wire.a.associated, 1);
  assert.equal(wire.b.datagrams.status().flowCount, 3);
});

Deno.test("what no rule enables passes untouched", () => {
  const wire = new DatagramWire();
  wire.carry();
  assert.equal(wire.a.send(CLIENT, "10.0.0.2:54", "x"), false);
  assert.equal(wire.a.datagrams.status().flowCount, 1);
});

Deno.test("a host without a shim has plain UDP, and is remembered as such", () => {
  const wire = new DatagramWire({ rules: [DNS_RULES[0], []] });
  for (let i = 0; i < 20; i++) {
    assert.equal(wire.a.send(CLIENT, SERVER, "x"), false);
    wire.run(500);
  }
  assert.equal(wire.a.associated, 1);
  const [known] = wire.a.cache.list(wire.a.now);
  assert.deepEqual([known.address, known.port, known.available], ["10.0.0.2", DATAGRAM_PORT, "no"]);
  const [flow] = wire.a.datagrams.status().flows;
  assert.deepEqual([flow.state, flow.carrier, flow.plainOut], ["READY", "udp", 20]);
  assert.match(flow.reason, /^plain UDP: .*(refused|remembered)/);
});

Deno.test("an association to the port that is for something else is given up", () => {
  const wire = new DatagramWire({ rules: [DNS_RULES[0], []] });
  wire.pair.b.do((endpoint) => endpoint.listen(DATAGRAM_PORT));
  wire.a.send(CLIENT, SERVER, "x");
  wire.run(100);
  assert.equal(wire.a.send(CLIENT, SERVER, "x"), false);
  assert.equal(wire.a.cache.list(wire.a.now)[0].reason, "the peer carries no datagrams");
  assert.equal(wire.pair.a.associations.length, 0);
});

Deno.test("a flow whose server is not there stays plain, so that ICMP tells the application", () => {
  const wire = new DatagramWire();
  wire.b.sockets.clear();
  wire.a.send(CLIENT, SERVER, "1");
  wire.run(200);
  wire.a.send(CLIENT, SERVER, "2");
  wire.run(200);
  assert.equal(wire.a.send(CLIENT, SERVER, "3"), false);
  assert.match(wire.a.datagrams.status().flows[0].reason, /no socket is bound/);
  wire.b.sockets.set(53, 0);
  wire.run(10_000);
  wire.carry();
  assert.equal(wire.a.send(CLIENT, SERVER, "4"), true, "asked again after a while");
});

Deno.test("where the kernel cannot say who is bound, every server that the rules enable is there", () => {
  const wire = new DatagramWire({ seesSockets: false });
  wire.carry();
  assert.equal(wire.a.send(CLIENT, SERVER, "x"), true);
});

Deno.test("the first datagram to a server that has gone is still delivered to its host", () => {
  const wire = new DatagramWire();
  wire.carry();
  wire.b.sockets.clear();
  assert.ok(wire.a.send("10.0.0.1:6000", SERVER, "query"));
  wire.run(200);
  assert.deepEqual(wire.b.heard(), [`10.0.0.1:6000 > ${SERVER} query`], "which answers by ICMP");
  assert.equal(wire.a.send("10.0.0.1:6000", SERVER, "again"), false);
});

Deno.test("when the rules of the server's host change, what stands goes on, new flows are refused", () => {
  const wire = new DatagramWire();
  wire.carry();
  wire.b.apply({ kind: "flush" });
  assert.ok(wire.a.send(CLIENT, SERVER, "old"));
  wire.a.send("10.0.0.1:6000", SERVER, "new");
  wire.run(200);
  assert.deepEqual(wire.b.heard(), [`${CLIENT} > ${SERVER} old`]);
  assert.equal(wire.b.datagrams.status().dropped.refused, 1);
  assert.equal(wire.a.send("10.0.0.1:6000", SERVER, "new"), false);
});

Deno.test("a socket that is bound to an interface keeps plain UDP", () => {
  const wire = new DatagramWire();
  wire.a.sockets.set(5000, 1);
  wire.carry();
  assert.equal(wire.a.send(CLIENT, SERVER, "x"), false);
  assert.match(wire.a.datagrams.status().flows[0].reason, /bound to an interface/);
});

Deno.test("while every path is in doubt datagrams go by plain UDP, and return to the association", () => {
  const wire = new DatagramWire();
  wire.carry();
  wire.pair.script = () => LOST;
  assert.ok(wire.a.send(CLIENT, SERVER, "lost"));
  wire.run(1100);
  assert.equal(wire.a.send(CLIENT, SERVER, "plain"), false, "after the first time-out");
  const [flow] = wire.a.datagrams.status().flows;
  assert.deepEqual([flow.carrier, flow.reason], [
    "udp",
    "plain UDP: every path of the association is in doubt",
  ]);
  wire.pair.script = () => [10];
  wire.run(4000);
  assert.equal(wire.a.send(CLIENT, SERVER, "carried"), true);
});

Deno.test("when the association is lost, flows fall back, and a new association takes them again", () => {
  const wire = new DatagramWire({ parameters: { associationMaxRetrans: 2, pathMaxRetrans: 1 } });
  wire.carry();
  wire.pair.script = () => LOST;
  for (let i = 0; wire.pair.a.associations.length > 0; i++) {
    assert.ok(i < 100, "the association is lost");
    wire.a.send(CLIENT, SERVER, "x");
    wire.run(500);
  }
  assert.match(wire.a.datagrams.status().flows[0].reason, /^plain UDP: /);
  wire.pair.script = () => [10];
  wire.run(6000);
  wire.carry();
  assert.equal(wire.a.send(CLIENT, SERVER, "carried"), true);
  wire.run(100);
  assert.deepEqual(wire.b.heard(), [`${CLIENT} > ${SERVER} carried`]);
});

Deno.test("a datagram is not sent again after its lifetime, and others do not wait for it", () => {
  for (const [lifetime, arrives] of [[200, false], [5000, true]] as const) {
    const wire = new DatagramWire({ addresses: { a: ["10.0.0.1"], b: ["10.0.0.2"] } });
    wire.a.apply({ kind: "set", key: "udpLifetime", value: lifetime });
    wire.carry();
    wire.pair.script = (_, side) => side === "a" ? LOST : [10];
    wire.a.send(CLIENT, SERVER, "early");
    wire.run(10);
    wire.pair.script = () => [10];
    wire.a.send(CLIENT, SERVER, "late");
    wire.run(100);
    assert.deepEqual(wire.b.heard(), [`${CLIENT} > ${SERVER} late`]);
    wire.run(3000);
    assert.deepEqual(wire.b.heard(), arrives ? [`${CLIENT} > ${SERVER} early`] : []);
  }
});

Deno.test("a full send buffer loses datagrams, and counts them", () => {
  const wire = new DatagramWire({ parameters: { sendBuffer: 4096 } });
  wire.carry();
  wire.pair.script = () => LOST;
  const before = wire.a.datagrams.counters.carriedOut;
  for (let i = 0; i < 10; i++) assert.ok(wire.a.send(CLIENT, SERVER, new Uint8Array(1000)));
  const { dropped, counters } = wire.a.datagrams.status();
  assert.equal(dropped.sendBufferFull, 6);
  assert.equal(counters.carriedOut - before, 4);
});

Deno.test("a datagram that no send buffer has room for goes by plain UDP", () => {
  const wire = new DatagramWire({ parameters: { sendBuffer: 8192 } });
  wire.carry();
  assert.equal(wire.a.send(CLIENT, SERVER, new Uint8Array(9000)), false);
  assert.equal(wire.a.send(CLIENT, SERVER, new Uint8Array(8000)), true);
});

Deno.test("idle flows are forgotten on both hosts, and then the association is closed", () => {
  const wire = new DatagramWire();
  for (const side of [wire.a, wire.b]) side.apply({ kind: "set", key: "udpIdle", value: 10 });
  wire.carry();
  wire.run(9000);
  assert.ok(wire.a.send(CLIENT, SERVER, "x"), "a flow in use stays");
  wire.run(9000);
  assert.equal(wire.a.datagrams.status().flowCount, 1);
  wire.run(8000);
  assert.deepEqual([wire.a, wire.b].map((side) => side.datagrams.status().flowCount), [0, 0]);
  assert.equal(wire.b.send(SERVER, CLIENT, "late answer"), false);
  wire.run(120_000);
  assert.equal(wire.pair.a.associations.length + wire.pair.b.associations.length, 0);
  assert.deepEqual([wire.a.peers, wire.b.peers], [[], []], "nothing is left of the peers");
});

Deno.test("a flow that the server's host has forgotten is opened again by its next datagram", () => {
  const wire = new DatagramWire();
  wire.carry();
  wire.b.apply({ kind: "set", key: "udpIdle", value: 1 });
  wire.run(130_000 - 20_000);
  wire.a.send(CLIENT, SERVER, "unknown");
  wire.run(200);
  wire.a.send(CLIENT, SERVER, "known");
  wire.run(200);
  assert.ok(wire.b.heard().includes(`${CLIENT} > ${SERVER} known`));
});

Deno.test("when a shim stops, its flows go by plain UDP at once", () => {
  const wire = new DatagramWire();
  wire.carry();
  wire.b.close();
  wire.run(500);
  assert.equal(wire.a.send(CLIENT, SERVER, "x"), false);
  assert.equal(wire.b.send(SERVER, CLIENT, "x"), false);
  assert.equal(wire.pair.a.associations.length + wire.pair.b.associations.length, 0);
});

Deno.test("all addresses of a host share one association", () => {
  const addresses = { a: ["10.0.0.1", "10.0.1.1"], b: ["10.0.0.2", "10.0.1.2"] };
  const wire = new DatagramWire({ addresses });
  wire.carry();
  wire.carry("10.0.1.1:6000", "10.0.1.2:53");
  assert.ok(wire.a.send("10.0.1.1:6000", "10.0.1.2:53", "x"));
  wire.run(100);
  assert.deepEqual(wire.b.heard(), ["10.0.1.1:6000 > 10.0.1.2:53 x"]);
  assert.equal(wire.a.associated, 1);
});

Deno.test("a flow from an address that is proved later is carried from then on", () => {
  const addresses = { a: ["10.0.0.1", "10.0.1.1"], b: ["10.0.0.2", "10.0.1.2"] };
  const wire = new DatagramWire({ addresses });
  wire.pair.script = ({ to }) => to.startsWith("10.0.0.") ? LOST : [10];
  wire.carry("10.0.1.1:6000", "10.0.1.2:53");
  wire.a.send(CLIENT, SERVER, "begun before the association");
  wire.a.datagrams.refresh();
  wire.pair.script = () => [10];
  for (let i = 0; !wire.a.send(CLIENT, SERVER, "x"); i++) {
    assert.ok(i < 20, "carried within some seconds");
    wire.run(1000);
  }
});

Deno.test("with a path cut datagrams go on over the other one", () => {
  const addresses = { a: ["10.0.0.1", "10.0.1.1"], b: ["10.0.0.2", "10.0.1.2"] };
  const wire = new DatagramWire({ addresses });
  wire.carry();
  wire.run(1000);
  wire.pair.script = (packet) => packet.to.startsWith("10.0.0.") ? LOST : [10];
  for (let i = 0; i < 40; i++) {
    assert.ok(wire.a.send(CLIENT, SERVER, `${i}`), "none goes by the path that is cut");
    wire.run(100);
  }
  const arrived = wire.b.heard().length;
  assert.ok(arrived >= 25, `${arrived} of 40 arrive`);
});
