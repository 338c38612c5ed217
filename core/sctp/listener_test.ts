import assert from "node:assert/strict";
import { Extension } from "./extensions.ts";
import { address } from "./testing/test_endpoint.ts";
import { WirePair } from "./testing/wire_pair.ts";

const INTERLEAVING = { interleaving: 1, fragmentInterleave: 2 };

/** What both sides have of an association whose client announces a code point. */
function associateAs(adaptationIndication: number | undefined) {
  const pair = new WirePair({ b: { addresses: ["10.0.0.2", "10.0.1.2"] } });
  pair.b.do((endpoint) => {
    endpoint.stopListening(5000);
    endpoint.listen(5000, {
      localAddresses: [address("10.0.0.2")],
      adaptationIndication: 1,
      byAdaptation: new Map([[2, {
        localAddresses: undefined,
        adaptationIndication: 2,
        parameters: INTERLEAVING,
      }]]),
    });
  });
  const client = pair.associate(["10.0.0.2"], { adaptationIndication, parameters: INTERLEAVING });
  const isUp = () => client.state === "ESTABLISHED" && pair.b.associations.length > 0;
  pair.runUntil(isUp, 1000, "the association");
  return { client, server: pair.b.associations[0] };
}

Deno.test("a listener offers what it has for the code point that a client announces", () => {
  const { client, server } = associateAs(2);
  assert.equal(client.peerAdaptationIndication, 2);
  assert.deepEqual([client.interleaves, server.interleaves], [true, true]);
  assert.equal(server.parameters.interleaving, 1);
  assert.deepEqual(client.peerAddresses.map(String), ["10.0.0.2", "10.0.1.2"]);
});

Deno.test("whoever announces another code point, or none, gets the listener's own offer", () => {
  for (const indication of [1, 3, undefined]) {
    const { client, server } = associateAs(indication);
    assert.equal(client.peerAdaptationIndication, 1);
    assert.equal(server.extensions & Extension.Interleaving, 0);
    assert.ok(!client.peerAddresses.map(String).includes("10.0.1.2"));
  }
});
