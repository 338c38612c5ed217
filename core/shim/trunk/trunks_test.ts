/** When there is a trunk, and what becomes of it. */
import assert from "node:assert/strict";
import { encodeControlMessage, ResetReason, SHIM_ADAPTATION } from "../control_message.ts";
import { SERVED, TrunkWire } from "../testing/trunk_wire.ts";

function set(
  wire: TrunkWire,
  side: "client" | "server",
  key: "multiplex" | "multiplexIdle",
  value: number,
) {
  wire[side].configuration.apply({ kind: "set", key, value });
}

Deno.test("while a trunk is being set up, and without one, connections have their own way", () => {
  const wire = new TrunkWire();
  assert.equal(wire.open(), undefined);
  wire.want();
  assert.equal(wire.open(), undefined);
  wire.want();
  wire.run(100);
  assert.equal(wire.pair.a.associations.length, 1, "a host needs one trunk");
  assert.ok(wire.open());
});

Deno.test("a setting other than on asks for no trunk, and uses none", () => {
  const wire = new TrunkWire();
  wire.setUp();
  set(wire, "client", "multiplex", 1);
  assert.equal(wire.open(), undefined);
  const other = new TrunkWire();
  set(other, "client", "multiplex", 1);
  other.want();
  assert.equal(other.pair.a.associations.length, 0);
});

Deno.test("where the server's side forbids it, the association is given up, and not tried again soon", () => {
  const wire = new TrunkWire();
  set(wire, "server", "multiplex", 0);
  wire.serve();
  wire.want();
  wire.run(1000);
  assert.deepEqual([wire.pair.a.associations, wire.pair.b.associations], [[], []]);
  assert.equal(wire.client.counters.trunks, 0);
  wire.want();
  assert.equal(wire.pair.a.associations.length, 0);
  wire.client.trunks.forgetRefusals();
  wire.want();
  assert.equal(wire.pair.a.associations.length, 1, "in another network it may be another host");
  wire.run(61_000);
  set(wire, "server", "multiplex", 1);
  wire.serve();
  wire.want();
  wire.run(1000);
  assert.equal(wire.client.counters.trunks, 1);
});

Deno.test("a server that has gone meanwhile does not keep its host from having a trunk", () => {
  const wire = new TrunkWire();
  wire.pair.b.do((endpoint) => endpoint.stopListening(SERVED));
  wire.want();
  wire.run(1000);
  assert.deepEqual(wire.pair.a.associations, []);
  wire.serve();
  wire.setUp();
  assert.ok(wire.open());
});

for (const missing of ["interleaving", "streamReconfiguration"] as const) {
  Deno.test(`a peer without ${missing} has no trunk`, () => {
    const wire = new TrunkWire();
    wire.pair.b.do((endpoint) => {
      endpoint.stopListening(SERVED);
      const parameters = { interleaving: 1, fragmentInterleave: 2, [missing]: 0 };
      endpoint.listen(SERVED, { adaptationIndication: 0x53484d02, parameters });
    });
    wire.want();
    wire.run(1000);
    assert.deepEqual(wire.pair.a.associations, []);
    assert.equal(wire.client.counters.trunks, 0);
  });
}

Deno.test("a shim of before, which knows no trunks, keeps no association that is none", () => {
  const wire = new TrunkWire();
  wire.pair.b.do((endpoint) => {
    endpoint.stopListening(SERVED);
    endpoint.listen(SERVED, { adaptationIndication: SHIM_ADAPTATION });
  });
  wire.want();
  wire.run(1000);
  assert.deepEqual(wire.pair.a.associations, []);
  const { events } = wire.pair.b;
  assert.ok(events.some(({ kind }) => kind === "communication-lost"));
});

Deno.test("a trunk is closed when nobody has used it for the time that is set", () => {
  const wire = new TrunkWire();
  set(wire, "client", "multiplexIdle", 10);
  wire.setUp();
  wire.run(5000);
  const [client, server] = wire.connect();
  wire.run(30_000);
  assert.equal(wire.pair.a.associations.length, 1, "it is in use");
  for (const [side, name] of [[wire.client, "client"], [wire.server, "server"]] as const) {
    const [trunk] = side.trunks.statuses();
    assert.deepEqual([trunk.side, trunk.connections], [name, 1]);
    assert.equal(trunk.association.state, "ESTABLISHED");
  }
  client.does("end");
  server.does("end");
  wire.run(9000);
  assert.equal(wire.pair.a.associations.length, 1);
  wire.run(5000);
  assert.deepEqual([wire.pair.a.associations, wire.pair.b.associations], [[], []]);
  assert.equal(wire.client.counters.malformedTrunks + wire.server.counters.malformedTrunks, 0);
});

Deno.test("with the trunk every connection is lost; one that the server has not yet may go otherwise", () => {
  const wire = new TrunkWire();
  wire.setUp();
  const [client, server] = wire.connect();
  const early = wire.open()!;
  const reason = ResetReason.Stopping;
  const [association] = wire.pair.b.associations;
  wire.pair.b.do((_, now) =>
    association.abort(now, encodeControlMessage({ kind: "reset", reason }))
  );
  wire.run(100);
  for (const end of [client, server]) {
    assert.equal(end.told.at(-1), "communication-lost");
    assert.equal(end.socket.closed, "reset");
  }
  assert.match(client.bridge.outcome!.reason, /the shim was stopped/);
  assert.deepEqual(early.told, ["trunk-lost"]);
  assert.equal(wire.open(), undefined);
});

Deno.test("a trunk over which the last packets were lost takes no connection", () => {
  let isCut = false;
  const wire = new TrunkWire({ script: () => isCut ? [] : [10] });
  wire.setUp();
  const [client] = wire.connect();
  isCut = true;
  client.does("lost");
  wire.run(3000);
  assert.equal(wire.open(), undefined);
  isCut = false;
  wire.run(5000);
  assert.ok(wire.open());
});

Deno.test("when the streams are used up there is a further trunk, up to four to a host", () => {
  const wire = new TrunkWire({ parameters: { outboundStreams: 2, inboundStreams: 2 } });
  wire.setUp();
  for (let i = 0; i < 20; i++) {
    wire.open();
    wire.run(100);
  }
  assert.equal(wire.pair.a.associations.length, 4);
  assert.equal(wire.client.counters.multiplexed, 4);
});
